"""`Scores`: the scores of a model, each event once and by a fold that has not seen it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_choice, check_flag, check_integer, check_path
from memmpy.display import DisplayBlock, Renderable, Table, format_count, format_path
from memmpy.errors import OptionError, SplitError, argument_hints
from memmpy.export import Friend
from memmpy.figures import check_figure_path, save_figure
from memmpy.training.scoring.fold_checks import ScoredEvents, check_events, check_scoring_fold
from memmpy.training.scoring.friend_scores import batches_of_friends, write_scores
from memmpy.training.scoring.roc_curve import RocCurve
from memmpy.training.scoring.score_curves import ScoreCurves, curves_of
from memmpy.training.scoring.score_histograms import ScoreHistograms, count_scores
from memmpy.training.scoring.score_plot import draw_scores
from memmpy.training.scoring.score_rows import ScoreRows, class_number, read_rows
from memmpy.training.scoring.score_set import ScoreSet
from memmpy.training.scoring.score_table import auc_of, score_table
from memmpy.typing import Array, Entries, PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Scores"]


@argument_hints
@final
class Scores(Renderable):
    """The scores of the events of a training set; made by ``data.scores()``.

    Each event has one score, of the fold that tests it; without folds, only events of the test
    split have scores. With ``average=True``, each event has the mean of the scores of all folds,
    and no fold has trained on it. Without folds, that is the score of the one model. They take
    about 30 bytes of memory for each event. Pickles of scores hold the rows and not the data.

    Parameters
    ----------
    events : ScoredEvents
        The training set, or the events that its inputs are applied to.
    average : bool
        Whether to take the mean over all folds.

    Examples
    --------
    >>> scores = data.scores()
    >>> for fold in range(5):
    ...     for batch in data.loader("test", fold=fold, shuffle=False):
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
        # An event may have the score of each fold that was trained on it.
        self._train = ScoreSet(self._num_entries, num_means=self._splits.num_folds or 1)

    def add(
        self, batch: Mapping[str, Any], values: Any, fold: int | None = None, *, split: str = "test"
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
        rows = read_rows(
            batch, values, fold=fold, num_entries=self._num_entries, classes=self._classes
        )
        check_events(rows.entries, events, fold, is_train=is_train, is_average=self._is_average)
        scores, others = (self._train, self._set) if is_train else (self._set, self._train)
        if len(rows) and others.num_scores not in {None, rows.num_scores}:
            num = f"{others.num_scores} before, now {rows.num_scores}"
            raise OptionError(f"test and training events need the same number of scores: {num}")
        scores.add([rows])

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
        >>> torch.distributed.all_gather_object(gathered, scores)
        >>> whole = data.scores()
        >>> whole.merge(gathered)
        """
        several: Any = others
        collections = list(several) if isinstance(several, Iterable) else [several]
        for other in collections:
            if not isinstance(other, Scores):
                raise OptionError(f"merge takes Scores, got {other!r:.80}")
            if other._splits.meaning != self._splits.meaning:
                message = f"the splits of the scores differ: {other._splits}, {self._splits}"
                raise SplitError(message)
            for name, theirs, ours in (
                ("classes", other._classes, self._classes),
                ("numbers of entries", other._num_entries, self._num_entries),
                ("values of average", other._is_average, self._is_average),
            ):
                if theirs != ours:
                    raise OptionError(f"the {name} of the scores differ: {theirs} and {ours}")
        train = self._train.check([other._train.rows for other in collections])
        self._set.add([other._set.rows for other in collections])
        self._train.add([train])

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

    def histograms(self, *, signal: str | None = None, bins: int = 40) -> ScoreHistograms:
        """Return the distribution of the score by class, and that of training events beside it.

        Parameters
        ----------
        signal, bins
            See `plot`.

        Raises
        ------
        OptionError
            If there are no scores, or no such class.
        """
        number = self._class_number(signal) if self._classes else None
        bins, rows = check_integer("bins", bins, minimum=1), self._scored()
        return count_scores(rows, self._train.rows, self._classes, signal=number, bins=bins)

    def curves(self, *, signal: str | None = None) -> ScoreCurves | None:
        """Return the ROC curves of all events, of each fold, and of training events; see `roc`.

        Returns
        -------
        ScoreCurves or None
            None without events of signal or of background.
        """
        number = self._class_number(signal) if self._classes else None
        return curves_of(self._scored(), self._train.rows, self._classes, signal=number)

    def table(self) -> Table:
        """Return a table of the events, their weights and the AUC."""
        whole = None if self._set.num_incomplete else self._set.events
        return score_table(self._set.rows, whole, self._classes, num_folds=self._splits.num_folds)

    def plot(
        self,
        path: PathLike | None = None,
        *,
        signal: str | None = None,
        bins: int = 40,
        log: bool = False,
        rejection: bool = False,
    ) -> "Figure":
        """Draw the score by class, and the ROC curve, and write both to a file.

        The histogram of each class has the physics weights, an integral of 1, and errors
        sqrt(sum w^2). With more than two classes, there is a ROC curve against each other class
        too. A band shows the standard deviation of the curves of the folds. Without events of
        signal or of background, the histogram stands alone.

        If training events were added, their histograms are points, and their ROC curve is dotted.
        KS is the Kolmogorov-Smirnov distance of test and training events of a class: a large one is
        a sign of overtraining.

        Parameters
        ----------
        path : path-like, optional
            The file, ``.png``, ``.pdf`` or ``.svg``; it is replaced. By default no file is written.
        signal : str, optional
            The class whose score is drawn; by default the last one.
        bins : int, default 40
            The number of bins. They span 0 to 1 if all scores do, else the scores.
        log : bool, default False
            Whether the densities have a logarithmic axis.
        rejection : bool, default False
            Whether the ROC curve shows the background rejection, 1 over the background efficiency,
            against the signal efficiency, on a logarithmic axis.

        Returns
        -------
        matplotlib.figure.Figure
            The figure, to change it or to show it in a notebook.

        Raises
        ------
        MissingPackageError
            If matplotlib is not installed: ``pip install 'memmpy[plot]'``.
        OptionError
            If the suffix is another one, there are no scores or no such class, or the weights of
            signal or background do not have a positive sum.
        DiskError, ReadOnlyStoreError
            If memmpy cannot write the file.
        """
        file = check_figure_path(path)
        histograms = self.histograms(signal=signal, bins=bins)
        options = {"log": check_flag("log", log), "rejection": check_flag("rejection", rejection)}
        curves = self.curves(signal=signal)
        return save_figure(draw_scores(histograms, curves, self._classes, **options), file)

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
        facts = self._num_entries, directory, self._scored(), self._classes
        return write_scores(self._path, *facts, overwrite=overwrite)

    def read_friend(self, directory: PathLike) -> None:
        """Add the scores that `write_friend` wrote, each by the fold that made it.

        Parameters
        ----------
        directory : path-like
            The directory of the friends.

        Raises
        ------
        MissingFileError, InputFileError
            If a friend file is missing, cannot be read, or has other entries or branches.
        SplitError
            If the friends have the mean of all folds, or an event is not tested by its fold or has
            a score already.
        OptionError
            If no files fill the store.

        Examples
        --------
        >>> scores = data.scores()
        >>> scores.read_friend("friends/")
        """
        for scored in batches_of_friends(self._scored_events, check_path(directory)):
            self.add(*scored)

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
        if not len(self._set.rows):
            raise OptionError("there are no scores: add them first")
        return self._set.events

    def _class_number(self, signal: str | None) -> int:
        return class_number(signal, self._classes, num_scores=self._set.rows.num_scores)

    def _blocks(self) -> list[str | DisplayBlock]:
        rows, num_folds = self._set.rows, self._splits.num_folds
        title = f"Scores of {format_count(len(self), 'event')} of {format_path(self._path)!r}"
        if self._is_average and num_folds is not None:
            title += f", the mean of {num_folds} folds"
        if num_incomplete := self._set.num_incomplete:
            title += f"; {num_incomplete:,} lack the scores of some folds"
        if len(train := self._train.rows):
            num, auc = format_count(len(train), "score"), auc_of(train, self._classes)
            title += f"\nFor comparison, {num} of training events: AUC {auc}"
        if not len(rows):
            return [title]
        return [title, self.table()]
