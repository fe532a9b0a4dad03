"""Hot kernels: arrays in, arrays out."""

from memmpy.gather.columns import take_columns
from memmpy.gather.fields import RowField
from memmpy.gather.lists import spread_lists, take_lists
from memmpy.gather.memory import keep_freed_memory
from memmpy.gather.reductions import count_true, max_lists, min_lists, sum_lists
from memmpy.gather.reference import offsets_of, pad_jagged, take_jagged
from memmpy.gather.rows import spread_rows, take_rows
from memmpy.gather.unpacking import strip_headers
from memmpy.gather.within import wrong_offsets

__all__ = [
    "RowField",
    "count_true",
    "keep_freed_memory",
    "max_lists",
    "min_lists",
    "offsets_of",
    "pad_jagged",
    "spread_lists",
    "spread_rows",
    "strip_headers",
    "sum_lists",
    "take_columns",
    "take_jagged",
    "take_lists",
    "take_rows",
    "wrong_offsets",
]
