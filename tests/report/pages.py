"""Reports with hostile names for the tests of pages."""

import numpy as np

from memmpy.display import Table
from memmpy.report.report_data import (
    Chart,
    ChartSet,
    FindingGroup,
    Panel,
    ReportData,
    Section,
    Verdict,
    View,
    bins_of,
)

__all__ = ["HOSTILE", "report_of"]

#: Each of them would end an element, an attribute or the JSON if it were not escaped.
HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<!--<script>",
    '" onload="alert(3)',
    "' onerror='alert(4)",
    "</style>",
    "{{ 7 * 7 }}",
    "a & b",
    "\u2028\u2029",
    "\x1b[31m",
    "jet\udce9",
]


def report_of(names: list[str], *, text: str = "plain") -> ReportData:
    """Return a report with a histogram for each name, of three processes in two classes."""
    rng = np.random.default_rng(0)
    charts = []
    for i, name in enumerate(names):
        bins = [np.histogram(rng.normal(50, 20, 500), 40, (0, 100))[0] for _ in range(3)]
        charts.append(
            Chart(
                name,
                {"bins": bins_of(np.array(bins)), "low": 0.0, "high": 100.0},
                f"Histogram of {name}",
                "float32",
                text,
                [f"mean {i}", "std 20"],
            )
        )
    charts.append(Chart("flag", {"bins": [[3, 4], 0, [1, 2]], "labels": ["false", text]}, "flag"))
    charts.append(Chart("nested", {}, "nested: no histogram", facts=["no histogram"]))
    views = [
        View("process", ["ttH", "ttbb", text], [0, 1, 2]),
        View("class", ["signal", "background"], [0, 1, 1]),
    ]
    curve = {"curves": [[[0, 0.2, 1], [0, 0.7, 1]]], "axes": [text, "signal"], "low": 0, "high": 1}
    matrix = {"matrix": [[1, -0.4], [-0.4, None]], "names": ["met", text]}
    others = ChartSet(
        [View("curve", ["all"], [0])],
        [Chart("ROC", curve, "AUC 0.8")],
        has_toolbar=False,
    )
    table = Table(("process", "entries"), 1, [[("ttH", "1,000"), (text, "2,000")]], text)
    return ReportData(
        title=text,
        subtitle=f"/data/{text}",
        date="2026-11-30 12:00",
        version="0.2.0",
        verdict=Verdict("warning", "1 warning.", text),
        facts=[("Entries", "3,000", text), ("Keys", f"{len(names):,}", "")],
        processes=table,
        findings=[FindingGroup("warning", "constant", text, table, table)],
        sections=[
            Section("scores", "Scores", [Panel(charts=others)]),
            Section(
                "inputs",
                "Inputs",
                [
                    Panel(
                        "Correlation", charts=ChartSet([], [Chart("r", matrix, text)], False, False)
                    )
                ],
            ),
            Section("keys", "Keys", [Panel(charts=ChartSet(views, charts, has_search=True))], text),
            Section("code", "How it was made", [Panel("Convert", text, code=f"convert({text!r})")]),
        ],
    )
