import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from memmpy.errors import CorruptStoreError, MissingFileError
from memmpy.store import (
    METADATA,
    ArrayRecord,
    ColumnRecord,
    Metadata,
    Origin,
    SourceRecord,
    array_file,
    read_metadata,
    storage_dtype,
)
from memmpy.store.document import array_of_json, array_to_json, decode, encode

COUNTS = st.integers(0, 2**63)
JSON = st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text(), max_size=3)
DTYPES = st_numpy.array_dtypes(
    st_numpy.boolean_dtypes()
    | st_numpy.integer_dtypes(endianness="<")
    | st_numpy.floating_dtypes(endianness="<")
    | st_numpy.datetime64_dtypes(endianness="<")
).map(lambda dtype: dtype.base)
ARRAYS = st.builds(
    ArrayRecord,
    file=st.builds(array_file, st.text(), COUNTS),
    dtype=DTYPES,
    shape=st.lists(COUNTS, min_size=1, max_size=3).map(tuple),
    checksum=st.none() | st.just("crc32:00000000"),
)
PARTS = st.lists(st.tuples(st.text(), COUNTS), max_size=3).map(tuple)
ORIGINS = st.builds(Origin, JSON, PARTS) | PARTS.flatmap(
    lambda parts: st.builds(
        Origin,
        JSON,
        st.just(parts),
        st.lists(st.sampled_from(["0.2", "0.3"]), min_size=len(parts), max_size=len(parts)).map(
            tuple
        ),
    )
)
COLUMNS = st.builds(
    ColumnRecord,
    kind=st.text(),
    num_entries=COUNTS,
    arrays=st.dictionaries(st.text(), ARRAYS, max_size=3),
    details=JSON,
    origin=st.none() | ORIGINS,
    events=st.none() | PARTS,
)
SOURCES = st.builds(
    SourceRecord,
    path=st.text(),
    uuid=st.text("0123456789abcdef", min_size=32, max_size=32),
    size=COUNTS,
    mtime_ns=st.integers(),
    tree=st.text(),
    asked=st.none() | st.text(),
    num_entries=COUNTS,
    entry_start=COUNTS,
    tree_entries=COUNTS,
    metadata=st.dictionaries(st.text(), st.text(), max_size=2),
    tree_start=COUNTS,
    tag=st.text(),
    matches=st.dictionaries(st.text(), st.lists(st.text(), max_size=2).map(tuple), max_size=2),
)
METADATAS = st.builds(
    Metadata,
    generation=COUNTS,
    columns=st.dictionaries(st.text(), COLUMNS, max_size=3),
    sources=st.lists(SOURCES, max_size=2).map(tuple),
    hashes=st.dictionaries(st.integers(0, 2**64 - 1), st.text(), max_size=3),
    read_only=st.just(False),
)


def document() -> dict[str, Any]:
    source = SourceRecord("/a.root", "0" * 32, 1, 2, "t;1", None, 3, 0, 3, {"process": "ttH"})
    array = ArrayRecord(array_file("x", 1), np.dtype("<f4"), (3,), "crc32:00000000")
    column = ColumnRecord("vector", 3, {"values": array}, {}, Origin({}, ((source.id, 3),)))
    metadata = Metadata(1, {"x": column}, (source,)).with_texts({"ttH"})
    parsed: dict[str, Any] = json.loads(encode(metadata, written_by="9.9"))
    return parsed


@given(METADATAS)
def test_what_is_written_is_read_back(metadata: Metadata) -> None:
    text = encode(metadata, written_by="1.0")
    assert decode(json.loads(text), path="store") == metadata


def test_columns_of_the_same_events_share_them_on_disk_and_when_read() -> None:
    events = (("a" * 16, 3), ("b" * 16, 5))
    columns = {key: ColumnRecord("vector", 8, {}, events=events) for key in "xy"}
    document = json.loads(encode(Metadata(1, columns), written_by=""))
    assert document["parts"] == [[["a" * 16, 3], ["b" * 16, 5]]]
    x, y = decode(document, path="").columns.values()
    assert x.events == events
    assert x.events is y.events


