"""Training sets: labels, weights, scaling, scores; and the audit of what would spoil a training."""

from memmpy.training.audit import Audit, Finding, audit
from memmpy.training.fit import Fit
from memmpy.training.label_columns import LABEL, WEIGHT
from memmpy.training.reweight import Reweight
from memmpy.training.row_fit import RowFit
from memmpy.training.scoring import (
    RocCurve,
    ScoreCurves,
    ScoreHistogram,
    ScoreHistograms,
    Scores,
    points_of,
)
from memmpy.training.summaries import ClassBalance, Correlations, InputHistogram, InputHistograms
from memmpy.training.training_request import (
    TRAINING_DEFAULTS,
    Inputs,
    Negative,
    Normalise,
    TrainingRequest,
)
from memmpy.training.training_set import TrainingSet, make_training_set

__all__ = [
    "LABEL",
    "TRAINING_DEFAULTS",
    "WEIGHT",
    "Audit",
    "ClassBalance",
    "Correlations",
    "Finding",
    "Fit",
    "InputHistogram",
    "InputHistograms",
    "Inputs",
    "Negative",
    "Normalise",
    "Reweight",
    "RocCurve",
    "RowFit",
    "ScoreCurves",
    "ScoreHistogram",
    "ScoreHistograms",
    "Scores",
    "TrainingRequest",
    "TrainingSet",
    "audit",
    "make_training_set",
    "points_of",
]
