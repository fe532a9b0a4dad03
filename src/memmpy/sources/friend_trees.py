"""Reads a tree together with its friends: an `EventFile` that looks branches up in all of them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import ColumnType
from memmpy.errors import InputFileError, MissingKeyError, nearest
from memmpy.sources.access.locations import State
from memmpy.sources.event_file import EventFile
from memmpy.sources.formats import open_event_file
from memmpy.sources.friend_paths import FriendFile
from memmpy.sources.missing_values import NullRules, UntypedError

__all__ = ["TreeWithFriends", "friend_of", "open_with_friends"]

_Value = TypeVar("_Value")


class _Place(NamedTuple):
    """A branch: the name of its friend, or None for the tree itself, and its name in there."""

    friend: str | None
    branch: str


@final
class TreeWithFriends:
    """A tree and its friends, if any, which have as many entries: an `EventFile`.

    As ROOT does, it looks up a branch in the tree first, then in its friends in order. In each of
    them, ``tree.branch`` is the branch of that name, or else the branch ``branch`` if the tree or
    the friend is called ``tree``.

    Parameters
    ----------
    tree : EventFile
        The tree.
    friends : mapping of str to EventFile
        Its friends by name, in the order in which branches are looked up.

    Raises
    ------
    InputFileError
        If a friend has more or fewer entries than the tree.
    """

    def __init__(self, tree: EventFile, friends: Mapping[str, EventFile]) -> None:
        self._tree, self.friends = tree, friends
        self._names: dict[str | None, set[str]] = {None: _short_names(tree.tree)}
        self._names |= {name: _short_names(name) for name in friends}
        self._places: dict[str, _Place | None] = {}
        for name, friend in friends.items():
            if friend.num_entries != tree.num_entries:
                message = (
                    f"the friend {name!r} has another number of entries than its tree: "
                    f"{friend.where!r} has {friend.num_entries:,}, {tree.where!r} has "
                    f"{tree.num_entries:,}; write the friend again, with a row for each entry"
                )
                raise InputFileError(message)

    @property
    def uuid(self) -> str:
        """The identity of the file of the tree."""
        return self._tree.uuid

    @property
    def former_uuid(self) -> str:
        """The identity that memmpy 0.2 and older gave the file of the tree."""
        return self._tree.former_uuid

    @property
    def tree(self) -> str:
        """Path of the tree in its file, with its cycle."""
        return self._tree.tree

    @property
    def num_entries(self) -> int:
        """Entries of the tree, and of each friend."""
        return self._tree.num_entries

    @property
    def where(self) -> str:
        """File and tree, for messages."""
        return self._tree.where

    def branches(self) -> list[str]:
        """Return the names of all branches of the tree, then those that friends add.

        Branches of a friend with the name of an earlier one are left out: ``tree.branch`` is one.
        """
        names = self._tree.branches()
        for friend, file in self.friends.items():
            names += [
                branch
                for branch in file.branches()
                if self._find(branch) == (friend, branch)
                and (place := self._find(branch.rpartition("/")[2]))
                and place.friend == friend
            ]
        return names

    def has_branch(self, name: str) -> bool:
        """Return whether the tree or a friend has a branch of this full or short name."""
        return self._find(name) is not None

    def friend_of(self, branch: str) -> str | None:
        """Return the name of the friend that a branch comes from; None for the tree itself."""
        place = self._find(branch)
        return None if place is None else place.friend

    def type_of(self, branch: str) -> ColumnType:
        """Return the type of the column that holds a branch: see `EventFile.type_of`."""
        place = self._place(branch)
        try:
            return self._file(place).type_of(place.branch)
        except UntypedError as error:
            raise UntypedError(str(error), branch) from error

    def try_decoding(self, branch: str) -> None:
        """Decode the first entry of a branch if only that shows whether it can be decoded."""
        place = self._place(branch)
        self._file(place).try_decoding(place.branch)

    def sizes_of(self, branch: str) -> tuple[int, int]:
        """Return the bytes of a branch in its file, and about those after decoding."""
        place = self._place(branch)
        return self._file(place).sizes_of(place.branch)

    def boundaries(self, branches: Sequence[str]) -> NDArray[np.int64]:
        """Return the entries at which reads should begin and end.

        For branches of several files, these are the boundaries of the file that has the fewest.
        Baskets of the other files across such a boundary are decoded twice.
        """
        by_friend = _by_friend([self._place(branch) for branch in branches])
        edges = [self._files[name].boundaries(own) for name, own in by_friend.items()]
        return min(edges, key=len, default=self._tree.boundaries([]))

    def read(self, branches: Sequence[str], start: int, stop: int) -> Iterator[tuple[str, Any]]:
        """Yield branches, each with its entries ``start`` to ``stop``: see `EventFile.read`."""
        places = [self._place(branch) for branch in branches]
        # Two names may be one branch: x and friend.x.
        readers = {
            name: self._files[name].read(own, start, stop)
            for name, own in _by_friend(places).items()
        }
        num_left, values = Counter(places), dict[_Place, Any]()
        for branch, place in zip(branches, places, strict=True):
            if place not in values:
                _, values[place] = next(readers[place.friend])
            num_left[place] -= 1
            yield branch, values[place] if num_left[place] else values.pop(place)

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    @property
    def _files(self) -> dict[str | None, EventFile]:
        own: dict[str | None, EventFile] = {None: self._tree}
        return own | dict(self.friends)

    def _file(self, place: _Place) -> EventFile:
        return self._files[place.friend]

    def _place(self, name: str) -> _Place:
        place = self._find(name)
        if place is not None:
            return place
        known = self.branches()
        for one, file in self.friends.items():
            if name.startswith(f"{one}."):
                known = [f"{one}.{branch}" for branch in file.branches()]
        message = f"no branch {name!r} in {self.where!r}{nearest(name, known)}"
        if self.friends:
            friends = ", ".join(f"{one!r} ({file.where})" for one, file in self.friends.items())
            message += f"; its friends are {friends}"
        raise MissingKeyError(message, name)

    def _find(self, name: str) -> _Place | None:
        if name not in self._places:
            places = (
                _Place(friend, inner)
                for friend, file in self._files.items()
                for inner in (name, *_inner_names(name, self._names[friend]))
                if file.has_branch(inner)
            )
            self._places[name] = next(places, None)
        return self._places[name]


def open_with_friends(
    path: str,
    tree: str | None,
    state: State,
    nulls: NullRules,
    friends: Sequence[FriendFile],
) -> TreeWithFriends:
    """Open a tree with its friends, provided that the files still have their states.

    Parameters
    ----------
    path, tree, state, nulls
        See `open_event_file`.
    friends : sequence of FriendFile
        Its friends, in the order in which branches are looked up.

    Raises
    ------
    MissingFileError, InputFileError
        If a file is missing, has changed, is broken, or has no such tree; or if a friend has
        another number of entries.
    """
    with ExitStack() as stack:
        file = open_event_file(path, tree, state, nulls, is_friend=False)
        stack.callback(file.close)
        files: dict[str, EventFile] = {}
        for friend in friends:
            before = [file, *files.values()]
            own = NullRules(
                _of_friend(nulls.fills, friend.name, before),
                _of_friend(nulls.types, friend.name, before),
            )
            opened = open_event_file(friend.path, friend.tree, friend.state, own, is_friend=True)
            stack.callback(opened.close)
            files[friend.name] = opened
        both = TreeWithFriends(file, files)
        stack.pop_all()
        return both


def friend_of(file: EventFile, branch: str) -> str | None:
    """Return the name of the friend that a branch of a file comes from; None for its own."""
    return file.friend_of(branch) if isinstance(file, TreeWithFriends) else None


def _of_friend(
    rules: Mapping[str, _Value], name: str, before: Sequence[EventFile]
) -> dict[str, _Value]:
    """Return the rules for branches of a friend, by their names in there."""
    own = {
        branch: rule
        for branch, rule in rules.items()
        if not any(file.has_branch(branch) for file in before)
    }
    names = _short_names(name)
    return own | {
        inner: rule for branch, rule in own.items() for inner in _inner_names(branch, names)
    }


def _by_friend(places: Sequence[_Place]) -> dict[str | None, list[str]]:
    """Return the branches of each friend, each once, in their order."""
    branches: dict[str | None, list[str]] = {}
    for friend, branch in dict.fromkeys(places):
        branches.setdefault(friend, []).append(branch)
    return branches


def _short_names(tree: str) -> set[str]:
    """Return the names of a tree in ``tree.branch``: with and without directories and cycle."""
    name = tree.rpartition(";")[0] or tree
    return {tree, name, name.rpartition("/")[2]} - {""}


def _inner_names(branch: str, trees: set[str]) -> list[str]:
    """Return the name after that of the tree, if a branch begins with it."""
    return [branch[len(tree) + 1 :] for tree in sorted(trees) if branch.startswith(f"{tree}.")]
