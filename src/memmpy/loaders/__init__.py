"""From an order and columns to batches; a column is known only as what has entries."""

from memmpy.loaders.explaining import Explanation
from memmpy.loaders.options import LoaderInput, LoaderOptions, check_options
from memmpy.loaders.packed import Packed
from memmpy.loaders.scoring import ShuffleScore, shuffle_score
from memmpy.loaders.shuffling import ShuffleOption
from memmpy.loaders.simple import SimpleLoader
from memmpy.loaders.split import SplitLoader

__all__ = [
    "Explanation",
    "LoaderInput",
    "LoaderOptions",
    "Packed",
    "ShuffleOption",
    "ShuffleScore",
    "SimpleLoader",
    "SplitLoader",
    "check_options",
    "shuffle_score",
]
