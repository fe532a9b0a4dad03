"""The result of a cut-flow: entries of each group that pass each step, as numbers and a table."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_flag
from memmpy.cuts.flow.flow_plot import draw_flow
from memmpy.cuts.flow.flow_table import flow_table, latex_table
from memmpy.cuts.flow.step_numbers import FlowColumns, StepNumbers
from memmpy.display import DisplayBlock, Renderable, json_value
from memmpy.errors import argument_hints, require
from memmpy.figures import check_figure_path, save_figure
from memmpy.typing import PathLike

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["CutFlow"]


@argument_hints
@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CutFlow(Renderable):
    """The number of entries of each group that pass each step of a cut, and their sums of weights.

    ``print`` and ``rich.print`` show it as a table, and so do notebooks: steps are rows, and up to
    12 groups are columns.

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
    signal : tuple of str
        The groups that are the signal; empty if none is named.
    background : tuple of str
        The groups that are neither the signal nor ``data``; empty if no signal is named.

    Examples
    --------
    >>> flow = cutflow("data.mmpy", ["nJets >= 6", "nBTags_77 >= 2"], by="process", signal="ttH")
    >>> flow.counts[-1, flow.groups.index("ttH")]
    >>> print(flow)
    >>> flow.plot("cutflow.pdf")
    """

    steps: tuple[str, ...]
    groups: tuple[str, ...]
    counts: NDArray[np.int64]
    sums: NDArray[np.float64]
    errors: NDArray[np.float64]
    by: tuple[str, ...]
    weight: str | None
    signal: tuple[str, ...] = ()
    background: tuple[str, ...] = ()

    @property
    def step_efficiencies(self) -> NDArray[np.float64]:
        """The sums divided by those of the previous step; 1 for the first step; 0/0 is NaN."""
        return self._numbers.step_efficiencies

    @property
    def cumulative_efficiencies(self) -> NDArray[np.float64]:
        """The sums divided by those of the first step; 0/0 is NaN."""
        return self._numbers.cumulative_efficiencies

    @property
    def step_efficiency_errors(self) -> NDArray[np.float64]:
        """The binomial errors of `step_efficiencies`, with weights."""
        return self._numbers.step_efficiency_errors

    @property
    def cumulative_efficiency_errors(self) -> NDArray[np.float64]:
        """The binomial errors of `cumulative_efficiencies`, with weights."""
        return self._numbers.cumulative_efficiency_errors

    @property
    def s_over_b(self) -> NDArray[np.float64]:
        """The signal divided by the background at each step; NaN if no signal is named."""
        return self._signal_to_background(1)

    @property
    def s_over_sqrt_b(self) -> NDArray[np.float64]:
        """The signal divided by the square root of the background; NaN if no signal is named."""
        return self._signal_to_background(0.5)

    def total(self) -> "CutFlow":
        """Return the cut-flow of all groups together, as one group named ``total``."""
        total = self._numbers.sum_of(range(len(self.groups)), "total")
        return CutFlow(
            self.steps, total.names, total.counts, total.sums, total.errors, (), self.weight
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the cut-flow as dicts, lists, texts and numbers, for JSON.

        Returns
        -------
        dict
            ``by``, ``weight`` and ``steps``, like the attributes. ``groups`` has the lists
            ``counts``, ``sums``, ``errors``, ``step_efficiencies``, ``cumulative_efficiencies`` and
            the errors of these of each group, with one number per step; ``total`` has those of all
            groups together. With a signal, also ``signal``, ``background``, ``s_over_b`` and
            ``s_over_sqrt_b``. None stands for a number that is not finite, since JSON has none.
        """
        result: dict[str, Any] = {
            "by": list(self.by),
            "weight": self.weight,
            "steps": list(self.steps),
            "groups": {group: self._numbers_of(i) for i, group in enumerate(self.groups)},
            "total": self.total()._numbers_of(0),
        }
        if self.signal:
            result |= {
                "signal": list(self.signal),
                "background": list(self.background),
                "s_over_b": json_value(self.s_over_b.tolist()),
                "s_over_sqrt_b": json_value(self.s_over_sqrt_b.tolist()),
            }
        return result

    def to_pandas(self) -> "pd.DataFrame":
        """Return the cut-flow as a table of pandas: steps as rows, numbers and groups as columns.

        Returns
        -------
        pandas.DataFrame
            ``frame["sum"]`` has a column for each group; so have ``"events"``, ``"error"``,
            ``"efficiency"``, ``"efficiency_error"``, ``"cumulative"`` and ``"cumulative_error"``.
            With a signal, ``frame["S/B"]`` and ``frame["S/√B"]`` are columns.

        Raises
        ------
        MissingPackageError
            If pandas is not installed: ``pip install 'memmpy[pandas]'``.
        """
        pandas = require("pandas", what="to_pandas", extra="pandas")
        arrays: dict[str, Any] = {
            "events": self.counts,
            "sum": self.sums,
            "error": self.errors,
            "efficiency": self.step_efficiencies,
            "efficiency_error": self.step_efficiency_errors,
            "cumulative": self.cumulative_efficiencies,
            "cumulative_error": self.cumulative_efficiency_errors,
        }
        columns = {
            (name, group): array[:, i]
            for name, array in arrays.items()
            for i, group in enumerate(self.groups)
        }
        columns |= {(name, ""): values for name, values in self._shown.ratios.items()}
        names = ["number", ", ".join(self.by) or "group"]
        index = pandas.Index(self.steps, name="step")
        frame = pandas.DataFrame(columns, index=index)
        frame.columns = pandas.MultiIndex.from_tuples(columns, names=names)
        return frame

    def to_latex(self) -> str:
        r"""Return the sums as a LaTeX table; it needs ``\usepackage{booktabs}``.

        Steps are rows, groups are columns; the last row has the efficiency of all steps. Names and
        cuts are escaped.
        """
        return latex_table(self._shown)

    def plot(self, path: PathLike | None = None, *, log: bool = True) -> "Figure":
        """Draw a bar for each step and group. With a signal, a panel shows S/√B.

        Parameters
        ----------
        path : path-like, optional
            The file to write: ``.png``, ``.pdf`` or ``.svg``.
        log : bool, default True
            Whether the vertical axis is logarithmic.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        OptionError
            If the suffix of the file is another one.
        MissingPackageError
            If matplotlib is not installed: ``pip install 'memmpy[plot]'``.
        DiskError, ReadOnlyStoreError
            If the file cannot be written.
        """
        file = check_figure_path(path)
        return save_figure(draw_flow(self._shown, log=check_flag("log", log)), file)

    @property
    def _numbers(self) -> StepNumbers:
        return StepNumbers(self.groups, self.counts, self.sums, self.errors)

    @property
    def _shown(self) -> FlowColumns:
        """The groups, and the sums that make sense: never of signal and background."""
        numbers, sums, ratios = self._numbers, [], {}
        if self.signal:
            ratios = {"S/B": self.s_over_b, "S/√B": self.s_over_sqrt_b}
            for name, groups in (("signal", self.signal), ("background", self.background)):
                if len(groups) > 1:
                    sums.append(numbers.sum_of([self.groups.index(g) for g in groups], name))
        elif len(self.groups) > 1 and (self.weight is not None or "process" not in self.by):
            sums.append(numbers.sum_of(range(len(self.groups)), "total"))
        return FlowColumns(self.steps, numbers.beside(sums), len(self.groups), ratios, self.weight)

    def _signal_to_background(self, power: float) -> NDArray[np.float64]:
        if not self.signal:
            return np.full(len(self.steps), np.nan)
        signal, background = (
            self.sums[:, [self.groups.index(group) for group in groups]].sum(axis=1)
            for groups in (self.signal, self.background)
        )
        with np.errstate(all="ignore"):
            ratio: NDArray[np.float64] = (
                signal / np.where(background > 0, background, np.nan) ** power
            )
        return ratio

    def _numbers_of(self, group: int) -> dict[str, list[float | None]]:
        names = (
            "counts",
            "sums",
            "errors",
            "step_efficiencies",
            "cumulative_efficiencies",
            "step_efficiency_errors",
            "cumulative_efficiency_errors",
        )
        return {name: json_value(getattr(self, name)[:, group].tolist()) for name in names}

    def table(self) -> DisplayBlock:
        """Return the cut-flow as a table."""
        return flow_table(self._shown)

    def _blocks(self) -> list[DisplayBlock]:
        return [self.table()]
