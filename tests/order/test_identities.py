import uuid
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import ColumnError, LengthError, OptionError
from memmpy.order import TICKET_VERSION, column_identities, file_identities, tickets

UUID = bytes(range(16))
INTEGER_DTYPES = [f"{order}{kind}{size}" for order in "<>" for kind in "iu" for size in (2, 4, 8)]


def test_values_of_version_2_never_change() -> None:
    assert TICKET_VERSION == 2
    of_file = file_identities(UUID, "tree", np.array([0, 1, 10**12]))
    assert of_file.tolist() == [0xDDADA40B1D2E5078, 0x380AA38D6B7895E5, 0xAD8C389BE8A918DD]
    assert tickets(of_file, 42).tolist() == [
        *(0x75D5748F779F8F83, 0xE7FBE13A39DE4F0C, 0x31DAF19748D37304),
    ]
    columns = [np.array([284500, -1], dtype=np.int32), np.array([1, 2**63 - 1])]
    of_columns = column_identities(columns)
    assert of_columns.tolist() == [0x2064B104BA50EBA6, 0x24E269CB0E919348]
    assert tickets(of_columns, 0).tolist() == [0x426B4A90B4157FE5, 0xEBBC8889A80BDB94]


def test_a_uuid_may_be_bytes_or_text() -> None:
    entries = np.arange(5)
    text = str(uuid.UUID(bytes=UUID))
    assert np.array_equal(
        file_identities(UUID, "t", entries), file_identities(text.upper(), "t", entries)
    )


@pytest.mark.parametrize("wrong", [b"short", "no-uuid", 5])
def test_what_is_no_uuid_is_refused(wrong: str) -> None:
    with pytest.raises(OptionError, match="UUID is 16 bytes, or their text, not"):
        file_identities(wrong, "t", np.arange(2))


def test_files_trees_and_entries_have_their_own_identities() -> None:
    entries = np.arange(10_000)
    other = bytes(reversed(UUID))
    identities = [file_identities(u, t, entries) for u in (UUID, other) for t in ("a", "b")]
    assert np.unique(identities).size == 40_000


@given(st.lists(st.integers(0, 2**15 - 1), max_size=20), st.sampled_from(INTEGER_DTYPES))
def test_an_identity_is_that_of_the_number_however_it_is_stored(
    numbers: list[int], dtype: str
) -> None:
    stored = column_identities([np.array(numbers, dtype=dtype)])
    assert np.array_equal(stored, column_identities([np.array(numbers, dtype=np.int64)]))


def test_negative_numbers_are_the_same_at_any_width() -> None:
    wide = column_identities([np.array([-5, -1])])
    assert np.array_equal(wide, column_identities([np.array([-5, -1], dtype=np.int8)]))


@given(st.lists(st.integers(0, 2**32 - 1), max_size=20))
def test_signed_and_unsigned_numbers_of_the_same_32_bits_have_one_identity(
    numbers: list[int],
) -> None:
    unsigned = np.array(numbers, np.uint32)
    signed = unsigned.view(np.int32)
    expected = column_identities([unsigned])
    for column in (signed, signed.astype(np.int64), signed.astype(np.uint64)):
        assert np.array_equal(column_identities([column]), expected)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_signed_and_unsigned_numbers_of_the_same_64_bits_have_one_identity(
    numbers: list[int],
) -> None:
    unsigned = np.array(numbers, np.uint64)
    signed = unsigned.view(np.int64)
    assert np.array_equal(column_identities([signed]), column_identities([unsigned]))


def test_booleans_count_as_0_and_1() -> None:
    flags = column_identities([np.array([False, True])])
    assert np.array_equal(flags, column_identities([np.array([0, 1])]))


def test_large_event_numbers_stay_apart() -> None:
    numbers = np.array([2**53, 2**53 + 1, 2**64 - 1, 2**64 - 2], dtype=np.uint64)
    assert np.unique(column_identities([numbers])).size == 4


def test_the_order_and_the_number_of_columns_matter() -> None:
    run, event, zero = np.array([1]), np.array([2]), np.array([0])
    names = [
        column_identities(columns).item()
        for columns in ([run, event], [event, run], [run], [event], [run, event, zero])
    ]
    assert len(set(names)) == 5


@pytest.mark.parametrize("dtype", [np.float32, np.float64, complex, "U3", "M8[s]", object])
def test_columns_that_are_not_integers_are_refused(dtype: type) -> None:
    with pytest.raises(ColumnError, match=r"identity column 1 has dtype .* one-dimensional integ"):
        column_identities([np.array([1]), np.zeros(1, dtype=dtype)])


def test_columns_must_be_one_dimensional() -> None:
    with pytest.raises(ColumnError, match=r"shape \(2, 2\)"):
        column_identities([np.zeros((2, 2), dtype=np.int64)])


def test_columns_must_have_one_length() -> None:
    with pytest.raises(LengthError, match="identity columns 0 and 1 have 2 and 1 entries"):
        column_identities([np.array([1, 2]), np.array([1])])


def test_an_identity_needs_a_column() -> None:
    with pytest.raises(OptionError, match="at least one column"):
        column_identities([])


def test_no_entries_have_no_identities() -> None:
    assert column_identities([np.array([], dtype=np.int32)]).shape == (0,)
    assert tickets(np.array([], dtype=np.uint64), 0).shape == (0,)


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_tickets_of_consecutive_entries_are_uniform(seed: int) -> None:
    num = 200_000
    for identities in (
        file_identities(UUID, "tree", np.arange(num)),
        column_identities([np.full(num, 284500), np.arange(num)]),
        np.arange(num, dtype=np.uint64),
    ):
        drawn = tickets(identities, seed)
        for bits in (drawn >> np.uint64(54), drawn & np.uint64(1023)):
            counts = np.bincount(bits.astype(np.int64), minlength=1024)
            chi = ((counts - num / 1024) ** 2).sum() / (num / 1024)
            assert abs(chi - 1023) < 5 * np.sqrt(2 * 1023)


def test_tickets_of_different_seeds_are_independent() -> None:
    identities = file_identities(UUID, "tree", np.arange(200_000))
    drawn = [tickets(identities, seed) / 2**64 for seed in (0, 1, 2, 2**63)]
    for one, other in pairwise(drawn):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.011
        both = np.mean((one < 0.1) & (other < 0.1))
        assert abs(both - 0.01) < 0.0012


def test_tickets_and_entries_are_uncorrelated() -> None:
    drawn = tickets(file_identities(UUID, "tree", np.arange(200_000)), 0) / 2**64
    assert abs(np.corrcoef(drawn, np.arange(200_000))[0, 1]) < 0.011
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.011


@pytest.mark.parametrize("seed", [-1, 2**64, 0.5, True])
def test_a_seed_beyond_64_bits_is_refused(seed: int) -> None:
    with pytest.raises(OptionError, match="seed must be an integer in 0 <= seed"):
        tickets(np.zeros(1, dtype=np.uint64), seed)
