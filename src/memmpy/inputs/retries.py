"""Calls over a network, made again where it fails."""

import logging
import random
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from memmpy.errors import InputFileError, MemmpyError, MissingFileError, UnreadableError
from memmpy.inputs.failures import first_line, not_a_file, said_of, shown
from memmpy.inputs.urls import check_protocol

__all__ = ["asked", "is_missing", "retrying"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: How often a call is made before it is given up.
ATTEMPTS = 5
#: Seconds before the second attempt; twice as many before each further one.
FIRST_DELAY = 0.2

# The system's, so that processes which were forked do not all wait for the same time.
_random = random.SystemRandom()


def retrying(url: str, action: Callable[[], T]) -> T:
    """Return what an action gives, and call it again after errors that a network makes.

    Parameters
    ----------
    url : str
        What the action reads.
    action : callable
        Must be able to start over. What it raises that is no matter of networks is left as it is.

    Raises
    ------
    MissingFileError, UnreadableError
        At once, if there is no such file or it may not be read.
    InputFileError
        If the server refuses, or the last attempt failed too.
    OptionError
        If the protocol is not known, or its package is not installed.
    """
    check_protocol(url)
    attempt = 1
    while True:
        try:
            return action()
        except MemmpyError:
            raise
        except Exception as error:
            cause = _true_cause(error)
            refusal = _refusal(url, cause)
            if refusal is not None:
                raise refusal from shown(error)
            if not _is_of_network(cause):
                raise
            if attempt >= ATTEMPTS:
                message = f"{url!r} cannot be read: {attempt} attempts failed, the last one with: "
                raise InputFileError(message + first_line(cause)) from shown(error)
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


def asked(url: str, action: Callable[[], T]) -> T:
    """Return what `retrying` gives; whatever else a filesystem raises is an `InputFileError`."""
    with said_of(url, "cannot be read"):
        return retrying(url, action)


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
    if isinstance(cause, PermissionError) or status in {401, 403} or "[3010]" in str(cause):
        return UnreadableError(f"{url!r} may not be read: {first_line(cause)}")
    if status == 416:
        return InputFileError(f"{url!r} is shorter than it was: it changed while it was read")
    is_refused = status is not None and 400 <= status < 500 and status not in {408, 429}
    # Certificates that are not trusted and malformed URLs: of the network, and wrong values.
    if is_refused or (isinstance(cause, ValueError) and _is_of_network(cause)):
        return InputFileError(f"{url!r} cannot be read: {first_line(cause)}")
    return None


def _is_of_network(error: BaseException) -> bool:
    import asyncio

    kinds: list[type[BaseException]] = [OSError, asyncio.TimeoutError]
    aiohttp = sys.modules.get("aiohttp")
    if aiohttp is not None:
        kinds.append(aiohttp.ClientError)
    return isinstance(error, tuple(kinds))


def _status(error: BaseException) -> int | None:
    """Return the status of an HTTP answer that an error of aiohttp or requests is about."""
    response = getattr(error, "response", None)
    status = getattr(error, "status", getattr(response, "status_code", None))
    return status if isinstance(status, int) and _is_of_network(error) else None
