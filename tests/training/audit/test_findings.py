"""Tests of audits as text, as HTML and as JSON."""

import io
import json

import pytest
from rich.console import Console

from memmpy import Audit, Finding

FINDINGS = (
    Finding("overlap", "run, event", "b.root repeats a.root", 1_234, "warning", "Leave one out."),
    Finding("constant", "year", "all entries", 20_000, "info", "A network learns nothing."),
    Finding("constant", "<b>[red]", "all entries", 20_000, "info", "A network learns nothing."),
)
AUDIT = Audit("data.mmpy", 20_000, FINDINGS)


def shown_by_rich(audit: Audit) -> str:
    file = io.StringIO()
    Console(file=file, width=100).print(audit)
    return file.getvalue()


@pytest.mark.parametrize("show", [str, repr, shown_by_rich, Audit._repr_html_])
def test_a_person_sees_what_where_and_how_many(show: object) -> None:
    assert callable(show)
    text = show(AUDIT)
    for word in ("data.mmpy: 20,000 entries, 1 warning, 2 info", "1,234", "b.root repeats a.root"):
        assert word in text
    assert text.count("Leave one out.") == 1
    assert text.count("A network learns nothing.") == 1
    assert ("&lt;b&gt;[red]" if show == Audit._repr_html_ else "<b>[red]") in text


@pytest.mark.parametrize("show", [str, repr, shown_by_rich, Audit._repr_html_])
def test_nothing_found_is_one_line(show: object) -> None:
    assert callable(show)
    text = show(Audit("data.mmpy", 1, ()))
    assert "data.mmpy: 1 entry, nothing found" in text
    assert text.strip().count("\n") == 0


def test_the_level_is_the_worst() -> None:
    assert Audit("s", 1, ()).level is None
    assert AUDIT.level == "warning"
    assert Audit("s", 1, FINDINGS[1:]).level == "info"


def test_json_has_all_of_it() -> None:
    document = json.loads(json.dumps(AUDIT.to_dict()))
    assert tuple(Finding(**one) for one in document["findings"]) == FINDINGS
    assert (document["path"], document["num_entries"]) == ("data.mmpy", 20_000)
