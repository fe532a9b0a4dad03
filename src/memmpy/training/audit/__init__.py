"""Audits: what would spoil a training, in a store."""

from memmpy.training.audit.findings import Audit, Finding
from memmpy.training.audit.store_audit import audit

__all__ = ["Audit", "Finding", "audit"]
