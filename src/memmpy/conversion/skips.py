"""Branches that a pattern matches and no column is made of, and why."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from memmpy.conversion.recipes import match
from memmpy.errors import InputFileError, UndecodableError
from memmpy.inputs import EventFile, UntypedError, listed

__all__ = ["Skips"]


@dataclass(frozen=True, slots=True)
class Skips:
    """Branches that a pattern matches and no column is made of.

    Parameters
    ----------
    unsupported : tuple of str
        Those that no column can hold, such as C++ objects.
    undecodable : tuple of str
        Those that uproot cannot decode.
    """

    unsupported: tuple[str, ...] = ()
    undecodable: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, file: EventFile, names: Iterable[str], held: frozenset[str], *, can_wait: bool
    ) -> "Skips":
        """Return which of some branches of a file are to be skipped.

        Those that are `held` are not decoded: the store has a column of them. Those that have no
        type in this file are not skipped where they `can_wait` for that of another file.
        """
        reasons = {
            name: _why_skipped(file, name, is_held=name in held, can_wait=can_wait)
            for name in names
        }
        return cls(
            tuple(name for name, reason in reasons.items() if reason == "unsupported"),
            tuple(name for name, reason in reasons.items() if reason == "undecodable"),
        )

    @classmethod
    def union(cls, several: Iterable["Skips"]) -> "Skips":
        """Return those of all of them, each once."""
        skips = list(several)
        undecodable = dict.fromkeys(name for one in skips for name in one.undecodable)
        unsupported = dict.fromkeys(name for one in skips for name in one.unsupported)
        return cls(tuple(n for n in unsupported if n not in undecodable), tuple(undecodable))

    def of_pattern(self, pattern: str) -> "Skips":
        """Return those that a pattern matches."""
        return Skips(
            tuple(match(pattern, self.unsupported)), tuple(match(pattern, self.undecodable))
        )

    def error(self, pattern: str, where: str) -> InputFileError:
        """Return the error for a pattern that matches nothing else."""
        whys = {"no column can hold": self.unsupported, "uproot cannot decode": self.undecodable}
        parts = [f"{why}{listed(names)}" for why, names in whys.items() if names]
        message = f"the pattern {pattern!r} matches only what {' and what '.join(parts)}{where}"
        return InputFileError(f"{message}; name branches of numbers, vectors or strings")

    def without(self, matches: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        """Return what patterns match, but for what is skipped; the same where nothing is."""
        skipped = {*self}
        if not skipped:
            return matches
        return {
            pattern: tuple(name for name in names if name not in skipped)
            for pattern, names in matches.items()
        }

    def __iter__(self) -> Iterator[str]:
        yield from (*self.unsupported, *self.undecodable)


def _why_skipped(
    file: EventFile, name: str, *, is_held: bool, can_wait: bool
) -> Literal["unsupported", "undecodable"] | None:
    try:
        file.type_of(name)
    except InputFileError as error:
        return None if can_wait and isinstance(error, UntypedError) else "unsupported"
    try:
        if not is_held:
            file.try_decoding(name)
    except UndecodableError:
        return "undecodable"
    return None
