"""Tests of the conversion of JSON values to declared types."""

import json
import re
from typing import Annotated, Any

import numpy as np
import pytest
from msgspec import Meta

from memmpy.store import ArrayRecord, Count, JsonObject, from_json, to_json


class Inner(JsonObject, frozen=True):
    count: Count
    names: dict[str, str] | None = None


class Outer(JsonObject, frozen=True):
    inner: dict[Annotated[str, Meta(max_length=3)], list[Inner]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, "expected `object`, got `int`"),
        ({}, "object missing required field `inner`"),
        ({"inner": 3}, "inner: expected `object`, got `int`"),
        ({"inner": {"abcd": []}}, "inner.a name: expected `str` of length <= 3"),
        ({"inner": {"a": [], "b": {}}}, "inner.b: expected `array`, got `object`"),
        (
            {"inner": {"a": [{"count": 1}], "b": [{"count": 2}, {"count": -1}]}},
            "inner.b.1.count: expected `int` >= 0",
        ),
        (
            {"inner": {"a": [{"count": 1, "names": {"x.y": "z", "\ud800[...]": 3}}]}},
            "inner.a.0.names.\ud800[...]: expected `str`, got `int`",
        ),
        (
            {"inner": {"a": [{"count": "1"}], "b": [{"count": "1"}]}},
            "inner.a.0.count: expected `int`, got `str`",
        ),
        (
            {"inner": {"a": [{"count": 1, "num": 2}]}},
            "inner.a.0: object contains unknown field `num`",
        ),
    ],
)
def test_an_error_names_the_place(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        from_json(value, Outer)


def test_what_is_plain_is_typed_again() -> None:
    inner = Inner(3, {"a": "b"})
    assert from_json(json.loads(json.dumps(to_json(inner))), Inner) == inner
    assert to_json(Inner(3)) == {"count": 3}


@pytest.mark.parametrize(
    "dtype",
    ["<f4", "|V24", [("a", "<i2"), ("b", "<f8", (2,))], [(("a title", "a"), "<i2"), ("b", "|b1")]],
)
def test_an_array_is_the_same_after_json(dtype: Any) -> None:
    array = ArrayRecord("x.npy", np.dtype(dtype), (3, 2), "crc32:00000000")
    again = from_json(json.loads(json.dumps(to_json(array))), ArrayRecord)
    assert again == array
    assert again.dtype.fields == array.dtype.fields
