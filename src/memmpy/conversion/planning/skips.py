"""Branches that a pattern matches and memmpy skips, with the reason."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from memmpy.errors import InputFileError, UndecodableError
from memmpy.sources import EventFile, UntypedError, in_parentheses, match

__all__ = ["SkippedBranches"]


@dataclass(frozen=True, slots=True)
class SkippedBranches:
    """Branches that a pattern matches and of which no column is made.

    Parameters
    ----------
    unsupported : tuple of str
        Branches that no column can hold, such as C++ objects.
    undecodable : tuple of str
        Branches that uproot cannot decode.
    reason : str
        The reason for the first of them.
    """

    unsupported: tuple[str, ...] = ()
    undecodable: tuple[str, ...] = ()
    reason: str = ""

    @classmethod
    def of(
        cls, file: EventFile, names: Iterable[str], stored: frozenset[str], *, can_wait: bool
    ) -> "SkippedBranches":
        """Return which of some branches of a file are skipped.

        Branches in `stored` are not decoded, as the store has columns of them. Branches without a
        type in this file are not skipped where they `can_wait` for their type in another file.
        """
        reasons = {
            name: reason
            for name in names
            if (reason := _reason_to_skip(file, name, is_stored=name in stored, can_wait=can_wait))
        }
        return cls(
            tuple(name for name, (kind, _) in reasons.items() if kind == "unsupported"),
            tuple(name for name, (kind, _) in reasons.items() if kind == "undecodable"),
            next((reason for _, reason in reasons.values()), ""),
        )

    @classmethod
    def union(cls, several: Iterable["SkippedBranches"]) -> "SkippedBranches":
        """Return the skipped branches of several files, each once."""
        skips = list(several)
        undecodable = dict.fromkeys(name for one in skips for name in one.undecodable)
        unsupported = dict.fromkeys(name for one in skips for name in one.unsupported)
        return cls(
            tuple(name for name in unsupported if name not in undecodable),
            tuple(undecodable),
            next((one.reason for one in skips if one.reason), ""),
        )

    def of_pattern(self, pattern: str) -> "SkippedBranches":
        """Return the skipped branches that a pattern matches."""
        names = match(pattern, self.unsupported), match(pattern, self.undecodable)
        return SkippedBranches(tuple(names[0]), tuple(names[1]), self.reason)

    def error(self, pattern: str, where: str) -> InputFileError:
        """Return the error for a pattern that matches skipped branches only."""
        reasons = {"no column can hold": self.unsupported, "uproot cannot decode": self.undecodable}
        parts = [f"{reason}{in_parentheses(names)}" for reason, names in reasons.items() if names]
        branches = " and branches that ".join(parts)
        message = f"the pattern {pattern!r} matches only branches that {branches}{where}"
        return InputFileError(f"{message}; {self.reason}")

    def without(self, matches: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        """Return the matches of patterns without skipped branches."""
        skipped = {*self}
        if not skipped:
            return matches
        return {
            pattern: tuple(name for name in names if name not in skipped)
            for pattern, names in matches.items()
        }

    def __iter__(self) -> Iterator[str]:
        yield from (*self.unsupported, *self.undecodable)


def _reason_to_skip(
    file: EventFile, name: str, *, is_stored: bool, can_wait: bool
) -> tuple[Literal["unsupported", "undecodable"], str] | None:
    """Return why a branch is skipped, as a kind and in words; None if it is not skipped."""
    try:
        file.type_of(name)
    except InputFileError as error:
        if can_wait and isinstance(error, UntypedError):
            return None
        return "unsupported", str(error)
    try:
        if not is_stored:
            file.try_decoding(name)
    except UndecodableError as error:
        return "undecodable", str(error)
    return None
