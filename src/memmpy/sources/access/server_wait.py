"""Waits for the answer of a server, with a warning, a time limit, and an end at Ctrl-C."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar, final

from memmpy.errors import ServerError
from memmpy.parallel import SafeFuture, num_interrupts, start_thread
from memmpy.sources.access.urls import is_async, server_of

__all__ = ["ServerWait"]

logger: logging.Logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds of waiting before a warning, and between two warnings about one server.
NOTICE, NEXT_NOTICE = 5.0, 60.0
#: Seconds after giving up a server in which other requests to it fail at once.
REST = 10.0
#: Seconds between two checks of a waiting thread.
_POLL = 0.2

# Server to the time when it was given up, and to the time of the last warning.
_given_up: dict[str, float] = {}
_noticed: dict[str, float] = {}


@final
class ServerWait:
    """The wait of one thread for answers of a server about one file.

    Parameters
    ----------
    url : str
        The file.
    limit : float or None
        Limit of the wait in seconds from now.

    Raises
    ------
    ServerError
        If the server was given up a moment ago.
    """

    def __init__(self, url: str, *, limit: float | None) -> None:
        self._url, self._limit = url, limit
        self._server = server_of(url)
        self._began = time.monotonic()
        self._is_noticed = False
        since = self._began - _given_up.get(self._server, -REST)
        if since < REST:
            message = f"{url!r} cannot be read: {self._server!r} did not answer {since:.0f} s ago; "
            raise ServerError(f"{message}memmpy asks it again after {REST:.0f} s")

    def outcome(self, action: Callable[[], T]) -> T:
        """Return the result of an action or raise its error. After the limit it runs on, ignored.

        Raises
        ------
        TimeoutError
            If the action takes longer than the limit.
        ServerError
            After Ctrl-C in the main thread.
        """
        if not is_async(self._url):  # its connections belong to this thread
            return action()
        num = num_interrupts()
        future = SafeFuture(action)
        start_thread(future.run)
        while not future.wait(_POLL):
            if num_interrupts() != num:
                raise ServerError(f"reading {self._url!r} was interrupted")
            waited = time.monotonic() - self._began
            if waited > NOTICE:
                self._notice(waited)
            if self._limit is not None and waited > self._limit:
                raise TimeoutError(f"no answer in {waited:.0f} s")
        return future.result()

    def give_up(self) -> None:
        """Let requests to the server fail for some seconds."""
        _given_up[self._server] = time.monotonic()

    def _notice(self, waited: float) -> None:
        now = time.monotonic()
        if not self._is_noticed and now - _noticed.get(self._server, -NEXT_NOTICE) > NEXT_NOTICE:
            _noticed[self._server] = now
            text = "waiting for %s since %.0f s to read %r"
            logger.warning(text, self._server, waited, self._url)
        self._is_noticed = True
