"""The journal finds its notes again, and skips lines that it cannot read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memmpy.conversion.running.journal import Journal
from memmpy.conversion.running.read_tasks import FileSpan, SlotData
from memmpy.jagged import Clipping
from memmpy.store import Unfinished

NAME = ("0123456789abcdef", 0, 5)
LINE: dict[str, Any] = {
    "name": ["0123456789abcdef", 0, 5],
    "columns": [
        {
            "column": "c",
            "lengths": {"node0": 5},
            "spans": {"content": ["x.part", 0, 5, 40, 7, 0]},
            "clipping": [9, 5, 2, 1, 4],
        }
    ],
}


@pytest.fixture
def unfinished(tmp_path: Path) -> Iterator[Unfinished]:
    unfinished = Unfinished(tmp_path)
    unfinished.create()
    yield unfinished
    unfinished.close()


def slot_data(unfinished: Unfinished) -> SlotData:
    spans = {"content": FileSpan(unfinished.file("x.part"), 0, 5, 40, 7, 0)}
    return SlotData({"node0": 5}, spans, clipping=Clipping(9, 5, 2, 1, 4))


def test_what_is_noted_is_known_again(unfinished: Unfinished) -> None:
    journal = Journal(unfinished)
    plain = SlotData(
        {"node0": 3}, {"values": FileSpan(unfinished.file("y.npy"), 8, 3, 24, 2**32 - 1, 5)}
    )
    journal.note(NAME, {"c": slot_data(unfinished), "d": plain})
    unfinished.close()
    again = Journal(unfinished)
    assert again.find(NAME, "c") == slot_data(unfinished)
    assert again.find(NAME, "d") == plain
    assert again.find(NAME, "e") is None


def test_the_line_is_the_one_of_the_docs(unfinished: Unfinished) -> None:
    unfinished.note(json.dumps(LINE).encode())
    assert Journal(unfinished).find(NAME, "c") == slot_data(unfinished)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("name",), ["0123456789abcdef", 0]),
        (("name",), ["0123456789abcdef", 0, "5"]),
        (("name",), ["../x", 0, 5]),
        (("name",), ["0123456789abcdef", -1, 5]),
        (("columns",), {}),
        (("columns", 0), None),
        (("columns", 0, "column"), 3),
        (("columns", 0, "lengths"), [5]),
        (("columns", 0, "lengths"), {"node0": -5}),
        (("columns", 0, "spans"), {"content": ["x.part", 0, 5, 40, 7]}),
        (("columns", 0, "spans"), {"content": ["../x.part", 0, 5, 40, 7, 0]}),
        (("columns", 0, "spans"), {"content": ["x.part", 0, 5, 40, 2**32, 0]}),
        (("columns", 0, "spans"), {"content": ["x.part", -8, 5, 40, 7, 0]}),
        (("columns", 0, "spans"), {"content": ["x.part", 0.5, 5, 40, 7, 0]}),
        (("columns", 0, "clipping"), {"num_items": 9}),
        (("columns", 0, "clipping"), [9, 5, 2, 1]),
        (("columns", 0, "other"), 3),
        (("other",), 3),
    ],
    ids=repr,
)
def test_a_line_of_another_memmpy_means_nothing(
    place: tuple[Any, ...], value: Any, unfinished: Unfinished
) -> None:
    line = json.loads(json.dumps(LINE))
    inner = line
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    unfinished.note(json.dumps(line).encode())
    assert Journal(unfinished).find(NAME, "c") is None


@pytest.mark.parametrize("line", [b"", b"{", b"null", b"\xff", b"[" * 100_000, b'{"name": NaN}'])
def test_a_line_that_is_no_json_means_nothing(line: bytes, unfinished: Unfinished) -> None:
    unfinished.note(line)
    unfinished.note(json.dumps(LINE).encode())
    assert Journal(unfinished).find(NAME, "c") == slot_data(unfinished)
