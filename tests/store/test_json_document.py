"""Tests of JSON documents with a version and a checksum."""

import contextlib
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import CorruptStoreError
from memmpy.store import Format, parse
from memmpy.store.json_document import seal
from tests.documents import fields_of, flipped

FORMAT = Format("memmpy test", "the document of a test", 3, 2, "write it again")
TEXTS = st.text(st.characters(), max_size=4)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | TEXTS
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS.filter(lambda name: name != "checksum"), VALUES, max_size=3))
def test_what_is_sealed_is_parsed_again(document: dict[str, Any]) -> None:
    data = seal({"format": "x", **document})
    assert data.isascii()
    assert parse(data) == ({"format": "x", **document}, True)
    assert fields_of(data) == {"format": "x", **document}


def test_its_last_line_is_the_checksum_of_all_before_it() -> None:
    data = seal({"a": [1, [2]], "b": {"c": {"d": 3}}, "e": [], "f": {}, "g": None})
    body = b"""{
 "a": [
  1,
  [2]
 ],
 "b": {
  "c": {"d": 3}
 },
 "e": [],
 "f": {},
 "g": null"""
    assert data == body + f',\n "checksum": "crc32:{zlib.crc32(body):08x}"\n}}\n'.encode()


def test_no_flipped_bit_leaves_the_checksum_right() -> None:
    for altered in flipped(seal({"a": [1, [2]], "b": {"c": "d"}})):
        with contextlib.suppress(ValueError):
            assert not parse(altered)[1]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_document_holds_what_json_has_not(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        seal({"a": {"b": value}})


def decoded(data: bytes) -> tuple[int, dict[str, Any]]:
    with FORMAT.damage_errors("it"):
        document, is_sealed = parse(data)
        return FORMAT.fields_of(document, is_sealed=is_sealed, path="it")


def test_a_format_gives_back_the_fields_without_its_header() -> None:
    data = FORMAT.encode({"a": 1}, written_by="0.9")
    assert fields_of(data) == {
        "format": "memmpy test",
        "format_version": 3,
        "memmpy_version": "0.9",
        "a": 1,
    }
    assert decoded(data) == (3, {"a": 1})


@pytest.mark.parametrize(("version", "is_read"), [(1, True), (2, False), (3, False)])
def test_only_versions_without_a_checksum_are_read_without_one(version: int, is_read: bool) -> None:
    header = {"format": "memmpy test", "format_version": version, "memmpy_version": "0.9"}
    assert decoded(seal({**header, "a": 1})) == (version, {"a": 1})
    bare = json.dumps({**header, "a": 1}).encode()
    if is_read:
        assert decoded(bare) == (version, {"a": 1})
    else:
        message = "'it' is damaged: its checksum differs; write it a"
        with pytest.raises(CorruptStoreError, match=message):
            decoded(bare)


def test_a_field_that_comes_twice_is_damage() -> None:
    body = b'{\n "format": "memmpy test",\n "a": {"b": 1, "b": 2}'
    data = body + f',\n "checksum": "crc32:{zlib.crc32(body):08x}"\n}}\n'.encode()
    with pytest.raises(
        CorruptStoreError, match="'it' is damaged: it has the field 'b' twice; write it"
    ):
        decoded(data)
