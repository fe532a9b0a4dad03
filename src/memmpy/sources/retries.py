"""Repeats calls over a network that fail."""

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
from memmpy.sources.failures import first_line, not_a_file, safe_cause, said_of
from memmpy.sources.timeouts import SILENCE
from memmpy.sources.urls import check_protocol
from memmpy.sources.waits import Wait

__all__ = ["LIMIT", "asked", "is_missing", "retrying"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Attempts of a call.
ATTEMPTS = 5
#: Seconds of failed attempts after which there is no further one.
MAX_LOST = SILENCE + 2.0
#: Seconds for all attempts to ask for the size and the time of a file.
LIMIT = 50.0
MINUTE = 60.0
#: Seconds before the second attempt; twice as many before each further one.
FIRST_DELAY = 0.2

# The system's, so that processes which were forked do not all wait for the same time.
_random = random.SystemRandom()


def retrying(url: str, action: Callable[[], T], *, limit: float | None = None) -> T:
    """Return what an action gives, and call it again after errors of the network.

    Parameters
    ----------
    url : str
        What the action reads.
    action : callable
        Must be able to start over. Its other errors are raised as they are.
    limit : float, optional
        Seconds for all attempts together. None for what may take long, such as a large read: there
        the timeouts of the client end an attempt that receives nothing.

    Raises
    ------
    MissingFileError, UnreadableError
        At once, if there is no such file or it may not be read.
    InputFileError
        If the server refuses, or the last attempt failed too.
    ServerError
        If it does not answer.
    OptionError
        If the protocol is not known, or its package is not installed.
    """
    check_protocol(url)
    wait = Wait(url, limit=limit)
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
            # An attempt that lasts a minute has received something: clients have timeouts.
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


def asked(url: str, action: Callable[[], T], *, limit: float | None = None) -> T:
    """Return what `retrying` gives; whatever else a filesystem raises is an `InputFileError`."""
    with said_of(url, "cannot be read"):
        return retrying(url, action, limit=limit)


def is_missing(error: BaseException) -> bool:
    """Return whether an error says that there is no such file."""
    # XRootD's client has one kind of error; 3011 is what its protocol calls "not found".
    is_xrootd = isinstance(error, OSError) and "[3011]" in str(error)
    return isinstance(error, FileNotFoundError) or is_xrootd or _status(error) in {404, 410}


def _true_cause(error: Exception) -> BaseException:
    """Return why; fsspec's http takes every failed look at a file for a missing file."""
    cause = error.__cause__
    if isinstance(error, FileNotFoundError) and cause is not None and _is_of_network(cause):
        return cause
    return error


def _refusal(url: str, cause: BaseException) -> MemmpyError | None:
    """Return the error for what another attempt would not change."""
    status = _status(cause)
    if is_missing(cause):
        return MissingFileError(f"no such file: {url!r}")
    if isinstance(cause, IsADirectoryError):
        return not_a_file(url)
    is_forbidden = any(text in str(cause) for text in ("[3010]", "Auth failed"))  # of XRootD
    if isinstance(cause, PermissionError) or status in {401, 403} or is_forbidden:
        return UnreadableError(f"{url!r} may not be read: {first_line(cause)}")
    if status == 416 or "illegal seek" in str(cause):  # of HTTP, and of XRootD
        return InputFileError(f"{url!r} is shorter than it was: it changed while it was read")
    is_refused = status is not None and 400 <= status < 500 and status not in {408, 429}
    # Certificates that are not trusted and malformed URLs: of the network, and wrong values.
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
    """Say whether an error means that there is no connection to a server."""
    kinds: list[type[BaseException]] = [
        ConnectionRefusedError,
        *_kind("aiohttp", "ClientConnectorError"),
    ]
    kinds += _kind("botocore.exceptions", "EndpointConnectionError")
    # XRootD's client begins its errors of connections with it.
    return isinstance(error, tuple(kinds)) or "[FATAL]" in str(error)


def _kind(module: str, name: str) -> list[type[BaseException]]:
    """Return a kind of error in a list, which is empty where its package is not imported."""
    found = sys.modules.get(module)
    return [] if found is None else [getattr(found, name)]


def _status(error: BaseException) -> int | None:
    """Return the status of an HTTP answer that an error of aiohttp or requests is about."""
    response = getattr(error, "response", None)
    status = getattr(error, "status", getattr(response, "status_code", None))
    return status if isinstance(status, int) and _is_of_network(error) else None
