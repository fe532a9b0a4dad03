"""Tests of the metadata as a JSON document, and of damaged documents."""

import contextlib
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

import memmpy
from memmpy.columns import WriteVector, read_vector
from memmpy.errors import CorruptStoreError, MissingFileError
from memmpy.store import (
    METADATA,
    ArrayRecord,
    ColumnRecord,
    Computed,
    FriendRecord,
    Metadata,
    NumberRecord,
    Origin,
    SourceRecord,
    array_file,
    hash64,
    hash_text,
    read_metadata,
    storage_dtype,
)
from memmpy.store.json_document import seal
from memmpy.store.metadata_document import decode, encode
from tests.documents import change_one, fields_of

COUNTS = st.integers(0, 2**63 - 1)
#: Names of files and keys may hold bytes that are no UTF-8, as lone surrogates.
TEXTS = st.text(st.characters(), max_size=5)
IDS = st.builds(hash_text, st.integers(0, 2**64 - 1))
DTYPES = st_numpy.array_dtypes(
    st_numpy.boolean_dtypes()
    | st_numpy.integer_dtypes(endianness="<")
    | st_numpy.floating_dtypes(endianness="<")
    | st_numpy.datetime64_dtypes(endianness="<")
).map(lambda dtype: dtype.base)
ARRAYS = st.builds(
    ArrayRecord,
    file=st.builds(array_file, TEXTS, COUNTS),
    dtype=DTYPES,
    shape=st.lists(COUNTS, min_size=1, max_size=3).map(tuple),
    checksum=st.none() | st.just("crc32:00000000"),
)
PARTS = st.lists(st.tuples(IDS, COUNTS), max_size=3).map(tuple)
RECIPES = st.fixed_dictionaries(
    {}, optional={"dtype": st.just("<f4"), "padding": st.tuples(COUNTS, TEXTS).map(list)}
).flatmap(
    lambda more: (
        st.builds(lambda branch: {"branch": branch, **more}, TEXTS)
        | st.builds(lambda text: {"expression": text, "language": 3, **more}, TEXTS)
    )
)
CLIPPED = st.none() | st.tuples(COUNTS, COUNTS, COUNTS, COUNTS)


