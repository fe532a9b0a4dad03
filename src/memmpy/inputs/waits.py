"""Waiting for a server: it is said, has an end, and Ctrl-C cuts it short."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar, final

from memmpy.errors import ServerError
from memmpy.inputs.urls import is_async, server_of
from memmpy.threads import Call, num_interrupts, start_thread

__all__ = ["Wait"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds of waiting before a message says so, and before another one does of the same server.
NOTICE, NEXT_NOTICE = 5.0, 60.0
#: Seconds for which a server that was given up is not asked again: other files lie there, too.
REST = 10.0
#: Seconds after which a thread that waits looks whether it should go on.
_POLL = 0.2

# Server to when it was given up, and when it was last said that it is waited for.
_given_up: dict[str, float] = {}
_noticed: dict[str, float] = {}


@final
class Wait:
    """One thread that waits for what a server says of one file, in one attempt or several.

    Parameters
    ----------
    url : str
        The file.
    limit : float or None
        Seconds, from now on, after which no answer comes any more.

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
        """Return or raise what an action does; where this ends before it, it is left to itself.

        Raises
        ------
        TimeoutError
            If the time is over.
        ServerError
            If an interrupt of the main thread ends it.
        """
        if not is_async(self._url):  # one filesystem a thread, with its own connections
            return action()
        num = num_interrupts()
        call = Call(action)
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
        """Let nobody ask the server for some seconds."""
        _given_up[self._server] = time.monotonic()

    def _notice(self, waited: float) -> None:
        now = time.monotonic()
        if not self._is_noticed and now - _noticed.get(self._server, -NEXT_NOTICE) > NEXT_NOTICE:
            _noticed[self._server] = now
            text = "waiting for %s, for %.0f s now, to read %r"
            logger.warning(text, self._server, waited, self._url)
        self._is_noticed = True
