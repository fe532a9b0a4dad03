"""Errors of the readers of files, in the user's words."""

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
)
from memmpy.sources.credentials import without_credentials
from memmpy.store import kind_of_file

__all__ = [
    "check_regular",
    "first_line",
    "listed",
    "no_branch",
    "no_file",
    "not_a_file",
    "safe_cause",
    "said_of",
]

#: What fsspec-xrootd shows of a call that XRootD's client did not take.
_METHOD = re.compile(r"<bound method (?:\w+\.)?(\w+) of <.*?>>")


@contextmanager
def said_of(what: str, failure: str, kind: type[InputFileError] = InputFileError) -> Iterator[None]:
    """Turn whatever a reader raises into an error that names the file.

    Errors of memmpy, and that memory is short, are left as they are.
    """
    try:
        yield
    except (MemmpyError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - raised again as ours
        raise kind(f"{what!r} {failure}: {first_line(error)}") from safe_cause(error)


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its kind where it says nothing."""
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    return without_credentials(_METHOD.sub(r"\g<1>", text))


def safe_cause(error: BaseException) -> BaseException | None:
    """Return an error as the cause of another, or None where its traceback has credentials."""
    text = "".join(format_exception(error))
    return error if without_credentials(text) == text else None


def no_file(path: str) -> MissingFileError:
    """Return the error for a local path at which there is nothing; says where a link leads."""
    try:
        return MissingFileError(
            f"{path!r} is a link to {str(Path(path).readlink())!r}, which is no file"
        )
    except (OSError, ValueError):  # no link; no name that any file can have
        return MissingFileError(f"no such file: {path!r}")


def check_regular(path: str, mode: int) -> None:
    """Check that a local path leads to a regular file: a device may give bytes without end.

    Raises
    ------
    MissingFileError
        If not; says what there is instead.
    """
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        raise not_a_file(path)
    message = f"{path!r} is {kind_of_file(mode)}, not a regular file"
    raise MissingFileError(f"{message}; copy its content to a file")


def not_a_file(path: str) -> MissingFileError:
    """Return the error for a directory where a file should be; says how to name its files."""
    ending = next(
        (e for e in (".parquet", ".h5", ".hdf5") if path.rstrip("/").endswith(e)), ".root"
    )
    pattern = f"{path.rstrip('/')}/*{ending}"
    return MissingFileError(f"{path!r} is a directory, not a file; write {pattern!r}")


def no_branch(name: str, where: str, known: Collection[str]) -> MissingKeyError:
    """Return the error for a branch that is not there; names the nearest."""
    return MissingKeyError(f"no branch {name!r} in {where!r}{nearest(name, known)}", name)


def listed(names: Sequence[str]) -> str:
    """Return names in parentheses for a message; of many, the first ten."""
    first = ", ".join(map(repr, names[:10]))
    return f" ({first}{', ...' if len(names) > 10 else ''})" if names else ""
