"""Scores in friend trees: writes them, and reads them back for the batches of each fold."""

import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import (
    InputFileError,
    MissingFileError,
    OptionError,
    SplitError,
    nearest_file,
)
from memmpy.export import Friend, FriendTree, plan_friends, write_friends
from memmpy.sources import EventFile, NullRules, describe, open_event_file
from memmpy.store import SourceRecord, check_sources, num_filled, read_metadata
from memmpy.training.scoring.fold_checks import ScoredEvents
from memmpy.training.scoring.score_rows import ScoreRows
from memmpy.typing import Array, Mask, PathLike

__all__ = ["batches_of_friends", "write_scores"]

#: Events that are read at once, and what scores need of a batch.
_BATCH_SIZE, _NAMES = 1 << 16, ("_index", "label", "weight_physics")
#: The branch of scores of one class, and that of folds.
_SCORE, _FOLD = "score", "fold"
#: Characters that the name of a branch cannot have.
_NOT_IN_BRANCH = re.compile(r"[^A-Za-z0-9_]")


def _branch_names(num_scores: int | None, classes: Sequence[str]) -> list[str]:
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


def write_scores(
    path: Path,
    num_entries: int,
    directory: PathLike,
    rows: ScoreRows,
    classes: Sequence[str],
    *,
    overwrite: bool,
) -> list[Friend]:
    """Write scores, one row for each event, to friend trees of the files of a store.

    Raises
    ------
    OptionError
        If the store has another number of entries than the scores were made with.
    """
    sources = read_metadata(path).sources
    if sources and num_filled(sources) != num_entries:
        message = (
            f"{str(path)!r} has {num_filled(sources):,} entries now, and had {num_entries:,} when "
            "the scores were made; score its events again"
        )
        raise OptionError(message)
    names = _branch_names(None if rows.values.ndim == 1 else rows.num_scores, classes)
    columns = rows.values.reshape(len(rows), -1).T.astype(np.float32)
    return write_friends(
        sources,
        directory,
        {**dict(zip(names, columns, strict=True)), _FOLD: rows.folds},
        entries=rows.entries,
        fill={_FOLD: -1},
        overwrite=overwrite,
    )


def batches_of_friends(
    events: ScoredEvents, directory: Path
) -> list[tuple[dict[str, Any], Array, int | None]]:
    """Return the batches of events that have scores in friend trees, the scores and their fold.

    Raises
    ------
    SplitError
        If the friends have no folds, but the events do, or have scores of other events.
    MissingFileError, InputFileError, OptionError
        See `_read_friends`.
    """
    scores, folds = _read_friends(read_metadata(events.path).sources, directory, events.classes)
    has_score: Mask = np.any(~np.isnan(scores).reshape(len(folds), -1), axis=1)
    num_folds = events.splits.num_folds
    if num_folds is not None and (folds[has_score] < 0).any():
        message = f"the friends in {str(directory)!r} have no folds, as those of a mean: "
        raise SplitError(f"{message}only scores of single folds can be read")
    batches: list[tuple[dict[str, Any], Array, int | None]] = []
    for fold in [None] if num_folds is None else range(num_folds):
        number = -1 if fold is None else fold
        for batch in events.loader("test", fold=fold, batch_size=_BATCH_SIZE, shuffle=False):
            entries = batch["_index"]
            rows = has_score[entries] & (folds[entries] == number)
            part = {name: batch[name][rows] for name in _NAMES if name in batch}
            batches.append((part, scores[entries[rows]], fold))
    num = np.count_nonzero(has_score)
    num_others = num - sum(len(values) for _, values, _ in batches)
    if num_others:
        message = f"{num_others:,} of {num:,} scores in {str(directory)!r} are of events that "
        raise SplitError(f"{message}their fold does not test here: the cut or the splits differ")
    return batches


def _read_friends(
    sources: Sequence[SourceRecord], directory: Path, classes: Sequence[str]
) -> tuple[Array, NDArray[np.int32]]:
    """Return the scores that friend trees have for the entries of a store, and their folds.

    Scores are float32, (n,) or (n, C), with NaN for none. A fold is -1 without a score, without
    folds, and for a mean.

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
            raise MissingFileError(f"{message}{nearest_file(path)}")
        state = describe(str(path)).state
        with closing(
            open_event_file(str(path), tree.tree, state, NullRules(), is_friend=False)
        ) as file:
            if not names:
                has_one = file.has_branch(_SCORE)
                names = _branch_names(None if has_one else len(classes), classes)
                values = np.full((num, len(names)), np.nan, np.float32)
            _check_tree(file, tree, [*names, _FOLD])
            for part in tree.parts:
                rows = slice(part.entry_start, part.entry_stop)
                read = dict(file.read([*names, _FOLD], part.tree_start, part.tree_stop))
                folds[rows] = read[_FOLD]
                for number, name in enumerate(names):
                    values[rows, number] = read[name]
    return values[:, 0] if names == [_SCORE] else values, folds


def _check_tree(file: EventFile, tree: FriendTree, names: Sequence[str]) -> None:
    if file.num_entries != tree.num_entries:
        message = f"{file.where} has {file.num_entries:,} entries, and its tree in {tree.source!r}"
        raise InputFileError(f"{message} has {tree.num_entries:,}: the scores are of other events")
    missing = [name for name in names if not file.has_branch(name)]
    if missing:
        message = f"{file.where} has no branch {missing[0]!r}: it has no scores of these classes"
        raise InputFileError(message)
