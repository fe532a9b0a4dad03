"""A line that says that kernels are compiled: the first use on a machine takes some seconds."""

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

__all__ = ["NOTE_THREAD", "CompileNote"]

logger = logging.getLogger("memmpy.kernels.jit")

#: Seconds that kernels are compiled before the user is told.
_PATIENCE = 0.5
#: Name of the thread that tells.
NOTE_THREAD = "compiling kernels"


@final
class CompileNote(event.Listener):  # type: ignore[misc]  # Numba has no types
    """Says on a terminal that kernels are compiled, if that takes long, and logs it.

    Numba calls it from whatever thread compiles, before and after, one thread at a time: that
    holds Numba's lock. Compiled kernels that are loaded are no event.
    """

    def __init__(self) -> None:
        self.kernels: set[Callable[..., Any]] = set()
        self.are_kept = True
        self._depth = 0  # kernels call kernels, and each is compiled when it is met
        self._done: SimpleQueue[None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._shown_until = -np.inf

    def register(self) -> None:
        """Listen from now on."""
        event.register("numba:compile", self)
        atexit.register(self.close)

    def on_start(self, event: Any) -> None:
        """Be told that a function is about to be compiled."""
        if event.data["dispatcher"] not in self.kernels:
            return
        self._depth += 1
        # A worker's lines would go across those of the process that started it.
        is_shown = is_terminal() and not is_quiet() and parent_process() is None
        if self._depth > 1 or not (is_shown or logger.isEnabledFor(logging.INFO)):
            return
        self._done = SimpleQueue()
        # Of several kernels, one after the other, each goes on with the note of the one before.
        goes_on = monotonic() < self._shown_until + _PATIENCE
        # A thread for each, which shares nothing with others: no lock that could stay taken.
        thread = threading.Thread(
            target=self._tell, args=(self._done, goes_on, is_shown), name=NOTE_THREAD, daemon=True
        )
        with suppress(RuntimeError):  # there can be no more threads, or the interpreter ends
            thread.start()
            self._thread = thread

    def on_end(self, event: Any) -> None:
        """Be told that it is compiled, or cannot be."""
        if event.data["dispatcher"] in self.kernels:
            self._depth -= 1
            if self._depth == 0:
                self._done.put(None)

    def close(self) -> None:
        """Leave no note behind when the interpreter ends."""
        if self._thread is not None:
            self._done.put(None)
            self._thread.join(_PATIENCE)

    def _tell(self, done: SimpleQueue[None], goes_on: bool, is_shown: bool) -> None:
        """Say from some time on, until a kernel is compiled, that it is."""
        try:
            done.get(timeout=0.0 if goes_on else _PATIENCE)
        except Empty:
            how = "once on this machine" if self.are_kept else "kept nowhere: set NUMBA_CACHE_DIR"
            if not goes_on:
                logger.info("compiling kernels (%s)", how)
            with Note(f"compiling kernels ({how})") if is_shown else nullcontext():
                done.get()
            self._shown_until = monotonic()
