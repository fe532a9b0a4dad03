"""`ScoredEvents`, what scores need, and checks that a model scores only events it has not seen."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from memmpy.display import format_count
from memmpy.errors import SplitError
from memmpy.kernels import Words, find_words
from memmpy.order import in_ticket_ranges
from memmpy.splits import Splits
from memmpy.typing import Entries

__all__ = ["ScoredEvents", "check_events", "check_scoring_fold"]


class ScoredEvents(Protocol):
    """The view of a training set that scores need."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, by number; empty for data without labels."""

    @property
    def num_entries(self) -> int:
        """The entries of the store, which ``batch["_index"]`` counts."""

    @property
    def splits(self) -> Splits:
        """The splits of the store."""

    @property
    def path(self) -> Path:
        """The store."""

    @property
    def fit_tickets(self) -> Words:
        """The tickets of the events of the training set, ascending."""

    def tickets(self, entries: Entries) -> Words:
        """Return the ticket of each entry."""

    def loader(
        self, split: str, *, fold: int | None, batch_size: int, shuffle: bool
    ) -> Iterable[Mapping[str, Any]]:
        """Return the batches of a split."""


def check_scoring_fold(fold: int | None, splits: Splits) -> int | None:
    """Return the fold that made scores; None without folds.

    Raises
    ------
    SplitError, OptionError
        If the fold is missing, or there is no such fold.
    """
    if fold is None and splits.num_folds is not None:
        message = f"give the fold that made the scores, 0 to {splits.num_folds - 1}"
        raise SplitError(f"{message}: scores.add(batch, values, fold=fold)")
    return splits.check_fold(fold)


def check_events(
    entries: Entries, events: ScoredEvents, fold: int | None, *, is_train: bool, is_average: bool
) -> None:
    """Raise a `SplitError` unless the model of a fold may score all of these entries."""
    tickets, splits = events.tickets(entries), events.splits
    if is_train:
        _check_trained(entries, tickets, splits, fold)
    elif is_average:
        _check_untrained(entries, tickets, splits, fold, events.fit_tickets)
    else:
        _check_tested(entries, tickets, splits, fold)


def _check_tested(entries: Entries, tickets: Words, splits: Splits, fold: int | None) -> None:
    """Raise a `SplitError` unless all events are in the test split, or in that of a fold."""
    is_wrong = ~in_ticket_ranges(tickets, splits.ranges("test", fold))
    if not is_wrong.any():
        return
    is_trained = in_ticket_ranges(tickets, splits.ranges("train", fold))
    row = int(np.argmax(is_trained if is_trained.any() else is_wrong))
    side = _side(is_trained=bool(is_trained[row]))
    num = f"{np.count_nonzero(is_wrong):,} of {format_count(len(entries), 'event')} are not"
    if fold is None:
        message = f"{num} in the test split, such as entry {entries[row]}, which was {side}; "
        raise SplitError(f"{message}take events from data.loader('test')")
    (other,) = splits.folds_of_tickets(tickets[row : row + 1])
    message = (
        f"{num} tested by fold {fold}, such as entry {entries[row]}, which was {side} by fold "
        f"{fold} and is tested by fold {other}; take events from data.loader('test', fold={fold})"
    )
    raise SplitError(message)


def _check_trained(entries: Entries, tickets: Words, splits: Splits, fold: int | None) -> None:
    """Raise a `SplitError` unless all events are in the training split of a fold."""
    is_wrong = ~in_ticket_ranges(tickets, splits.ranges("train", fold))
    if is_wrong.any():
        of_fold = "" if fold is None else f" of fold {fold}"
        option = "" if fold is None else f", fold={fold}"
        num = f"{np.count_nonzero(is_wrong):,} of {format_count(len(entries), 'event')} are not"
        message = f"{num} in the training split{of_fold}, such as entry {entries[is_wrong][0]}; "
        raise SplitError(f"{message}take events from data.loader('train'{option})")


def _check_untrained(
    entries: Entries, tickets: Words, splits: Splits, fold: int | None, fit_tickets: Words
) -> None:
    """Raise a `SplitError` if a model was trained on an event, or validated with it.

    `fit_tickets` are those of all events of the training set, ascending.
    """
    trained, val = splits.ranges("train", fold), splits.ranges("val", fold)
    rows = np.flatnonzero(in_ticket_ranges(tickets, trained + val))
    rows = rows[np.argsort(tickets[rows])]  # so that the search reads the tickets from front to end
    wrong = rows[find_words(np.asarray(fit_tickets), tickets[rows])[1]]
    if not len(wrong):
        return
    row = int(wrong.min())
    side = _side(is_trained=bool(in_ticket_ranges(tickets[row : row + 1], trained)[0]))
    message = (
        f"{len(wrong):,} of {format_count(len(entries), 'event')} are in the training set, such as "
        f"entry {entries[row]}, which was {side}{'' if fold is None else f' by fold {fold}'}; "
        "average=True is for events that no fold has seen, and data.scores() for the others"
    )
    raise SplitError(message)


def _side(*, is_trained: bool) -> str:
    return "trained on" if is_trained else "used for validation"
