"""Audits: what would spoil a training, in a store or in a training set."""

from memmpy.training.audit.findings import Audit, Finding
from memmpy.training.audit.set_audit import audit_training_set
from memmpy.training.audit.store_audit import audit

__all__ = ["Audit", "Finding", "audit", "audit_training_set"]
