"""`Fitter`: fits factors and scalings on the training split of each fold."""

from collections.abc import Sequence
from functools import cached_property, partial
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from memmpy.display import format_count
from memmpy.errors import FitError, FitWarning, warn_of
from memmpy.loaders import rows_between, slice_ranges, steps_of
from memmpy.parallel import num_helpers
from memmpy.skims import Skim, Statistics, skim_statistics
from memmpy.splits import Splits
from memmpy.training.event_groups import EventGroups
from memmpy.training.fit import Fit
from memmpy.training.label_columns import BIN, LABEL, PHYSICS
from memmpy.training.reweight import BinFactors, fit_bin_factors
from memmpy.training.row_statistics import (
    MAX_FOLDS,
    Cells,
    RowStatistics,
    float_values,
    scan_rows,
)
from memmpy.training.scaling import Method, Scaling, fit_scaling, percentiles_of
from memmpy.training.training_request import TrainingRequest
from memmpy.training.weight_factors import fit_weight_factors, treat_negative
from memmpy.training.weight_sums import WeightSums

__all__ = ["Fitter"]

#: The cells, the statistics of each, and those of no rows.
_Scan: TypeAlias = tuple[Cells, list[RowStatistics], RowStatistics]

#: The version of the statistics that a skim keeps: increase it when one of them changes.
_VERSION = 1
#: The first training rows, of which percentiles are taken; and rows that are read at once.
_NUM_PERCENTILE_ROWS, _BLOCK_ROWS = 1 << 20, 1 << 16


