"""`Fit`: what was fitted on the training split of one fold: factors of weights, and scaling."""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy._version import __version__
from memmpy.checks import check_mapping, check_path
from memmpy.display import Renderable, Table
from memmpy.errors import ColumnError, FitError
from memmpy.jagged import Jagged, format_share
from memmpy.skims import pack_arrays
from memmpy.store import write_atomically
from memmpy.training.event_groups import EventGroups
from memmpy.training.reweight import BinFactors
from memmpy.training.row_fit import RowFit, WeightFactors
from memmpy.training.scaling import Scaling
from memmpy.training.training_request import TrainingRequest
from memmpy.training.weight_sums import WeightSums
from memmpy.typing import Array, PathLike

__all__ = ["Fit", "GroupFactors", "class_factors", "group_factors"]

_SPLITS = ("train", "val", "test", "all")
#: The least and the largest mean weight.
_MIN_MEAN, _MAX_MEAN = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


@final
class Fit:
    """What was fitted on the training split of one fold; val and test had no part in it.

    Attributes
    ----------
    fold : int or None
        The fold.
    factors : mapping of str to float
        The factor of each class, which multiplies its weights in all splits; empty without weights.
    scaling : mapping of str to Scaling
        The scaling of each input.
    yield_scale : mapping of str to mapping of str to float
        For each split and process, the sum of the weights of all its events over that of the
        split. Weights of physics times this number give the yield of the process from one split.
    """

    def __init__(
        self,
        request: TrainingRequest,
        fold: int | None,
        *,
        sums: Mapping[str, WeightSums],
        groups: EventGroups,
        scaling: Mapping[str, Scaling],
        factors: "GroupFactors",
        bins: BinFactors | None,
    ) -> None:
        self.fold, self.scaling = fold, scaling
        self._request, self._sums, self._groups = request, sums, groups
        self._group_factors, self._bins = factors, bins
        names = request.class_names
        self.factors: Mapping[str, float] = {}
        if request.has_weight:
            self.factors = dict(zip(names, factors.by_class.tolist(), strict=True))

    @cached_property
    def yield_scale(self) -> Mapping[str, Mapping[str, float]]:
        """For each split and process, the sum of all weights over that of the split."""
        number, groups = len(self._groups.processes), self._groups
        totals = {
            split: sums.merge(groups.group_processes, number).totals
            for split, sums in self._sums.items()
        }
        with np.errstate(divide="ignore", invalid="ignore"):
            return {
                split: dict(
                    zip(groups.processes, (totals["all"] / totals[split]).tolist(), strict=True)
                )
                for split in _SPLITS
            }

    def row_fit(self, *, is_train: bool, incomplete: Collection[str]) -> RowFit:
        """Return what a loader does to its rows, of train or of other events.

        Parameters
        ----------
        is_train : bool
            Whether its events are those that the fit comes from.
        incomplete : collection of str
            The inputs that may lack values.
        """
        factors = None
        if self._request.has_weight:
            own = self._group_factors
            bins = np.ones((len(own.by_class), 1)) if self._bins is None else self._bins.factors
            by_bin = own.by_class[:, np.newaxis] * bins
            factors = WeightFactors(
                np.vstack([by_bin, np.ones(by_bin.shape[1])]),
                self._request.negative if is_train else "keep",
                own.by_group,
                self._groups,
                -1 if self._request.classes else 0,
            )
        changed = {
            name: one
            for name, one in self.scaling.items()
            if any(one.methods) or name in incomplete
        }
        return RowFit(changed, self._request.fill, factors)

    def report(self) -> "FitReport":
        """Return the numbers of the fit as tables, to print; `save` writes them as JSON."""
        return FitReport(self._tables())

    def apply(self, columns: Mapping[str, Any]) -> dict[str, Array | Jagged]:
        """Return the inputs that a network gets for the columns of other events.

        Parameters
        ----------
        columns : mapping of str to array of shape (n,), or lists of n events
            The columns of the inputs, as files have them: NumPy arrays, `Jagged` or ``ak.Array``
            of lists.

        Returns
        -------
        dict of str to array or Jagged
            Each input, scaled and filled as in a batch, and the masks of objects.

        Raises
        ------
        MissingKeyError
            If a column is missing; names the nearest.
        LengthError
            If columns differ in length.
        ColumnError
            If a column does not have the values that the input is made of.

        Examples
        --------
        >>> inputs = data.fit(fold=0).apply({"met": met, "HT": HT})
        """
        given = check_mapping("columns", columns)
        arrays = {key: _array_of(key, values) for key, values in given.items()}
        rows, lists = pack_arrays(self._request.inputs_alone().skim_request(), arrays)
        names = [name for name in rows.dtype.names or () if name != "_index"]
        values = {name: np.ascontiguousarray(rows[name]) for name in names}
        row_fit = RowFit(self.scaling, self._request.fill, None)
        pairs = {name: (one.content, one.offsets) for name, one in lists.items()}
        row_fit(values, pairs, scaled=(), compiled=False)
        return {**values, **lists}

    def save(self, path: PathLike) -> None:
        """Write the fit as JSON, for use without memmpy.

        For each input there are its keys, its scaling (``(value - center) / width``, after the
        natural logarithm for keys of the method ``"log"``) and the fill for missing values. Numbers
        that JSON lacks, such as the `yield_scale` of a split without events, are null.

        Parameters
        ----------
        path : path-like
            The file; it is replaced.

        Raises
        ------
        ReadOnlyStoreError, DiskError
            If memmpy cannot write the file.
        """
        text = json.dumps(self.to_json(), indent=1)
        write_atomically(check_path(path), text.encode(), durable=False)

    def to_json(self) -> dict[str, Any]:
        """Return the fit as JSON values."""
        request = self._request
        missing = request.missing
        document = {
            "format": "memmpy fit",
            "format_version": 1,
            "memmpy_version": __version__,
            "fold": self.fold,
            "inputs": {name: one.to_json() for name, one in self.scaling.items()},
            "fill": request.fill,
            "missing": dict(missing) if isinstance(missing, Mapping) else missing,
            "labels": request.labels,
            "weight": request.weight,
            "normalise": request.normalise,
            "negative": request.negative,
            "factors": self.factors,
            "reweight": None
            if self._bins is None or request.reweight is None
            else {**request.reweight.to_json(), "factors": self._bins.factors.tolist()},
            "yield_scale": self.yield_scale,
        }
        json_values: dict[str, Any] = _json_of(document)
        return json_values

    def _tables(self) -> list[Table]:
        groups, names = self._groups, (*self._request.class_names, "none")
        title = "Events" if self.fold is None else f"Events of fold {self.fold}"
        sections = []
        for split in _SPLITS:
            sums = self._sums[split]
            effective, totals = sums.effective, sums.totals
            rows = []
            for group in np.flatnonzero(self._sums["all"].counts).tolist():
                num, number = int(sums.counts[group]), int(groups.group_classes[group])
                process = groups.processes[groups.group_processes[group]]
                rows.append(
                    (
                        split,
                        process,
                        names[number],
                        f"{num:,}",
                        f"{totals[group]:.6g}",
                        f"{effective[group]:,.0f}",
                        format_share(int(sums.num_negative[group]), num) if num else "",
                        f"{self.yield_scale[split][process]:.4g}",
                    )
                )
            sections.append(rows)
        headings = (
            "split", "process", "class", "events", "sum of weights", "effective events",
            "negative", "yield scale",
        )  # fmt: skip
        tables = [Table(headings, 3, sections, title=title)]
        if self.factors:
            factors = [(name, f"{factor:.6g}") for name, factor in self.factors.items()]
            tables.append(Table(("class", "factor"), 1, [factors]))
        if self._bins is not None:
            tables.append(self._bins.table(self._request.class_names))
        return tables


