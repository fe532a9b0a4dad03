"""`Fit`: the factors of weights and the scaling of a fold, fitted on its training split."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np

from memmpy._version import __version__
from memmpy.checks import check_mapping, check_path
from memmpy.columns import type_of_values
from memmpy.display import Renderable, Table, format_number, format_share, json_value
from memmpy.errors import ColumnError, argument_hints
from memmpy.jagged import Jagged
from memmpy.skims import pack_arrays
from memmpy.store import write_atomically
from memmpy.training.class_numbers import NO_CLASS
from memmpy.training.event_groups import EventGroups
from memmpy.training.reweight import BinFactors
from memmpy.training.row_fit import RowFit
from memmpy.training.scaling import Scaling
from memmpy.training.training_request import TrainingRequest
from memmpy.training.weight_factors import GroupFactors, WeightFactors
from memmpy.training.weight_sums import WeightSums
from memmpy.typing import Array, PathLike

__all__ = ["Fit"]

_SPLITS = ("train", "val", "test", "all")
_CAPTION = """\
sum w: sum of weights
effective: (sum w)^2 / sum w^2 events
negative: share of events with a negative weight
yield scale: sum w of the process in all splits / sum w in this split"""


@argument_hints
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
        split. ``"weight_physics"`` times this number gives the yield of the process from one split.

    Examples
    --------
    >>> fit = data.fit(fold=0)
    >>> fit.factors["signal"], fit.scaling["event"].center, fit.yield_scale["test"]["ttH"]
    """

    def __init__(
        self,
        request: TrainingRequest,
        fold: int | None,
        *,
        sums: Mapping[str, WeightSums],
        groups: EventGroups,
        scaling: Mapping[str, Scaling],
        factors: GroupFactors,
        bins: BinFactors | None,
    ) -> None:
        self.fold: int | None = fold
        self.scaling: Mapping[str, Scaling] = scaling
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
            groups = self._group_factors
            bins = np.ones((len(groups.by_class), 1)) if self._bins is None else self._bins.factors
            by_bin = groups.by_class[:, np.newaxis] * bins
            factors = WeightFactors(
                np.vstack([by_bin, np.ones(by_bin.shape[1])]),
                self._request.negative if is_train else "keep",
                groups.by_group,
                self._groups,
                NO_CLASS if self._request.classes else 0,
            )
        changed = {
            name: one
            for name, one in self.scaling.items()
            if any(one.methods) or name in incomplete
        }
        return RowFit(changed, self._request.fill, factors, incomplete)

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
        self._request.check_types({key: type_of_values(one) for key, one in arrays.items()})
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
        write_atomically(check_path(path), text.encode(), durable=False, is_in_store=False)

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
            "events": [row for split in _SPLITS for row in self._rows(split)],
        }
        json_values: dict[str, Any] = json_value(document)
        return json_values

    def _rows(self, split: str) -> list[dict[str, Any]]:
        """Return the events and weights of a split, for each process and class that has events."""
        groups, names = self._groups, (*self._request.class_names, "none")
        sums, rows = self._sums[split], []
        for group in np.flatnonzero(self._sums["all"].counts).tolist():
            process = groups.processes[groups.group_processes[group]]
            rows.append(
                {
                    "split": split,
                    "process": process,
                    "class": names[int(groups.group_classes[group])],
                    "events": int(sums.counts[group]),
                    "sum_w": float(sums.totals[group]),
                    "effective": float(sums.effective[group]),
                    "num_negative": int(sums.num_negative[group]),
                    "yield_scale": self.yield_scale[split][process],
                }
            )
        return rows

    def _tables(self) -> list[Table]:
        title = (
            "Events and weights" if self.fold is None else f"Events and weights of fold {self.fold}"
        )
        sections = [
            [
                (
                    row["split"],
                    row["process"],
                    row["class"],
                    f"{row['events']:,}",
                    format_number(row["sum_w"], digits=6),
                    f"{row['effective']:,.0f}",
                    format_share(row["num_negative"], row["events"]),
                    f"{row['yield_scale']:.4g}",
                )
                for row in self._rows(split)
            ]
            for split in _SPLITS
        ]
        headings = (
            "split", "process", "class", "events", "sum w", "effective", "negative", "yield scale"
        )  # fmt: skip
        tables = [Table(headings, 3, sections, _CAPTION, title, optional=(7, 6))]
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
