"""Hot kernels: arrays in, arrays out."""

from memmpy.gather.columns import take_columns
from memmpy.gather.fields import RowField
from memmpy.gather.joining import join_arrays
from memmpy.gather.lists import take_lists
from memmpy.gather.memory import keep_freed_memory
from memmpy.gather.offsets import check_lists, check_offsets, offsets_of
from memmpy.gather.reductions import count_true, max_lists, min_lists, sum_lists
from memmpy.gather.reference import pad_jagged, take_jagged
from memmpy.gather.unpacking import strip_headers

__all__ = [
    "RowField",
    "check_lists",
    "check_offsets",
    "count_true",
    "join_arrays",
    "keep_freed_memory",
    "max_lists",
    "min_lists",
    "offsets_of",
    "pad_jagged",
    "strip_headers",
    "sum_lists",
    "take_columns",
    "take_jagged",
    "take_lists",
]
