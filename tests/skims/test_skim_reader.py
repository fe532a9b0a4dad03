"""Tests of open skims."""

import contextlib
import json
import pickle
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy import Jagged, SplitLoader, Splits
from memmpy.errors import CorruptStoreError, MissingFileError, OptionError
from memmpy.skims import Skim
from memmpy.skims.skim_document import decode
from memmpy.splits import TicketRule
from memmpy.store.json_document import seal
from tests.documents import change_one, fields_of, flipped
from tests.skims.stores import (
    FEW_NAMES,
    as_version_1,
    check_skim,
    make_events,
    rewrite,
    skim_of,
    write_store,
)

STORES = Path(__file__).parents[1] / "stores"


@pytest.fixture
def skim(tmp_path: Path) -> Skim:
    store = write_store(tmp_path / "data", make_events())
    return skim_of(store, keys=["matrix", "pairs"], groups={"x": ["met"]}, cut="met > 0.5")


def test_opened_again_it_is_the_same(skim: Skim) -> None:
    again = Skim(skim.path)
    assert np.array_equal(again.rows, skim.rows)
    assert np.array_equal(again.tickets, skim.tickets)
    assert again.fields == skim.fields
    assert again.lists.keys() == skim.lists.keys()
    assert (again.num_store_entries, again.cut) == (200, "met > 0.5")
    assert again.ticket_rule == skim.ticket_rule == TicketRule(("run", "event"), 0)


@FEW_NAMES
def test_rows_of_an_identity_are_counted_once_in_skims_that_do_not_say_so(tmp_path: Path) -> None:
    store = write_store(tmp_path / "data", make_events())
    made = skim_of(store, keys=["met"], splits=Splits(by=("run",)))
    counts = np.bincount(np.unique(make_events()["run"], return_counts=True)[1])
    expected = {int(rows): int(counts[rows]) for rows in np.flatnonzero(counts)}
    assert json.loads((made.path / "metadata_skim.json").read_text())["multiplicities"] == [
        [rows, events] for rows, events in expected.items()
    ]
    rewrite(made, multiplicities=None)  # as the first skims
    old = Skim(made.path)
    assert old.multiplicities().num_events == expected
    assert old.multiplicities() is old.multiplicities()


def test_what_it_maps_cannot_be_written(skim: Skim) -> None:
    arrays = [skim.rows, skim.tickets, *skim.lists["pairs"]]
    assert all(isinstance(array, np.memmap) for array in arrays)
    assert not any(array.flags.writeable for array in arrays)


def test_its_bytes_are_counted(skim: Skim) -> None:
    content, offsets = skim.lists["pairs"]
    row_bytes = 8 + 4 + 12
    assert skim.row_bytes == row_bytes
    assert skim.nbytes == len(skim) * (row_bytes + 8) + content.nbytes + offsets.nbytes


def test_it_says_what_it_holds(skim: Skim) -> None:
    text = repr(skim)
    assert f"{len(skim)} of 200 entries (met > 0.5)" in text
    for word in ("_index", "matrix", "2 x 3", "int16", "pairs", "items", "24 bytes per row"):
        assert word in text
    assert "<table>" in skim._repr_html_()
    assert "met &gt; 0.5" in skim._repr_html_()


def test_no_skim_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"no skim at '.*': it holds no metadata_skim.json"):
        Skim(tmp_path)


@pytest.mark.slow_together
@pytest.mark.parametrize("name", ["rows.npy", "tickets.npy", "content", "offsets"])
@pytest.mark.parametrize("how", ["truncated", "missing", "header"])
def test_a_damaged_file_is_an_error_when_it_is_opened(skim: Skim, name: str, how: str) -> None:
    file = next(file for file in skim.path.iterdir() if name in file.name)
    if how == "truncated":
        with file.open("r+b") as stream:
            stream.truncate(file.stat().st_size - 8)
    elif how == "missing":
        file.unlink()
    else:
        with file.open("r+b") as stream:
            stream.seek(20)
            stream.write(b"x")
    message = rf"the skim '.*' is damaged: {file.name}: .*; make it again with skim\(...\)"
    with pytest.raises(CorruptStoreError, match=message):
        Skim(skim.path)


def test_altered_values_are_found_by_verify(skim: Skim) -> None:
    file = skim.path / "rows.npy"
    with file.open("r+b") as stream:
        stream.seek(-3, 2)
        stream.write(b"\x77\x77")
    (problem,) = Skim(skim.path).verify()
    assert (problem.key, problem.file, problem.message) == (
        "rows",
        "rows.npy",
        "the checksum differs",
    )
    file.unlink()
    (problem,) = skim.verify()
    assert "the file is missing" in problem.message
    file.mkdir()
    (problem,) = skim.verify()
    assert "is a folder, expected a file" in problem.message


