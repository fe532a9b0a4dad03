"""The rule of splits in plain Python, said apart from the library."""

import hashlib
from collections.abc import Sequence
from fractions import Fraction

M = 2**64


def mix64(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % M
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % M
    return z ^ (z >> 31)


def absorb(state: int, word: int) -> int:
    return mix64(state ^ mix64((word + 0x9E3779B97F4A7C15) % M))


def derive_key(*parts: int | bytes, purpose: str) -> int:
    digest = hashlib.blake2b(digest_size=8)
    for part in (purpose.encode(), *parts):
        data = part if isinstance(part, bytes) else part.to_bytes(8, "little")
        digest.update(len(data).to_bytes(8, "little") + data)
    return int.from_bytes(digest.digest(), "little")


def word(value: int | str) -> int:
    if isinstance(value, str):
        return int.from_bytes(hashlib.sha256(value.encode()).digest()[-8:], "big")
    number = value % M
    return number % 2**32 if number >= M - 2**31 else number


def ticket(values: Sequence[int | str], seed: int) -> int:
    identity = derive_key(len(values), purpose="column identity")
    for value in values:
        identity = absorb(identity, word(value))
    return absorb(derive_key(seed, purpose="ticket"), identity)


def split_of(values: Sequence[int | str], seed: int, fractions: Sequence[str]) -> int:
    """0 for train, 1 for val, 2 for test."""
    drawn, edge = Fraction(ticket(values, seed), M), Fraction(0)
    for number, fraction in enumerate(fractions):
        edge += Fraction(fraction)
        if drawn < edge:
            return number
    raise AssertionError("the fractions sum to 1")


def fold_split_of(
    values: Sequence[int | str], seed: int, num_folds: int, fold: int, val: str
) -> int:
    """From the start of the fold on: what it tests, what it validates on, what it trains on."""
    turned = (Fraction(ticket(values, seed), M) - Fraction(fold, num_folds)) % 1
    share = Fraction(1, num_folds)
    if turned < share:
        return 2
    return 1 if turned < share + Fraction(val) * (1 - share) else 0


def fold_of(values: Sequence[int | str], seed: int, num_folds: int) -> int:
    return ticket(values, seed) * num_folds // M