@final
class Fitter:
    """Fits a training set for each of its folds; one pass over the rows serves them all.

    Parameters
    ----------
    skim : Skim
        The rows.
    request : TrainingRequest
        What to fit.
    splits : Splits
        The splits of the events.
    groups : EventGroups
        The processes and the classes.
    """

    def __init__(
        self, skim: Skim, request: TrainingRequest, splits: Splits, groups: EventGroups
    ) -> None:
        self._skim, self._request, self._splits, self._groups = skim, request, splits, groups
        self._fits: dict[int | None, Fit] = {}
        self._has_checked = False

    def fit(self, fold: int | None) -> Fit:
        """Return the fit of a fold; None without folds.

        Raises
        ------
        SplitError, OptionError
            If there is no such fold.
        FitError
            If a class has no training events, or weights cannot be used.
        """
        fold = self._splits.check_fold(fold)
        if fold not in self._fits:
            self._fits[fold] = self._fit(fold)
        return self._fits[fold]

    def check_weights(self) -> None:
        """Raise a `FitError` if the weight of an event that has a class is NaN or infinite.

        A fit checks the weights of its own events. This is for others; the first call reads them.
        """
        has_classes = not self._request.classes or LABEL in self._skim.fields
        if self._has_checked or not has_classes or PHYSICS not in self._skim.fields:
            return

        def count() -> Statistics:
            counts = np.zeros(self._groups.num_groups, np.int64)
            for rows in steps_of([range(len(self._skim))], _BLOCK_ROWS):
                part = self._skim.rows[rows.start : rows.stop]
                groups = self._groups.of_rows(part[~np.isfinite(part[PHYSICS])])
                counts += np.bincount(groups, minlength=len(counts))
            return {"counts": counts}

        cache_key = {"not_finite": self._groups.to_json(), "version": _VERSION}
        self._check_groups(skim_statistics(self._skim, cache_key, count)["counts"] > 0)
        self._has_checked = True

    def sums(self, fold: int | None) -> tuple[dict[str, WeightSums], EventGroups]:
        """Return the sums of the weights of each split, and the groups of events that they are of.

        They need no class to have events, as a fit does.
        """
        by_split = self._by_split(self._splits.check_fold(fold))
        return {split: one.weights for split, one in by_split.items()}, self._groups

    def _by_split(self, fold: int | None) -> dict[str, RowStatistics]:
        cells, statistics, none = self._cells_of(fold)
        return {
            split: sum((statistics[number] for number in cells.members[split, of]), start=none)
            for split, of in (("train", fold), ("val", fold), ("test", fold), ("all", None))
        }

    def _fit(self, fold: int | None) -> Fit:
        by_split = self._by_split(fold)
        sums = {split: one.weights for split, one in by_split.items()}
        self._check_groups(~np.isfinite(sums["all"].totals))
        request, groups, train = self._request, self._groups, sums["train"]
        factors = fit_weight_factors(request, train, groups)
        ranges = rows_between(self._skim.tickets, self._splits.ranges("train", fold))
        return Fit(
            request,
            fold,
            sums=sums,
            groups=groups,
            scaling=self._scale(by_split["train"], ranges),
            factors=factors,
            bins=self._reweight(ranges, factors.by_group),
        )

    def _cells_of(self, fold: int | None) -> _Scan:
        has_many = (self._splits.num_folds or 1) > MAX_FOLDS
        return self._scan([fold]) if has_many else self._all_cells

    @cached_property
    def _all_cells(self) -> _Scan:
        num_folds = self._splits.num_folds
        return self._scan([None] if num_folds is None else range(num_folds))

    def _scan(self, folds: Sequence[int | None]) -> _Scan:
        skim, groups = self._skim, self._groups
        cells = Cells.of(skim, self._splits, folds)
        methods = {name: ones for name, ones in self._request.methods.items() if any(ones)}
        none = RowStatistics.zero(skim, groups.num_groups, methods)
        if not len(skim):
            return cells, [], none

        def scan() -> Statistics:
            scanned = scan_rows(skim, cells, groups, methods, num_threads=num_helpers())
            return RowStatistics.to_arrays(scanned)

        # Of the methods, only "log" changes the values.
        logs = {name: [method == "log" for method in ones] for name, ones in methods.items()}
        options = {"edges": cells.edges, "groups": groups.to_json(), "logs": logs}
        arrays = skim_statistics(skim, {"cells": options, "version": _VERSION}, scan)
        return cells, RowStatistics.from_arrays(arrays, methods), none

    def _scale(self, train: RowStatistics, ranges: Sequence[range]) -> dict[str, Scaling]:
        scalings, notes = {}, []
        for name, keys in self._request.keys.items():
            methods, percentiles = self._request.methods[name], None
            if not any(methods):
                zeros = np.zeros(len(keys))
                scalings[name] = Scaling(keys, methods, zeros, zeros + 1.0)
                continue
            if "robust" in methods:
                ascending = sorted(ranges, key=lambda rows: rows.start)
                rows = slice_ranges(ascending, 0, _NUM_PERCENTILE_ROWS)
                percentiles = self._percentiles(name, methods, rows)
            scalings[name], words = fit_scaling(keys, methods, train.moments[name], percentiles)
            notes += [f"the input {name!r} is not scaled by its width: {note}" for note in words]
        warn_of(notes, FitWarning)
        return scalings

    def _percentiles(
        self, name: str, methods: Sequence[Method | None], ranges: Sequence[range]
    ) -> NDArray[np.float64]:
        def compute() -> Statistics:
            parts = [float_values(self._skim, name, one, methods) for one in ranges]
            return {"percentiles": percentiles_of(np.concatenate(parts), methods)}

        options = {"input": name, "methods": methods, "ranges": _edges_of(ranges)}
        cache_key = {"percentiles": options, "version": _VERSION}
        arrays = skim_statistics(self._skim, cache_key, compute)
        percentiles: NDArray[np.float64] = arrays["percentiles"]
        return percentiles

    def _reweight(
        self, ranges: Sequence[range], by_group: NDArray[np.float64]
    ) -> BinFactors | None:
        reweight, names = self._request.reweight, self._request.class_names
        if reweight is None:
            return None
        options = {
            "num_bins": reweight.num_bins,
            "negative": self._request.negative,
            "ranges": _edges_of(ranges),
            "groups": self._groups.to_json(),
            "by_group": [weight.hex() for weight in by_group.tolist()],
        }
        arrays = skim_statistics(
            self._skim,
            {"bins": options, "version": _VERSION},
            partial(self._bin_sums, ranges, by_group, reweight.num_bins),
        )
        return fit_bin_factors(reweight, arrays["sums"][:-1], arrays["squares"][:-1], names)

    def _bin_sums(
        self, ranges: Sequence[range], by_group: NDArray[np.float64], num_bins: int
    ) -> Statistics:
        """Return the sums of weights, and of their squares, by class and bin."""
        shape = len(self._request.class_names) + 1, num_bins + 1
        sums, squares = np.zeros(shape), np.zeros(shape)
        for rows in steps_of(ranges, _BLOCK_ROWS):
            part = self._skim.rows[rows.start : rows.stop]
            groups = self._groups.of_rows(part)
            weights = treat_negative(np.asarray(part[PHYSICS]), self._request.negative)
            weights = weights * by_group[groups]
            bins = np.asarray(part[BIN]).astype(np.int64)
            places = self._groups.group_classes[groups] * (num_bins + 1)
            places += np.where(bins < 0, num_bins, bins)
            sums += np.bincount(places, weights, minlength=sums.size).reshape(shape)
            with np.errstate(over="ignore"):
                weights *= weights
            squares += np.bincount(places, weights, minlength=sums.size).reshape(shape)
        return {"sums": sums, "squares": squares}

    def _check_groups(self, is_wrong: NDArray[np.bool_]) -> None:
        """Raise a `FitError` if a group that has a class has weights without a finite sum."""
        has_class = self._groups.group_classes < len(self._groups.classes)
        for group in np.flatnonzero(is_wrong & has_class).tolist():
            num, first = 0, -1
            for rows in steps_of([range(len(self._skim))], _BLOCK_ROWS):
                part = self._skim.rows[rows.start : rows.stop]
                is_own = ~np.isfinite(part[PHYSICS]) & (self._groups.of_rows(part) == group)
                num += int(np.count_nonzero(is_own))
                if first < 0 and is_own.any():
                    first = int(part["_index"][is_own][0])
            process = self._groups.processes[self._groups.group_processes[group]]
            if not num:
                raise FitError(f"the weights of {process!r} are too large to sum")
            have = "has" if num == 1 else "have"
            message = (
                f"{format_count(num, 'event')} of {process!r} {have} no finite weight, such as "
                f"entry {first:,}: the weight {self._request.weight!r} lacks a value there, or is "
                "too large"
            )
            raise FitError(message)


def _edges_of(ranges: Sequence[range]) -> list[tuple[int, int]]:
    return [(rows.start, rows.stop) for rows in ranges]
