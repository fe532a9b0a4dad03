"""Tests of encodings of columns: uproot decodes the same pages to the same bits."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import uproot
from hypothesis import given
from hypothesis import strategies as st
from uproot.models.RNTuple import Model_ROOT_3a3a_RNTuple as UprootNtuple

from memmpy.sources.root.ntuple_encodings import decode_page, encoding_of_column, page_bytes
from memmpy.sources.root.ntuple_records import ColumnDescription

NUMBERS = uproot.const.rntuple_col_type_to_num_dict
BITS = uproot.const.rntuple_col_num_to_size_dict
#: Columns that have one number of bits.
FIXED = [name for name in NUMBERS if name not in {"switch", "real32trunc", "real32quant"}]


def column_of(kind: str, num_bits: int) -> ColumnDescription:
    return ColumnDescription(0, NUMBERS[kind], num_bits, 0, 0, False, -2.5, 17.25)


def decoded_by_uproot(column: ColumnDescription, octets: bytes, num: int) -> Any:
    """Return the values of a cluster of one page, as `read_cluster_pages` of uproot reads it."""
    record = SimpleNamespace(
        type=column.kind,
        nbits=column.num_bits,
        field_id=0,
        idx=0,
        min_value=column.low,
        max_value=column.high,
    )
    ntuple: Any = SimpleNamespace(
        column_records=[record],
        _field_metadata_cache={},
        _column_records_dict={0: [record]},
        field_records=[SimpleNamespace(type_name="")],
    )
    metadata = UprootNtuple.get_field_metadata(ntuple, 0)
    values = np.zeros(num, metadata.dtype_result)
    stored = np.frombuffer(octets, metadata.dtype_toread)
    values.view(metadata.dtype_toread)[: len(stored)] = stored
    UprootNtuple.deserialize_page_decompressed_buffer(ntuple, values, metadata)
    UprootNtuple.post_process(ntuple, values, metadata)
    return values


def assert_same(column: ColumnDescription, num: int, seed: int) -> None:
    encoding = encoding_of_column(column)
    assert encoding is not None
    octets = np.random.default_rng(seed).bytes(page_bytes(encoding, num))
    values = np.empty(num, encoding.dtype)
    decode_page(encoding, np.frombuffer(octets, np.uint8), values)
    expected = decoded_by_uproot(column, octets, num)
    assert values.dtype == expected.dtype
    assert values.tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", FIXED)
@given(num=st.integers(0, 70), seed=st.integers(0, 2**32))
def test_numbers_are_those_of_uproot(kind: str, num: int, seed: int) -> None:
    assert_same(column_of(kind, BITS[NUMBERS[kind]]), num, seed)


@pytest.mark.parametrize("kind", ["real32trunc", "real32quant"])
@given(num=st.integers(1, 70), num_bits=st.integers(10, 31), seed=st.integers(0, 2**32))
def test_packed_floats_are_those_of_uproot(kind: str, num: int, num_bits: int, seed: int) -> None:
    assert_same(column_of(kind, num_bits), num, seed)


@given(values=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=9), size=st.sampled_from([2, 4]))
def test_split_numbers_are_what_they_were(values: list[int], size: int) -> None:
    numbers = np.array(values, np.int64).astype(f"i{size}")
    zigzag = (numbers << 1) ^ (numbers >> (8 * size - 1))
    octets = zigzag.view(np.uint8).reshape(-1, size).T.copy().reshape(-1)
    encoding = encoding_of_column(column_of(f"splitint{8 * size}", 8 * size))
    assert encoding is not None
    decoded = np.empty(len(numbers), encoding.dtype)
    decode_page(encoding, octets, decoded)
    assert decoded.tolist() == numbers.tolist()


@pytest.mark.parametrize(("kind", "num_bits"), [("switch", 96), ("int32", 31), ("real32trunc", 40)])
def test_unknown_encodings_are_left_to_uproot(kind: str, num_bits: int) -> None:
    assert encoding_of_column(column_of(kind, num_bits)) is None
