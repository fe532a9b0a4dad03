"""Cut-flows: how many entries of each group pass each step of a cut."""

from memmpy.cuts.flow.cutflow import count_steps, cutflow, plan_flow
from memmpy.cuts.flow.result import CutFlow

__all__ = [
    "CutFlow",
    "count_steps",
    "cutflow",
    "plan_flow",
]
