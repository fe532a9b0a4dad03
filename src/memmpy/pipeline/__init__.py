"""`load_root`: from files to batches in one call."""

from memmpy.pipeline.load_root import load_root

__all__ = ["load_root"]