def each(parts: tuple[Any, ...], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return values for each part, or none."""
    num = len(parts)
    return st.just(()) | st.lists(values, min_size=num, max_size=num).map(tuple)


NUMBERS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, width=32)
NUMBERS = NUMBERS.filter(lambda number: abs(number) != float("inf"))


def numbers_for(parts: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """Return the numbers of a recipe, one or none for each part."""
    num = len(parts)
    values = st.lists(st.none() | NUMBERS, min_size=num, max_size=num)
    column = st.fixed_dictionaries({"dtype": st.just("<f8"), "values": values})
    return st.dictionaries(TEXTS, column, min_size=1, max_size=1)


ORIGINS = PARTS.flatmap(
    lambda parts: st.builds(
        Origin,
        RECIPES
        | st.builds(lambda texts: {"metadata": [*texts]}, each(parts, TEXTS))
        | st.builds(lambda numbers: {"numbers": numbers}, numbers_for(parts))
        | st.builds(lambda r, numbers: {**r, "numbers": numbers}, RECIPES, numbers_for(parts)),
        st.just(parts),
        each(parts, st.sampled_from(["0.2", "0.3"])),
        each(parts, CLIPPED),
        st.lists(TEXTS, max_size=2).map(tuple),
    )
)
COMPUTED = st.builds(Computed, TEXTS, TEXTS, COUNTS, st.dictionaries(TEXTS, TEXTS, max_size=2))
KINDS: dict[str, list[str]] = {
    "vector": ["values"],
    "jagged": ["content", "offsets"],
    "text": ["content", "offsets"],
    "shaped": ["content", "offsets", "shapes", "shapes_offsets"],
    "nested": ["node0-offsets", "node0.0-data"],
}


def columns_of(kind: str) -> st.SearchStrategy[ColumnRecord]:
    details: st.SearchStrategy[dict[str, Any]] = (
        st.just({}) | st.just({"hashed": True}) | COMPUTED.map(lambda c: c.to_details())
    )
    return st.builds(
        ColumnRecord,
        kind=st.just(kind),
        num_entries=COUNTS,
        arrays=st.fixed_dictionaries(dict.fromkeys(KINDS[kind], ARRAYS)),
        details=st.just({"form": {"class": "x", "content": {}}}) if kind == "nested" else details,
        origin=st.none() | ORIGINS,
        events=st.none() | PARTS,
    )


UUIDS = st.text("0123456789abcdef", min_size=32, max_size=32)
FRIENDS = st.lists(
    st.builds(FriendRecord, TEXTS, TEXTS, TEXTS, UUIDS, COUNTS, st.integers(), TEXTS, TEXTS),
    max_size=2,
)


def with_friends(source: SourceRecord) -> st.SearchStrategy[SourceRecord]:
    """Return a source with friends, and branches that come from them."""

    def replaced(friends: list[FriendRecord]) -> st.SearchStrategy[SourceRecord]:
        names = st.sampled_from([friend.name for friend in friends]) if friends else st.nothing()
        return st.dictionaries(TEXTS, names, max_size=2 if friends else 0).map(
            lambda friend_of: dataclasses.replace(
                source, friends=tuple(friends), friend_of=friend_of
            )
        )

    return FRIENDS.flatmap(replaced)


SOURCES = st.builds(
    SourceRecord,
    path=TEXTS,
    uuid=UUIDS,
    size=COUNTS,
    mtime_ns=st.integers(),
    tree=TEXTS,
    asked=st.none() | TEXTS,
    num_entries=COUNTS,
    entry_start=COUNTS,
    tree_entries=COUNTS,
    metadata=st.dictionaries(TEXTS, TEXTS, max_size=2),
    tree_start=COUNTS,
    tag=TEXTS,
    matches=st.dictionaries(TEXTS, st.lists(TEXTS, max_size=2).map(tuple), max_size=2),
    naming=st.lists(TEXTS, max_size=2).map(tuple),
    numbers=st.builds(
        NumberRecord,
        st.dictionaries(TEXTS, NUMBERS, max_size=2),
        st.dictionaries(TEXTS, TEXTS, max_size=2),
        st.dictionaries(TEXTS, st.floats(allow_nan=False, allow_infinity=False), max_size=2),
        st.dictionaries(TEXTS, st.none() | st.sampled_from(["", "<f4"]), max_size=2),
    ),
).flatmap(with_friends)
SPLITS = st.none() | st.sampled_from(
    [
        {"by": "position"},
        {
            "splits": {"by": ["run", "event"], "num_folds": 3, "val": 0.25, "seed": 2**63},
            "made_of": "0" * 16,
            "notes": ["a note"],
            "own": {"run": ["0" * 16, "1" * 16]},
        },
    ]
)
METADATAS = st.builds(
    Metadata,
    generation=COUNTS,
    columns=st.dictionaries(TEXTS, st.sampled_from([*KINDS]).flatmap(columns_of), max_size=3),
    sources=st.lists(SOURCES, max_size=2).map(tuple),
    hashes=st.lists(TEXTS, max_size=3).map(lambda texts: {hash64(text): text for text in texts}),
    read_only=st.just(False),
    splits=SPLITS,
)


def document() -> bytes:
    source = SourceRecord(
        *("/a.root", "0" * 32, 1, 2, "t;1", None, 3, 0, 3, {"process": "ttH"}),
        matches={"x*": ("x",)},
    )
    array = ArrayRecord(array_file("x", 1), np.dtype("<f4"), (3,), "crc32:00000000")
    origin = Origin({"branch": "x", "padding": [3, "nan"]}, ((source.id, 3),), ("0.3",))
    columns = {
        "x": ColumnRecord("vector", 3, {"values": array}, {}, origin),
        "y": ColumnRecord(
            *("vector", 3, {"values": array}),
            Computed("2 * x", "(2 * x)", 3, {"x": "..."}).to_details(),
        ),
    }
    return encode(Metadata(1, columns, (source,)).with_texts({"ttH"}), written_by="9.9")


def with_change(change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the document with a change, and the checksum of that."""
    fields = fields_of(document())
    change(fields)
    return seal(fields)


@pytest.mark.slow
@given(METADATAS)
def test_what_is_written_is_read_back(metadata: Metadata) -> None:
    assert decode(encode(metadata), path="store") == metadata


def test_each_column_and_each_source_is_a_line() -> None:
    lines = document().decode().splitlines()
    assert lines[:6] == [
        "{",
        ' "format": "memmpy store",',
        ' "format_version": 5,',
        ' "memmpy_version": "9.9",',
        ' "generation": 1,',
        ' "columns": {',
    ]
    assert lines[6].startswith('  "x": {"kind": "vector", "num_entries": 3, "arrays": {"values": ')
    assert lines[-2].startswith(' "checksum": "crc32:')


def test_columns_of_the_same_events_share_them_on_disk_and_when_read() -> None:
    events = (("a" * 16, 3), ("b" * 16, 5))
    array = ArrayRecord("x.npy", np.dtype("<f4"), (8,))
    columns = {key: ColumnRecord("vector", 8, {"values": array}, events=events) for key in "xy"}
    data = encode(Metadata(1, columns))
    assert json.loads(data)["parts"] == [[["a" * 16, 3], ["b" * 16, 5]]]
    x, y = decode(data, path="").columns.values()
    assert x.events == events
    assert x.events is y.events


def test_what_columns_are_made_of_is_written_once_and_shared_when_read() -> None:
    all_parts, old = (("a" * 16, 3), ("b" * 16, 5)), (("a" * 16, 3),)
    array = ArrayRecord("x.npy", np.dtype("<f4"), (8,))
    columns = {
        key: ColumnRecord("vector", 8, {"values": array}, {}, Origin({"branch": key}, parts))
        for key, parts in {"x": all_parts, "old": old, "y": all_parts}.items()
    }
    data = encode(Metadata(1, columns))
    assert json.loads(data)["parts"] == [[["a" * 16, 3], ["b" * 16, 5]], [["a" * 16, 3]]]
    origins = {key: c.origin for key, c in decode(data, path="").columns.items()}
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
    assert decode(encode(metadata), path="") == metadata


VALUES = ("columns", "x", "arrays", "values")
RECIPE = ("columns", "x", "origin", "recipe")
COMPUTED_PLACE = ("columns", "y", "details", "computed")
#: A place, values that are wrong there, and what the error says of it.
PLACES: list[tuple[tuple[Any, ...], list[Any], str]] = [
    (("generation",), ["1", -1, 1.5, None, True, 2**63, 2**200], "generation: expected `int"),
    (("columns",), [[], None, "x"], "columns: expected `object`"),
    (("sources",), [{}, None], "sources: expected `array`"),
    (("hashes",), [[], None], "hashes: expected `object`"),
    (("hashes",), [{"xyz": "a"}], "hashes.a name: expected `str` matching regex"),
    (("hashes",), [{"0" * 16: 1}], "hashes.0000000000000000: expected `str`"),
    (("hashes",), [{"0" * 16: "a"}], "hashes.0000000000000000: 'a' has another hash"),
    (("columns", "x"), [None, 5, []], "columns.x: expected `object`"),
    (("columns", "x"), [{}], "columns.x: object missing required field `kind`"),
    (("columns", "x", "kind"), [5, None], "columns.x.kind: expected `str`"),
    (("columns", "x", "kind"), ["tensor"], "columns.x.kind: invalid enum value 'tensor'"),
    (("columns", "x", "kind"), ["jagged"], "columns.x: its arrays make no jagged column: values"),
    (("columns", "x", "kind"), ["nested"], "columns.x: nested columns have a form"),
    (("columns", "x", "num_entries"), ["x", -1, 3.0, None, True], "columns.x.num_entries: exp"),
    (("columns", "x", "arrays"), [[], None], "columns.x.arrays: expected `object`"),
    (("columns", "x", "arrays"), [{}], "columns.x: its arrays make no vector column: "),
    (("columns", "x", "details"), [[], None, "x"], "columns.x.details: expected `object`"),
    (("columns", "x", "details"), [{"hashed": 1}], "columns.x.details.hashed: expected `bool`"),
    (("columns", "x", "details"), [{"form": {}}], "columns.x: nested columns have a form"),
    (("columns", "x", "details"), [{"hash": 1}], "columns.x.details: object contains unknown fi"),
    (("columns", "x", "origin"), [[], "x", 5], "columns.x.origin: expected `object | null`"),
    (("columns", "x", "origin"), [{}], "columns.x.origin: object missing required field `recipe`"),
    (RECIPE, [None, [], "x"], "columns.x.origin.recipe: expected `object`"),
    (RECIPE, [{}], "columns.x.origin.recipe: expected one of branch, expression, "),
    (RECIPE, [{"branch": "x", "expression": "x"}], "columns.x.origin.recipe: expected one of"),
    (RECIPE, [{"branch": 5}], "columns.x.origin.recipe.branch: expected `str | null`"),
    (RECIPE, [{"metadata": "ttH"}], "columns.x.origin.recipe.metadata: expected `array | null`"),
    (RECIPE, [{"metadata": ["a", "b"]}], "columns.x: metadata has 2 items for 1 parts"),
    (RECIPE, [{"numbers": {}}], "columns.x.origin.recipe: expected one of"),
    (RECIPE, [{"numbers": {"x": {"dtype": "<f8", "values": []}}}], "columns.x: numbers has 0 item"),
    ((*RECIPE, "padding"), [3, [], [3], ["3", "nan"], [3, 0]], "columns.x.origin.recipe.padding"),
    ((*RECIPE, "language"), ["3", -1], "columns.x.origin.recipe.language: expected `int"),
    ((*RECIPE, "other"), [3], "columns.x.origin.recipe: object contains unknown field `other`"),
    (("columns", "x", "origin", "parts"), [-1, "0", None, [], True], "columns.x.origin.parts: exp"),
    (("columns", "x", "origin", "parts"), [1, 2**62], "columns.x: no parts "),
    (("columns", "x", "origin", "made_by"), [5, [1]], "columns.x.origin.made_by"),
    (
        ("columns", "x", "origin", "made_by"),
        [["a", "b"]],
        "columns.x: made_by has 2 items for",
    ),
    (
        ("columns", "x", "origin", "clipped"),
        [[[1, 2]]],
        "columns.x.origin.clipped.0: expected `arr",
    ),
    (
        ("columns", "x", "origin", "clipped"),
        [[None] * 3],
        "columns.x: clipped has 3 items for",
    ),
    (COMPUTED_PLACE, [{}, 5, []], "columns.y.details.computed: "),
    ((*COMPUTED_PLACE, "made_of"), [None, [], {"x": 1}], "columns.y.details.computed.made_of"),
    ((*COMPUTED_PLACE, "language"), [None, "3"], "columns.y.details.computed.language"),
    ((*COMPUTED_PLACE, "other"), [3], "columns.y.details.computed: object contains unknown field"),
    (("columns", "x", "events"), [-1, "0", True, []], "columns.x.events: expected `int"),
    (("columns", "x", "events"), [1], "columns.x: no parts 1 of 1"),
    (("parts",), [{}, None, "x"], "parts: expected `array`"),
    (("parts", 0), [None, 5], "parts.0: expected `array`"),
    (("parts", 0), [[[1]], [["0" * 16, 1, 1]]], "parts.0.0: expected `array` of length 2"),
    (("parts", 0), [[["0" * 16, -1]], [["0" * 16, "1"]]], "parts.0.0.1: expected `int"),
    (("parts", 0), [[[5, 1]], [["a", 1]]], "parts.0.0.0: expected `str"),
    (VALUES, [None, [], "x"], "columns.x.arrays.values: expected `object`"),
    (VALUES, [{}], "columns.x.arrays.values: object missing required field `file`"),
    (
        (*VALUES, "file"),
        [
            "../../etc/passwd",
            "/etc/passwd",
            "../" + array_file("x", 1),
            array_file("x", 1) + "\n",
            "lock",
            METADATA,
            "",
            "x\0.npy",
            None,
            5,
        ],
        "columns.x.arrays.values.file: expected `str",
    ),
    (
        (*VALUES, "dtype"),
        ["nonsense", None, 5, [["a"]], {}, [[["a"], "<f4"]], [["a", "<f4", 3]], "<f4,("],
        "columns.x.arrays.values.dtype: ",
    ),
    ((*VALUES, "dtype"), ["|O", [], [["a", "|O"]], "|V0"], "columns.x.arrays.values.dtype: values"),
    (
        (*VALUES, "shape"),
        [[-1], [1.5], ["3"], "3", 3, None, [], [True], {}, [2**64]],
        "columns.x.arrays.values.shape",
    ),
    ((*VALUES, "checksum"), [5, [], "", "crc32:0"], "columns.x.arrays.values.checksum: expected"),
    (("sources", 0), [None, [], 5], "sources.0: expected `object`"),
    (("sources", 0), [{}], "sources.0: object missing required field `path`"),
    (("sources", 0, "size"), ["1", -1, None], "sources.0.size: expected `int"),
    (("sources", 0, "num_entries"), [-1, "3"], "sources.0.num_entries: expected `int"),
    (("sources", 0, "path"), [None, 5], "sources.0.path: expected `str`"),
    (("sources", 0, "metadata"), [None, []], "sources.0.metadata: expected `object`"),
    (
        ("sources", 0, "metadata"),
        [{"a": "b", "year": 1}],
        "sources.0.metadata.year: expected `str`",
    ),
    (("sources", 0, "matches"), [-1, {}, "0"], "sources.0.matches: expected `int"),
    (("sources", 0, "matches"), [1], "sources: no matches 1 of 1"),
    (("sources", 0, "naming"), ["event", [1]], "sources.0.naming"),
    (("sources", 0, "owner"), ["me"], "sources.0: object contains unknown field `owner`"),
    (("matches",), [{}, None], "matches: expected `array`"),
    (("matches", 0), [{"x*": "x"}], "matches.0.x*: expected `array`"),
    (("owner",), ["me"], "object contains unknown field `owner`"),
]
DAMAGES = [(place, value, message) for place, values, message in PLACES for value in values]


@pytest.mark.parametrize(("place", "value", "message"), DAMAGES, ids=repr)
def test_a_value_of_the_wrong_kind_is_damage(
    place: tuple[Any, ...], value: Any, message: str
) -> None:
    def change(inner: Any) -> None:
        for name in place[:-1]:
            inner = inner[name]
        inner[place[-1]] = value

    with pytest.raises(CorruptStoreError) as caught:
        decode(with_change(change), path="store")
    said = str(caught.value)
    assert said.startswith(f"'store' is damaged: {message}")
    assert said.endswith("; restore it from a copy, or delete the store and make it again")


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
        ("columns", "y", "details", "computed", "made_of"),
        (*VALUES, "file"),
        (*VALUES, "dtype"),
        (*VALUES, "shape"),
        ("sources", 0, "uuid"),
        ("sources", 0, "mtime_ns"),
    ],
    ids=repr,
)
def test_a_missing_field_is_damage(place: tuple[Any, ...]) -> None:
    def change(inner: Any) -> None:
        for name in place[:-1]:
            inner = inner[name]
        del inner[place[-1]]

    message = f"is damaged: .*object missing required field `{place[-1]}`"
    with pytest.raises(CorruptStoreError, match=message):
        decode(with_change(change), path="store")