def test_what_columns_are_made_of_is_written_once_and_shared_when_read() -> None:
    all_parts, old = (("a" * 16, 3), ("b" * 16, 5)), (("a" * 16, 3),)
    columns = {
        key: ColumnRecord("vector", 8, {}, {}, Origin({"branch": key}, parts))
        for key, parts in {"x": all_parts, "old": old, "y": all_parts}.items()
    }
    text = encode(Metadata(1, columns), written_by="")
    assert json.loads(text)["parts"] == [[["a" * 16, 3], ["b" * 16, 5]], [["a" * 16, 3]]]
    origins = {key: c.origin for key, c in decode(json.loads(text), path="").columns.items()}
    assert origins["x"] is not None
    assert origins["y"] is not None
    assert origins["x"].parts is origins["y"].parts


@pytest.mark.parametrize(
    "dtype",
    [
        np.dtype([("a", "<i4"), ("b", "<f8", (2, 3))]),
        np.dtype([("a", [("x", "<f4"), ("y", "|u1")], (2,)), ("b", "S5"), ("c", "<U3")]),
        np.dtype([("a", "i1"), ("b", "f8")], align=True),
        np.dtype([(("title", "a"), "i1"), ("b", "f8")]),
    ],
    ids=["shaped", "nested", "aligned", "titled"],
)
def test_structured_dtypes_are_read_back(dtype: np.dtype) -> None:
    array = ArrayRecord(array_file("x", 1), storage_dtype(dtype, key="x"), (3,))
    metadata = Metadata(1, {"x": ColumnRecord("vector", 3, {"values": array})})
    assert decode(json.loads(encode(metadata, written_by="")), path="") == metadata


PLACES: list[tuple[tuple[Any, ...], list[Any]]] = [
    (("generation",), ["1", -1, 1.5, None, True]),
    (("columns",), [[], None, "x"]),
    (("sources",), [{}, None]),
    (("hashes",), [[], None, {"xyz": "a"}, {"00": 1}]),
    (("columns", "x"), [None, 5, [], {}]),
    (("columns", "x", "kind"), [5, None]),
    (("columns", "x", "num_entries"), ["x", -1, 3.0, None, True]),
    (("columns", "x", "arrays"), [[], None]),
    (("columns", "x", "details"), [[], None, "x"]),
    (("columns", "x", "origin"), [[], "x", 5, {}, {"recipe": {}}]),
    (("columns", "x", "origin", "parts"), [1, -1, "0", None, True, [], [["0" * 16, 3]]]),
    (("columns", "x", "events"), [1, -1, "0", True, [], [["0" * 16, 3]]]),
    (("parts",), [{}, None, "x"]),
    (("parts", 0), [None, 5, [[1]], [["a", -1]], [[5, 1]], [["a", 1, 1]]]),
    (("columns", "x", "arrays", "values"), [None, [], "x", {}]),
    (
        ("columns", "x", "arrays", "values", "file"),
        [
            "../../etc/passwd",
            "/etc/passwd",
            "../" + array_file("x", 1),
            array_file("x", 1) + "\n",
            "lock",
            METADATA,
            "",
            None,
            5,
            "x\0.npy",
        ],
    ),
    (
        ("columns", "x", "arrays", "values", "dtype"),
        ["|O", "nonsense", None, 5, [], [["a"]], [["a", "|O"]], "|V0", {}, [[["a"], "<f4"]]],
    ),
    (
        ("columns", "x", "arrays", "values", "shape"),
        [[-1], [1.5], ["3"], "3", 3, None, [], [True], {}],
    ),
    (("columns", "x", "arrays", "values", "checksum"), [5, []]),
    (("sources", 0), [None, [], {}, 5]),
    (("sources", 0, "size"), ["1", -1, None]),
    (("sources", 0, "num_entries"), [-1, "3"]),
    (("sources", 0, "path"), [None, 5]),
    (("sources", 0, "metadata"), [None, []]),
]
DAMAGES = [(place, value) for place, values in PLACES for value in values]


