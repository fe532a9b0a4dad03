"""Keeps files open between the tasks of a process, and checks that they do not change."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import final

from memmpy.errors import ServerError
from memmpy.sources.access.locations import State, check_state, describe
from memmpy.sources.event_file import EventFile
from memmpy.sources.friend_paths import FriendFile
from memmpy.sources.friend_trees import open_with_friends
from memmpy.sources.missing_values import NullRules

__all__ = ["OpenFiles", "check_unchanged", "open_files"]


@contextmanager
def check_unchanged(path: str, state: State) -> Iterator[None]:
    """Raise an `InputFileError` if a file changes during the block, even if the block fails."""
    try:
        yield
    except ServerError:
        raise  # to describe the file would wait for the server again
    except BaseException:
        check_state(path, describe(path).state, state)
        raise
    check_state(path, describe(path).state, state)


@dataclass(slots=True)
class _SharedFile:
    """A file with the number of its users; `file` is None until it is open."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    file: EventFile | None = None
    num_users: int = 0


@final
class OpenFiles:
    """Open files that the tasks of a process share. A few idle ones stay open for later tasks.

    Opening a tree of a thousand branches takes as long as reading some of them.

    Parameters
    ----------
    num_idle : int
        Number of files that stay open while no task uses them.
    """

    def __init__(self, num_idle: int) -> None:
        self._num_idle = num_idle
        self._lock = threading.Lock()
        self._files: OrderedDict[object, _SharedFile] = OrderedDict()

    @contextmanager
    def open(
        self,
        path: str,
        tree: str | None,
        state: State,
        nulls: NullRules,
        friends: Sequence[FriendFile],
    ) -> Iterator[EventFile]:
        """Yield a tree and its friends, opened if not yet open. A changed file has another `state`.

        Raises
        ------
        InputFileError
            If the file has changed since, or cannot be read.
        """
        key = (path, tree, state, repr(nulls), tuple(friends))  # repr, since 1 == True as a fill
        with self._lock:
            shared = self._files.setdefault(key, _SharedFile())
            shared.num_users += 1
            self._files.move_to_end(key)
        try:
            with shared.lock:  # one task opens the file, the others wait
                if shared.file is None:
                    shared.file = open_with_friends(path, tree, state, nulls, friends)
            yield shared.file
        finally:
            with self._lock:
                shared.num_users -= 1
            self._close_idle(self._num_idle)

    def close(self) -> None:
        """Close the files that no task uses."""
        self._close_idle(0)

    def _close_idle(self, num_left: int) -> None:
        with self._lock:
            idle = [key for key, shared in self._files.items() if not shared.num_users]
            closed = [self._files.pop(key) for key in idle[: max(0, len(idle) - num_left)]]
        for shared in closed:
            if shared.file is not None:
                shared.file.close()


#: The open files of this process.
open_files = OpenFiles(num_idle=4)
