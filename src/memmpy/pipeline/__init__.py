"""`load_root`: from files to batches in one call."""

from memmpy.pipeline.load_root import load_root
from memmpy.pipeline.training_files import training_set

__all__ = ["load_root", "training_set"]