@pytest.mark.parametrize(("place", "value"), DAMAGES, ids=repr)
def test_a_value_of_the_wrong_kind_is_damage(place: tuple[Any, ...], value: Any) -> None:
    damaged: Any = document()
    inner = damaged
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    with pytest.raises(CorruptStoreError, match=r"'store' is damaged: .*delete the store and make"):
        decode(damaged, path="store")


@pytest.mark.parametrize(
    "place",
    [
        ("generation",),
        ("columns",),
        ("sources",),
        ("parts",),
        ("hashes",),
        ("columns", "x", "kind"),
        ("columns", "x", "num_entries"),
        ("columns", "x", "arrays"),
        ("columns", "x", "details"),
        ("columns", "x", "origin", "parts"),
        ("columns", "x", "arrays", "values", "file"),
        ("columns", "x", "arrays", "values", "dtype"),
        ("columns", "x", "arrays", "values", "shape"),
        ("columns", "x", "arrays", "values", "checksum"),
        ("sources", 0, "uuid"),
        ("sources", 0, "mtime_ns"),
    ],
    ids=repr,
)
def test_a_missing_field_is_damage(place: tuple[Any, ...]) -> None:
    damaged: Any = document()
    inner = damaged
    for name in place[:-1]:
        inner = inner[name]
    del inner[place[-1]]
    with pytest.raises(CorruptStoreError, match="is damaged"):
        decode(damaged, path="store")


@given(data=st.data())
def test_no_change_of_the_document_is_another_error(data: Any) -> None:
    changed: Any = document()
    inner = changed
    while True:
        names = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        name = data.draw(st.sampled_from(names))
        if isinstance(inner[name], (dict, list)) and inner[name] and data.draw(st.booleans()):
            inner = inner[name]
            continue
        scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
        values = st.recursive(
            scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3)
        )
        inner[name] = data.draw(values)
        break
    with contextlib.suppress(CorruptStoreError):
        decode(changed, path="store")


@pytest.mark.parametrize("found", [None, [], "x", {}, {"format": "other"}])
def test_another_document_is_no_metadata(found: Any) -> None:
    with pytest.raises(CorruptStoreError, match="'store' is not the metadata of a memmpy store"):
        decode(found, path="store")


def test_a_format_of_the_future_names_the_memmpy_that_reads_it() -> None:
    future = {**document(), "format_version": 4}
    message = (
        "has format version 4, and this memmpy reads up to 3; it was written by memmpy 9.9: use "
        "that one"
    )
    with pytest.raises(CorruptStoreError, match=message):
        decode(future, path="store")


def test_a_missing_directory_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"no store at '.*nothing': no such directory"):
        read_metadata(tmp_path / "nothing")


def test_a_directory_without_metadata_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"it holds no metadata_memmpy\.json"):
        read_metadata(tmp_path)


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MissingFileError, match=r"no store at '.*file': it is a file"):
        read_metadata(tmp_path / "file")


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"format": '])
def test_metadata_that_is_no_json_is_damage(tmp_path: Path, data: bytes) -> None:
    (tmp_path / METADATA).write_bytes(data)
    with pytest.raises(CorruptStoreError, match=r"metadata_memmpy\.json' is damaged"):
        read_metadata(tmp_path)


@pytest.mark.parametrize(
    "dtype",
    ["<f4", "|V24", [("a", "<i2"), ("b", "<f8", (2,))], [(("a title", "a"), "<i2"), ("b", "|b1")]],
)
def test_an_array_is_the_same_after_json(dtype: Any) -> None:
    array = ArrayRecord("x.npy", np.dtype(dtype), (3, 2), "crc32:00000000")
    document = json.loads(json.dumps(array_to_json(array)))
    again = array_of_json(document, file=document["file"], checksum=document["checksum"])
    assert again == array
    assert again.dtype.fields == array.dtype.fields
