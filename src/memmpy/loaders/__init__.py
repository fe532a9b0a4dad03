"""From an order and columns to batches; a column is known only as what has entries."""

from memmpy.loaders.explanation import Explanation, explain
from memmpy.loaders.loader_options import LoaderOptions
from memmpy.loaders.row_windows import Packed
from memmpy.loaders.shuffle import Shuffle, ShuffleOption, check_shuffle
from memmpy.loaders.shuffle_score import ShuffleScore, shuffle_score
from memmpy.loaders.simple_loader import SimpleLoader
from memmpy.loaders.windows import load_batches

__all__ = [
    "Explanation",
    "LoaderOptions",
    "Packed",
    "Shuffle",
    "ShuffleOption",
    "ShuffleScore",
    "SimpleLoader",
    "check_shuffle",
    "explain",
    "load_batches",
    "shuffle_score",
]
