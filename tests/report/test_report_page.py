"""Tests of the page of a report, as text."""

import itertools
import json
import re
import sys
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from memmpy.errors import MissingPackageError, OptionError
from memmpy.report.report_data import Chart, ChartSet, View, bins_of
from memmpy.report.report_page import render_page
from tests.report.pages import HOSTILE, report_of

pytest.importorskip("jinja2")


class Outline(HTMLParser):
    """The elements of a page, with their attributes, and the text of each script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def outline_of(names: list[str], *, text: str = "plain") -> tuple[Outline, str]:
    page = render_page(report_of(names, text=text)).decode()
    return Outline(page), page


def data_of(outline: Outline) -> Any:
    return json.loads(outline.scripts[0])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_adds_no_element_and_no_attribute(name: str) -> None:
    plain, _ = outline_of(["met"])
    hostile, _ = outline_of([name], text=name)
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in plain.elements]
    attributes = [(tag, sorted(own)) for tag, own in hostile.elements]
    assert attributes == [(tag, sorted(own)) for tag, own in plain.elements]


@pytest.mark.parametrize("name", HOSTILE)
def test_the_json_of_a_page_ends_no_script(name: str) -> None:
    outline, _ = outline_of([name], text=name)
    assert len(outline.scripts) == 2
    assert not re.search(r"[<>&\u2028\u2029]", outline.scripts[0])
    assert len(data_of(outline)["sets"]) == 3


def test_text_of_users_is_no_template() -> None:
    _, page = outline_of(["{{ 7 * 7 }}"])
    assert "{{ 7 * 7 }}" in page
    assert ">49<" not in page


def test_a_page_loads_nothing_from_elsewhere() -> None:
    outline, page = outline_of(["met"])
    urls = [
        value
        for _, attributes in outline.elements
        for name, value in attributes.items()
        if name in {"src", "href", "srcset", "data", "poster", "action"}
    ]
    assert urls
    assert all(value is not None and value.startswith("#") for value in urls)
    assert "@import" not in page
    assert "url(" not in page
    policy = next(a["content"] for a in outline.named("meta") if "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_headings_go_down_one_level_at_a_time() -> None:
    outline, _ = outline_of(["met", "jet_pt"])
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_each_header_of_a_table_has_a_scope() -> None:
    outline, _ = outline_of(["met"])
    headers = outline.named("th")
    assert len(headers) > 4
    assert {one.get("scope") for one in headers} == {"col", "row"}


def test_each_picture_has_a_text_in_its_place() -> None:
    outline, _ = outline_of(["met"])
    plots = [one for one in outline.named("div") if one.get("class") == "plot"]
    assert len(plots) == 4
    assert all(one["role"] == "img" and one["aria-label"] for one in plots)


def test_each_link_leads_to_an_anchor_of_the_page() -> None:
    outline, _ = outline_of(["met"])
    anchors = {attributes.get("id") for _, attributes in outline.elements}
    assert all((one["href"] or "")[1:] in anchors for one in outline.named("a"))


def test_an_anchor_is_given_once() -> None:
    outline, _ = outline_of(["met", "jet_pt"])
    anchors = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(anchors) == len(set(anchors))


def test_500_keys_of_3_processes_take_less_than_1_mb() -> None:
    assert len(render_page(report_of([f"key_{i}" for i in range(500)]))) < 1_000_000


def test_the_page_of_a_missing_jinja2_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'memmpy\[report\]'"):
        render_page(report_of([]))


def test_bins_keep_counts_and_round_weights_to_four_digits() -> None:
    counts = np.array([[3, 2**40], [0, 0], [0.5, 1.23456]])
    assert bins_of(counts) == [[3, 2**40], 0, [0.5, 1.235]]


def test_bins_of_infinite_weights_are_json() -> None:
    assert bins_of(np.array([[np.inf, 1.5, np.nan]])) == [[0, 1.5, 0]]


def test_a_view_names_a_group_for_each_row_of_bins() -> None:
    chart = Chart("met", {"bins": [[1], [2]], "low": 0, "high": 1}, "met")
    with pytest.raises(OptionError, match="'met' has 2 rows, and the view 'process' has 1"):
        ChartSet([View("process", ["a"], [0])], [chart])
