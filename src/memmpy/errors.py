"""What can go wrong, in the user's words.

Every error of memmpy is a `MemmpyError` and also the built-in error a user would expect.
"""

import difflib
import errno
import sys
import warnings
from collections.abc import Iterable
from typing import Any

__all__ = [
    "ColumnError",
    "ConversionWarning",
    "CorruptStoreError",
    "CutError",
    "CutWarning",
    "DiskError",
    "InputFileError",
    "LengthError",
    "LoaderWarning",
    "MemmpyError",
    "MemmpyWarning",
    "MissingFileError",
    "MissingKeyError",
    "OptionError",
    "ReadOnlyStoreError",
    "RootFileError",
    "SchemaError",
    "ServerError",
    "SplitError",
    "SplitWarning",
    "StoreLockedError",
    "UndecodableError",
    "UnreadableError",
    "damaged",
    "nearest",
    "warn_of",
    "without_carets",
]


class MemmpyError(Exception):
    """Base of all errors raised by memmpy."""

    def __str__(self) -> str:
        # KeyError would print the repr of its message.
        return str(self.args[0]) if self.args else ""


class OptionError(MemmpyError, ValueError):
    """An argument has a value that makes no sense."""


class MissingFileError(MemmpyError, FileNotFoundError):
    """A file, a store or a pattern of files that should be there is not."""


class InputFileError(MemmpyError, OSError):
    """A file of events cannot be read, is broken, or lacks what was asked of it."""


class ServerError(InputFileError):
    """A server of files does not answer, or not in time."""


class RootFileError(InputFileError):
    """A file is not a ROOT file, is broken, or lacks what was asked of it."""


class UndecodableError(RootFileError):
    """A branch of a sound ROOT file that memmpy and uproot cannot decode.

    Parameters
    ----------
    message : str
        What cannot be decoded, where, and the way out.
    file, tree, branch : str
        Where: the path of the file, the tree with its directories, the whole name of the branch.
    """

    def __init__(self, message: str, file: str = "", tree: str = "", branch: str = "") -> None:
        super().__init__(message)
        self.file, self.tree, self.branch = file, tree, branch

    def __reduce__(self) -> tuple[Any, ...]:  # OSError's own keeps only what a builtin one has
        return type(self), (str(self), self.file, self.tree, self.branch), self.__dict__


class SchemaError(InputFileError):
    """Files that are to fill one store differ in their branches."""


class MissingKeyError(MemmpyError, KeyError):
    """No column, branch or name of that key.

    Parameters
    ----------
    message : str
        What was looked for and where.
    key : str
        What was looked for.
    """

    def __init__(self, message: str, key: str) -> None:
        super().__init__(message, key)
        self.key = key


class ColumnError(MemmpyError, TypeError):
    """Values of the wrong dtype, shape or kind for a column."""


class LengthError(MemmpyError, ValueError):
    """Columns that must have as many entries as each other do not."""


class UnreadableError(MemmpyError, PermissionError):
    """A file or directory that may not be read."""


class CorruptStoreError(MemmpyError, ValueError):
    """What lies on disk is not what the metadata says."""


class SplitError(MemmpyError, ValueError):
    """Splits that differ from those of the store, or that would put one event on two sides."""


class ReadOnlyStoreError(MemmpyError, PermissionError):
    """The store cannot be written to."""


class StoreLockedError(MemmpyError, TimeoutError):
    """Another process is writing to the store."""


class DiskError(MemmpyError, OSError):
    """The file system refused to write; `errno` says why."""

    def __init__(self, message: str, code: int = errno.EIO) -> None:
        super().__init__(message)
        self.errno = code

    def __reduce__(self) -> tuple[Any, ...]:  # of any exception; OSError's own forgets the errno
        return type(self), (str(self), self.errno), self.__dict__


class CutError(MemmpyError, ValueError):
    """A cut that cannot be read or evaluated, shown with a caret under the place.

    Parameters
    ----------
    message : str
        What is wrong.
    text : str
        The expression as the user wrote it.
    start, stop : int
        The place in `text`, half open.
    hint : str
        The way out.
    """

    #: How much of a long expression is shown on either side of the place.
    MARGIN = 60

    def __init__(self, message: str, text: str, start: int, stop: int, hint: str = "") -> None:
        super().__init__(message, text, start, stop, hint)
        self.message, self.text, self.hint = message, text, hint
        self.start, self.stop = start, stop

    def __str__(self) -> str:
        lines = [f"{self.message}", *self._picture()]
        return "\n".join([*lines, self.hint] if self.hint else lines)

    def _picture(self) -> tuple[str, str]:
        start = max(0, self.start - self.MARGIN)
        stop = min(len(self.text), max(self.stop, self.start + 1) + self.MARGIN)
        shown = "".join(c if c.isprintable() else " " for c in self.text[start:stop])
        before, after = "..." if start else "", "..." if stop < len(self.text) else ""
        blank = " " * (len(before) + self.start - start)
        carets = "^" * max(1, min(self.stop, stop) - self.start)
        return f"  {before}{shown}{after}", f"  {blank}{carets}"


class MemmpyWarning(UserWarning):
    """Base of all warnings of memmpy."""


class CutWarning(MemmpyWarning):
    """A cut that can be evaluated but is likely to be a slip."""


class ConversionWarning(MemmpyWarning):
    """Values that a column does not hold as the files do, or events that may count twice."""


class LoaderWarning(MemmpyWarning):
    """An epoch without batches, or whose batches are less random than they look."""


class SplitWarning(MemmpyWarning):
    """Splits that may not do what the user expects of them."""


def damaged(name: str, what: str, *, entry: int | None = None) -> CorruptStoreError:
    """Return the error for a column whose arrays do not belong together.

    Parameters
    ----------
    name : str
        The column, such as ``column 'jet_pt' of 'data.mmpy'``.
    what : str
        What is wrong with it.
    entry : int, optional
        The entry where it is wrong.
    """
    where = "" if entry is None else f" at entry {entry}"
    message = f"{name} is damaged{where}: {what}; run `memmpy verify` to see which files are "
    return CorruptStoreError(f"{message}damaged, and convert or write them again")


def warn_of(notes: Iterable[str], category: type[Warning] = CutWarning) -> None:
    """Emit a warning for each note, at the line outside of memmpy that led here."""
    frame, stacklevel = sys._getframe(), 1
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame, stacklevel = frame.f_back, stacklevel + 1
    for note in sorted(notes):
        warnings.warn(note, category, stacklevel=stacklevel)


def without_carets(note: str) -> str:
    """Return the message of a `CutError` without the text of the cut and the carets under it."""
    return "\n".join(line for line in note.splitlines() if not line.startswith("  "))


def _is_ours(module: str) -> bool:
    return module == "memmpy" or module.startswith("memmpy.")


def nearest(name: str, known: Iterable[str], *, limit: int = 3) -> str:
    """Return ``; nearest: 'a', 'b'`` for a message, or the empty string where nothing is near."""
    names = list(known)
    found = difflib.get_close_matches(name, names, n=limit, cutoff=0.6)
    if not found:
        folded = {other.casefold(): other for other in names}
        found = [folded[name.casefold()]] if name.casefold() in folded else []
    return f"; nearest: {', '.join(map(repr, found))}" if found else ""
