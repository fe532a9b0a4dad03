"""Errors and warnings of memmpy, and the packages that users may lack.

Every error is a `MemmpyError`, and also the built-in error that a user would expect.
"""

import difflib
import errno
import importlib
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from itertools import islice
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

__all__ = [
    "ArgumentError",
    "ColumnError",
    "ConversionWarning",
    "CorruptStoreError",
    "CutError",
    "CutWarning",
    "DiskError",
    "FitError",
    "FitWarning",
    "InputFileError",
    "LengthError",
    "LoaderWarning",
    "MemmpyError",
    "MemmpyWarning",
    "MissingFileError",
    "MissingKeyError",
    "MissingPackageError",
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
    "argument_hints",
    "damaged",
    "nearest",
    "nearest_file",
    "require",
    "warn_of",
    "without_carets",
]

#: Names of a folder that a misspelled one is compared with, at most: each takes microseconds.
_MAX_FILES = 10_000

_Target = TypeVar("_Target", bound=Callable[..., Any])


class MemmpyError(Exception):
    """Base of all errors raised by memmpy."""

    def __str__(self) -> str:
        # KeyError would print the repr of its message.
        return str(self.args[0]) if self.args else ""


class OptionError(MemmpyError, ValueError):
    """An argument has a value that makes no sense."""


class ArgumentError(OptionError, TypeError):
    """A function has no argument of this name."""


class MissingFileError(MemmpyError, FileNotFoundError):
    """A file or a store is missing, or a pattern of files matches nothing."""


class InputFileError(MemmpyError, OSError):
    """An input file cannot be read, is broken, or lacks a requested tree or branch."""


class ServerError(InputFileError):
    """A file server does not answer, or not in time."""


class RootFileError(InputFileError):
    """A file is no ROOT file, is broken, or lacks a requested tree or branch."""


class UndecodableError(RootFileError):
    """Neither memmpy nor uproot can decode a branch of a sound ROOT file.

    Parameters
    ----------
    message : str
        The branch, the reason and the way out.
    file, tree, branch : str
        Path of the file, the tree with its directories, and the full name of the branch.
    """

    def __init__(self, message: str, file: str = "", tree: str = "", branch: str = "") -> None:
        super().__init__(message)
        self.file: str = file
        self.tree: str = tree
        self.branch: str = branch

    def __reduce__(self) -> tuple[Any, ...]:  # that of OSError drops the other attributes
        return type(self), (str(self), self.file, self.tree, self.branch), self.__dict__


class SchemaError(InputFileError):
    """Files for the same store differ in their branches."""


class MissingKeyError(MemmpyError, KeyError):
    """There is no column, branch or name of this key.

    Parameters
    ----------
    message : str
        The key, its place, and the nearest keys.
    key : str
        The missing key.
    """

    def __init__(self, message: str, key: str) -> None:
        super().__init__(message, key)
        self.key = key


class ColumnError(MemmpyError, TypeError):
    """Values have the wrong dtype, shape or kind for a column, or a column is stale."""


class LengthError(MemmpyError, ValueError):
    """Columns that must have the same length differ in length."""


class MissingPackageError(OptionError, ImportError):
    """An optional package is not installed."""


class UnreadableError(MemmpyError, PermissionError):
    """A file or directory may not be read."""


class CorruptStoreError(MemmpyError, ValueError):
    """A file of a store is damaged: it does not match its metadata or its checksum."""


class SplitError(MemmpyError, ValueError):
    """Splits differ from those of the store, or would put one event on two sides."""


class FitError(MemmpyError, ValueError):
    """Nothing can be fitted: a class has no training events, or weights cannot be used."""


class ReadOnlyStoreError(MemmpyError, PermissionError):
    """The store cannot be written to."""


class StoreLockedError(MemmpyError, TimeoutError):
    """Another process is writing to the store."""


class DiskError(MemmpyError, OSError):
    """The file system refuses to write; `errno` has the reason."""

    def __init__(self, message: str, code: int = errno.EIO) -> None:
        super().__init__(message)
        self.errno: int = code

    def __reduce__(self) -> tuple[Any, ...]:  # that of OSError drops the errno
        return type(self), (str(self), self.errno), self.__dict__


class CutError(MemmpyError, ValueError):
    """A cut cannot be parsed or evaluated. The message marks the place with carets.

    Parameters
    ----------
    message : str
        The problem.
    text : str
        The expression as the user wrote it.
    start, stop : int
        The place in `text`, half open.
    hint : str
        The way out.
    """

    #: Characters of a long expression to show on either side of the place.
    MARGIN = 60

    def __init__(self, message: str, text: str, start: int, stop: int, hint: str = "") -> None:
        super().__init__(message, text, start, stop, hint)
        self.message: str = message
        self.text: str = text
        self.hint: str = hint
        self.start: int = start
        self.stop: int = stop

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
    """A cut can be evaluated, but probably has a mistake."""


class ConversionWarning(MemmpyWarning):
    """A column does not hold exactly the values of the files, or events may count twice."""


