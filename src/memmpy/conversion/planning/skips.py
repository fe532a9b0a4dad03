"""Branches that a pattern matches and no column is made of, and why."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from memmpy.conversion.planning.key_patterns import match
from memmpy.errors import InputFileError, UndecodableError
from memmpy.sources import EventFile, UntypedError, in_parentheses

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
    reason : str
        What is wrong with the first of them.
    """

    unsupported: tuple[str, ...] = ()
    undecodable: tuple[str, ...] = ()
    reason: str = ""

    @classmethod
    def of(
        cls, file: EventFile, names: Iterable[str], held: frozenset[str], *, can_wait: bool
    ) -> "Skips":
        """Return which of some branches of a file are to be skipped.

        Those that are `held` are not decoded: the store has a column of them. Those that have no
        type in this file are not skipped where they `can_wait` for that of another file.
        """
        whys = {
            name: why
            for name in names
            if (why := _why_skipped(file, name, is_held=name in held, can_wait=can_wait))
        }
        return cls(
            tuple(name for name, (kind, _) in whys.items() if kind == "unsupported"),
            tuple(name for name, (kind, _) in whys.items() if kind == "undecodable"),
            next((reason for _, reason in whys.values()), ""),
        )

    @classmethod
    def union(cls, several: Iterable["Skips"]) -> "Skips":
        """Return those of all of them, each once."""
        skips = list(several)
        undecodable = dict.fromkeys(name for one in skips for name in one.undecodable)
        unsupported = dict.fromkeys(name for one in skips for name in one.unsupported)
        return cls(
            tuple(name for name in unsupported if name not in undecodable),
            tuple(undecodable),
            next((one.reason for one in skips if one.reason), ""),
        )

    def of_pattern(self, pattern: str) -> "Skips":
        """Return those that a pattern matches."""
        names = match(pattern, self.unsupported), match(pattern, self.undecodable)
        return Skips(tuple(names[0]), tuple(names[1]), self.reason)

    def error(self, pattern: str, where: str) -> InputFileError:
        """Return the error for a pattern that matches nothing else."""
        whys = {"no column can hold": self.unsupported, "uproot cannot decode": self.undecodable}
        parts = [f"{why}{in_parentheses(names)}" for why, names in whys.items() if names]
        message = f"the pattern {pattern!r} matches only what {' and what '.join(parts)}{where}"
        return InputFileError(f"{message}; {self.reason}")

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
) -> tuple[Literal["unsupported", "undecodable"], str] | None:
    """Return why a branch is skipped, with the words for it; None if it is not."""
    try:
        file.type_of(name)
    except InputFileError as error:
        if can_wait and isinstance(error, UntypedError):
            return None
        return "unsupported", str(error)
    try:
        if not is_held:
            file.try_decoding(name)
    except UndecodableError as error:
        return "undecodable", str(error)
    return None
