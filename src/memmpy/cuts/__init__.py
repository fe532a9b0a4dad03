"""Cuts: selections written as ROOT or Python would write them, read as data and never as code."""

from memmpy.cuts.adding import add_column
from memmpy.cuts.cache import CutRecord, Selection, list_cuts
from memmpy.cuts.compute import compute_cut_batched, read_cut, select
from memmpy.cuts.computed import computed
from memmpy.cuts.cutflow import count_steps, cutflow, plan_flow
from memmpy.cuts.evaluate import Program, check_keys, evaluate, passes, to_program
from memmpy.cuts.expression import parse
from memmpy.cuts.flow import CutFlow
from memmpy.cuts.functions import CONSTANTS, FUNCTIONS, SPELLINGS, Function
from memmpy.cuts.listing import Cuts
from memmpy.cuts.normal import LANGUAGE, normal
from memmpy.cuts.steps import STEP_SIZE
from memmpy.cuts.substitute import Constant, check_apart, substitute
from memmpy.cuts.tree import (
    Alternative,
    Binary,
    Call,
    Element,
    Key,
    Logical,
    Loop,
    Node,
    Number,
    Reduction,
    Span,
    Text,
    Unary,
    keys_in,
    keys_of,
)
from memmpy.cuts.values import ColumnLike, HashedText, JaggedLike, Values

__all__ = [
    "CONSTANTS",
    "FUNCTIONS",
    "LANGUAGE",
    "SPELLINGS",
    "STEP_SIZE",
    "Alternative",
    "Binary",
    "Call",
    "ColumnLike",
    "Constant",
    "CutFlow",
    "CutRecord",
    "Cuts",
    "Element",
    "Function",
    "HashedText",
    "JaggedLike",
    "Key",
    "Logical",
    "Loop",
    "Node",
    "Number",
    "Program",
    "Reduction",
    "Selection",
    "Span",
    "Text",
    "Unary",
    "Values",
    "add_column",
    "check_apart",
    "check_keys",
    "compute_cut_batched",
    "computed",
    "count_steps",
    "cutflow",
    "evaluate",
    "keys_in",
    "keys_of",
    "list_cuts",
    "normal",
    "parse",
    "passes",
    "plan_flow",
    "read_cut",
    "select",
    "substitute",
    "to_program",
]
