"""Shows a cut-flow as a table: steps as rows, groups as columns; in a terminal and in LaTeX."""

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memmpy.cuts.flow.step_numbers import FlowColumns
from memmpy.display import Table, WideTable, format_measured, format_share, printable

__all__ = ["flow_table", "latex_table"]

#: Groups at most that are columns; more of them, such as runs, are rows.
_MAX_COLUMNS = 12
_LATEX = str.maketrans(
    {letter: f"\\{letter}" for letter in "&%$#_{}"}
    | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}"}
    | {"√": r"$\surd$", "±": r"$\pm$"}
)


def flow_table(flow: FlowColumns) -> Table | WideTable:
    """Return the table of a cut-flow; of one group, its numbers are beside each other."""
    numbers, has_weight = flow.numbers, flow.weight is not None
    caption = f"weight: {flow.weight}" if has_weight else ""
    counts = [[f"{count:,}" for count in row] for row in numbers.counts.tolist()]
    sums = _measured_rows(numbers.sums, numbers.errors)
    each = _percent_rows(numbers.step_efficiencies, numbers.step_efficiency_errors)
    all_yet = _percent_rows(numbers.cumulative_efficiencies, numbers.cumulative_efficiency_errors)
    each[0] = [""] * len(numbers.names)
    if len(numbers.names) == 1:
        headings = ["step", "events", "sum of weights", "efficiency", "cumulative"]
        columns = [counts, sums, each, all_yet]
        if not has_weight:
            del headings[2], columns[1]
        rows = [[step, *(column[i][0] for column in columns)] for i, step in enumerate(flow.steps)]
        return Table(headings, 1, [rows], caption)
    ratios = [[_ratio_text(value) for value in values] for values in flow.ratios.values()]
    more = [list(row) for row in zip(*ratios, strict=True)] or [[] for _ in flow.steps]
    blank = [[""] * len(ratios)] * len(flow.steps)
    sections = [
        (flow.counted, _rows(flow.steps, sums if has_weight else counts, more)),
        ("efficiency of each step", _rows(flow.steps, each, blank)),
        ("cumulative efficiency", _rows(flow.steps, all_yet, blank)),
    ]
    if has_weight:
        sections.append(("events", _rows(flow.steps, counts, blank)))
    names = [*numbers.names, *flow.ratios]
    if flow.num_groups > _MAX_COLUMNS:
        turned = [(title, _turned(names, rows)) for title, rows in sections]
        return WideTable(["group", *flow.steps], turned, caption)
    del sections[1][1][0], sections[2][1][0]  # the first step has no efficiency to show
    return WideTable(["step", *names], [section for section in sections if section[1]], caption)


def latex_table(flow: FlowColumns) -> str:
    """Return the sums, and the efficiency of all steps, as a ``tabular`` with rules of booktabs."""
    numbers = flow.numbers
    if flow.weight is None:
        sums = [[f"{count:,}" for count in row] for row in numbers.counts.tolist()]
    else:
        sums = _measured_rows(numbers.sums, numbers.errors)
    all_yet = _percent_rows(numbers.cumulative_efficiencies, numbers.cumulative_efficiency_errors)
    rows = [
        [
            _escaped(step),
            *map(_in_math, sums[i]),
            *(_in_math(_ratio_text(v[i])) for v in flow.ratios.values()),
        ]
        for i, step in enumerate(flow.steps)
    ]
    last = ["efficiency", *map(_in_math, all_yet[-1]), *[""] * len(flow.ratios)]
    names = [name.replace("√B", r"\sqrt{B}") for name in flow.ratios]
    lines = [
        rf"\begin{{tabular}}{{l{'r' * (len(last) - 1)}}}",
        r"\toprule",
        _latex_row(["step", *map(_escaped, numbers.names), *(f"${name}$" for name in names)]),
        r"\midrule",
        *map(_latex_row, rows),
        r"\midrule",
        _latex_row(last),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _rows(
    steps: Sequence[str], numbers: Sequence[Sequence[str]], more: Sequence[Sequence[str]]
) -> list[list[str]]:
    return [[step, *row, *rest] for step, row, rest in zip(steps, numbers, more, strict=True)]


def _turned(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return rows of steps as rows of groups, without those that are blank."""
    columns = zip(*(row[1:] for row in rows), strict=True)
    turned = [[name, *column] for name, column in zip(names, columns, strict=True)]
    return [row for row in turned if any(row[1:])]


def _measured_rows(values: NDArray[np.float64], errors: NDArray[np.float64]) -> list[list[str]]:
    return [
        [format_measured(value, error) for value, error in zip(*pair, strict=True)]
        for pair in zip(values.tolist(), errors.tolist(), strict=True)
    ]


def _percent_rows(values: NDArray[np.float64], errors: NDArray[np.float64]) -> list[list[str]]:
    return [
        [_percent(value, error) for value, error in zip(*pair, strict=True)]
        for pair in zip(values.tolist(), errors.tolist(), strict=True)
    ]


def _percent(ratio: float, error: float) -> str:
    if not math.isfinite(ratio):
        return "-"
    if error == 0 or not math.isfinite(error):
        return format_share(ratio)
    decimals = min(9, max(1, -math.floor(math.log10(100 * error))))
    return f"{100 * ratio:.{decimals}f} ± {100 * error:.{decimals}f} %"


def _ratio_text(ratio: float) -> str:
    return f"{ratio:.3g}" if math.isfinite(ratio) else "-"


def _latex_row(cells: Sequence[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _escaped(text: str) -> str:
    return printable(text).translate(_LATEX)


def _in_math(number: str) -> str:
    r"""Return a number as mathematics of LaTeX: ``$1{,}234.5 \pm 3.2$``."""
    if not any(letter.isdigit() for letter in number):
        return "--"
    number = re.sub(r"e([+-])0*(\d+)", lambda m: rf" \times 10^{{{m[1].strip('+')}{m[2]}}}", number)
    replaced = number.replace(",", "{,}").replace("±", r"\pm").replace(" %", r"\,\%")
    return f"${replaced}$"
