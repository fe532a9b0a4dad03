"""From an order and columns to batches; a column is known only as what has entries."""

from memmpy.loaders.explaining import Explanation, explain
from memmpy.loaders.options import LoaderOptions, check_options
from memmpy.loaders.packed import Packed
from memmpy.loaders.scoring import ShuffleScore, shuffle_score
from memmpy.loaders.shuffling import ShuffleOption
from memmpy.loaders.simple import SimpleLoader
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
