"""Reads a tree together with its friends: an `EventFile` that looks branches up in all of them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import ColumnType
from memmpy.errors import InputFileError, MissingKeyError, OptionError, nearest
from memmpy.sources.event_file import EventFile
from memmpy.sources.missing_values import NullRules, UntypedError

__all__ = ["TreeWithFriends", "friend_of", "rules_of_friend"]

_Value = TypeVar("_Value")


class _Place(NamedTuple):
    """A branch: the name of its friend, or None for the tree itself, and its name in there.

    `is_qualified` tells that the name of the friend was part of the name, if this makes a
    difference.
    """

    friend: str | None
    branch: str
    is_qualified: bool = False


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
    qualified : mapping of str to EventFile
        The same friends, for branches that are named ``friend.branch``: missing values of these may
        have other rules.

    Raises
    ------
    InputFileError
        If a friend has more or fewer entries than the tree.
    """

    def __init__(
        self,
        tree: EventFile,
        friends: Mapping[str, EventFile],
        qualified: Mapping[str, EventFile],
    ) -> None:
        self.main = tree
        self.friends: Mapping[str, EventFile] = friends
        self._readers: dict[tuple[str | None, bool], EventFile] = {(None, False): tree}
        self._readers |= {(name, False): file for name, file in friends.items()}
        self._readers |= {(name, True): file for name, file in qualified.items()}
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
        return self.main.uuid

    @property
    def former_uuid(self) -> str:
        """The identity that memmpy 0.2 and older gave the file of the tree."""
        return self.main.former_uuid

    @property
    def tree(self) -> str:
        """Path of the tree in its file, with its cycle."""
        return self.main.tree

    @property
    def num_entries(self) -> int:
        """Entries of the tree, and of each friend."""
        return self.main.num_entries

    @property
    def where(self) -> str:
        """File and tree, for messages."""
        return self.main.where

    def branches(self) -> list[str]:
        """Return the names of all branches of the tree, then those that friends add.

        Branches of a friend with the name of an earlier one are left out: ``tree.branch`` is one.
        """
        names = self.main.branches()
        for friend, file in self.friends.items():
            names += [
                branch
                for branch in file.branches()
                if self._find(branch) == _Place(friend, branch)
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
        with _whole_name(branch, place):
            return self._file(place).type_of(place.branch)

    def try_decoding(self, branch: str) -> None:
        """Decode the first entry of a branch if only that shows whether it can be decoded."""
        place = self._place(branch)
        self._file(place).try_decoding(place.branch)

    def sizes_of(self, branch: str) -> tuple[int, int]:
        """Return the bytes of a branch in its file, and about those after decoding."""
        place = self._place(branch)
        return self._file(place).sizes_of(place.branch)

    def sizes(self) -> tuple[int, int]:
        """Return the bytes of all branches in the files, and about those after decoding."""
        stored, decoded = zip(
            *(file.sizes() for file in (self.main, *self.friends.values())), strict=True
        )
        return sum(stored), sum(decoded)

    def stored_type(self, branch: str) -> str:
        """Return the type of a branch in the words of its format."""
        place = self._place(branch)
        return self._file(place).stored_type(place.branch)

    def boundaries(self, branches: Sequence[str]) -> NDArray[np.int64]:
        """Return the entries at which reads should begin and end.

        For branches of several files, these are the boundaries of the file that has the fewest.
        Baskets of the other files across such a boundary are decoded twice.
        """
        by_reader = _by_reader([self._place(branch) for branch in branches])
        edges = [self._readers[reader].boundaries(own) for reader, own in by_reader.items()]
        return min(edges, key=len, default=self.main.boundaries([]))

    def read(self, branches: Sequence[str], start: int, stop: int) -> Iterator[tuple[str, Any]]:
        """Yield branches, each with its entries ``start`` to ``stop``: see `EventFile.read`."""
        places = [self._place(branch) for branch in branches]
        # Two names may be one branch: x and friend.x.
        values_of = {
            reader: self._readers[reader].read(own, start, stop)
            for reader, own in _by_reader(places).items()
        }
        num_left, values = Counter(places), dict[_Place, Any]()
        for branch, place in zip(branches, places, strict=True):
            if place not in values:
                with _whole_name(branch, place):
                    _, values[place] = next(values_of[place.friend, place.is_qualified])
            num_left[place] -= 1
            yield branch, values[place] if num_left[place] else values.pop(place)

    def close(self) -> None:
        """Close the files."""
        for file in self._readers.values():
            file.close()

    def _file(self, place: _Place) -> EventFile:
        return self._readers[place.friend, place.is_qualified]

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
            self._places[name] = next(self._matches(name), None)
        return self._places[name]

    def _matches(self, name: str) -> Iterator[_Place]:
        """Yield the branches that a name may stand for, the first choice first."""
        for (friend, is_qualified), file in list(self._readers.items()):
            if is_qualified:
                continue
            if file.has_branch(name):
                yield _Place(friend, name)
            is_other = friend is not None and self._readers[friend, True] is not file
            for inner in _inner_names(name, self._names[friend]):
                if file.has_branch(inner):
                    yield _Place(friend, inner, is_other)


def rules_of_friend(
    nulls: NullRules, name: str, before: Sequence[EventFile]
) -> tuple[NullRules, NullRules]:
    """Return the rules for missing values of a friend, by the names of branches in its file.

    Parameters
    ----------
    nulls : NullRules
        The rules for a tree and its friends.
    name : str
        The name of the friend.
    before : sequence of EventFile
        The tree and the friends before, in which branches are looked up first.

    Returns
    -------
    NullRules, NullRules
        Those for branches of plain names, and those for branches named ``friend.branch``.
    """
    plain = (_plain_rules(nulls.fills, before), _plain_rules(nulls.types, before))
    names = _short_names(name)
    qualified = (_qualified_rules(nulls.fills, names), _qualified_rules(nulls.types, names))
    return NullRules(*plain), NullRules(*qualified)


def friend_of(file: EventFile, branch: str) -> str | None:
    """Return the name of the friend that a branch of a file comes from; None for its own."""
    return file.friend_of(branch) if isinstance(file, TreeWithFriends) else None


def _plain_rules(rules: Mapping[str, _Value], before: Sequence[EventFile]) -> dict[str, _Value]:
    return {
        branch: rule
        for branch, rule in rules.items()
        if not any(file.has_branch(branch) for file in before)
    }


def _qualified_rules(rules: Mapping[str, _Value], names: set[str]) -> dict[str, _Value]:
    return {inner: rule for branch, rule in rules.items() for inner in _inner_names(branch, names)}


def _by_reader(places: Sequence[_Place]) -> dict[tuple[str | None, bool], list[str]]:
    """Return the branches of each reader, each once, in their order."""
    branches: dict[tuple[str | None, bool], list[str]] = {}
    for friend, branch, is_qualified in dict.fromkeys(places):
        branches.setdefault((friend, is_qualified), []).append(branch)
    return branches


@contextmanager
def _whole_name(branch: str, place: _Place) -> Iterator[None]:
    """Let errors about missing values name a branch as the user does."""
    try:
        yield
    except UntypedError as error:
        raise UntypedError(str(error), branch) from error
    except (InputFileError, OptionError) as error:
        own, whole = (f"missing={{{name!r}: " for name in (place.branch, branch))
        error.args = (str(error).replace(own, whole), *error.args[1:])
        raise


def _short_names(tree: str) -> set[str]:
    """Return the names of a tree in ``tree.branch``: with and without directories and cycle."""
    name = tree.rpartition(";")[0] or tree
    return {tree, name, name.rpartition("/")[2]} - {""}


def _inner_names(branch: str, trees: set[str]) -> list[str]:
    """Return the name after that of the tree, if a branch begins with it."""
    return [branch[len(tree) + 1 :] for tree in sorted(trees) if branch.startswith(f"{tree}.")]
