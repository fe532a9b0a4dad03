"""Tests of values as a reader wants to see them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from memmpy import Jagged
from memmpy.display import (
    column_html,
    facts_html,
    fields_html,
    format_path,
    format_value,
    shorten,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.float32(0.1), "0.1"),
        (np.float64(1234567.891), "1.23457e+06"),
        (np.uint64(2**64 - 1), "18446744073709551615"),
        (np.int8(-3), "-3"),
        (np.bool_(True), "true"),
        (np.float64("nan"), "nan"),
        (np.array([], "f4"), "[]"),
        (np.array([81.25, 40.75], "f4"), "[81.25, 40.75]"),
        (np.arange(6) + 0.5, "[0.5, 1.5, …] (6)"),
        (np.arange(4, dtype="u8") + 2**63, f"[{2**63}, {2**63 + 1}, …] (4)"),
        (np.eye(2, dtype=bool), "[[true, false], [false, true]]"),
        (np.zeros((5, 0)), "[[], [], …] (5)"),
        ("ttH", "ttH"),
        ("x" * 40, "x" * 31 + "…"),
        (ak.Array([[1, 2], []])[0], "[1, 2]"),
        (ak.Array([{"x": 1, "y": [2.5]}])[0], "{'x': 1, 'y': [2.5]}"),
        (None, "None"),
    ],
)
def test_a_value_is_shown_in_a_few_words(value: Any, shown: str) -> None:
    assert format_value(value) == shown


@pytest.mark.parametrize("width", range(3, 12))
def test_a_short_text_has_its_start_and_if_wished_its_end(width: int) -> None:
    text = "abcdefghijk"
    for keep_end in (False, True):
        short = shorten(text, width, keep_end=keep_end)
        assert len(short) == min(width, len(text))
        start, _, end = short.partition("…")
        assert text.startswith(start)
        assert text.endswith(end)
        assert keep_end is (len(end) > 0) or width >= len(text)


def test_a_column_shows_its_first_entries() -> None:
    text = column_html(Jagged.from_arrays([np.arange(i) for i in range(7)]))
    assert "Jagged of 7 entries, 21 items of int64" in text
    assert "[0, 1, …] (4)" in text
    assert "(6)" not in text
    assert "and 2 more entries" in text


def test_a_short_column_has_no_more_entries() -> None:
    assert "more" not in column_html(Jagged.from_arrays([np.arange(3)])).split("</style>")[1]


@dataclass
class Options:
    path: str
    num_pages: int = 3
    names: list[str] = field(default_factory=list)
    text: str = ""


def test_fields_that_have_their_default_are_left_out() -> None:
    text = fields_html(Options("a<b", names=["x"], text="y" * 1000)).split("</style>")[1]
    assert ">a&lt;b</td>" in text
    assert "names" in text
    assert "num_pages" not in text
    assert "y" * 399 + "…" in text


def test_facts_have_no_heading() -> None:
    assert "<thead>" not in facts_html("title", {"a": "1"})


def test_a_path_is_seen_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, outside = tmp_path / "here" / "data.mmpy", tmp_path / "data.mmpy"
    inside.parent.mkdir()
    monkeypatch.chdir(inside.parent)
    assert (format_path(inside), format_path(outside)) == ("data.mmpy", str(outside))
    assert format_path(str(inside)) == "data.mmpy"
    assert format_path("https://host/a.root") == "https://host/a.root"
