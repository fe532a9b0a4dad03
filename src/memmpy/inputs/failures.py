"""What goes wrong inside a reader, said in the user's words."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from memmpy.errors import InputFileError, MemmpyError, MissingKeyError, nearest
from memmpy.inputs.retries import first_line

__all__ = ["listed", "no_branch", "said_of"]


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


def no_branch(name: str, where: str, known: Collection[str]) -> MissingKeyError:
    """Return the error for a branch that is not there; names the nearest."""
    return MissingKeyError(f"no branch {name!r} in {where!r}{nearest(name, known)}", name)


def listed(names: Sequence[str]) -> str:
    """Return names in parentheses for a message; of many, the first."""
    shown = ", ".join(map(repr, names[:10]))
    return f" ({shown}{', ...' if len(names) > 10 else ''})" if names else ""
