"""Scores of a model: collected event by event, judged, drawn, and written as friend trees."""

from memmpy.training.scoring.roc_curve import RocCurve
from memmpy.training.scoring.scores import ScoredEvents, Scores

__all__ = ["RocCurve", "ScoredEvents", "Scores"]
