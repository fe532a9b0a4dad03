"""Waits for a server: with a warning, a limit, and an end at Ctrl-C."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar, final

from memmpy.errors import ServerError
from memmpy.parallel import SafeFuture, num_interrupts, start_thread
from memmpy.sources.urls import is_async, server_of

__all__ = ["Wait"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds of waiting before a warning, and between two warnings about one server.
NOTICE, NEXT_NOTICE = 5.0, 60.0
#: Seconds after giving up a server in which it is not asked for other files either.
REST = 10.0
#: Seconds between two looks of a waiting thread at whether it should go on.
_POLL = 0.2

# Server to the time when it was given up, and to that of the last warning.
_given_up: dict[str, float] = {}
_noticed: dict[str, float] = {}


@final
class Wait:
    """One thread that waits for the answers of a server about one file.

    Parameters
    ----------
    url : str
        The file.
    limit : float or None
        Seconds, from now on, after which it stops to wait.

    Raises
    ------
    ServerError
        If the server was given up just now.
    """

    def __init__(self, url: str, *, limit: float | None) -> None:
        self._url, self._limit = url, limit
        self._server = server_of(url)
        self._began = time.monotonic()
        self._is_noticed = False
        since = self._began - _given_up.get(self._server, -REST)
        if since < REST:
            message = f"{url!r} cannot be read: {self._server!r} did not answer {since:.0f} s ago; "
            raise ServerError(f"{message}it is asked again after {REST:.0f} s")

    def outcome(self, action: Callable[[], T]) -> T:
        """Return or raise what an action does. An action that lasts too long goes on, unheard.

        Raises
        ------
        TimeoutError
            If the limit is over.
        ServerError
            If the main thread was interrupted.
        """
        if not is_async(self._url):  # one filesystem a thread, with its own connections
            return action()
        num = num_interrupts()
        call = SafeFuture(action)
        start_thread(call.run)
        while not call.wait(_POLL):
            if num_interrupts() != num:
                raise ServerError(f"{self._url!r} is not read to its end: interrupted")
            waited = time.monotonic() - self._began
            if waited > NOTICE:
                self._notice(waited)
            if self._limit is not None and waited > self._limit:
                raise TimeoutError(f"no answer in {waited:.0f} s")
        return call.result()

    def give_up(self) -> None:
        """Refuse to ask the server for some seconds."""
        _given_up[self._server] = time.monotonic()

    def _notice(self, waited: float) -> None:
        now = time.monotonic()
        if not self._is_noticed and now - _noticed.get(self._server, -NEXT_NOTICE) > NEXT_NOTICE:
            _noticed[self._server] = now
            text = "waiting for %s, for %.0f s now, to read %r"
            logger.warning(text, self._server, waited, self._url)
        self._is_noticed = True
