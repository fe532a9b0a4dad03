"""`TrainingSummaries`: a training set with histograms, correlations and the balance of classes."""

from abc import abstractmethod
from collections.abc import Sequence

from memmpy.checks import check_flag, check_integer
from memmpy.display import Renderable
from memmpy.errors import argument_hints
from memmpy.splits import Splits
from memmpy.training.summaries.class_balance import ClassBalance
from memmpy.training.summaries.correlation_sums import correlate_inputs
from memmpy.training.summaries.correlations import Correlations
from memmpy.training.summaries.input_counts import count_inputs
from memmpy.training.summaries.input_histograms import InputHistograms
from memmpy.training.summaries.split_rows import SplitRows

__all__ = ["TrainingSummaries"]


@argument_hints
class TrainingSummaries(Renderable):
    """A training set with histograms and correlations of its inputs, and a balance of classes."""

    splits: Splits

    def _first_fold(self, fold: int | None) -> int | None:
        """Return a fold; for None the first one, if there are folds."""
        if fold is None and self.splits.num_folds is not None:
            return 0
        return self.splits.check_fold(fold)

    @abstractmethod
    def _rows_of(self, split: str, fold: int | None) -> SplitRows:
        """Return the rows of a split with their classes and weights; None is the first fold."""

    @abstractmethod
    def _balance_of(self, fold: int | None) -> ClassBalance:
        """Return the balance of the classes of a fold; None is the first one."""

    def balance(self, *, fold: int | None = None) -> ClassBalance:
        """Return the events, sums of weights and effective events of each class and split.

        The weights are those of physics.

        Parameters
        ----------
        fold : int, optional
            The fold; the first one by default. Splits without folds do not take it.

        Returns
        -------
        ClassBalance
            It prints as a table, and draws itself.

        Raises
        ------
        SplitError, OptionError
            If there is no such fold.

        Examples
        --------
        >>> data.balance().plot("balance.png")
        """
        return self._balance_of(fold)

    def histograms(
        self,
        split: str = "train",
        *,
        fold: int | None = None,
        inputs: Sequence[str] | None = None,
        bins: int = 40,
    ) -> InputHistograms:
        """Return the histograms of inputs by class, before and after scaling.

        The call reads the rows of the split once. Events have the weights of a training. Each
        object of lists, such as a jet, has the weight of its event; the number of objects has a
        histogram of its own. Missing values are in no bin before scaling, and have the `fill`
        after it.

        Parameters
        ----------
        split : str, default "train"
            ``"train"``, ``"val"``, ``"test"`` or ``"all"``.
        fold : int, optional
            The fold whose fit scales the inputs; the first one by default. Splits without folds do
            not take it.
        inputs : list of str, optional
            The names of inputs or of keys; by default all.
        bins : int, default 40
            The number of bins. Integers of a small range have one bin each.

        Returns
        -------
        InputHistograms
            It prints as a table, and draws itself.

        Raises
        ------
        SplitError, OptionError
            If there is no such split, fold or input.
        FitError
            See `fit`.

        Examples
        --------
        >>> data.histograms(fold=0).plot("inputs.png")
        >>> data.histograms("test", fold=0, inputs=["jets"]).plot("jets.pdf", log=True)
        """
        rows = self._rows_of(split, fold)
        num_bins = check_integer("bins", bins, minimum=1)
        return count_inputs(rows, rows.choose(inputs), bins=num_bins)

    def correlations(
        self,
        split: str = "train",
        *,
        fold: int | None = None,
        inputs: Sequence[str] | None = None,
        by_class: bool = True,
    ) -> Correlations:
        """Return the linear correlations of inputs, of each class.

        The call reads the rows of the split once, and sums in float64. Events have the weights of a
        training. Each pair of keys takes the events that have both. Of lists, the first object of
        an event counts: ``jet_pt[0]``. Keys that are scaled by ``"log"`` enter as logarithms.

        Parameters
        ----------
        split, fold, inputs
            See `histograms`.
        by_class : bool, default True
            Whether each class has a matrix of its own; else all events together have one.

        Returns
        -------
        Correlations
            It prints as a table, and draws itself.

        Raises
        ------
        SplitError, OptionError, FitError
            See `histograms`. An `OptionError` also if the split has no events.

        Examples
        --------
        >>> data.correlations(fold=0).plot("correlations.png")
        """
        rows = self._rows_of(split, fold)
        is_by_class = check_flag("by_class", by_class)
        return correlate_inputs(rows, rows.choose(inputs), by_class=is_by_class)