@pytest.mark.slow_together
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("row", {"num_bytes": 8, "fields": {}}),
        ("row", {"num_bytes": 4, "fields": {"a": {"offset": 0, "dtype": "<i8", "shape": []}}}),
        ("rows", {"file": "../x.npy", "dtype": "<i8", "shape": [3], "checksum": ""}),
        ("tickets", {"file": "tickets.npy", "dtype": "|O", "shape": [3], "checksum": ""}),
        ("tickets", {"file": "tickets.npy", "dtype": "<u8", "shape": [3], "checksum": ""}),
        ("row", {"num_bytes": 24, "fields": {"a": {"offset": 0, "dtype": "<i8", "shape": []}}}),
        ("num_store_entries", None),
        ("notes", {"cut": []}),
        ("notes", 3),
        ("multiplicities", 3),
        ("multiplicities", [[1]]),
        ("multiplicities", [[1, 1]]),
        ("multiplicities", [[0, 1], [1, 105]]),
        ("multiplicities", [[-1, 1], [106, 1]]),
        ("multiplicities", [[1, -1], [106, 1]]),
        ("multiplicities", [[1, 1], [1, 105]]),
        ("asked", 3),
        ("asked", {}),
        ("lists", {"x": 3}),
    ],
)
def test_metadata_that_is_damaged_is_an_error(skim: Skim, key: str, value: Any) -> None:
    rewrite(skim, **{key: value})
    message = r"metadata_skim.json' is damaged: (?!.*own checksum).*; skim again"
    with pytest.raises(CorruptStoreError, match=message):
        Skim(skim.path)


@pytest.mark.slow
def test_a_flipped_bit_of_metadata_is_found(skim: Skim) -> None:
    document = (skim.path / "metadata_skim.json").read_bytes()
    decode(document, path="it")
    for altered in flipped(document):
        with pytest.raises(CorruptStoreError):
            decode(altered, path="it")


@given(data=st.data())
def test_no_change_of_metadata_is_another_error(data: Any) -> None:
    file = next((STORES / "skim-2" / "skims").glob("*/metadata_skim.json"))
    fields = fields_of(file.read_bytes())
    change_one(fields, data)
    with contextlib.suppress(CorruptStoreError):
        decode(seal(fields), path="it")


def test_metadata_without_their_checksum_are_an_error(skim: Skim) -> None:
    file = skim.path / "metadata_skim.json"
    file.write_text(json.dumps(fields_of(file.read_bytes())))
    message = r"is damaged: its checksum differs; skim again"
    with pytest.raises(CorruptStoreError, match=message):
        Skim(skim.path)


def test_metadata_of_version_1_have_a_checksum_or_none(skim: Skim) -> None:
    as_version_1(skim, lambda _: None)
    assert len(Skim(skim.path)) == len(skim)
    as_version_1(skim, lambda fields: fields.update(num_store_entries=201))
    with pytest.raises(CorruptStoreError, match=r"is damaged: its own checksum differs"):
        Skim(skim.path)
    as_version_1(skim, lambda fields: fields.pop("checksum"))
    assert len(Skim(skim.path)) == len(skim)


def test_another_document_is_no_metadata_of_a_skim(skim: Skim) -> None:
    rewrite(skim, format="memmpy store")
    with pytest.raises(
        CorruptStoreError, match=r"metadata_skim\.json' is not the metadata of a skim"
    ):
        Skim(skim.path)


@pytest.mark.parametrize("name", ["rows.npy", "tickets.npy", "content", "offsets"])
def test_a_directory_in_place_of_an_array_is_an_error(skim: Skim, name: str) -> None:
    file = next(file for file in skim.path.iterdir() if name in file.name)
    file.unlink()
    file.mkdir()
    message = (
        rf"the skim .* is damaged: {file.name}: it is not the array that was written; "
        "make it again with skim"
    )
    with pytest.raises(CorruptStoreError, match=message):
        Skim(skim.path)


def test_a_directory_in_place_of_the_metadata_is_an_error(skim: Skim) -> None:
    (skim.path / "metadata_skim.json").unlink()
    (skim.path / "metadata_skim.json").mkdir()
    with pytest.raises(CorruptStoreError, match="is a folder, expected a file; skim again"):
        Skim(skim.path)


@pytest.mark.parametrize("path", [None, 3, b"data"])
def test_a_path_is_a_text_or_a_path(path: Any) -> None:
    with pytest.raises(
        OptionError, match=f"a path must be a string or a pathlib.Path, got {path!r}"
    ):
        Skim(path)


