"""Names of branches: those that a pattern matches, and the short names of nested branches."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from memmpy.checks import is_pattern
from memmpy.errors import InputFileError, MissingKeyError
from memmpy.sources.event_file import EventFile

__all__ = ["find_branches", "match", "short_name"]


def match(pattern: str, branches: Iterable[str]) -> list[str]:
    """Return the branches that a pattern matches.

    A branch of a branch, ``parent/child``, matches as ``child``, too.
    """
    return [
        path
        for path in branches
        if fnmatchcase(path.rpartition("/")[2], pattern) or fnmatchcase(path, pattern)
    ]


def find_branches(pattern: str, names: Sequence[str]) -> list[str]:
    """Return the branches of a pattern or a name; of another word, those that contain it."""
    if is_pattern(pattern):
        return match(pattern, names)
    word = pattern.casefold()
    return match(pattern, names) or [name for name in names if word in name.casefold()]


def short_name(file: EventFile, path: str, last: Mapping[str, int]) -> str:
    """Return the last part of the path of a branch, where it is unique; else the path.

    Parameters
    ----------
    file : EventFile
        The tree.
    path : str
        The path of a branch: ``parent/child`` for a branch of a branch.
    last : mapping of str to int
        The number of branches with each last part.
    """
    name = path.rpartition("/")[2]
    if name == path or last[name] > 1:
        return path
    try:
        file.type_of(name)
    except MissingKeyError:
        return path
    except InputFileError:
        pass
    return name