@given(data=st.data())
def test_no_change_of_the_document_is_another_error(data: Any) -> None:
    with contextlib.suppress(CorruptStoreError):
        decode(with_change(lambda fields: change_one(fields, data)), path="store")


@pytest.mark.parametrize("found", [b"null", b"[]", b'"x"', b"{}", b'{"format": "other"}'])
def test_another_document_is_no_metadata(found: bytes) -> None:
    with pytest.raises(CorruptStoreError, match="'store' is not the metadata of a memmpy store"):
        decode(found, path="store")


@pytest.mark.parametrize("version", [6, 0, -1, "5", 5.0, True, None])
def test_a_format_of_the_future_names_the_memmpy_that_reads_it(version: Any) -> None:
    message = (
        f"has format version {version!r}, and this memmpy reads versions up to 5; memmpy "
        "9.9 wrote it: use that version"
    )
    with pytest.raises(CorruptStoreError, match=message):
        decode(with_change(lambda fields: fields.update(format_version=version)), path="store")


def test_a_form_that_is_nested_too_deeply_is_damage() -> None:
    form: dict[str, Any] = {"class": "x"}
    for _ in range(101):
        form = {"content": form}
    array = ArrayRecord("x.npy", np.dtype("<f4"), (8,))
    column = ColumnRecord("nested", 8, {"node0-data": array}, {"form": form})
    message = "damaged: columns.n.details: its form is nested too deeply"
    with pytest.raises(CorruptStoreError, match=message):
        decode(encode(Metadata(1, {"n": column})), path="store")


