"""Cut-flows: what each step of a cut leaves of each group of entries."""

from memmpy.cuts.flow.cutflow import count_steps, cutflow, plan_flow
from memmpy.cuts.flow.result import CutFlow

__all__ = [
    "CutFlow",
    "count_steps",
    "cutflow",
    "plan_flow",
]
