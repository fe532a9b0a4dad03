"""Cuts: expressions in the spelling of ROOT or Python that select entries; data, never code."""

from memmpy.cuts.add_column import add_column, recompute_column
from memmpy.cuts.cache import Selection, leftover_cuts
from memmpy.cuts.compute import (
    check_stored,
    columns_used,
    compute_cut_batched,
    find_entries,
    read_cut,
    selection_of,
)
from memmpy.cuts.cut_list import CutRecord, Cuts, list_cuts, verify_cuts
from memmpy.cuts.evaluation import (
    ColumnLike,
    HashedText,
    Program,
    compute_column,
    missing_quotes,
    to_program,
)
from memmpy.cuts.flow import CutFlow, count_steps, cutflow, plan_flow
from memmpy.cuts.inputs import STEP_SIZE
from memmpy.cuts.language import (
    LANGUAGE,
    Constant,
    Key,
    Node,
    check_alias_names,
    keys_in,
    keys_of,
    normal_form,
    parse,
    rename_keys,
    substitute,
)

__all__ = [
    "LANGUAGE",
    "STEP_SIZE",
    "ColumnLike",
    "Constant",
    "CutFlow",
    "CutRecord",
    "Cuts",
    "HashedText",
    "Key",
    "Node",
    "Program",
    "Selection",
    "add_column",
    "check_alias_names",
    "check_stored",
    "columns_used",
    "compute_column",
    "compute_cut_batched",
    "count_steps",
    "cutflow",
    "find_entries",
    "keys_in",
    "keys_of",
    "leftover_cuts",
    "list_cuts",
    "missing_quotes",
    "normal_form",
    "parse",
    "plan_flow",
    "read_cut",
    "recompute_column",
    "rename_keys",
    "selection_of",
    "substitute",
    "to_program",
    "verify_cuts",
]
