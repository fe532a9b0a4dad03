"""From an order and columns to batches; a column is known only as what has entries."""

from memmpy.loaders.explanation import Explanation, explain
from memmpy.loaders.loader_options import LoaderOptions, check_options
from memmpy.loaders.row_windows import Packed
from memmpy.loaders.shuffle import ShuffleOption
from memmpy.loaders.shuffle_score import ShuffleScore, shuffle_score
from memmpy.loaders.simple_loader import SimpleLoader
from memmpy.loaders.windows import load_batches

__all__ = [
    "Explanation",
    "LoaderOptions",
    "Packed",
    "ShuffleOption",
    "ShuffleScore",
    "SimpleLoader",
    "check_options",
    "explain",
    "load_batches",
    "shuffle_score",
]
