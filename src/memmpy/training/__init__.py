"""What makes events a training: the audit of a store, and the scores of a model."""

from memmpy.training.audit import audit
from memmpy.training.findings import Audit, Finding
from memmpy.training.roc_curve import RocCurve
from memmpy.training.scores import ScoredEvents, Scores

__all__ = ["Audit", "Finding", "RocCurve", "ScoredEvents", "Scores", "audit"]
