"""Builds errors about input files that name the file in the user's words."""

import re
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import format_exception

from memmpy.errors import (
    InputFileError,
    MemmpyError,
    MissingFileError,
    MissingKeyError,
    nearest,
    nearest_file,
)
from memmpy.sources.access.credentials import without_credentials
from memmpy.store import METADATA, kind_of_file

__all__ = [
    "check_regular",
    "directory_error",
    "first_line",
    "has_instead",
    "in_parentheses",
    "missing_branch_error",
    "missing_file_error",
    "reader_errors",
    "safe_cause",
]

#: A method in messages of fsspec-xrootd about calls that the client of XRootD rejected.
_METHOD = re.compile(r"<bound method (?:\w+\.)?(\w+) of <.*?>>")


@contextmanager
def reader_errors(
    what: str, failure: str, kind: type[InputFileError] = InputFileError
) -> Iterator[None]:
    """Raise any error of a reader as an `InputFileError` that names the file.

    A `MemmpyError` and a `MemoryError` pass unchanged.
    """
    try:
        yield
    except (MemmpyError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - raised again as ours
        raise kind(f"{what!r} {failure}: {first_line(error)}") from safe_cause(error)


def first_line(error: BaseException) -> str:
    """Return the first line of the message of an error, or its class if it has none."""
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    return without_credentials(_METHOD.sub(r"\g<1>", text))


def safe_cause(error: BaseException) -> BaseException | None:
    """Return an error as the cause of another, or None if its traceback has credentials."""
    text = "".join(format_exception(error))
    return error if without_credentials(text) == text else None


def missing_file_error(path: str) -> MissingFileError:
    """Return the error for a missing local file. For a broken link, it names the target."""
    try:
        return MissingFileError(
            f"{path!r} is a link to {str(Path(path).readlink())!r}, which is no file"
        )
    except (OSError, ValueError):  # it is no link, or no valid file name
        return MissingFileError(f"no such file: {path!r}{nearest_file(path)}")


def check_regular(path: str, mode: int) -> None:
    """Check that a local path is a regular file: reading a device may never end.

    Raises
    ------
    MissingFileError
        If it is no regular file. Names its type.
    """
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        raise directory_error(path)
    message = f"{path!r} is {kind_of_file(mode)}, not a regular file"
    raise MissingFileError(f"{message}; copy its content to a file")


def directory_error(path: str) -> MissingFileError:
    """Return the error for a directory in place of a file, with a pattern for its files."""
    if (Path(path) / METADATA).is_file():
        return MissingFileError(f"{path!r} is a store, not a file to read; memmpy info shows it")
    ending = next(
        (e for e in (".parquet", ".h5", ".hdf5") if path.rstrip("/").endswith(e)), ".root"
    )
    pattern = f"{path.rstrip('/')}/*{ending}"
    return MissingFileError(f"{path!r} is a directory, not a file; write {pattern!r}")


def missing_branch_error(name: str, where: str, known: Collection[str]) -> MissingKeyError:
    """Return the error for a missing branch. Names the nearest."""
    return MissingKeyError(f"no branch {name!r} in {where!r}{nearest(name, known)}", name)


def has_instead(given: str, kind: str, names: Sequence[str]) -> str:
    """Return what a file has of a kind, such as its trees, and which of them is nearest."""
    if len(names) == 1:
        return f"its only {kind} is {names[0]!r}"
    first = ", ".join(map(repr, names[:10]))
    rest = f"{', ...' if len(names) > 10 else ''}{nearest(given, names)}"
    return f"its {kind}s are {first}{rest}" if names else f"it has no {kind} at all"


def in_parentheses(names: Sequence[str]) -> str:
    """Return at most ten names in parentheses, for a message."""
    first = ", ".join(map(repr, names[:10]))
    return f" ({first}{', ...' if len(names) > 10 else ''})" if names else ""
