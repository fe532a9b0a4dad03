"""The audit of a store: events, rows and values that would spoil a training."""

from memmpy.training.audit import audit
from memmpy.training.findings import Audit, Finding

__all__ = ["Audit", "Finding", "audit"]