@pytest.mark.parametrize("version", [1, 2, 3])
def test_versions_before_4_have_no_checksum(version: int) -> None:
    fields = fields_of(document()) | {"format_version": version}
    assert decode(json.dumps(fields).encode(), path="store") == decode(document(), path="store")
    fields["checksum"] = "crc32:00000000"
    with pytest.raises(CorruptStoreError, match="object contains unknown field `checksum`"):
        decode(json.dumps(fields).encode(), path="store")


@pytest.mark.parametrize("version", [4, 5])
def test_versions_since_4_without_their_checksum_are_damage(version: int) -> None:
    message = "'store' is damaged: its checksum differs; restore it"
    fields = fields_of(document()) | {"format_version": version}
    with pytest.raises(CorruptStoreError, match=message):
        decode(json.dumps(fields).encode(), path="store")


def test_friends_that_do_not_exist_are_damage() -> None:
    friend = FriendRecord("a", "t", "/b.root", "1" * 32, 1, 2, "t;1")
    source = SourceRecord(
        *("/a.root", "0" * 32, 1, 2, "t;1", None, 3, 0, 3),
        friends=(friend,),
        friend_of={"x": "a"},
    )
    data = encode(Metadata(1, {}, (source,)))
    assert decode(data, path="store").sources == (source,)
    for change, message in [
        (lambda fields: fields["sources"][0].update(friend_of=1), "no friend_of 1 of 1"),
        (lambda fields: fields["friend_of"][0].update(x="c"), "no friend 'c' of '/a.root'"),
    ]:
        fields = fields_of(data)
        change(fields)  # type: ignore[no-untyped-call]
        with pytest.raises(CorruptStoreError, match=f"damaged: sources: {message}"):
            decode(seal(fields), path="store")


