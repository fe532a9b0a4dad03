"""Draws a cut-flow: a bar for each step and group."""

from typing import TYPE_CHECKING, Any

import numpy as np

from memmpy.cuts.flow.step_numbers import FlowColumns
from memmpy.display import shorten
from memmpy.figures import add_legend, label_axes, label_ticks, line_style, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_flow"]

#: Names of steps and groups are cut at this length.
_LONGEST = 32


def draw_flow(flow: FlowColumns, *, log: bool) -> "Figure":
    """Draw a cut-flow, and return the figure."""
    num_steps, num_groups = len(flow.steps), flow.num_groups
    has_ratio = bool(flow.ratios)
    is_outside = num_groups > 6
    width = max(6.6, 0.16 * num_steps * num_groups + 1.5) + (2 if is_outside else 0)
    figure = new_figure(min(width, 24), 6 if has_ratio else 4.8)
    panels = figure.subplots(
        2 if has_ratio else 1, 1, sharex=True, squeeze=False,
        gridspec_kw={"height_ratios": [3, 1]} if has_ratio else None,
    )[:, 0]  # fmt: skip
    _draw_bars(panels[0], flow, log=log)
    label_axes(panels[0], "", flow.counted)
    if has_ratio:
        ratio = flow.ratios["S/√B"]
        panels[1].plot(ratio, "o-", color="black", markersize=4)
        panels[1].set_ylim(0, 1.15 * float(ratio[np.isfinite(ratio)].max(initial=0)) or 1)
        label_axes(panels[1], "", "S/√B")
    names = [shorten(step, _LONGEST) for step in flow.steps]
    angle = 30 if sum(map(len, names)) * 0.11 > width - 1.5 else 0
    label_ticks(panels[-1].xaxis, names, angle=angle)
    panels[-1].set_xlim(-0.5, num_steps - 0.5)
    if num_groups > 1:
        groups = [shorten(name, _LONGEST) for name in flow.numbers.names[:num_groups]]
        bars = [container[0] for container in panels[0].containers if container[0] is not None]
        if is_outside:
            add_legend(figure, bars, groups, loc="outside right upper", fontsize="small")
        else:
            options = {"loc": "upper right", "ncols": min(3, num_groups), "fontsize": "small"}
            add_legend(panels[0], bars, groups, **options)
    return figure


def _draw_bars(axes: Any, flow: FlowColumns, *, log: bool) -> None:
    """Draw the sums of each group with their errors, beside each other."""
    num_groups = flow.num_groups
    sums, errors = flow.numbers.sums[:, :num_groups], flow.numbers.errors[:, :num_groups]
    is_drawn = np.isfinite(sums) & np.isfinite(errors)
    sums, errors = np.where(is_drawn, sums, 0), np.where(is_drawn, errors, 0)
    positive = sums[sums > 0]
    least = float(positive.min()) / 3 if len(positive) else 0.1
    top = float((sums + errors).max(initial=0)) or 1.0
    room = 0.12 * (-(-num_groups // 3)) if 1 < num_groups <= 6 else 0.05
    if log:
        axes.set_ylim(least, least * (max(top, 3 * least) / least) ** (1 + room))
        axes.set_yscale("log")
    else:
        bottom = min(0.0, 1.05 * float((sums - errors).min(initial=0)))
        axes.set_ylim(bottom, top + room * (top - bottom))
    places, width = np.arange(len(flow.steps)), 0.84 / num_groups
    for group in range(num_groups):
        style = line_style(group)
        is_dashed = style["linestyle"] != "-"  # the colours repeat
        axes.bar(
            places + (group - (num_groups - 1) / 2) * width, sums[:, group], width,
            yerr=errors[:, group], color=style["color"], hatch=".." if is_dashed else None,
            edgecolor="white" if is_dashed else "none", linewidth=0,
            error_kw={"elinewidth": 0.8, "ecolor": "0.2"},
        )  # fmt: skip
