"""Branches that a pattern matches and no column is made of, and why."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from memmpy.conversion.recipes import match
from memmpy.errors import InputFileError, UndecodableError
from memmpy.inputs import EventFile, UntypedError, listed

__all__ = ["Skips"]


@dataclass(frozen=True, slots=True)
class Skips:
    """Branches that a pattern matches and no column is made of.

    Parameters
    ----------
    unheld : tuple of str
        Those that no column can hold, such as C++ objects.
    undecodable : tuple of str
        Those of which a column could hold the values, which cannot be decoded.
    reason : str
        What is wrong with the first of them.
    """

    unheld: tuple[str, ...] = ()
    undecodable: tuple[str, ...] = ()
    reason: str = ""

    @classmethod
    def of(
        cls, file: EventFile, names: Iterable[str], held: frozenset[str], *, can_wait: bool
    ) -> "Skips":
        """Return which of some branches of a file are to be skipped.

        Those that are `held` are not tried: the store has a column of them. Those that have no
        type in this file are not skipped where they `can_wait` for that of another file.
        """
        unheld, undecodable, reasons = list[str](), list[str](), list[str]()
        for name in names:
            try:
                _try(file, name, is_held=name in held, can_wait=can_wait)
            except _UnheldError as error:
                unheld.append(name)
                reasons.append(str(error))
            except UndecodableError as error:
                undecodable.append(name)
                reasons.append(str(error))
        return cls(tuple(unheld), tuple(undecodable), next(iter(reasons), ""))

    def of_pattern(self, pattern: str) -> "Skips":
        """Return those that a pattern matches."""
        names = match(pattern, self.unheld), match(pattern, self.undecodable)
        return Skips(tuple(names[0]), tuple(names[1]), self.reason)

    def error(self, pattern: str, where: str) -> InputFileError:
        """Return the error for a pattern that matches nothing else."""
        whys = {"no column can hold": self.unheld, "uproot cannot decode": self.undecodable}
        parts = [f"{why}{listed(names)}" for why, names in whys.items() if names]
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
        yield from (*self.unheld, *self.undecodable)

    def __or__(self, other: "Skips") -> "Skips":
        """Return those of both, each once."""
        undecodable = dict.fromkeys(self.undecodable + other.undecodable)
        unheld = dict.fromkeys(self.unheld + other.unheld)
        unheld_only = tuple(name for name in unheld if name not in undecodable)
        return Skips(unheld_only, tuple(undecodable), self.reason or other.reason)


class _UnheldError(Exception):
    """A branch that no column can hold."""


def _try(file: EventFile, name: str, *, is_held: bool, can_wait: bool) -> None:
    """Raise an `_UnheldError` or an `UndecodableError` for a branch that is to be skipped."""
    try:
        file.type_of(name)
    except InputFileError as error:
        if can_wait and isinstance(error, UntypedError):
            return
        raise _UnheldError(str(error)) from error
    if not is_held:
        file.try_decoding(name)
