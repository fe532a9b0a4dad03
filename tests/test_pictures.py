"""Tests of the picture of rates: it and the tables of the docs have the same numbers."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
LOADING = ROOT / "benchmarks" / "loading"

pytestmark = pytest.mark.skipif(not LOADING.exists(), reason="the benchmarks are not beside")


@pytest.fixture(scope="module")
def measured() -> Any:
    return json.loads((LOADING / "measured.json").read_text(encoding="utf-8"))


def rows_of_docs(table: str) -> dict[str, dict[str, str]]:
    """Return the first table of a section of the page on speed, by its first column."""
    page = (ROOT / "docs" / "explanation" / "loading_speed.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {table}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    head, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows if len(row) == len(head)}


def test_the_numbers_are_those_of_the_docs(measured: Any) -> None:
    rows = rows_of_docs(measured["table"])
    assert len(measured["rows"]) > 8
    for row in measured["rows"]:
        documented = rows[row["loader"]]
        assert row["rate"] == float(documented["M events/s"])
        assert row["score"] == float(documented["score"])


def test_the_fastest_loader_stands_first_and_is_the_default_of_memmpy(measured: Any) -> None:
    rates = [row["rate"] for row in measured["rows"]]
    assert rates == sorted(rates, reverse=True)
    assert measured["rows"][0]["loader"].startswith("memmpy skim, blocks")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_picture_is_drawn_from_the_numbers(
    theme: str, measured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(LOADING))
    monkeypatch.delitem(sys.modules, "picture", raising=False)
    from picture import picture  # type: ignore[import-not-found]

    file = ROOT / "docs" / "diagrams" / f"loading-{theme}.svg"
    assert file.read_text(encoding="utf-8") == picture(measured, theme)


def test_the_readme_has_the_same_rates(measured: Any) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("| M events/s"))
    rates = {row["loader"]: row["rate"] for row in measured["rows"]}
    expected = [
        f"{rates['memmpy skim, blocks, one group']:.0f}",
        f"{rates['uproot.iterate']:.1f}",
        f"{rates['RDataLoader']:.1f}; {rates['RDataLoader eager']:.0f} in memory",
        f"{rates['weaver']:.2f}",
        f"{rates['h5py batches']:.0f} (slices)",
        f"{rates['litdata']:.2f}",
        f"{rates['datasets buffer']:.1f}",
    ]
    assert [cell.strip() for cell in line.split("|")[2:-1]] == expected
