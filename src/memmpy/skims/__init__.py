"""Skims: copies of a store for training, packed row by row in the order of their tickets."""

from memmpy.skims.array_rows import pack_arrays
from memmpy.skims.derived_columns import Derived, Expression, expression_of, missing_of
from memmpy.skims.folder import SKIMS, delete_leftover, leftover_skims, remove_skim
from memmpy.skims.make_skim import make_skim, skim
from memmpy.skims.objects import Objects, object_columns
from memmpy.skims.row_layout import lay_out
from memmpy.skims.skim_list import Skims, find_skims, is_skim, list_skims, verify_skims
from memmpy.skims.skim_reader import Skim
from memmpy.skims.skim_request import SkimRequest, check_groups, check_request, request_of
from memmpy.skims.skim_statistics import Statistics, skim_statistics
from memmpy.skims.sorting.sort_plan import Sizes
from memmpy.skims.value_counts import KeyCounts

__all__ = [
    "SKIMS",
    "Derived",
    "Expression",
    "KeyCounts",
    "Objects",
    "Sizes",
    "Skim",
    "SkimRequest",
    "Skims",
    "Statistics",
    "check_groups",
    "check_request",
    "delete_leftover",
    "expression_of",
    "find_skims",
    "is_skim",
    "lay_out",
    "leftover_skims",
    "list_skims",
    "make_skim",
    "missing_of",
    "object_columns",
    "pack_arrays",
    "remove_skim",
    "request_of",
    "skim",
    "skim_statistics",
    "verify_skims",
]
