"""Tests of checksums that are combined from those of pieces."""

import zlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memmpy.store import combine_crc, crc_of, crc_of_text, crc_text


@given(st.binary(), st.binary())
def test_a_joined_crc_is_that_of_the_joined_bytes(first: bytes, second: bytes) -> None:
    joined = combine_crc(zlib.crc32(first), zlib.crc32(second), len(second))
    assert joined == zlib.crc32(first + second)


@given(st.lists(st.binary(max_size=300)))
def test_the_crc_of_any_number_of_pieces_is_that_of_all(pieces: list[bytes]) -> None:
    crc = 0
    for piece in pieces:
        crc = combine_crc(crc, crc_of(piece), len(piece))
    assert crc == zlib.crc32(b"".join(pieces))


@given(st.integers(0, 2**32 - 1), st.integers(0, 1 << 22))
def test_bytes_of_any_number_are_passed_over(first: int, num_bytes: int) -> None:
    zeros = bytes(num_bytes)
    assert combine_crc(first, zlib.crc32(zeros), num_bytes) == zlib.crc32(zeros, first)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 1 << 50),
    st.integers(0, 1 << 50),
)
def test_to_join_is_associative_for_pieces_larger_than_memory(
    a: int, b: int, c: int, num_b: int, num_c: int
) -> None:
    left = combine_crc(combine_crc(a, b, num_b), c, num_c)
    assert left == combine_crc(a, combine_crc(b, c, num_c), num_b + num_c)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_a_crc_goes_on_from_that_of_what_stands_before(data: bytes, cut: int) -> None:
    assert crc_of(data[cut:], crc_of(data[:cut])) == zlib.crc32(data)


def test_the_crc_of_an_array_is_that_of_its_values_in_c_order() -> None:
    array = np.arange(24, dtype="<i2").reshape(4, 6)
    for view in (array, array.T, array[::2], array[:, 1:3], array[:0]):
        assert crc_of(view) == zlib.crc32(view.tobytes())


def test_a_large_array_is_not_read_otherwise_than_a_small_one() -> None:
    data = np.arange((1 << 26) + 5, dtype=np.uint8)
    assert crc_of(data) == zlib.crc32(data.tobytes())


def test_the_text_of_a_checksum_has_all_digits() -> None:
    assert crc_text(10) == "crc32:0000000a"


@given(st.integers(0, 2**32 - 1), st.text(max_size=12))
def test_what_a_checksum_says_is_read_back_and_nothing_else(crc: int, text: str) -> None:
    assert crc_of_text(crc_text(crc)) == crc
    assert crc_of_text(text) == -1
    assert crc_of_text(f"crc32:{text}") == -1 or len(text) == 8
