"""Batches of columns or of the rows of a skim, in a given order."""

from memmpy.loaders.epoch import load_batches
from memmpy.loaders.explanation import Explanation, explain
from memmpy.loaders.loader_options import LoaderOptions
from memmpy.loaders.row_gatherer import PackedRows
from memmpy.loaders.shuffle import Shuffle, ShuffleOption, check_shuffle
from memmpy.loaders.shuffle_score import ShuffleScore, shuffle_score
from memmpy.loaders.simple_loader import SimpleLoader

__all__ = [
    "Explanation",
    "LoaderOptions",
    "PackedRows",
    "Shuffle",
    "ShuffleOption",
    "ShuffleScore",
    "SimpleLoader",
    "check_shuffle",
    "explain",
    "load_batches",
    "shuffle_score",
]
