"""From an order and columns to batches; a column is known only as what has entries."""

from memmpy.loaders.prefetch import prefetch
from memmpy.loaders.simple import SimpleLoader
from memmpy.loaders.split import SplitLoader

__all__ = ["SimpleLoader", "SplitLoader", "prefetch"]
