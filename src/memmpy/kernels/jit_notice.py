"""A notice that kernels are being compiled: the first use on a machine takes some seconds."""

import atexit
import logging
import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from multiprocessing import parent_process
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, final

import numpy as np
from numba.core import event

from memmpy.display import Note, is_quiet, is_terminal

__all__ = ["NOTE_THREAD", "JitNotice"]

logger: logging.Logger = logging.getLogger("memmpy.kernels.jit")

#: Seconds of compiling after which the user gets the notice.
_PATIENCE = 0.5
#: Name of the thread that shows it.
NOTE_THREAD = "compiling kernels"


@final
class JitNotice(event.Listener):  # type: ignore[misc]  # Numba has no types
    """Shows on a terminal that kernels are being compiled, if that takes long, and logs it.

    Numba calls it before and after, from the thread that compiles and holds Numba's lock. Loading a
    compiled kernel is no event.
    """

    def __init__(self) -> None:
        self.kernels: set[Callable[..., Any]] = set()
        self.are_kept = True
        self._depth = 0  # a kernel compiles those that it calls
        self._done: SimpleQueue[None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._shown_until = -np.inf

    def register(self) -> None:
        """Start to listen."""
        event.register("numba:compile", self)
        atexit.register(self.close)

    def on_start(self, event: Any) -> None:
        """Start the notice: Numba is about to compile a function."""
        if event.data["dispatcher"] not in self.kernels:
            return
        self._depth += 1
        # Lines of a worker process would mix with those of its parent.
        is_shown = is_terminal() and not is_quiet() and parent_process() is None
        if self._depth > 1 or not (is_shown or logger.isEnabledFor(logging.INFO)):
            return
        self._done = SimpleQueue()
        # Several kernels, one after the other, share one notice.
        goes_on = monotonic() < self._shown_until + _PATIENCE
        # One thread for each, which shares nothing with others: no lock could stay locked.
        thread = threading.Thread(
            target=self._tell, args=(self._done, goes_on, is_shown), name=NOTE_THREAD, daemon=True
        )
        with suppress(RuntimeError):  # no more threads are possible, or the interpreter ends
            thread.start()
            self._thread = thread

    def on_end(self, event: Any) -> None:
        """End the notice: the function is compiled, or cannot be."""
        if event.data["dispatcher"] in self.kernels:
            self._depth -= 1
            if self._depth == 0:
                self._done.put(None)

    def close(self) -> None:
        """Remove the notice when the interpreter ends."""
        if self._thread is not None:
            self._done.put(None)
            self._thread.join(_PATIENCE)

    def _tell(self, done: SimpleQueue[None], goes_on: bool, is_shown: bool) -> None:
        """Show the notice after some time, until a kernel is compiled."""
        try:
            done.get(timeout=0.0 if goes_on else _PATIENCE)
        except Empty:
            how = "once on this machine" if self.are_kept else "kept nowhere: set NUMBA_CACHE_DIR"
            if not goes_on:
                logger.info("compiling kernels (%s)", how)
            with Note(f"compiling kernels ({how})") if is_shown else nullcontext():
                done.get()
            self._shown_until = monotonic()
