"""Draws splits: the tickets as a ring for each fold, with arcs for train, val and test."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from memmpy.display import format_share
from memmpy.figures import (
    COLOURS,
    add_legend,
    new_figure,
    set_plain_text,
)
from memmpy.order import NUM_TICKETS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_ring"]

#: The (start, stop) of the tickets of each split.
Arcs: TypeAlias = Mapping[str, Sequence[tuple[int, int]]]

_COLOURS = {"train": COLOURS[0], "val": COLOURS[1], "test": COLOURS[2]}
#: Folds that are drawn, and folds whose names the border has.
_MAX_FOLDS, _MAX_NAMED = 10, 10
#: The radius of the hole, where the ring of the last fold ends.
_HOLE = 0.38


def draw_ring(folds: Sequence[Arcs], *, num_folds: int | None) -> "Figure":
    """Draw a ring of tickets for each fold, the first outside, and return the figure.

    Parameters
    ----------
    folds : sequence of mapping of str to sequence of (int, int)
        The tickets of the splits of each fold; of one set of splits without folds.
    num_folds : int or None
        The number of folds; None without folds.
    """
    shown = folds[:_MAX_FOLDS]
    figure = new_figure(7.2, 5.4)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.11, 0.1, 0.6, 0.8), projection="polar")
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    width = (1 - _HOLE) / len(shown)
    for number, arcs in enumerate(shown):
        inner = 1 - (number + 1) * width
        for split, intervals in arcs.items():
            starts = np.array([start / NUM_TICKETS for start, _ in intervals])
            shares = np.array([(stop - start) / NUM_TICKETS for start, stop in intervals])
            axes.bar(
                2 * math.pi * starts,
                0.94 * width,
                2 * math.pi * shares,
                inner,
                align="edge",
                color=_COLOURS[split],
            )
    _label_ring(axes, num_folds=num_folds, width=width)
    handles, names = _legend_of(shown[0])
    title = "Splits" if num_folds is None else "Splits of each fold"
    legend = add_legend(figure, handles, names, loc="upper right", title=title, alignment="left")
    legend.get_title().set_fontweight("bold")
    notes = ["The ticket of an event, from 0 to 1,", "says on which arc it lies."]
    if num_folds is not None:
        notes += ["", "Outer ring: fold 0.", f"Inner ring: fold {len(shown) - 1}."]
        if len(shown) < len(folds):
            notes += [f"The {len(folds) - len(shown):,} other folds", "are not shown."]
    set_plain_text(
        figure.text(0.99, 0.03, "", ha="right", va="bottom", fontsize="small"), "\n".join(notes)
    )
    return figure


def _label_ring(axes: Any, *, num_folds: int | None, width: float) -> None:
    """Label the border with tickets, or with the fold that tests them."""
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines["polar"].set_visible(False)
    num = num_folds if num_folds is not None and num_folds <= _MAX_NAMED else None
    if num is None:
        shares = np.arange(0, 1, 0.25)
        axes.set_xticks(2 * math.pi * shares, [f"{share:g}" for share in shares])
        return
    edges = 2 * math.pi * np.arange(num) / num
    axes.set_xticks(edges + math.pi / num, [f"fold {fold}\ntests" for fold in range(num)])
    axes.tick_params(axis="x", pad=10)
    for edge in edges:
        axes.plot([edge, edge], [1 - width * num, 1.03], color="white", linewidth=1.2, zorder=3)


def _legend_of(arcs: Arcs) -> tuple[list[Any], list[str]]:
    from matplotlib.patches import Patch

    shares = {
        split: sum(stop - start for start, stop in intervals) / NUM_TICKETS
        for split, intervals in arcs.items()
    }
    names = [f"{split}: {format_share(share)} of events" for split, share in shares.items()]
    return [Patch(color=_COLOURS[split]) for split in shares], names