def test_files_of_one_kind_share_the_friends_of_their_branches_on_disk() -> None:
    friend = FriendRecord("a", "t", "/b.root", "1" * 32, 1, 2, "t;1")
    sources = [
        SourceRecord(
            *(path, "0" * 32, 1, 2, "t;1", None, 3, 0, 3),
            friends=(friend,) if number is not None else (),
            friend_of={"x": "a"} if number == 0 else {},
        )
        for path, number in [("/a", 0), ("/b", 1), ("/c", 0), ("/d", None)]
    ]
    found = json.loads(encode(Metadata(1, {}, tuple(sources))))
    assert found["friend_of"] == [{"x": "a"}, {}]
    assert [source.get("friend_of") for source in found["sources"]] == [0, 1, 0, None]


@pytest.mark.parametrize("num", [1, 2, 10, 1000])
def test_metadata_that_are_cut_off_or_longer_do_not_pass(num: int) -> None:
    data = document()
    for altered in (data[:-num], data[num:], data + b"\n" * num, data + data[:num]):
        with pytest.raises(CorruptStoreError):
            decode(altered, path="store")


def test_a_store_of_names_that_are_no_utf8_is_read_back(tmp_path: Path) -> None:
    key = b"jet_\xff".decode(errors="surrogateescape")
    with WriteVector(tmp_path / "s", key) as column:
        column.extend([1.0, 2.0])
    assert read_vector(tmp_path / "s", key).tolist() == [1.0, 2.0]


