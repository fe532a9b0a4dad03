"""The result of a cut-flow: entries of each group that pass each step, as numbers and a table."""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.display import Bar, Cell, Renderable, Table, format_measured

__all__ = ["CutFlow"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CutFlow(Renderable):
    """The number of entries of each group that pass each step of a cut, and their sums of weights.

    ``print`` and ``rich.print`` show it as a table, and so do notebooks.

    Attributes
    ----------
    steps : tuple of str
        The steps as the user wrote them, after a first one named ``all``.
    groups : tuple of str
        The values of the columns `by`, such as ``ttH`` or ``ttH, mc16a``.
    counts : int64 array of shape (num_steps, num_groups)
        Entries that pass.
    sums : float64 array of shape (num_steps, num_groups)
        The sum of their weights; without a weight, the counts.
    errors : float64 array of shape (num_steps, num_groups)
        The statistical error of the sum: the square root of the sum of squared weights.
    by : tuple of str
        The columns to group by; empty if all entries are one group.
    weight : str or None
        The expression of the weight, if any.

    Examples
    --------
    >>> flow = cutflow("data.mmpy", ["nJets >= 6", "nBTags_77 >= 2"], by="process")
    >>> flow.counts[-1, flow.groups.index("ttH")]
    >>> print(flow)
    """

    steps: tuple[str, ...]
    groups: tuple[str, ...]
    counts: NDArray[np.int64]
    sums: NDArray[np.float64]
    errors: NDArray[np.float64]
    by: tuple[str, ...]
    weight: str | None

    @property
    def step_efficiencies(self) -> NDArray[np.float64]:
        """The sums divided by those of the previous step; 1 for the first step; 0/0 is NaN."""
        return _ratio(self.sums, self.sums[[0, *range(len(self.steps) - 1)]])

    @property
    def cumulative_efficiencies(self) -> NDArray[np.float64]:
        """The sums divided by those of the first step; 0/0 is NaN."""
        return _ratio(self.sums, self.sums[:1])

    def total(self) -> "CutFlow":
        """Return the cut-flow of all groups together, as one group named ``total``."""
        with np.errstate(all="ignore"):
            return CutFlow(
                steps=self.steps,
                groups=("total",),
                counts=self.counts.sum(axis=1, keepdims=True),
                sums=self.sums.sum(axis=1, keepdims=True),
                errors=np.sqrt((self.errors**2).sum(axis=1, keepdims=True)),
                by=(),
                weight=self.weight,
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the cut-flow as dicts, lists, texts and numbers, for JSON.

        Returns
        -------
        dict
            ``by``, ``weight`` and ``steps``, like the attributes. ``groups`` has the lists
            ``counts``, ``sums``, ``errors``, ``step_efficiencies`` and ``cumulative_efficiencies``
            of each group, with one number per step; ``total`` has those of all groups together.
            None stands for a number that is not finite, since JSON has none.
        """
        return {
            "by": list(self.by),
            "weight": self.weight,
            "steps": list(self.steps),
            "groups": {group: self._numbers_of(i) for i, group in enumerate(self.groups)},
            "total": self.total()._numbers_of(0),
        }

    def _numbers_of(self, group: int) -> dict[str, list[float | None]]:
        arrays: dict[str, NDArray[np.int64] | NDArray[np.float64]] = {
            "counts": self.counts,
            "sums": self.sums,
            "errors": self.errors,
            "step_efficiencies": self.step_efficiencies,
            "cumulative_efficiencies": self.cumulative_efficiencies,
        }
        return {
            name: [value if math.isfinite(value) else None for value in array[:, group].tolist()]
            for name, array in arrays.items()
        }

    def _blocks(self) -> list[Table]:
        measured = "error" if self.weight is None else "sum of weights"
        headings = ["step", "events", measured, "efficiency", "cumulative"]
        flows = [self] if len(self.groups) == 1 else [self, self.total()]
        sections = [flow._rows(group) for flow in flows for group in range(len(flow.groups))]
        if self.by:
            headings = [", ".join(self.by), *headings]
        else:
            sections = [[row[1:] for row in section] for section in sections]
        caption = "" if self.weight is None else f"weight: {self.weight}"
        return [Table(headings, len(headings) - 4, sections, caption)]

    def _rows(self, group: int) -> list[list[Cell]]:
        """Return the rows of a group; the first one holds its name."""
        each = self.step_efficiencies[:, group].tolist()
        all_yet = self.cumulative_efficiencies[:, group].tolist()
        rows: list[list[Cell]] = []
        for i, step in enumerate(self.steps):
            value, error = float(self.sums[i, group]), float(self.errors[i, group])
            rows.append(
                [
                    self.groups[group] if i == 0 else "",
                    step,
                    f"{self.counts[i, group]:,}",
                    f"{error:,.1f}" if self.weight is None else format_measured(value, error),
                    _percent(each[i]) if i else "",
                    Bar(_percent(all_yet[i]), all_yet[i]),
                ]
            )
        return rows


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(all="ignore"):
        ratio: NDArray[np.float64] = part / whole
    return ratio


def _percent(ratio: float) -> str:
    if not math.isfinite(ratio):
        return "-"
    percents = 100 * ratio
    if percents in {0, 100}:
        return f"{percents:.0f} %"
    return f"{percents:.1f} %" if abs(percents) >= 1 else f"{percents:.2g} %"
