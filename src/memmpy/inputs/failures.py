"""What goes wrong inside a reader, said in the user's words."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from memmpy.errors import (
    InputFileError,
    MemmpyError,
    MissingFileError,
    MissingKeyError,
    nearest,
)

__all__ = ["first_line", "listed", "no_branch", "not_a_file", "said_of"]


@contextmanager
def said_of(what: str, failure: str, kind: type[InputFileError] = InputFileError) -> Iterator[None]:
    """Turn whatever a reader raises into an error that names the file.

    Errors of memmpy, and that memory is short, are left as they are.
    """
    try:
        yield
    except (MemmpyError, MemoryError):
        raise
    except Exception as error:
        raise kind(f"{what!r} {failure}: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its kind where it says nothing."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


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
    """Return names in parentheses for a message; of many, the first."""
    shown = ", ".join(map(repr, names[:10]))
    return f" ({shown}{', ...' if len(names) > 10 else ''})" if names else ""
