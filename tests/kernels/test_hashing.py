import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.kernels.hashing import GOLDEN, absorb, absorb_word, derive_key, mix64

WORDS = st.integers(0, 2**64 - 1)


def words(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.uint64)


def mix_plainly(word: int) -> int:
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB % 2**64
    return word ^ (word >> 31)


@given(WORDS)
def test_mix64_is_the_formula_of_its_docstring(word: int) -> None:
    assert mix64(words(word)).tolist() == [mix_plainly(word)]


def test_mix64_gives_the_published_values_of_splitmix64() -> None:
    counter = np.arange(1, 4, dtype=np.uint64) * GOLDEN
    assert mix64(counter).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_mix64_leaves_its_argument_alone() -> None:
    given_words = words(1, 2)
    mix64(given_words)
    absorb(3, given_words)
    assert given_words.tolist() == [1, 2]


@given(WORDS, WORDS)
def test_absorb_is_the_formula_of_its_docstring(state: int, word: int) -> None:
    expected = mix_plainly(state ^ mix_plainly((word + int(GOLDEN)) % 2**64))
    assert absorb(state, words(word)).tolist() == [expected]
    assert absorb_word(state, word) == expected


def test_absorb_keeps_words_apart_for_a_state() -> None:
    assert np.unique(absorb(5, np.arange(100_000, dtype=np.uint64))).size == 100_000


def test_absorb_takes_a_state_for_each_word() -> None:
    states, others = words(1, 2, 3), words(7, 8, 9)
    one_by_one = [absorb(int(s), words(int(o)))[0] for s, o in zip(states, others, strict=True)]
    assert absorb(states, others).tolist() == one_by_one


def test_values_of_version_1_never_change() -> None:
    assert mix64(words(0, 1, 2**64 - 1)).tolist() == [0, 0x5692161D100B05E5, 0xB4D055FCF2CBBD7B]
    assert absorb(7, words(0, 1, 2**64 - 1)).tolist() == [
        0x0349E02B958F63AF,
        0xB3F2E391EE2AB8A6,
        0xFB3757E726A60512,
    ]
    assert derive_key(1, 2, purpose="epoch") == 0x3C83B988F9AE3636
    assert derive_key(b"ab", purpose="x") == 0xFFD14309FC9E468E


def test_keys_depend_on_each_part_their_order_and_the_purpose() -> None:
    keys = {
        derive_key(1, 2, purpose="a"),
        derive_key(2, 1, purpose="a"),
        derive_key(1, 2, purpose="b"),
        derive_key(1, purpose="a"),
        derive_key(b"xy", b"z", purpose="a"),
        derive_key(b"x", b"yz", purpose="a"),
    }
    assert len(keys) == 6


@pytest.mark.parametrize("part", [-1, 2**64])
def test_a_part_beyond_64_bits_is_refused(part: int) -> None:
    with pytest.raises(OverflowError):
        derive_key(part, purpose="a")
