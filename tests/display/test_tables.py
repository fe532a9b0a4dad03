"""Tests of tables."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table as RichTable

import memmpy
from memmpy.display import Sparkline
from memmpy.display.tables import (
    Table,
    TrimmedLines,
    printable,
)
from memmpy.errors import CutError

FLOW = Table(
    ["process", "step", "events", "sum of weights", "efficiency", "cumulative"],
    2,
    [
        [["ttbb", "all", "100,000", "1,102.3 ± 3.9", "", "100 %"]],
        [["", "nBTags_77 >= 2", "40,525", "447.4 ± 2.5", "85.9 %", "40.6 %"]],
    ],
    "weight: w",
)


def shown(table: Table | TrimmedLines, width: int) -> list[str]:
    """Return the lines that rich writes into a file."""
    file = io.StringIO()
    Console(file=file, width=width, color_system=None).print(table)
    return file.getvalue().splitlines()


def test_control_codes_in_names_are_shown_and_not_obeyed() -> None:
    table = Table(["key"], 1, [[["esc\x1b[31m"], ["µ\u202e"]]])
    for text in ("\n".join(shown(table, 80)), table.to_text(), table.to_html()):
        assert r"esc\x1b[31m" in text
        assert r"µ\u202e" in text
        assert "\x1b" not in text


def test_what_can_be_printed_is_left_as_it_is() -> None:
    assert printable("jet_pt[0]\nµ $ \\") == "jet_pt[0]\nµ $ \\"


@pytest.mark.parametrize("width", [40, 80, 100])
def test_lines_of_a_table_end_with_no_blanks(width: int) -> None:
    assert all(line == line.rstrip() for line in shown(FLOW, width))


def test_what_rich_shows_is_trimmed_and_else_the_same() -> None:
    grid = RichTable.grid(padding=(0, 2, 0, 0))
    grid.add_row("a", "longer")
    grid.add_row("longer", "b")
    assert shown(TrimmedLines(grid), 40) == ["a       longer", "longer  b"]


def test_a_label_is_whole_where_columns_can_stand_closer() -> None:
    lines = shown(FLOW, 80)
    assert any("nBTags_77 >= 2" in line for line in lines)
    assert any("sum of weights" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_a_label_is_whole_where_headings_can_fold() -> None:
    lines = shown(FLOW, 71)
    assert any("nBTags_77 >= 2" in line for line in lines)
    assert not any("sum of weights" in line for line in lines)
    assert max(map(len, lines)) <= 71


def test_where_there_is_room_nothing_stands_closer() -> None:
    wide = FLOW.to_text().splitlines()
    assert wide[0].startswith("  process   step ")
    assert wide[-1] == "weight: w"


def test_a_table_without_rows_has_its_headings() -> None:
    assert "key" in Table(["key", ""], 1, []).to_text()


#: Clears the screen, rings, begins the line again, turns the direction of writing; and no UTF-8.
HOSTILE = "a\x1b[2J\x07\r\x9b\u202e\udcff"


def test_what_a_terminal_would_obey_is_escaped() -> None:
    assert printable(HOSTILE) == r"a\x1b[2J\x07\r\x9b\u202e\udcff"
    assert printable("é 日本 jet_pt[0]\n") == "é 日本 jet_pt[0]\n"


def test_a_table_escapes_all_of_its_texts_and_keeps_a_cell_on_its_line() -> None:
    table = Table([HOSTILE], 1, [[[HOSTILE], ["b\nc"]]], HOSTILE)
    for text in (table.to_text(), table.to_html(), "\n".join(shown(table, 80))):
        assert text.count("a\\x1b[2J") == 3
        assert "b\\nc" in text
        assert printable(text) == text


def test_no_store_skim_cut_flow_or_audit_prints_what_a_terminal_would_obey(tmp_path: Path) -> None:
    path, key = tmp_path / "s\x1b[31m", "k\x1b[2J\r"
    with memmpy.WriteVector(path, key) as column:
        column.extend(np.arange(5))
    with memmpy.WriteText(path, "text") as texts:
        texts.extend(["\x1b[2J"] * 5)
    cut = f"`{key}` > 2"
    made = memmpy.skim(path, keys=[key], cut=cut, progress=False)
    store, flow = memmpy.open(path), memmpy.cutflow(path, [cut], by="text")
    store.cut(cut)
    printed = [repr(store), repr(store.skims), repr(store.cuts), repr(made), str(flow)]
    printed += [str(store.check()), store._repr_html_(), made._repr_html_(), flow._repr_html_()]
    with pytest.raises(CutError) as caught:
        store.cut(f"`{key}` & 0.5")
    for text in [*printed, str(caught.value)]:
        assert printable(text) == text


def test_lines_of_title_and_caption_are_lines_in_html() -> None:
    text = Table(["x"], 1, [], caption="a < b\nc", title="d\ne").to_html()
    assert text.startswith("<p>d<br>e</p>")
    assert text.endswith("a &lt; b<br>c</div>")


WIDE = Table(
    ["key", "type", "count", "mean"],
    2,
    [[["jet_pt", "var * float32", "1,234", "78.2"], ["met", "float32", "200", "48.2"]]],
    optional=(1, 2),
)


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (80, "key type count mean"),
        (34, "key type count mean"),
        (33, "key count mean"),
        (15, "key mean"),
    ],
)
def test_a_narrow_terminal_leaves_out_optional_columns_in_their_order(
    width: int, headings: str
) -> None:
    lines = [" ".join(line.split()) for line in shown(WIDE, width)]
    assert headings in lines
    assert max(map(len, shown(WIDE, width))) <= width
    left_out = [name for name in ("type", "count") if name not in headings.split()]
    assert (f"no room for: {', '.join(left_out)}" in " ".join(lines)) == bool(left_out)


def test_rows_past_the_limit_are_counted_and_a_page_has_them() -> None:
    rows = [[[f"a{i}", str(i)] for i in range(6)], [[f"b{i}", str(i)] for i in range(6)]]
    table = Table(["key", "n"], 1, rows, "below", max_rows=8, hint="ask for all")
    text = table.to_text()
    assert "b1" in text
    assert "b2" not in text
    assert text.endswith("and 4 more rows: ask for all\nbelow")
    assert table.to_html().count("<tr>") == 13


def test_a_page_has_a_limit_too() -> None:
    rows = [[str(i)] for i in range(1500)]
    text = Table(["n"], 0, [rows]).to_html()
    assert text.count("<tr>") == 1001
    assert "and 500 more rows" in text


def test_a_line_that_counts_rows_is_not_put_for_one() -> None:
    table = Table(["n"], 0, [[["1"], ["2"], ["3"]]], max_rows=2)
    assert "more row" not in table.to_text()
    assert "3" in table.to_text()


def test_a_chart_is_not_broken() -> None:
    table = Table(
        ["key", "distribution", "mean"],
        2,
        [[["a_key_of_many_words", Sparkline([1, 2, 0, 4] * 4), "1.5"]]],
        optional=(1,),
    )
    for width in range(20, 80):
        lines = shown(table, width)
        assert any("▂▄ █▂▄ █▂▄ █▂▄ █" in line for line in lines) or "no room" in "".join(lines)


def test_a_column_folds_at_spaces_before_another_breaks_a_word() -> None:
    key = "MET_MetUnclustEnUpDeltaX"
    rows = [[[key, "var * float32", "branch of something", "1"]]]
    table = Table(["key", "type", "origin", "n"], 3, rows)
    for width in range(len(key) + 25, 80):
        lines = shown(table, width)
        assert {key, "float32", "branch", "something"} <= set(" ".join(lines).split()), width
        assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [30, 45, 60])
def test_numbers_without_room_stand_below_each_other(width: int) -> None:
    headings = ["process", *(f"number {i}" for i in range(8))]
    rows = [[name, *(f"{value}.{i}5" for i in range(8))] for name, value in (("a", 10), ("b", 20))]
    lines = shown(Table(headings, 1, [rows], "the caption", "the title"), width)
    assert max(map(len, lines)) <= width
    words = [line.split() for line in lines]
    parts = [line for line in words if line[:1] == ["process"]]
    assert len(parts) > 1
    for name, *numbers in rows:
        found = [number for line in words if line[:1] == [name] for number in line[1:]]
        assert found == numbers
    assert (lines[0], lines[-1]) == ("the title", "the caption")
    assert lines.count("the caption") == 1


def test_numbers_wider_than_the_terminal_are_folded() -> None:
    lines = shown(Table(["key", "number"], 1, [[["met", "1" * 50]]]), 30)
    assert max(map(len, lines)) <= 30
    assert sum(line.count("1") for line in lines) == 50
