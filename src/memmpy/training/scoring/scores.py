"""`Scores`: the scores of a model, each event once and by a fold that has not seen it."""

from typing import TYPE_CHECKING, Any, final

import numpy as np

from memmpy.checks import check_flag, check_integer, check_path
from memmpy.display import DisplayBlock, Table, format_count
from memmpy.errors import OptionError, SplitError, argument_hints, nearest
from memmpy.export import Friend, write_friends
from memmpy.figures import check_figure_path, save_figure
from memmpy.store import num_filled, read_metadata
from memmpy.training.scoring.friend_scores import branch_names, read_friend_scores
from memmpy.training.scoring.roc_curve import RocCurve
from memmpy.training.scoring.score_collection import ScoreCollection
from memmpy.training.scoring.score_histograms import ScoreHistograms, count_scores
from memmpy.training.scoring.score_plot import ScoreCurves, curves_of, draw_scores
from memmpy.training.scoring.score_table import score_table
from memmpy.typing import Mask, PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Scores"]

#: Events that are read at once, and what scores need of a batch.
_BATCH_SIZE, _NAMES = 1 << 16, ("_index", "label", "weight_physics")


@argument_hints
@final
class Scores(ScoreCollection):
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
        signal : str, optional
            The class whose score is taken; by default the last one.
        bins : int, default 40
            The number of bins. They span 0 to 1 if all scores do, else the scores.

        Raises
        ------
        OptionError
            If there are no scores, or no such class.
        """
        number = self._class_number(signal) if self._classes else None
        num_bins = check_integer("bins", bins, minimum=1)
        return count_scores(
            self._scored(), self._train.rows, self._classes, signal=number, bins=num_bins
        )

    def curves(self, *, signal: str | None = None) -> ScoreCurves | None:
        """Return the ROC curves of all events, of each fold, and of training events.

        Parameters
        ----------
        signal : str, optional
            The class that counts as signal; by default the last one.

        Returns
        -------
        ScoreCurves or None
            None without events of signal or of background.

        Raises
        ------
        OptionError
            If there is no such class, or the weights of signal or background do not have a positive
            sum.
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
        rows = self._scored()
        sources = read_metadata(self._path).sources
        if sources and num_filled(sources) != self._num_entries:
            message = (
                f"{str(self._path)!r} has {num_filled(sources):,} entries now, and had "
                f"{self._num_entries:,} when the scores were made; score its events again"
            )
            raise OptionError(message)
        num_scores = None if rows.values.ndim == 1 else rows.num_scores
        names = branch_names(num_scores, self._classes)
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
        >>> scores.plot("scores.png")
        """
        sources = read_metadata(self._path).sources
        friends = read_friend_scores(sources, check_path(directory), self._classes)
        columns = friends.values.reshape(len(friends.folds), -1)
        has_score: Mask = np.any(~np.isnan(columns), axis=1)
        num_folds = self._splits.num_folds
        if num_folds is not None and (friends.folds[has_score] < 0).any():
            message = f"the friends in {str(directory)!r} have no folds, as those of a mean: "
            raise SplitError(f"{message}only scores of single folds can be read")
        parts: list[tuple[dict[str, Any], int | None]] = []
        for fold in [None] if num_folds is None else range(num_folds):
            number, options = -1 if fold is None else fold, {"batch_size": _BATCH_SIZE}
            for batch in self._scored_events.loader("test", fold=fold, shuffle=False, **options):
                rows = has_score[batch["_index"]] & (friends.folds[batch["_index"]] == number)
                parts.append(({name: batch[name][rows] for name in _NAMES if name in batch}, fold))
        num, num_own = np.count_nonzero(has_score), sum(len(part["_index"]) for part, _ in parts)
        if num != num_own:
            message = (
                f"{num - num_own:,} of {num:,} scores in {str(directory)!r} are of events that "
            )
            raise SplitError(
                f"{message}their fold does not test here: the cut or the splits differ"
            )
        for part, fold in parts:
            self.add(part, friends.values[part["_index"]], fold)

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

    def _blocks(self) -> list[str | DisplayBlock]:
        rows = self._set.rows
        title = f"Scores of {format_count(len(self), 'event')} of {str(self._path)!r}"
        num_incomplete = self._set.num_incomplete
        if self._is_average and self._splits.num_folds is not None:
            title += f", the mean of {self._splits.num_folds} folds"
        if num_incomplete:
            title += f"; {num_incomplete:,} lack the scores of some folds"
        train = self._train.rows
        if len(train):
            num = format_count(len(train), "score")
            title += f"\nFor comparison, {num} of training events: {self._train_auc()}"
        return [title, self.table()] if len(rows) else [title]

    def _train_auc(self) -> str:
        try:
            number = self._class_number(None)
            curve = self._train.rows.roc(number, signal=self._classes[number])
        except OptionError:  # no classes, or no training events of one
            return "no AUC"
        return f"AUC {curve.auc:.4f}"
