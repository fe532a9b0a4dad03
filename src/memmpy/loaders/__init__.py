"""From an order and columns to batches; a column is known only as what has entries."""

from memmpy.loaders.explaining import Explanation
from memmpy.loaders.packed import Packed
from memmpy.loaders.scoring import ShuffleScore, shuffle_score
from memmpy.loaders.shuffling import ShuffleOption, choose_shuffle
from memmpy.loaders.simple import SimpleLoader
from memmpy.loaders.split import SplitLoader

__all__ = [
    "Explanation",
    "Packed",
    "ShuffleOption",
    "ShuffleScore",
    "SimpleLoader",
    "SplitLoader",
    "choose_shuffle",
    "shuffle_score",
]