def test_a_missing_directory_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"no store at '.*nothing': no such directory"):
        read_metadata(tmp_path / "nothing")


def test_a_directory_without_metadata_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"it holds no metadata_memmpy\.json"):
        read_metadata(tmp_path)


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        ("file", "$"),
        ("a.root", "; memmpy ls lists it, and memmpy convert makes a store of it$"),
        ("data.toml", "; of a recipe, give the store that it names$"),
    ],
)
def test_a_file_is_no_store(tmp_path: Path, name: str, way_out: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(MissingFileError, match=rf"no store at '.*{name}': it is a file{way_out}"):
        read_metadata(tmp_path / name)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b'{"format": ', "Expecting value"),
        (b"\xff\xfe", "can't decode byte 0xff"),
        (b"{}x", "Extra data"),
        (b"[" * 100_000, "its lists are nested too deeply"),
        (b'{"a":' * 100_000, "its lists are nested too deeply"),
        (b"9" * 5000, "Exceeds the limit"),
        (b'{"generation": NaN}', "NaN is not JSON"),
        (b'{"generation": -Infinity}', "-Infinity is not JSON"),
        (
            b'{"format": "memmpy store", "format": "memmpy store"}',
            "it has the field 'format' twice",
        ),
        (b'{"columns": {"x": 1, "y": 2, "x": 3}}', "it has the field 'x' twice"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_metadata_that_is_no_json_is_damage(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / METADATA).write_bytes(data)
    with pytest.raises(CorruptStoreError, match=rf"metadata_memmpy\.json' is damaged: .*{message}"):
        read_metadata(tmp_path)


@pytest.mark.parametrize("data", [b"[]", b"null", b"3", b'"a text"'])
def test_json_that_is_no_object_is_no_metadata(tmp_path: Path, data: bytes) -> None:
    (tmp_path / METADATA).write_bytes(data)
    with pytest.raises(CorruptStoreError, match=r"metadata_memmpy\.json' is not the metadata of a"):
        memmpy.open(tmp_path)


def test_a_number_that_no_float_holds_is_damage(tmp_path: Path) -> None:
    with WriteVector(tmp_path / "s", "x") as column:
        column.extend([1.0])
    fields = fields_of((tmp_path / "s" / METADATA).read_bytes())
    fields |= {"format_version": 3, "splits": {"splits": {"val": "VALUE"}}}
    (tmp_path / "s" / METADATA).write_text(json.dumps(fields).replace('"VALUE"', "1e999"))
    with pytest.raises(CorruptStoreError, match=r"splits\.splits\.val: expected `float` <= 1\.0"):
        memmpy.open(tmp_path / "s")
