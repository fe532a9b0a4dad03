"""Repeats calls over the network that fail."""

import logging
import random
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from memmpy.display import format_count
from memmpy.errors import (
    InputFileError,
    MemmpyError,
    MissingFileError,
    ServerError,
    UnreadableError,
)
from memmpy.sources.access.file_errors import directory_error, first_line, reader_errors, safe_cause
from memmpy.sources.access.server_wait import ServerWait
from memmpy.sources.access.timeouts import SILENCE
from memmpy.sources.access.urls import check_protocol

__all__ = ["LIMIT", "is_missing", "request", "retry"]

logger: logging.Logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Number of attempts of a call.
ATTEMPTS = 5
#: Seconds of failed attempts after which memmpy gives up.
MAX_LOST = SILENCE + 2.0
#: Limit in seconds of all requests for the status of a file.
LIMIT = 50.0
MINUTE = 60.0
#: Seconds before the second attempt, doubled before each further one.
FIRST_DELAY = 0.2

# SystemRandom, so that forked processes wait for different times.
_random = random.SystemRandom()


def retry(url: str, action: Callable[[], T], *, limit: float | None = None) -> T:
    """Return the result of an action, and repeat the action after errors of the network.

    Parameters
    ----------
    url : str
        The file that the action reads.
    action : callable
        Must be repeatable. Its other errors pass unchanged.
    limit : float, optional
        Limit in seconds of all attempts together. None for long actions, such as a large read: the
        timeouts of the client end an attempt that receives nothing.

    Raises
    ------
    MissingFileError, UnreadableError
        At once if the file is missing or may not be read.
    InputFileError
        If the server refuses, or the last attempt fails too.
    ServerError
        If the server does not answer.
    OptionError
        If the protocol is unknown, or its package is not installed.
    """
    check_protocol(url)
    wait = ServerWait(url, limit=limit)
    attempt, lost = 1, 0.0
    while True:
        start = time.monotonic()
        try:
            return wait.outcome(action)
        except MemmpyError:
            raise
        except Exception as error:
            cause = _true_cause(error)
            refusal = _refusal(url, cause)
            if refusal is not None:
                raise refusal from safe_cause(error)
            if not _is_of_network(cause):
                raise
            took = time.monotonic() - start
            # An attempt of a minute has received data, since the clients have timeouts.
            lost += took if took < MINUTE else 0.0
            if attempt >= ATTEMPTS or lost > MAX_LOST:
                is_silent = lost > MAX_LOST or _is_unreachable(cause)
                if is_silent:
                    wait.give_up()
                message = f"{url!r} cannot be read: {format_count(attempt, 'attempt')} failed, "
                message += f"the last one with: {first_line(cause)}"
                raise (ServerError if is_silent else InputFileError)(message) from safe_cause(error)
            delay = FIRST_DELAY * 2 ** (attempt - 1) * _random.uniform(0.75, 1.25)
            logger.warning(
                "%s: attempt %d of %d failed, the next one in %.1f s: %s",
                url,
                attempt,
                ATTEMPTS,
                delay,
                first_line(cause),
            )
        time.sleep(delay)
        attempt += 1


def request(url: str, action: Callable[[], T], *, limit: float | None = None) -> T:
    """Return the result of `retry`, and raise all other errors as an `InputFileError`."""
    with reader_errors(url, "cannot be read"):
        return retry(url, action, limit=limit)


def is_missing(error: BaseException) -> bool:
    """Return whether an error means that the file is missing."""
    # The client of XRootD has only one error class; code 3011 means "not found".
    is_xrootd = isinstance(error, OSError) and "[3011]" in str(error)
    return isinstance(error, FileNotFoundError) or is_xrootd or _status(error) in {404, 410}


def _true_cause(error: Exception) -> BaseException:
    """Return the cause of an error: fsspec reports any failed HTTP request as a missing file."""
    cause = error.__cause__
    if isinstance(error, FileNotFoundError) and cause is not None and _is_of_network(cause):
        return cause
    return error


def _refusal(url: str, cause: BaseException) -> MemmpyError | None:
    """Return the final error if another attempt would fail in the same way, else None."""
    status = _status(cause)
    if is_missing(cause):
        return MissingFileError(f"no such file: {url!r}")
    if isinstance(cause, IsADirectoryError):
        return directory_error(url)
    is_forbidden = any(text in str(cause) for text in ("[3010]", "Auth failed"))  # of XRootD
    if isinstance(cause, PermissionError) or status in {401, 403} or is_forbidden:
        return UnreadableError(f"{url!r} may not be read: {first_line(cause)}")
    if status == 416 or "illegal seek" in str(cause):  # of HTTP, and of XRootD
        return InputFileError(f"{url!r} is shorter than it was: it changed while it was read")
    is_refused = status is not None and 400 <= status < 500 and status not in {408, 429}
    # Untrusted certificates and malformed URLs are errors of the network and ValueErrors.
    if is_refused or (isinstance(cause, ValueError) and _is_of_network(cause)):
        return InputFileError(f"{url!r} cannot be read: {first_line(cause)}")
    return None


def _is_of_network(error: BaseException) -> bool:
    import asyncio

    kinds: list[type[BaseException]] = [OSError, asyncio.TimeoutError]
    kinds += _kind("aiohttp", "ClientError")
    kinds += _kind("botocore.exceptions", "ConnectionError")
    kinds += _kind("botocore.exceptions", "HTTPClientError")
    return isinstance(error, tuple(kinds))


def _is_unreachable(error: BaseException) -> bool:
    """Return whether an error means that the server cannot be reached."""
    kinds: list[type[BaseException]] = [
        ConnectionRefusedError,
        *_kind("aiohttp", "ClientConnectorError"),
    ]
    kinds += _kind("botocore.exceptions", "EndpointConnectionError")
    # The client of XRootD marks errors of the connection with [FATAL].
    return isinstance(error, tuple(kinds)) or "[FATAL]" in str(error)


def _kind(module: str, name: str) -> list[type[BaseException]]:
    """Return an error class in a list, which is empty if its package is not imported."""
    package = sys.modules.get(module)
    return [] if package is None else [getattr(package, name)]


def _status(error: BaseException) -> int | None:
    """Return the HTTP status of an error of aiohttp or requests, or None."""
    response = getattr(error, "response", None)
    status = getattr(error, "status", getattr(response, "status_code", None))
    return status if isinstance(status, int) and _is_of_network(error) else None
