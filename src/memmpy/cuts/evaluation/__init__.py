"""From a tree to numbers: how a cut is computed on the columns of a range of entries."""

from memmpy.cuts.evaluation.computed import computed
from memmpy.cuts.evaluation.evaluate import Program, check_keys, evaluate, passes, to_program
from memmpy.cuts.evaluation.slips import warn_of, warn_of_slips
from memmpy.cuts.evaluation.values import ColumnLike, HashedText, JaggedLike, ListSlice, Values

__all__ = [
    "ColumnLike",
    "HashedText",
    "JaggedLike",
    "ListSlice",
    "Program",
    "Values",
    "check_keys",
    "computed",
    "evaluate",
    "passes",
    "to_program",
    "warn_of",
    "warn_of_slips",
]
