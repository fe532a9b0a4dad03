"""What makes rows a training set: so far the audit, which looks for what would spoil one."""

from memmpy.training.audit import audit
from memmpy.training.findings import Audit, Finding

__all__ = ["Audit", "Finding", "audit"]
