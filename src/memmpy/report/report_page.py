"""Renders the content of a report to one HTML page, which loads nothing from elsewhere."""

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from memmpy.display import printable
from memmpy.errors import require
from memmpy.report.report_data import Chart, ChartSet, ReportData

if TYPE_CHECKING:
    import jinja2

__all__ = ["page_template", "render_page"]

#: Characters that could end a script element, or start a comment in it.
_ESCAPES = {ord(one): f"\\u{ord(one):04x}" for one in "<>&\u2028\u2029"}


def page_template() -> "jinja2.Template":
    """Return the template of the page.

    Raises
    ------
    MissingPackageError
        If jinja2 is not installed.
    """
    engine = require("jinja2", what="a report", extra="report")
    environment = engine.Environment(
        autoescape=True,
        undefined=engine.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template: jinja2.Template = environment.from_string(_read("report.html"))
    return template


def render_page(report: ReportData) -> bytes:
    """Return the page as UTF-8. Its size is about 1 kB for each key and process.

    Raises
    ------
    MissingPackageError
        If jinja2 is not installed.
    """
    template = page_template()
    from markupsafe import Markup

    script = _read("report.js")
    numbers, num_charts = {}, 0
    for index, charts in enumerate(report.chart_sets):
        numbers[id(charts)] = (index, num_charts)
        num_charts += len(charts.charts)
    html: str = template.render(
        report=report,
        links=_links(report),
        place=lambda charts: numbers[id(charts)],
        style=Markup(_read("report.css")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        json=Markup(_to_json(report)),
    )
    return html.encode("utf-8", "backslashreplace")  # a path may have bytes that are no UTF-8


def _links(report: ReportData) -> list[tuple[str, str]]:
    """Return the anchors of the sections, and their titles."""
    links = [("summary", "Summary")]
    if report.findings:
        links.append(("findings", "Findings"))
    return [*links, *((section.id, section.title) for section in report.sections)]


def _to_json(report: ReportData) -> str:
    sets, charts = [], []
    for index, one in enumerate(report.chart_sets):
        sets.append(_json_of_set(one))
        charts += [_json_of_chart(chart, index) for chart in one.charts]
    value = {"sets": sets, "charts": charts}
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.translate(_ESCAPES)


def _json_of_set(charts: ChartSet) -> dict[str, Any]:
    views = [
        {"names": list(map(printable, view.names)), "of": list(view.owners)}
        for view in charts.views
    ]
    return {"norm": charts.is_normalised, "views": views}


def _json_of_chart(chart: Chart, index: int) -> dict[str, Any]:
    drawing = dict(chart.drawing)
    for name in ("labels", "names", "axes"):
        if name in drawing:
            drawing[name] = list(map(printable, drawing[name]))
    return {**drawing, "set": index}


def _printable(value: Any) -> Any:  # of any type: the value of an expression in the template
    return printable(value) if type(value) is str else value


def _read(name: str) -> str:
    return (files("memmpy.report") / "templates" / name).read_text(encoding="utf-8")
