"""Cuts: selections written as ROOT or Python would write them, read as data and never as code."""

from memmpy.cuts.cache import Selection
from memmpy.cuts.compute import STEP_SIZE, compute_cut_batched, read_cut, select
from memmpy.cuts.cutflow import FlowStep, count_flow
from memmpy.cuts.evaluate import Program, check_keys, evaluate, passes, to_program
from memmpy.cuts.expression import parse
from memmpy.cuts.functions import FUNCTIONS, Function
from memmpy.cuts.normal import normal
from memmpy.cuts.substitute import Constant, check_apart, substitute
from memmpy.cuts.tree import (
    Binary,
    Call,
    Key,
    Logical,
    Node,
    Number,
    Span,
    Text,
    Unary,
    keys_in,
    keys_of,
)
from memmpy.cuts.values import ColumnLike, HashedText, JaggedLike, Values

__all__ = [
    "FUNCTIONS",
    "STEP_SIZE",
    "Binary",
    "Call",
    "ColumnLike",
    "Constant",
    "FlowStep",
    "Function",
    "HashedText",
    "JaggedLike",
    "Key",
    "Logical",
    "Node",
    "Number",
    "Program",
    "Selection",
    "Span",
    "Text",
    "Unary",
    "Values",
    "check_apart",
    "check_keys",
    "compute_cut_batched",
    "count_flow",
    "evaluate",
    "keys_in",
    "keys_of",
    "normal",
    "parse",
    "passes",
    "read_cut",
    "select",
    "substitute",
    "to_program",
]
