"""Cut-flows: how many entries of each group pass each step of a cut."""

from memmpy.cuts.flow.cutflow import count_steps, cutflow, plan_flow
from memmpy.cuts.flow.cutflow_result import CutFlow
from memmpy.cuts.flow.entry_weights import EntryNotes
from memmpy.cuts.flow.grouped_entries import (
    Grouping,
    GroupOptions,
    GroupTotals,
    plan_groups,
)
from memmpy.cuts.flow.groups import (
    Group,
    distinct_values,
    labels_of,
    sort_groups,
)

__all__ = [
    "CutFlow",
    "EntryNotes",
    "Group",
    "GroupOptions",
    "GroupTotals",
    "Grouping",
    "count_steps",
    "cutflow",
    "distinct_values",
    "labels_of",
    "plan_flow",
    "plan_groups",
    "sort_groups",
]
