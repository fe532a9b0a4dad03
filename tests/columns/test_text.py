"""Tests of text columns."""

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memmpy.columns import ReadText, WriteText
from memmpy.errors import ColumnError


def write(store: Path, texts: Any) -> ReadText:
    with WriteText(store, "key") as column:
        column.extend(texts)
    return ReadText(store, "key")


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(texts=st.lists(st.text()))
def test_any_text_survives(store: Path, texts: list[str]) -> None:
    column = write(store, texts)
    assert list(column) == texts
    assert column[:].tolist() == texts
    assert column.to_awkward().to_list() == texts


@given(data=st.binary())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_bytes_that_are_no_text_survive_as_python_reads_them(store: Path, data: bytes) -> None:
    column = write(store, [data.decode(errors="surrogateescape")])
    assert column.encoded[0].tobytes() == data


def test_entries_compare_with_a_text_one_by_one(store: Path) -> None:
    column = write(store, ["mu", "e", "mu"])
    assert (column[:] == "mu").tolist() == [True, False, True]


def test_arrays_of_text_are_taken(store: Path) -> None:
    assert list(write(store, np.array(["mu", "e"]))) == ["mu", "e"]


def test_encoded_text_is_copied_as_it_is(store: Path) -> None:
    first = write(store, ["é", "", "b"])
    with WriteText(store, "copy") as column:
        column.append("a")
        column.extend_encoded(first.encoded)
    assert list(ReadText(store, "copy")) == ["a", "é", "", "b"]


def test_awkward_sees_the_mapped_memory(store: Path) -> None:
    column = write(store, ["mu", "e"])
    content = ak.to_layout(column.to_awkward()).content.data
    assert np.shares_memory(content, column.encoded.content)


@pytest.mark.parametrize("value", [b"mu", 5, None, ["mu"]])
def test_what_is_no_text_is_refused(store: Path, value: Any) -> None:
    with pytest.raises(ColumnError, match=r"column 'key' holds text \(str\), got "):
        write(store, [value])


def test_one_text_is_not_several(store: Path) -> None:
    with pytest.raises(ColumnError, match="extend takes several texts, got the one text 'mu'"):
        write(store, "mu")


def test_half_a_character_is_refused(store: Path) -> None:
    with pytest.raises(ColumnError, match=r"column 'key' cannot hold .*surrogates not allowed"):
        write(store, ["\ud800"])
