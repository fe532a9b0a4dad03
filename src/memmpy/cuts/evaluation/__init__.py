"""Evaluates the tree of a cut on the columns of a range of entries."""

from memmpy.cuts.evaluation.computed_column import compute_column
from memmpy.cuts.evaluation.lint import find_mistakes
from memmpy.cuts.evaluation.operands import ColumnLike, HashedText, JaggedLike, ListSlice, Values
from memmpy.cuts.evaluation.program import Program, check_keys, evaluate, passes, to_program
from memmpy.cuts.evaluation.text_comparison import keys_of_texts, missing_quotes

__all__ = [
    "ColumnLike",
    "HashedText",
    "JaggedLike",
    "ListSlice",
    "Program",
    "Values",
    "check_keys",
    "compute_column",
    "evaluate",
    "find_mistakes",
    "keys_of_texts",
    "missing_quotes",
    "passes",
    "to_program",
]
