"""Functions of arrays: NumPy versions define the result, Numba versions are fast."""

from memmpy.kernels.class_part import ClassPart
from memmpy.kernels.column_gather import take_columns
from memmpy.kernels.hashing import (
    GOLDEN,
    MIX_MIN_BITS,
    MIX_ROUNDS,
    Words,
    absorb,
    absorb_word,
    derive_key,
    find_words,
    mix64,
)
from memmpy.kernels.histogram import fill_bins
from memmpy.kernels.lists import take_lists
from memmpy.kernels.offsets import check_lists, check_offsets, offsets_of
from memmpy.kernels.records import strip_headers
from memmpy.kernels.reductions import count_true, max_lists, min_lists, sum_lists
from memmpy.kernels.reference import join_arrays, pad_jagged, take_jagged
from memmpy.kernels.row_field import RowField
from memmpy.kernels.row_values import multiply_weights, standardize
from memmpy.kernels.threshold import BYTES_MOVED, ITEMS_REDUCED, VALUES_BINNED, is_worth_compiling
from memmpy.kernels.value_summary import (
    BinFrame,
    ValueSummary,
    distances_from,
    places_of,
    summarize,
)

__all__ = [
    "BYTES_MOVED",
    "GOLDEN",
    "ITEMS_REDUCED",
    "MIX_MIN_BITS",
    "MIX_ROUNDS",
    "VALUES_BINNED",
    "BinFrame",
    "ClassPart",
    "RowField",
    "ValueSummary",
    "Words",
    "absorb",
    "absorb_word",
    "check_lists",
    "check_offsets",
    "count_true",
    "derive_key",
    "distances_from",
    "fill_bins",
    "find_words",
    "is_worth_compiling",
    "join_arrays",
    "max_lists",
    "min_lists",
    "mix64",
    "multiply_weights",
    "offsets_of",
    "pad_jagged",
    "places_of",
    "standardize",
    "strip_headers",
    "sum_lists",
    "summarize",
    "take_columns",
    "take_jagged",
    "take_lists",
]
