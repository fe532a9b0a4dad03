"""`ScoreCollection`: scores event by event, each by a fold that has not seen the event."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_choice, check_flag
from memmpy.display import Renderable
from memmpy.errors import OptionError, SplitError, argument_hints
from memmpy.kernels import Words
from memmpy.splits import Splits
from memmpy.training.scoring.fold_checks import (
    check_scoring_fold,
    check_tested,
    check_trained,
    check_untrained,
)
from memmpy.training.scoring.score_rows import ScoreRows, read_rows
from memmpy.training.scoring.score_set import ScoreSet
from memmpy.typing import Array, Entries

__all__ = ["ScoreCollection", "ScoredEvents"]


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


@argument_hints
class ScoreCollection(Renderable):
    """Scores of the events of a training set, and those of training events kept apart.

    Parameters
    ----------
    events : ScoredEvents
        The training set, or the events that its inputs are applied to.
    average : bool
        Whether to take the mean over all folds.
    """

    def __init__(self, events: ScoredEvents, *, average: bool) -> None:
        self._events: ScoredEvents | None = events
        self._classes, self._splits = tuple(events.classes), events.splits
        self._num_entries, self._path = events.num_entries, Path(events.path)
        self._is_average = check_flag("average", average)
        num_means = (self._splits.num_folds or 1) if self._is_average else None
        self._set = ScoreSet(self._num_entries, num_means=num_means)
        # An event may have the score of each fold that was trained on it.
        self._train = ScoreSet(self._num_entries, num_means=self._splits.num_folds or 1)

    def add(
        self,
        batch: Mapping[str, Any],
        values: Any,
        fold: int | None = None,
        *,
        split: str = "test",
    ) -> None:
        """Add the scores of a batch. If this raises an error, it adds none of them.

        With ``split="train"``, these are scores of events that the model was trained on, for the
        comparison in `plot`. They are kept apart, and have no part in all other results.

        Parameters
        ----------
        batch : mapping of str to array
            A batch as the loader handed it out, with ``"_index"``, and with ``"label"`` and
            ``"weight_physics"`` if the data has them. Without weights, each event counts 1.
        values : array, list or tensor
            The scores: shape (B,) or (B, 1) for that of the last class, or (B, C) for one of each
            class. Arrays and tensors of any framework and device are fine. Float32 and float64
            stay what they are; float16 and bfloat16 become float32, integers float64.
        fold : int, optional
            The fold that made the scores. Splits with folds need it.
        split : {"test", "train"}
            The split of the batch. Training events may be some of all.

        Raises
        ------
        SplitError
            If an event is not tested by the fold, or has its score already; the message counts
            them. With ``average=True``: if the fold trained on an event, or validated with it. With
            ``split="train"``: if an event is not in the training split of the fold.
        MissingKeyError, ColumnError, LengthError, OptionError
            If the batch has no ``"_index"``; if scores have another length than the batch, another
            shape than before, or are NaN or infinite.
        """
        events = self._scored_events
        is_train = check_choice("split", split, ("test", "train")) == "train"
        fold = check_scoring_fold(fold, self._splits)
        rows = read_rows(batch, values, num_entries=self._num_entries, classes=self._classes)
        rows.folds[:] = -1 if fold is None else fold
        tickets = events.tickets(rows.entries)
        if is_train:
            check_trained(rows.entries, tickets, self._splits, fold=fold)
        elif self._is_average:
            trained = events.fit_tickets
            check_untrained(rows.entries, tickets, self._splits, fold=fold, fit_tickets=trained)
        else:
            check_tested(rows.entries, tickets, self._splits, fold=fold)
        own, other = (self._train, self._set) if is_train else (self._set, self._train)
        if len(rows) and other.num_scores not in {None, rows.num_scores}:
            num = f"{other.num_scores} before, now {rows.num_scores}"
            raise OptionError(f"test and training events need the same number of scores: {num}")
        own.add([rows])

    def merge(self, others: "ScoreCollection | Iterable[ScoreCollection]") -> None:
        """Add the scores of other ranks. If this raises an error, it adds none of them.

        Parameters
        ----------
        others : Scores, or iterable of Scores
            Scores of other events of the same data, often from pickles.

        Raises
        ------
        SplitError
            If an event has a score already, or the splits differ.
        OptionError
            If the classes, the number of scores or `average` differ.

        Examples
        --------
        >>> gathered = [None] * world_size
        >>> torch.distributed.all_gather_object(gathered, scores)
        >>> whole = data.scores()
        >>> whole.merge(gathered)
        """
        tests, trains = [], []
        several: Any = others
        for other in several if isinstance(several, Iterable) else [several]:
            given: object = other
            if not isinstance(given, ScoreCollection):
                raise OptionError(f"merge takes Scores, got {given!r:.80}")
            if other._splits.meaning != self._splits.meaning:
                raise SplitError(
                    f"the splits of the scores differ: {other._splits}, {self._splits}"
                )
            for name, theirs, ours in (
                ("classes", other._classes, self._classes),
                ("numbers of entries", other._num_entries, self._num_entries),
                ("values of average", other._is_average, self._is_average),
            ):
                if theirs != ours:
                    raise OptionError(f"the {name} of the scores differ: {theirs} and {ours}")
            tests.append(other._set.rows)
            trains.append(other._train.rows)
        train = self._train.check(trains)
        self._set.add(tests)
        self._train.add([train])

    @property
    def entries(self) -> Entries:
        """The entries that have a score, ascending, int64 (n,)."""
        return self._set.events.entries

    @property
    def values(self) -> Array:
        """The scores, float32 or float64, (n,) or (n, C); float64 with ``average=True``."""
        return self._set.events.values

    @property
    def labels(self) -> NDArray[np.int32]:
        """The number of the class of each event, -1 without a label, int32 (n,)."""
        return self._set.events.labels

    @property
    def weights(self) -> NDArray[np.float64]:
        """The physics weight of each event, 1 without weights, float64 (n,)."""
        return self._set.events.weights

    @property
    def folds(self) -> NDArray[np.int32]:
        """The fold that made each score, int32 (n,); -1 without folds, and for a mean."""
        return self._set.events.folds

    def __len__(self) -> int:
        return self._set.num_events

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_events": None}

    @property
    def _scored_events(self) -> ScoredEvents:
        if self._events is None:
            message = "these scores were unpickled and take no more batches"
            raise SplitError(f"{message}; merge them: scores = data.scores(); scores.merge(others)")
        return self._events

    def _scored(self) -> ScoreRows:
        """Return one row for each event, of which there is at least one."""
        rows = self._set.events
        if not len(rows):
            raise OptionError("there are no scores: add them first")
        return rows