@dataclass(frozen=True, slots=True, repr=False)
class FitReport(Renderable):
    """The numbers of a fit, as tables."""

    tables: Sequence[Table]

    def _blocks(self) -> Sequence[Table]:
        return self.tables


@final
@dataclass(frozen=True, slots=True)
class GroupFactors:
    """Factors of weights.

    Attributes
    ----------
    by_class : float64 array of shape (classes,)
        The factor of each class.
    by_group : float64 array of shape (groups,)
        The factor that restores the signed sum of a group once its negative weights are treated.
    """

    by_class: NDArray[np.float64]
    by_group: NDArray[np.float64]


def _array_of(key: str, values: Any) -> Array | Jagged:
    if isinstance(values, Jagged):
        return values
    if hasattr(values, "layout") and hasattr(values, "ndim") and values.ndim > 1:  # an ak.Array
        return Jagged.from_awkward(values)
    try:
        array = np.asarray(values)
    except ValueError as error:
        message = f"the column {key!r} is no array: it has None, or lists; use Jagged for lists"
        raise ColumnError(message) from error
    if not array.ndim:
        raise ColumnError(f"the column {key!r} has one value for each event, got {values!r}")
    return array


def _json_of(value: Any) -> Any:
    """Return a JSON value in which numbers that JSON lacks, NaN and infinity, are None."""
    if isinstance(value, Mapping):
        return {key: _json_of(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json_of(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def group_factors(
    request: TrainingRequest, train: WeightSums, groups: EventGroups
) -> NDArray[np.float64]:
    """Return the factor of each group that keeps its signed sum in train; 1 for no class.

    Raises
    ------
    FitError
        If negative weights are refused, or a sum that must be kept is not positive.
    """
    factors = np.ones(groups.num_groups)
    if request.negative == "keep":
        return factors
    plain = train.absolute_totals if request.negative == "abs" else train.positive_totals
    has_class = groups.group_classes < len(groups.classes)
    for group in np.flatnonzero((train.num_negative > 0) & has_class).tolist():
        process = groups.processes[groups.group_processes[group]]
        num, total = int(train.num_negative[group]), float(train.totals[group])
        if request.negative == "raise":
            message = (
                f"{num:,} of {int(train.counts[group]):,} training events of {process!r} have a "
                "negative weight; choose negative='keep', 'abs' or 'drop'"
            )
            raise FitError(message)
        if not total > 0:
            message = (
                f"the sum of the training weights of {process!r} is {total:.6g}: "
                f"negative={request.negative!r} cannot keep it; take more events, or merge classes"
            )
            raise FitError(message)
        factors[group] = total / plain[group]
    return factors


def class_factors(
    request: TrainingRequest, train: WeightSums, groups: EventGroups
) -> NDArray[np.float64]:
    """Return the factor of each class, from the sums of its training weights.

    Raises
    ------
    FitError
        If a class has no training events, or a sum of weights that is not positive.
    """
    names = request.class_names
    by_class = train.merge(groups.group_classes, len(names) + 1)
    counts, totals = by_class.counts[:-1], by_class.totals[:-1]
    for name, num in zip(names, counts.tolist(), strict=True):
        if not num:
            message = f"the class {name!r} has no training events"
            raise FitError(
                f"{message}: check its cut, or take more events"
                if request.classes
                else "there are no training events"
            )
    factors = np.ones(len(names))
    if request.has_weight and request.normalise is not None:
        factors = _normalising_factors(request, counts, totals)
    means = np.abs(factors * by_class.absolute_totals[:-1] / counts)
    for name, mean in zip(names, means.tolist(), strict=True):
        if mean and not _MIN_MEAN <= mean <= _MAX_MEAN:
            message = (
                f"the training weights of {name!r} are about {mean:.3g}, which float32 does not "
                "hold; scale the weight, or choose normalise='mean'"
            )
            raise FitError(message)
    return factors


def _normalising_factors(
    request: TrainingRequest, counts: NDArray[np.int64], totals: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the factors of classes that `normalise` asks for."""
    names, normalise = request.class_names, request.normalise
    summed = {"the training weights": totals.sum()}
    if normalise != "mean":
        summed = {f"the training weights of {n!r}": t for n, t in zip(names, totals, strict=True)}
    for what, total in summed.items():
        if not total > 0:
            message = f"the sum of {what} is {total:.6g}, and normalise={normalise!r} divides by it"
            raise FitError(f"{message}; take more events, or choose normalise=None")
    if normalise == "mean":
        return np.full(len(names), counts.sum() / totals.sum())
    shares = np.ones(len(names))
    if isinstance(normalise, Mapping):
        shares = np.array([float(normalise[name]) for name in names])
        shares /= shares.max()  # so that their sum is finite
    factors: NDArray[np.float64] = counts.sum() * shares / shares.sum() / totals
    return factors