def write_as_valid(skim: Skim, name: str, values: Any) -> None:
    """Write values over an array of a skim, and their checksum into its metadata."""
    held = json.loads((skim.path / "metadata_skim.json").read_text())
    array = held[name] if name in held else held["lists"]["pairs"][name]
    file = skim.path / array["file"]
    data = values.tobytes()
    file.write_bytes(file.read_bytes()[: -len(data)] + data)
    array["checksum"] = f"crc32:{zlib.crc32(data):08x}"
    rewrite(skim, **held)


@pytest.mark.parametrize("block_bytes", [1, 50, 2**26])
@pytest.mark.parametrize("place", [0, 40, -1])
def test_values_that_cannot_be_are_found_by_verify(
    skim: Skim, monkeypatch: pytest.MonkeyPatch, block_bytes: int, place: int
) -> None:
    monkeypatch.setattr("memmpy.store.verify._BLOCK_BYTES", block_bytes)
    assert skim.verify() == []
    tickets, rows = np.array(skim.tickets), np.array(skim.rows)
    offsets = np.array(skim.lists["pairs"][1])
    tickets[place] = 2**64 - 1 if place != -1 else 0
    rows["_index"][place] = 200 if place else -1
    offsets[place if place % len(offsets) in range(1, len(skim)) else 7] = 10**6
    for name, values in [("tickets", tickets), ("rows", rows), ("offsets", offsets)]:
        write_as_valid(skim, name, values)
    found = {problem.key: problem.message for problem in Skim(skim.path).verify()}
    assert found == {
        "rows": "it has entries that the store lacks",
        "tickets": "its tickets do not ascend",
        "pairs:offsets": "its offsets fall",
    }


def test_rows_with_gaps_are_verified_in_several_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memmpy.store.verify._BLOCK_BYTES", 50)
    made = skim_of(write_store(tmp_path / "data", make_events()), keys=["met"])
    fields = made.rows.dtype.fields
    assert fields is not None
    assert made.row_bytes > sum(dtype.itemsize for dtype, *_ in fields.values())
    assert made.verify() == []


def test_lists_may_have_the_names_of_a_skims_own_arrays(tmp_path: Path) -> None:
    events = make_events()
    names = ["rows", "tickets", "x", "x:offsets"]
    store = write_store(tmp_path / "data", dict.fromkeys(names, events["pairs"]))
    found = skim_of(store, keys=names)
    check_skim(store, found, passing=np.arange(200), keys=names)
    files = [file for file in found.path.iterdir() if file.suffix == ".npy"]
    assert len(files) == 2 + 2 * len(names)
    content, offsets = found.lists["x"]
    assert found.nbytes == 200 * (8 + 8) + 4 * (content.nbytes + offsets.nbytes)
    for file in files:
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
    assert {problem.file for problem in found.verify()} == {file.name for file in files}


def test_a_newer_format_is_an_error_that_says_so(skim: Skim) -> None:
    rewrite(skim, format_version=99)
    message = "has format version 99, and this memmpy reads versions up to 2; memmpy"
    with pytest.raises(CorruptStoreError, match=message):
        Skim(skim.path)


def test_the_first_documents_called_the_entries_of_the_store_otherwise(skim: Skim) -> None:

    def change(fields: dict[str, Any]) -> None:
        fields["num_entries"] = fields.pop("num_store_entries")
        for later in ("checksum", "notes", "counts", "multiplicities"):
            del fields[later]

    as_version_1(skim, change)
    assert Skim(skim.path).num_store_entries == 200


def test_its_lists_are_those_of_a_batch(skim: Skim) -> None:
    lists = Jagged.trusted(*skim.lists["pairs"])
    assert len(lists) == len(skim)


def test_a_skim_is_sent_as_its_path(skim: Skim) -> None:
    told = pickle.dumps(skim)
    assert len(told) < 10_000
    again = pickle.loads(told)
    assert again.rows.tobytes() == skim.rows.tobytes()
    loader = pickle.loads(pickle.dumps(SplitLoader(skim, 16, seed=3)))
    assert [batch["_index"].tolist() for batch in loader] == [
        batch["_index"].tolist() for batch in SplitLoader(skim, 16, seed=3)
    ]


def test_a_skim_that_was_made_again_since_it_was_sent_is_another_one(skim: Skim) -> None:
    told = pickle.dumps(skim)
    held = json.loads((skim.path / "metadata_skim.json").read_text())
    rewrite(skim, rows={**held["rows"], "checksum": "crc32:00000000"})
    with pytest.raises(OptionError, match="was rebuilt since it was sent"):
        pickle.loads(told)
