"""Batches of tensors on a GPU: copied ahead, or gathered there from rows that stay on it."""

from memmpy.frameworks.gpu.device_copies import check_device, copies_to, require_torch
from memmpy.frameworks.gpu.resident_rows import ResidentLoader

__all__ = ["ResidentLoader", "check_device", "copies_to", "require_torch"]
