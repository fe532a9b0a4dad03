"""The content of a report, as plain values: sections of tables, histograms, curves and code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from memmpy.display import DisplayBlock, Table
from memmpy.errors import OptionError

__all__ = [
    "Chart",
    "ChartSet",
    "FindingGroup",
    "Panel",
    "ReportData",
    "Section",
    "Verdict",
    "View",
    "bins_of",
    "table_panel",
]


@final
@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the data are fit for a training.

    Parameters
    ----------
    level : "good", "warning", "error" or "unknown"
        The worst finding.
    title, text : str
        The verdict in a few words, and what follows from it.
    """

    level: Literal["good", "warning", "error", "unknown"]
    title: str
    text: str = ""


@final
@dataclass(frozen=True, slots=True)
class FindingGroup:
    """The findings of one kind.

    Parameters
    ----------
    level, kind, message : str
        As in `Finding`.
    table : Table
        The first findings.
    more : Table or None
        The others, which the page shows on request.
    """

    level: str
    kind: str
    message: str
    table: Table
    more: Table | None = None


@final
@dataclass(frozen=True, slots=True)
class View:
    """A way to group the histograms of a set, such as by process.

    Parameters
    ----------
    name : str
        Such as ``process``.
    names : sequence of str
        The names of its groups.
    owners : sequence of int
        For each row of bins of a chart, the group that it belongs to; -1 for none.
    """

    name: str
    names: Sequence[str]
    owners: Sequence[int]


@final
@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with a title, a line of numbers, and a text in its place for screen readers.

    Parameters
    ----------
    title, kind, origin : str
        The key, its type, and where it comes from.
    facts : sequence of str
        Facts below the picture.
    alternative : str
        What the picture shows, in words.
    drawing : mapping
        JSON values that the script of the page draws. A histogram has ``bins`` (a row of numbers
        for each process, or 0 for an empty row) and ``low`` and ``high``, or ``labels``. Curves
        have ``curves`` (pairs of x and y), ``axes``, ``low`` and ``high``. A matrix has ``matrix``
        and ``names``. It is empty if nothing can be drawn.
    """

    title: str
    drawing: Mapping[str, Any]
    alternative: str
    kind: str = ""
    origin: str = ""
    facts: Sequence[str] = ()

    @property
    def has_bins(self) -> bool:
        """Whether it is a histogram."""
        return "bins" in self.drawing


@final
@dataclass(frozen=True, slots=True)
class ChartSet:
    """Charts that share a legend and its toggles.

    Parameters
    ----------
    views : sequence of View
        The ways to group them; the page begins with the first.
    charts : sequence of Chart
        The charts.
    is_normalised : bool
        Whether the page begins with equal areas.
    has_toolbar : bool
        Whether there are toggles and a legend.
    has_search : bool
        Whether there is a search box; one set of a page may have it.
    """

    views: Sequence[View]
    charts: Sequence[Chart]
    is_normalised: bool = False
    has_toolbar: bool = True
    has_search: bool = False

    @property
    def has_bins(self) -> bool:
        """Whether there are histograms, and not only curves or matrices."""
        return any(chart.has_bins for chart in self.charts)

    def __post_init__(self) -> None:
        for chart in self.charts:
            num_rows = len(chart.drawing.get("bins", chart.drawing.get("curves", ())))
            for view in self.views:
                if num_rows and len(view.owners) != num_rows:
                    message = f"{chart.title!r} has {num_rows} rows, and the view {view.name!r} "
                    raise OptionError(f"{message}has {len(view.owners)}")


@final
@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a section: a heading, a note, and a table, charts or code."""

    title: str = ""
    note: str = ""
    table: DisplayBlock | None = None
    charts: ChartSet | None = None
    code: str = ""


@final
@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page.

    Parameters
    ----------
    id : str
        Its anchor: letters and hyphens.
    title, note : str
        Its heading, and a line below.
    panels : sequence of Panel
        Its content.
    """

    id: str
    title: str
    panels: Sequence[Panel]
    note: str = ""


@final
@dataclass(frozen=True, slots=True)
class ReportData:
    """All that a report shows.

    Parameters
    ----------
    title, subtitle : str
        The name of the store, and its path.
    date, version : str
        The time of the report, and the version of memmpy.
    verdict : Verdict
        Whether the data are healthy.
    facts : sequence of (str, str, str)
        The most important numbers: label, value, remark.
    processes : Table or None
        The processes, with entries and weights.
    findings : sequence of FindingGroup
        The findings, the worst first.
    sections : sequence of Section
        The sections after the findings.
    """

    title: str
    subtitle: str
    date: str
    version: str
    verdict: Verdict
    facts: Sequence[tuple[str, str, str]]
    processes: Table | None = None
    findings: Sequence[FindingGroup] = ()
    sections: Sequence[Section] = ()

    @property
    def chart_sets(self) -> list[ChartSet]:
        """All sets of charts, in the order of the page."""
        panels = (panel for section in self.sections for panel in section.panels)
        return [panel.charts for panel in panels if panel.charts is not None]


def bins_of(counts: NDArray[Any]) -> list[Any]:
    """Return rows of bins for a chart: integers, or numbers of four digits; 0 for an empty row."""
    rows: list[Any] = []
    for row in counts:
        if not row.any():
            rows.append(0)
        elif np.all(row == np.rint(row)) and np.abs(row).max() < 2**53:
            rows.append(row.astype(np.int64).tolist())
        else:
            rows.append([float(f"{value:.4g}") if np.isfinite(value) else 0 for value in row])
    return rows


def table_panel(table: Table, *, charts: ChartSet | None = None) -> Panel:
    """Return a panel of a table, whose title is the heading."""
    return Panel(table.title, table=replace(table, title=""), charts=charts)
