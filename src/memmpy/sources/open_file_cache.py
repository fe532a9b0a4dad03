"""Keeps files open between the tasks of a process, and checks that they do not change."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import final

from memmpy.errors import ServerError
from memmpy.sources.access.locations import State, check_state, describe
from memmpy.sources.event_file import EventFile
from memmpy.sources.formats import open_event_file
from memmpy.sources.friend_paths import FriendFile
from memmpy.sources.friend_trees import TreeWithFriends, rules_of_friend
from memmpy.sources.missing_values import NullRules
from memmpy.sources.root import TreeFile, TreeIndex

__all__ = ["OpenFiles", "check_unchanged", "index_of", "open_files"]


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


def index_of(file: EventFile, branches: Iterable[str], state: State) -> TreeIndex | None:
    """Return the index of branches of a TTree without friends, for a later `OpenFiles.open`.

    None for other files, and if a server does not tell when a file changes.
    """
    if not isinstance(file, TreeWithFriends) or not isinstance(file.main, TreeFile):
        return None
    can_check = bool(state.mtime_ns or state.tag)
    return file.main.index(branches) if can_check and not file.friends else None


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
        Number of files that stay open, each with its friends, while no task uses them.
    """

    def __init__(self, num_idle: int) -> None:
        self._num_idle = num_idle
        self._num_trees = 1  # of a file with its friends, at most
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
        index: TreeIndex | None = None,
    ) -> Iterator[EventFile]:
        """Yield a tree and its friends, opened if not yet open. A changed file has another `state`.

        With the `index` of the tree, a file is read without its header.

        Raises
        ------
        InputFileError
            If a file has changed since, or cannot be read; or if a friend has another length.
        """
        try:
            with ExitStack() as stack:
                main = stack.enter_context(self._open_one(path, tree, state, nulls, index))
                plain: dict[str, EventFile] = {}
                qualified: dict[str, EventFile] = {}
                for one in friends:
                    rules = rules_of_friend(nulls, one.name, [main, *plain.values()])
                    for files, own in zip((plain, qualified), rules, strict=True):
                        file = self._open_one(
                            one.path, one.tree, one.state, own, None, is_friend=True
                        )
                        files[one.name] = stack.enter_context(file)
                yield TreeWithFriends(main, plain, qualified)
        finally:
            self._num_trees = max(self._num_trees, 1 + len(friends))
            self._close_idle(self._num_idle * self._num_trees)

    @contextmanager
    def _open_one(
        self,
        path: str,
        tree: str | None,
        state: State,
        nulls: NullRules,
        index: TreeIndex | None,
        *,
        is_friend: bool = False,
    ) -> Iterator[EventFile]:
        key = (path, tree, state, repr(nulls), is_friend)  # repr, since 1 == True as a fill
        with self._lock:
            shared = self._files.setdefault(key, _SharedFile())
            shared.num_users += 1
            self._files.move_to_end(key)
        try:
            with shared.lock:  # one task opens the file, the others wait
                if shared.file is None:
                    shared.file = open_event_file(
                        path, tree, state, nulls, is_friend=is_friend, index=index
                    )
            yield shared.file
        finally:
            with self._lock:
                shared.num_users -= 1

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
open_files: OpenFiles = OpenFiles(num_idle=4)