class LoaderWarning(MemmpyWarning):
    """An epoch has no batches, or its batches are less random than they look."""


class FitWarning(MemmpyWarning):
    """What was fitted may not be what the user expects, such as the width of a constant input."""


class SplitWarning(MemmpyWarning):
    """Splits may not do what the user expects."""


def damaged(name: str, what: str, *, entry: int | None = None) -> CorruptStoreError:
    """Return the error for a column whose arrays do not match.

    Parameters
    ----------
    name : str
        Name of the column, such as ``column 'jet_pt' of 'data.mmpy'``.
    what : str
        The problem.
    entry : int, optional
        The entry with the problem.
    """
    where = "" if entry is None else f" at entry {entry}"
    message = f"{name} is damaged{where}: {what}; run `memmpy verify` to list damaged files, and "
    return CorruptStoreError(f"{message}convert or write them again")


def warn_of(notes: Iterable[str], category: type[Warning] = CutWarning) -> None:
    """Emit a warning for each note, with the line outside of memmpy that led here."""
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
    """Return ``; nearest: 'a', 'b'`` for a message, or an empty string if no name is near."""
    names = list(known)
    matches = difflib.get_close_matches(name, names, n=limit, cutoff=0.6)
    if not matches:
        folded = {other.casefold(): other for other in names}
        same = name.casefold()
        near = difflib.get_close_matches(same, folded, n=1 if same in folded else limit, cutoff=0.6)
        matches = [folded[other] for other in near]
    return f"; nearest: {', '.join(map(repr, matches))}" if matches else ""


def nearest_file(path: str | Path) -> str:
    """Return ``; nearest: 'a', 'b' in 'folder'`` for the first part of a path that is missing."""
    missing = Path(path)
    try:
        while not missing.parent.is_dir() and missing.parent != missing:
            missing = missing.parent
        names = [entry.name for entry in islice(missing.parent.iterdir(), _MAX_FILES)]
    except (OSError, ValueError):  # a folder that may not be read, or no valid name
        return ""
    near = nearest(missing.name, names)
    return f"{near} in {str(missing.parent)!r}" if near and missing.parent != Path() else near


def argument_hints(target: _Target) -> _Target:
    """Return a function whose error for an unknown argument names the nearest; or a class of such.

    Decorates public functions, and public classes for their constructor and public methods.

    Examples
    --------
    >>> memmpy.load_root(files, "data.mmpy", batchsize=3)
    Traceback (most recent call last):
    ArgumentError: load_root() has no argument 'batchsize'; nearest: 'batch_size'
    """
    if not isinstance(target, type):
        return _with_hints(target)  # type: ignore[return-value]
    for name, value in list(vars(target).items()):
        if name.startswith("_") and name != "__init__":
            continue
        if isinstance(value, FunctionType):
            setattr(target, name, _with_hints(value))
        elif isinstance(value, classmethod | staticmethod):
            setattr(target, name, type(value)(_with_hints(value.__func__)))
    return target


def _with_hints(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*values: Any, **named: Any) -> Any:
        try:
            return function(*values, **named)
        except TypeError as error:
            traceback = error.__traceback__
            is_inside = traceback is not None and traceback.tb_next is not None
            if not is_inside and (problem := _wrong_argument(function, values, named)):
                is_constructor = function.__name__ == "__init__"
                name = type(values[0]).__name__ if is_constructor else function.__name__
                raise ArgumentError(f"{name}() {problem}") from None
            raise

    return call


def _wrong_argument(
    function: Callable[..., Any], values: Sequence[Any], named: Iterable[str]
) -> str:
    """Return what a function says of an unknown name, or of a value that needs a name."""
    from inspect import Parameter, signature  # slow, and most processes make no typo

    kinds = {name: one.kind for name, one in signature(function).parameters.items()}
    known = [name for name in kinds if name not in {"self", "cls"}]
    for name in named:
        if name not in known:
            hint = nearest(name, known) or f"; it takes: {', '.join(known) or 'none'}"
            return f"has no argument {name!r}{hint}"
    others = [name for name in known if kinds[name] is Parameter.KEYWORD_ONLY]
    takes_all = Parameter.VAR_POSITIONAL in kinds.values()
    if others and not takes_all and len(values) > len(kinds) - len(others):
        first = ", ".join(name for name in known if name not in others)
        names = ", ".join(f"{name}=" for name in others)
        return f"takes {f'only {first}' if first else 'nothing'} by position; name {names}"
    return ""


def require(package: str, *, what: str, extra: str) -> Any:  # a module
    """Return an optional package.

    Parameters
    ----------
    package : str
        The module to import, such as ``"h5py"`` or ``"pyarrow.parquet"``.
    what : str
        What needs it, for the message, such as ``"to_torch"`` or ``"reading 'jets.h5'"``.
    extra : str
        The extra of memmpy that installs it, such as ``"hdf5"``.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    top = package.partition(".")[0]
    try:
        importlib.import_module(top)
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != top:
            raise
        message = f"{what} needs the package {top!r}: pip install 'memmpy[{extra}]'"
        raise MissingPackageError(message) from None
