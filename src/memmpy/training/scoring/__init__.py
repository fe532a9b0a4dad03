"""Scores of a model: collected event by event, judged, drawn, and written as friend trees."""

from memmpy.training.scoring.roc_curve import RocCurve, points_of
from memmpy.training.scoring.score_curves import ScoreCurves
from memmpy.training.scoring.score_histograms import ScoreHistogram, ScoreHistograms
from memmpy.training.scoring.scores import Scores

__all__ = [
    "RocCurve",
    "ScoreCurves",
    "ScoreHistogram",
    "ScoreHistograms",
    "Scores",
    "points_of",
]
