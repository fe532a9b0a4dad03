"""`Scores`: the scores of a model, each event once and by a fold that has not seen it."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_flag, check_integer
from memmpy.display import DisplayBlock, Renderable, format_count
from memmpy.errors import OptionError, SplitError, argument_hints, nearest
from memmpy.export import Friend, write_friends
from memmpy.kernels import Words
from memmpy.splits import Splits
from memmpy.store import num_filled, read_metadata
from memmpy.training.scoring.fold_checks import check_scoring_fold, check_tested, check_untrained
from memmpy.training.scoring.roc_curve import RocCurve
from memmpy.training.scoring.score_plot import draw_scores
from memmpy.training.scoring.score_rows import ScoreRows, read_rows
from memmpy.training.scoring.score_set import ScoreSet
from memmpy.training.scoring.score_table import score_table
from memmpy.typing import Array, Entries, PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ScoredEvents", "Scores"]

#: Characters that the name of a branch cannot have.
_NOT_IN_BRANCH = re.compile(r"[^A-Za-z0-9_]")


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


@argument_hints
@final
class Scores(Renderable):
    """The scores of the events of a training set; made by ``data.scores()``.

    Each event has one score, of the fold that tests it; without folds, only events of the test
    split have scores. With ``average=True``, each event has the mean of the scores of all folds,
    and no fold has trained on it. Without folds, that is the score of the one model.

    ``print``, ``rich.print`` and notebooks show a table of the events, their weights and the AUC.

    Parameters
    ----------
    events : ScoredEvents
        The training set, or the events that its inputs are applied to.
    average : bool
        Whether to take the mean over all folds.

    Notes
    -----
    Memory: about 30 bytes for each row of `add`, and one bit for each entry of the store; with
    `average`, one bit for each fold. Scores can be pickled, which sends the rows and not the data.

    Examples
    --------
    >>> scores = data.scores()
    >>> for fold in range(5):
    ...     for batch in data.loader("test", fold=fold, batch_size=8192, shuffle=False):
    ...         scores.add(batch, predict(batch), fold=fold)
    >>> scores.auc()
    0.9127
    """

    def __init__(self, events: ScoredEvents, *, average: bool) -> None:
        self._events: ScoredEvents | None = events
        self._classes, self._splits = tuple(events.classes), events.splits
        self._num_entries, self._path = events.num_entries, Path(events.path)
        self._is_average = check_flag("average", average)
        num_means = (self._splits.num_folds or 1) if self._is_average else None
        self._set = ScoreSet(self._num_entries, num_means=num_means)

    def add(self, batch: Mapping[str, Any], values: Any, fold: int | None = None) -> None:
        """Add the scores of a batch. If this raises an error, it adds none of them.

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

        Raises
        ------
        SplitError
            If an event is not tested by the fold, or has its score already; the message counts
            them. With ``average=True``: if the fold trained on an event, or validated with it.
        MissingKeyError, ColumnError, LengthError, OptionError
            If the batch has no ``"_index"``; if scores have another length than the batch, another
            shape than before, or are NaN or infinite.
        """
        if self._events is None:
            message = "these scores were unpickled and take no more batches"
            raise SplitError(f"{message}; merge them: scores = data.scores(); scores.merge(others)")
        fold = check_scoring_fold(fold, self._splits)
        rows = read_rows(batch, values, num_entries=self._num_entries, classes=self._classes)
        rows.folds[:] = -1 if fold is None else fold
        tickets = self._events.tickets(rows.entries)
        if self._is_average:
            trained = self._events.fit_tickets
            check_untrained(rows.entries, tickets, self._splits, fold=fold, fit_tickets=trained)
        else:
            check_tested(rows.entries, tickets, self._splits, fold=fold)
        self._set.add([rows])

    def merge(self, others: "Scores | Iterable[Scores]") -> None:
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
        parts = []
        several: Any = others
        for other in several if isinstance(several, Iterable) else [several]:
            given: object = other
            if not isinstance(given, Scores):
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
            parts.append(other._set.rows)
        self._set.add(parts)

    @property
    def entries(self) -> Entries:
        """The entries that have a score, ascending: int64, (n,)."""
        return self._set.events.entries

    @property
    def values(self) -> Array:
        """The scores: float32 or float64, (n,) or (n, C); float64 with ``average=True``."""
        return self._set.events.values

    @property
    def labels(self) -> NDArray[np.int32]:
        """The number of the class of each event, -1 without a label: int32, (n,)."""
        return self._set.events.labels

    @property
    def weights(self) -> NDArray[np.float64]:
        """The physics weight of each event, 1 without weights: float64, (n,)."""
        return self._set.events.weights

    @property
    def folds(self) -> NDArray[np.int32]:
        """The fold that made each score: int32, (n,); -1 without folds, and for a mean."""
        return self._set.events.folds

    def __len__(self) -> int:
        return self._set.num_events

    def auc(self, signal: str | None = None) -> float:
        """Return the area under the ROC curve of the events of all folds, with physics weights.

        It is the probability that a signal event has a higher score than a background event, where
        equal scores count one half. Negative weights count with their sign, in signal and in
        background: the area is exactly the sum over all pairs of events of the product of their
        weights, divided by the sum for all pairs. So it can leave 0 to 1 where negative weights
        outweigh positive ones.

        Parameters
        ----------
        signal : str, optional
            The class that counts as signal; all other classes are background. By default the last
            one. Events without a label do not count.

        Raises
        ------
        OptionError
            If there is no such class or no score of it; if signal or background has no events, or
            its weights do not have a positive sum.
        SplitError
            With ``average=True``, if folds have not scored all events.
        """
        return self.roc(signal).auc

    def roc(self, signal: str | None = None) -> RocCurve:
        """Return the ROC curve of the events of all folds, with physics weights; see `auc`."""
        number = self._class_number(signal)
        return self._scored().roc(number, signal=self._classes[number])

    def plot(self, path: PathLike, *, signal: str | None = None, bins: int = 40) -> "Figure":
        """Draw the score by class, and the ROC curve, to a file.

        The histogram of each class has the physics weights, an integral of 1, and errors
        sqrt(sum w^2). With more than two classes, there is a ROC curve against each other class
        too. Without events of signal or of background, the histogram stands alone.

        Parameters
        ----------
        path : path-like
            The file, ``.png``, ``.pdf`` or ``.svg``; it is replaced.
        signal : str, optional
            The class whose score is drawn; by default the last one.
        bins : int
            The number of bins. They span 0 to 1 if all scores do, else the scores.

        Returns
        -------
        matplotlib.figure.Figure
            The figure, to change it or to show it in a notebook.

        Raises
        ------
        OptionError
            If matplotlib is not installed: ``pip install 'memmpy[plot]'``. Also if the suffix is
            another one, there are no scores or no such class, or the weights of signal or
            background do not have a positive sum.
        DiskError, ReadOnlyStoreError
            If memmpy cannot write the file.
        """
        number = self._class_number(signal) if self._classes else None
        return draw_scores(
            path,
            self._scored(),
            self._classes,
            signal=number,
            bins=check_integer("bins", bins, minimum=1),
        )

    def write_friend(self, directory: PathLike, *, overwrite: bool = False) -> list[Friend]:
        """Write the scores to friend trees of the source files, aligned entry by entry.

        The branches are ``score``, or ``score_<class>`` for scores of each class, as float32, and
        ``fold``, int32. An entry without a score has NaN and fold -1. Without folds and with
        ``average=True``, each fold is -1. In the name of a class, ``_`` replaces characters that
        the name of a branch cannot have.

        Parameters
        ----------
        directory : path-like
            The directory of the friends; see `memmpy.write_friend`.
        overwrite : bool
            Whether to replace existing friend files.

        Returns
        -------
        list of Friend
            One for each tree, file by file.

        Raises
        ------
        SplitError
            With ``average=True``, if folds have not scored all events.
        OptionError
            If no files fill the store, it has other entries than before, a friend file exists
            already, or two branches would have one name.
        DiskError, ReadOnlyStoreError
            If the directory cannot be written to.
        """
        rows = self._scored()
        sources = read_metadata(self._path).sources
        if sources and num_filled(sources) != self._num_entries:
            message = (
                f"{str(self._path)!r} has {num_filled(sources):,} entries now, and had "
                f"{self._num_entries:,} when the scores were made; score its events again"
            )
            raise OptionError(message)
        names = ["score"] if rows.values.ndim == 1 else self._branch_names(rows.num_scores)
        columns = rows.values.reshape(len(rows), -1).T
        branches = {
            name: column.astype(np.float32) for name, column in zip(names, columns, strict=True)
        }
        return write_friends(
            sources,
            directory,
            {**branches, "fold": rows.folds},
            entries=rows.entries,
            fill={"fold": -1},
            overwrite=overwrite,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_events": None}

    def _scored(self) -> ScoreRows:
        """Return one row for each event, of which there is at least one."""
        rows = self._set.events
        if not len(rows):
            raise OptionError("there are no scores: add them first")
        return rows

    def _class_number(self, signal: str | None) -> int:
        """Return the number of a class whose scores there are; by default the last class."""
        if not self._classes:
            raise OptionError("the events have no classes, and a ROC curve needs labels")
        if signal is None:
            return len(self._classes) - 1
        if signal not in self._classes:
            hint = nearest(str(signal), self._classes)
            raise OptionError(f"no class {signal!r} among {', '.join(self._classes)}{hint}")
        number = self._classes.index(signal)
        if number < len(self._classes) - 1 and self._set.rows.num_scores == 1:
            message = (
                f"the scores are those of class {self._classes[-1]!r}, and none are of {signal!r}; "
                f"add values of shape (n, {len(self._classes)}), a score of each class"
            )
            raise OptionError(message)
        return number

    def _branch_names(self, num_scores: int) -> list[str]:
        classes = self._classes or tuple(map(str, range(num_scores)))
        names = [f"score_{_NOT_IN_BRANCH.sub('_', name)}" for name in classes]
        for number, name in enumerate(names):
            if name in names[:number]:
                alike = f"{classes[names.index(name)]!r} and {classes[number]!r}"
                raise OptionError(f"classes {alike} would both have the branch {name!r}")
        return names

    def _blocks(self) -> list[str | DisplayBlock]:
        rows = self._set.rows
        title = f"Scores of {format_count(len(self), 'event')} of {str(self._path)!r}"
        num_incomplete = self._set.num_incomplete
        if self._is_average and self._splits.num_folds is not None:
            title += f", the mean of {self._splits.num_folds} folds"
        if num_incomplete:
            title += f"; {num_incomplete:,} lack the scores of some folds"
        if not len(rows):
            return [title]
        whole = None if num_incomplete else self._set.events
        num_folds = self._splits.num_folds
        return [title, score_table(rows, whole, self._classes, num_folds=num_folds)]
