"""`ClassBalance`: events, sums of weights and effective events of each class and split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.display import (
    DisplayBlock,
    Renderable,
    Table,
    format_number,
    format_share,
    shorten,
)
from memmpy.errors import argument_hints
from memmpy.figures import (
    Drawable,
    add_legend,
    label_ticks,
    line_style,
    new_figure,
    set_plain_text,
)
from memmpy.order import SPLIT_NAMES
from memmpy.training.class_numbers import NO_CLASS_NAME
from memmpy.training.event_groups import EventGroups
from memmpy.training.weight_sums import WeightSums

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ClassBalance", "balance_of"]

#: How strong the colour of the bars of each split is, and how thick a bar.
_ALPHAS, _BAR = (1.0, 0.65, 0.35), 0.27
#: Bars whose lengths differ by more than this factor have a logarithmic axis.
_MAX_FACTOR = 50.0


@argument_hints
@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClassBalance(Renderable, Drawable):
    """The events of s splits and c classes, with the weights of physics.

    ``print``, ``rich.print`` and notebooks show a table. `plot` draws bars of the events, the sums
    of weights and the effective events; if there are negative weights, of their share, too.

    Attributes
    ----------
    title : str
        The fold, in words; empty without folds.
    splits : tuple of str
        ``"train"``, ``"val"`` and ``"test"``.
    classes : tuple of str
        The names of the classes, and ``"no class"`` if there are events of none.
    num_events, num_negative : int64 arrays of shape (s, c)
        The number of events, and of those with a negative weight.
    sums, effective : float64 arrays of shape (s, c)
        The sum of the weights, and the effective number of events, ``sum(w)**2 / sum(w**2)``.
    """

    title: str
    splits: tuple[str, ...]
    classes: tuple[str, ...]
    num_events: NDArray[np.int64]
    num_negative: NDArray[np.int64]
    sums: NDArray[np.float64]
    effective: NDArray[np.float64]

    def _draw(self) -> "Figure":
        return _draw_balance(self)

    @property
    def _title(self) -> str:
        return "Balance of classes and splits" + (f" of {self.title}" if self.title else "")

    def table(self) -> Table:
        """Return it as a table."""
        sections = [
            [
                (
                    split,
                    name,
                    f"{self.num_events[row, column]:,}",
                    format_number(float(self.sums[row, column]), digits=6),
                    f"{self.effective[row, column]:,.0f}",
                    format_share(
                        int(self.num_negative[row, column]), int(self.num_events[row, column])
                    ),
                )
                for column, name in enumerate(self.classes)
            ]
            for row, split in enumerate(self.splits)
        ]
        headings = ("split", "class", "events", "sum of weights", "effective", "negative")
        return Table(headings, 2, sections, title=self._title, optional=(5,))

    def _blocks(self) -> Sequence[str | DisplayBlock]:
        return [self.table()]


def balance_of(
    sums: Mapping[str, WeightSums], groups: EventGroups, *, fold: int | None
) -> ClassBalance:
    """Return the balance of the classes of a fold from the sums of weights of its splits."""
    num = len(groups.classes) + 1
    merged = [sums[split].merge(groups.group_classes, num) for split in SPLIT_NAMES]
    counts = np.array([one.counts for one in merged])
    num_shown = num if counts[:, -1].any() else num - 1
    return ClassBalance(
        "" if fold is None else f"fold {fold}",
        SPLIT_NAMES,
        (*groups.classes, NO_CLASS_NAME)[:num_shown],
        counts[:, :num_shown],
        np.array([one.num_negative for one in merged])[:, :num_shown],
        np.array([one.totals for one in merged])[:, :num_shown],
        np.array([one.effective for one in merged])[:, :num_shown],
    )


def _draw_balance(balance: ClassBalance) -> "Figure":
    """Draw bars of each class and split, and return the figure."""
    from matplotlib.patches import Patch

    panels: list[tuple[str, NDArray[Any], int]] = [
        ("events", balance.num_events, 0),
        ("sum of weights", balance.sums, 4),
        ("effective events", balance.effective, 0),
    ]
    if balance.num_negative.any():
        shares = 100 * balance.num_negative / np.maximum(1, balance.num_events)
        panels.append(("negative weights (%)", shares, 3))
    num = len(balance.classes)
    figure = new_figure(1.2 + 2.9 * len(panels), max(2.6, 1.2 + 0.85 * num))
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for one, (name, values, digits) in zip(axes, panels, strict=True):
        _draw_bars(one, balance, values, digits)
        set_plain_text(one.set_title("", fontsize="medium"), name)
    label_ticks(axes[0].yaxis, [shorten(name, keep_end=True) for name in balance.classes])
    axes[0].set_ylim(num - 0.5, -0.5)
    handles = [Patch(color="0.2", alpha=alpha) for alpha in _ALPHAS]
    set_plain_text(figure.suptitle("", fontsize="medium", fontweight="bold"), balance._title)
    add_legend(figure, handles, balance.splits, loc="outside lower center", ncols=3)
    return figure


def _draw_bars(axes: Any, balance: ClassBalance, values: NDArray[Any], digits: int) -> None:
    """Draw the bars of a panel, with their values in some digits, or as whole numbers for 0."""
    is_drawn = np.isfinite(values) & (values != 0)
    sizes = np.abs(values[is_drawn])
    log = bool(sizes.size) and sizes.max() > _MAX_FACTOR * sizes.min() and values.min() >= 0
    for split, alpha in enumerate(_ALPHAS):
        for number, name in enumerate(balance.classes):
            is_none = name == NO_CLASS_NAME and number == len(balance.classes) - 1
            value = float(values[split, number])
            place = number + (split - 1) * _BAR
            colour = line_style(-1 if is_none else number)["color"]
            axes.barh(place, value if np.isfinite(value) else 0, _BAR, color=colour, alpha=alpha)
            axes.annotate(
                format_number(value, digits=digits) if digits else f"{value:,.0f}",
                (max(value, 0.0) if np.isfinite(value) else 0.0, place),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize="x-small",
                annotation_clip=False,
            )
    axes.margins(x=0.0)
    if log:
        axes.set_xscale("log")
        low, high = sizes.min(), sizes.max()
        axes.set_xlim(low / 3, high * (high / low) ** 0.45)
    elif sizes.size:
        axes.set_xlim(min(0.0, 1.1 * values[is_drawn].min()), 1.4 * sizes.max())
        axes.axvline(0, color="0.2", linewidth=0.8)
    else:
        axes.set_xlim(0, 1)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize="small")
