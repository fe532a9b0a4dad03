"""One error for all that went wrong in a conversion."""

from collections.abc import Sequence
from copy import copy
from typing import NoReturn

from memmpy.errors import (
    ColumnError,
    DiskError,
    InputFileError,
    MemmpyError,
    ReadOnlyStoreError,
)

__all__ = ["raise_one_of"]

#: How many of the things that went wrong an error shows.
_MAX_FAILURES = 10


def raise_one_of(failures: Sequence[tuple[str, MemmpyError]]) -> NoReturn:
    """Raise one error for all failures, of which there is at least one.

    Parameters
    ----------
    failures : sequence of (str, MemmpyError)
        What could not be done: where, and why.
    """
    failures = sorted(failures, key=lambda failure: failure[0])
    refused = [e for _, e in failures if isinstance(e, DiskError | ReadOnlyStoreError)]
    if refused:
        raise refused[0]
    if len(failures) == 1:
        where, error = failures[0]
        if isinstance(error, InputFileError):
            message, error = f"{where}: {error}", copy(error)  # with what else the error carries
            error.args = (message,)
        raise error
    lines = [f"{len(failures)} pieces of work failed; what others made is kept for the next call:"]
    lines += [f"  {place}: {error}" for place, error in failures[:_MAX_FAILURES]]
    if len(failures) > _MAX_FAILURES:
        lines.append(f"  ... and {len(failures) - _MAX_FAILURES} more")
    # One that has only a message can say all of them.
    kinds = {type(error) for _, error in failures}
    kind = kinds.pop() if len(kinds) == 1 else InputFileError
    raise (kind if issubclass(kind, InputFileError | ColumnError) else InputFileError)(
        "\n".join(lines)
    )
