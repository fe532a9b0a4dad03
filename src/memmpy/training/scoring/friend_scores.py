"""Scores in friend trees: the names of their branches, and their values by entry of the store."""

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import InputFileError, MissingFileError, OptionError
from memmpy.export import FriendTree, plan_friends
from memmpy.sources import EventFile, NullRules, describe, open_event_file
from memmpy.store import SourceRecord, check_sources, num_filled
from memmpy.typing import Array

__all__ = ["FriendScores", "branch_names", "read_friend_scores"]

#: The branch of scores of one class, and that of folds.
_SCORE, _FOLD = "score", "fold"
#: Characters that the name of a branch cannot have.
_NOT_IN_BRANCH = re.compile(r"[^A-Za-z0-9_]")


@final
@dataclass(frozen=True, slots=True, eq=False)
class FriendScores:
    """The scores of all entries of a store, as friend trees have them.

    Attributes
    ----------
    values : float32 array of shape (n,) or (n, C)
        The scores; NaN without one.
    folds : int32 array of shape (n,)
        The fold that made the score; -1 without a score, without folds, and for a mean.
    """

    values: Array
    folds: NDArray[np.int32]


def branch_names(num_scores: int | None, classes: Sequence[str]) -> list[str]:
    """Return the names of the branches of scores; None for scores of shape (n,).

    Raises
    ------
    OptionError
        If two classes would have one name.
    """
    if num_scores is None:
        return [_SCORE]
    numbers = map(str, range(num_scores))
    names = [f"{_SCORE}_{_NOT_IN_BRANCH.sub('_', name)}" for name in classes or numbers]
    for number, name in enumerate(names):
        if name in names[:number]:
            alike = f"{classes[names.index(name)]!r} and {classes[number]!r}"
            raise OptionError(f"classes {alike} would both have the branch {name!r}")
    return names


def read_friend_scores(
    sources: Sequence[SourceRecord], directory: Path, classes: Sequence[str]
) -> FriendScores:
    """Return the scores that friend trees have for the entries of a store.

    Parameters
    ----------
    sources : sequence of SourceRecord
        The files of the store.
    directory : Path
        The directory of the friends.
    classes : sequence of str
        The names of the classes.

    Raises
    ------
    MissingFileError
        If a friend file is missing.
    InputFileError
        If a friend cannot be read, lacks the branches of scores, or has another number of entries
        than its tree.
    OptionError
        If no files fill the store.
    """
    check_sources(sources)
    names: list[str] = []
    num = num_filled(sources)
    values, folds = np.empty((num, 0), np.float32), np.full(num, -1, np.int32)
    for tree in plan_friends(sources):
        path = directory / tree.file
        if not path.exists():
            message = f"no friend {str(path)!r} of {tree.source!r}; write_friend writes all of them"
            raise MissingFileError(message)
        state = describe(str(path)).state
        with closing(
            open_event_file(str(path), tree.tree, state, NullRules(), is_friend=False)
        ) as file:
            if not names:
                has_one = file.has_branch(_SCORE)
                names = branch_names(None if has_one else len(classes), classes)
                values = np.full((num, len(names)), np.nan, np.float32)
            _check_tree(file, tree, [*names, _FOLD])
            for part in tree.parts:
                rows = slice(part.entry_start, part.entry_stop)
                read = dict(file.read([*names, _FOLD], part.tree_start, part.tree_stop))
                folds[rows] = read[_FOLD]
                for number, name in enumerate(names):
                    values[rows, number] = read[name]
    return FriendScores(values[:, 0] if names == [_SCORE] else values, folds)


def _check_tree(file: EventFile, tree: FriendTree, names: Sequence[str]) -> None:
    if file.num_entries != tree.num_entries:
        message = f"{file.where} has {file.num_entries:,} entries, and its tree in {tree.source!r}"
        raise InputFileError(f"{message} has {tree.num_entries:,}: the scores are of other events")
    missing = [name for name in names if not file.has_branch(name)]
    if missing:
        message = f"{file.where} has no branch {missing[0]!r}: it has no scores of these classes"
        raise InputFileError(message)
