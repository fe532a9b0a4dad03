"""`TrainingSet`: inputs, labels and weights for a training: a skim, and the fits of its folds."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, final, runtime_checkable

from memmpy.checks import check_mapping
from memmpy.columns import type_of_column
from memmpy.display import Table, format_count, format_path
from memmpy.errors import FitError, OptionError, argument_hints
from memmpy.kernels import Words
from memmpy.loaders import LoaderOptions, SamplingOption, ShuffleOption, check_shuffle
from memmpy.order import TicketsOf
from memmpy.parallel import RankOption, Work, WorkOption, check_threads, check_work
from memmpy.skims import Sizes, Skim, make_skim
from memmpy.splits import (
    SplitLoader,
    SplitRequest,
    Splits,
    open_event_columns,
    recorded_splits,
    tickets_of,
)
from memmpy.store import read_metadata
from memmpy.training.audit import Audit, audit_training_set
from memmpy.training.event_groups import EventGroups
from memmpy.training.fit import Fit
from memmpy.training.fitter import Fitter
from memmpy.training.loader_spec import loader_spec
from memmpy.training.scoring import Scores
from memmpy.training.summaries import ClassBalance, SplitRows, TrainingSummaries, balance_of
from memmpy.training.training_request import TrainingRequest
from memmpy.typing import Entries, PathLike

__all__ = ["TrainingSet", "make_training_set"]


@runtime_checkable
class HasPath(Protocol):
    """A store that is open."""

    @property
    def path(self) -> PathLike:
        """Its directory."""


@argument_hints
@final
class TrainingSet(TrainingSummaries):
    """Inputs, labels, weights and spectators of the events that pass a cut, ready for training.

    `memmpy.training_set` and `Store.training_set` make it. It has no data beside its skim: loaders
    scale and weight the rows while they copy them.

    Attributes
    ----------
    path : Path
        The store.
    num_entries : int
        The entries of the store; ``len(data)`` of them are in the training set.
    skim : Skim
        The rows.
    splits : Splits
        The splits of the events.
    classes : tuple of str
        The names of the classes, in the order of their numbers; empty without labels.
    inputs : mapping of str to tuple of str
        The keys of each input, in the order of its last axis.
    request : TrainingRequest
        The options that it was made with.

    Examples
    --------
    >>> data = memmpy.open("data.mmpy").training_set(
    ...     inputs={"event": ["met", "HT"]},
    ...     labels={"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
    ...     weight="weight",
    ...     scale="standard",
    ... )
    >>> for batch in data.loader("train", batch_size=1024):
    ...     batch["event"], batch["label"], batch["weight"], batch["_index"]
    """

    def __init__(
        self,
        skim: Skim,
        request: TrainingRequest,
        splits: Splits,
        fit_source: "TrainingSet | None" = None,
    ) -> None:
        self.skim: Skim = skim
        self.splits: Splits = splits
        self.request: TrainingRequest = request
        self.classes: tuple[str, ...] = request.classes
        self.inputs: Mapping[str, tuple[str, ...]] = request.keys
        self.path: Path = skim.path.absolute().parent.parent
        self._fit_source = fit_source
        self.num_entries: int = skim.num_store_entries
        groups = EventGroups.of(read_metadata(self.path), self.num_entries, request.class_names)
        self._fitter = Fitter(skim, request, splits, groups)

    def __len__(self) -> int:
        return len(self.skim)

    def __getstate__(self) -> dict[str, Any]:
        # The columns that name events are opened again in the other process.
        return {name: value for name, value in vars(self).items() if name != "_tickets_of"}

    def fit(self, fold: int | None = None) -> Fit:
        """Return what is fitted on the training split of a fold.

        The first call reads all rows once, for all folds, and the skim keeps the sums: other
        processes take them from there. So all that train together have the same numbers.

        Parameters
        ----------
        fold : int, optional
            The fold. Splits with folds need it, and others do not take it.

        Raises
        ------
        SplitError, OptionError
            If there is no such fold.
        FitError
            If a class has no training events, if weights are NaN, or their sums cannot be used.

        Warns
        -----
        FitWarning
            If a key is constant in the training split: its width is then 1.
        """
        return self._fits._fitter.fit(fold)

    def loader(
        self,
        split: str,
        *,
        fold: int | None = None,
        batch_size: int = 1024,
        shuffle: ShuffleOption = True,
        seed: int = 0,
        epoch: int = 0,
        drop_last: bool = False,
        num_threads: int | None = None,
        sampling: SamplingOption = None,
        rank: RankOption = 0,
        world_size: int = 1,
    ) -> SplitLoader:
        """Return a loader of one split, scaled and weighted by the fit of its fold.

        Parameters
        ----------
        split : str
            ``"train"``, ``"val"``, ``"test"``, or ``"all"``.
        fold : int, optional
            The fold. Splits with folds need it, and others do not take it.
        batch_size : int, default 1024
            Entries per batch and rank. The last batch of an epoch may be shorter.
        shuffle : bool, "exact", "blocks" or Shuffle, default True
            The order of each epoch; see `Shuffle`.
        seed : int, default 0
            The seed of the orders of all epochs.
        epoch : int, default 0
            The epoch of the first pass. Each whole pass leads to the next epoch.
        drop_last : bool, default False
            Leave out the last batch of an epoch if it is short.
        num_threads : int, optional
            Threads that gather batches ahead, beside the thread of the caller; see `SplitLoader`.
        sampling : Sampling, or mapping of str to float, optional
            The shares of classes in all batches: ``{"background": 0.5, "signal": 0.5}``. A class
            that runs out begins again. It needs the `normalise` ``"mean"`` or None.
        rank : int, "auto" or "slurm", default 0
            The number of this process, 0 to `world_size` - 1, if several processes train together.
            ``"auto"`` and ``"slurm"`` find both numbers; see `SplitLoader`.
        world_size : int, default 1
            The number of processes that train together.

        Returns
        -------
        SplitLoader
            Its batches are dicts: each input, float32 of shape (B, k), (B, n, k) with a bool mask
            ``"<input>_mask"``, or `Jagged`; ``"label"``, int64; ``"weight"``, float32, for the
            loss; ``"weight_physics"``, float64, as computed; the spectators; and ``"_index"``, the
            int64 entries of the store.

        Raises
        ------
        SplitError, OptionError
            If there is no such split or fold, or an option is invalid.
        FitError
            See `fit`. After `apply_to`, also if the weights of other events are NaN.
        """
        if split == "all" and fold is None and self.splits.num_folds is not None:
            raise OptionError("each fold has its own fit: name the one that scales events, fold=0")
        options = LoaderOptions(
            batch_size=batch_size,
            shuffle=check_shuffle(shuffle),
            seed=seed,
            epoch=epoch,
            drop_last=drop_last,
            num_threads=check_threads(num_threads),
            rank=rank,
            world_size=world_size,
        )
        if self._fit_source is not None:
            self._fitter.check_weights()
        spec = loader_spec(
            self.skim,
            self.request,
            SplitRequest(split, self.splits, fold),
            options,
            sampling=sampling,
            fit=self.fit(fold),
            is_fitted_here=self._fit_source is None,
        )
        return SplitLoader(spec)

    def check(self, fold: int | None = None) -> Audit:
        """Find inputs, labels and weights that would spoil a training.

        The call reads all rows a few times for each input. Comparisons of distributions use up to
        262,144 events of each class and split, the first ones in the order of tickets, which is
        random.

        Parameters
        ----------
        fold : int, optional
            The fold whose training split is compared with its test split; the first one by default.
            Splits without folds do not take it.

        Returns
        -------
        Audit
            The findings, which print as a table. A clean training set has none above level
            ``"info"``.

        Raises
        ------
        SplitError, OptionError
            If there is no such fold.

        Notes
        -----
        The guide on checks has the rules. Errors are for a class without training events and for
        infinite weights. All else is a warning, such as a key that gives the label away.

        Examples
        --------
        >>> audit = data.check()
        >>> [finding for finding in audit.findings if finding.level != "info"]
        """
        has = self._fit_source is None
        return audit_training_set(self.skim, self.request, self.splits, fold=fold, has_fit=has)

    def apply_to(
        self,
        source: PathLike | HasPath | None = None,
        *,
        cut: str | None = None,
        aliases: Mapping[str, str] | None = None,
        work: WorkOption = None,
    ) -> "TrainingSet":
        """Return the same inputs of other events, with the splits and the fits of this one.

        Nothing is fitted. An event in no class has the label -1. Labels and weights are left out if
        the other store lacks their columns, as one of recorded data does.

        Parameters
        ----------
        source : Store or path-like, optional
            The store with the events; by default that of the training set.
        cut : str, optional
            The events to take, in place of those of the training set: ``"variation == 'JES_up'"``.
        aliases : mapping of str to str, optional
            More names for expressions, such as ``{"met": "met_up"}`` for a variation.
        work : Work or concurrent.futures.Executor, optional
            The executor and its limits; see `Work`.

        Returns
        -------
        TrainingSet
            Its loaders take the fold of the fit, such as ``.loader("all", fold=f)``.

        Raises
        ------
        SplitError
            If the other store has other splits.
        MissingKeyError, CutError
            If the other store lacks a column of the inputs.
        """
        source = self if source is None else source
        path = source.path if isinstance(source, HasPath) else source
        aliases, stored = check_mapping("aliases", aliases), read_metadata(path).current_keys()
        request = self.request.for_other_events(cut=cut, aliases=aliases, stored=stored)
        return make_training_set(path, request, check_work(work), self.splits, self._fits)

    def scores(self, *, average: bool = False) -> Scores:
        """Return an empty collection of the scores of models, one for each fold.

        Parameters
        ----------
        average : bool
            Take each event once from every fold, and average: for events that no fold was trained
            on, such as recorded data. By default, an event is scored by the fold that tests it.

        Examples
        --------
        >>> scores = data.scores()
        >>> for fold in range(5):
        ...     for batch in data.loader("test", fold=fold, shuffle=False):
        ...         scores.add(batch, predict(batch), fold=fold)
        >>> scores.auc()
        """
        return Scores(self, average=average)

    @property
    def fit_tickets(self) -> Words:
        """The tickets of the events that the fits come from, uint64, ascending."""
        return self._fits.skim.tickets

    @property
    def _fits(self) -> "TrainingSet":
        """The training set whose fits act on the events."""
        return self if self._fit_source is None else self._fit_source

    def tickets(self, entries: Entries) -> Words:
        """Return the uint64 ticket of each entry of the store."""
        return self._tickets_of(entries)

    @cached_property
    def _tickets_of(self) -> TicketsOf:
        snapshot = open_event_columns(self.path, read_metadata(self.path), self.splits)
        return tickets_of(snapshot, self.splits.ticket_rule, num_entries=self.num_entries)

    def _rows_of(self, split: str, fold: int | None) -> SplitRows:
        fit, is_fitted_here = self.fit(self._first_fold(fold)), self._fit_source is None
        return SplitRows(self.skim, self.request, self.splits, split, fit, is_fitted_here)

    def _balance_of(self, fold: int | None) -> ClassBalance:
        fold = self._first_fold(fold)
        return balance_of(*self._fitter.sums(fold), fold=fold)

    def _blocks(self) -> list[str | Table]:
        events = format_count(len(self), "event", "events")
        classes = f", classes {', '.join(self.classes)}" if self.classes else ""
        title = f"Training set of {format_path(self.path)!r}: {events}{classes}\n{self.splits}"
        inputs = [(name, ", ".join(keys)) for name, keys in self.inputs.items()]
        blocks: list[str | Table] = [Table(("input", "keys"), 2, [inputs], title=title)]
        if self._fit_source is not None:  # its numbers are of other events
            return blocks
        try:
            return [*blocks, *self.fit(self._first_fold(None)).report().tables]
        except FitError as error:
            return [*blocks, f"Nothing can be fitted: {error}"]


def make_training_set(
    path: PathLike,
    request: TrainingRequest,
    work: Work,
    splits: Splits | None,
    fit_source: TrainingSet | None = None,
    *,
    progress: bool | None = None,
) -> TrainingSet:
    """Return the training set of a store, whose skim is made unless the store has it.

    Parameters
    ----------
    path : path-like
        The store.
    request : TrainingRequest
        The content of the training set.
    work : Work
        The executor and its limits.
    splits : Splits or None
        The splits to record in the store; None for those of the store, or the default.
    fit_source : TrainingSet or None
        The training set whose fits act on the events, if they are other ones.
    progress : bool or None
        Whether to show a progress bar; None shows it on a terminal.
    """
    metadata = read_metadata(path)
    known, columns = recorded_splits(metadata), metadata.current_columns().items()
    request = request.with_columns(metadata.current_keys())
    request.check_types({key: type_of_column(column) for key, column in columns})
    skim = make_skim(
        path,
        request.skim_request(),
        work,
        splits=splits or (Splits() if known is None else None),
        recreate=False,
        progress=progress,
        sizes=Sizes(),
    )
    final = recorded_splits(read_metadata(path))
    assert final is not None
    return TrainingSet(skim, request, final, fit_source)
