"""Batches of columns or of the rows of a skim, in a given order."""

from memmpy.loaders.check_data import arrays_of, check_data, check_sendable
from memmpy.loaders.chunk import Lists
from memmpy.loaders.epoch import (
    EpochChunks,
    chunks_of_columns,
    load_batches,
    load_members,
    mark_repeat,
    quietly_at_first,
)
from memmpy.loaders.epoch_iterable import EpochIterable
from memmpy.loaders.explanation import Explanation, explain
from memmpy.loaders.loader_options import LoaderOptions
from memmpy.loaders.pagecache.advice import os_page_cache
from memmpy.loaders.pagecache.pages import map_of, release_pages
from memmpy.loaders.row_gatherer import PackedRows, RowGatherer, RowTransform
from memmpy.loaders.row_ranges import rows_between, slice_ranges, steps_of
from memmpy.loaders.sampling import ClassSampling, Sampling, SamplingOption, check_sampling
from memmpy.loaders.shuffle import (
    Shuffle,
    ShuffleOption,
    check_shuffle,
    choose_shuffle,
    warning_of_blocks,
)
from memmpy.loaders.shuffle_score import ShuffleScore, shuffle_score
from memmpy.loaders.simple_loader import SimpleLoader

__all__ = [
    "ClassSampling",
    "EpochChunks",
    "EpochIterable",
    "Explanation",
    "Lists",
    "LoaderOptions",
    "PackedRows",
    "RowGatherer",
    "RowTransform",
    "Sampling",
    "SamplingOption",
    "Shuffle",
    "ShuffleOption",
    "ShuffleScore",
    "SimpleLoader",
    "arrays_of",
    "check_data",
    "check_sampling",
    "check_sendable",
    "check_shuffle",
    "choose_shuffle",
    "chunks_of_columns",
    "explain",
    "load_batches",
    "load_members",
    "map_of",
    "mark_repeat",
    "os_page_cache",
    "quietly_at_first",
    "release_pages",
    "rows_between",
    "shuffle_score",
    "slice_ranges",
    "steps_of",
    "warning_of_blocks",
]
