"""Correlates the inputs of each class, weighted, in one threaded pass in float64."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import OptionError
from memmpy.parallel import num_helpers, prefetch
from memmpy.training.moments import Moments
from memmpy.training.scaling import logarithms
from memmpy.training.summaries.correlations import Correlations
from memmpy.training.summaries.split_rows import InputKey, SplitRows, names_of_keys

__all__ = ["correlate_inputs"]

#: A variance below this share of the second moment is rounding.
_ROUNDING = 1e-12
#: Multiplications of one product of matrices, and the least rows of a product that is split.
_MAX_FLOPS, _MIN_ROWS = 1 << 17, 32


def correlate_inputs(rows: SplitRows, keys: Sequence[InputKey], *, by_class: bool) -> Correlations:
    """Return the correlations of keys of inputs.

    Keys of the method ``"log"`` enter as logarithms, as a network gets them.

    Parameters
    ----------
    rows : SplitRows
        The rows.
    keys : sequence of InputKey
        The keys, input by input.
    by_class : bool
        Whether each class has a matrix; else all events together.

    Raises
    ------
    OptionError
        If there are no events.
    """
    steps = rows.steps([one.input for one in keys])
    first = Moments.of(_values(rows, keys, steps[0] if steps else range(0)))
    shifts = np.where(first.counts > 0, first.centers, 0.0)
    widths = np.where(first.widths > 0, first.widths, 1.0)
    num_groups = len(rows.classes) if by_class else 1
    compiled = rows.is_large(len(keys))

    def add_up(step: range) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        groups = rows.groups(step) if by_class else np.zeros(len(step), np.int64)
        weights = rows.weights(step, compiled=compiled)
        values = (_values(rows, keys, step) - shifts) / widths
        sums = np.zeros((num_groups, 4, len(keys), len(keys)))
        for group in np.unique(groups).tolist():
            is_own = groups == group
            sums[group] = _sums_of_pairs(values[is_own], weights[is_own])
        return np.bincount(groups, minlength=num_groups), sums

    num_events, sums = add_up(range(0))
    num_threads = num_helpers()
    tasks = (partial(add_up, step) for step in steps)
    for counts, part in prefetch(tasks, num_threads=num_threads, depth=2 * num_threads + 1):
        num_events = num_events + counts
        sums += part
        rows.release()
    shown = np.flatnonzero(num_events)
    if not shown.size:
        raise OptionError(f"there are no events in {rows.title}, and no correlations")
    names = rows.classes if by_class else ("all",)
    named = zip(names_of_keys(keys), keys, strict=True)
    return Correlations(
        rows.title,
        tuple(f"{name}[0]" if rows.has_objects(one.input) else name for name, one in named),
        tuple(names[number] for number in shown),
        num_events[shown],
        np.array([_coefficients(sums[number]) for number in shown]).reshape(-1, *sums.shape[2:]),
    )


def _values(rows: SplitRows, keys: Sequence[InputKey], step: range) -> NDArray[np.float64]:
    """Return the value of each key, of the first object of each row; NaN if there is none."""
    columns = []
    for name, own in groupby(keys, key=lambda one: one.input):
        items = rows.items(name, step)
        values = np.full((len(step), items.values.shape[1]), np.nan)
        starts = np.cumsum(items.counts) - items.counts
        has_items = items.counts > 0
        values[has_items] = items.values[starts[has_items]]
        logarithms(values, rows.request.methods[name])
        columns.append(values[:, [one.number for one in own]])
    return np.concatenate(columns, axis=1) if columns else np.empty((len(step), 0))


def _sums_of_pairs(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return sums of w, w x, w x^2 and w x y over the events that have both values of a pair.

    Parameters
    ----------
    values : float64 array of shape (n, k)
        The values x of the first axis, and y of the second.
    weights : float64 array of shape (n,)
        The weights w.
    """
    num_keys = values.shape[1]
    is_there = np.isfinite(values)
    column = weights[:, np.newaxis]
    with np.errstate(over="ignore", invalid="ignore"):
        if is_there.all():
            with_one = np.column_stack([values, np.ones(len(values))])
            products = _product(with_one * column, with_one)
            sums = np.empty((4, num_keys, num_keys))
            sums[0] = products[-1, -1]
            sums[1], sums[2] = products[:-1, -1:], np.diag(products)[:-1, np.newaxis]
            sums[3] = products[:-1, :-1]
            return sums
        present, known = is_there.astype(np.float64), np.where(is_there, values, 0.0)
        powers = np.hstack([present, known, known * known]) * column
        counts, firsts, seconds = np.split(_product(powers, np.hstack([present, known])), 3)
    present_sums = [part[:, :num_keys] for part in (counts, firsts, seconds)]
    return np.stack([*present_sums, firsts[:, num_keys:]])


def _product(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``first.T @ second`` for arrays of n rows.

    BLAS shares out a product of more than `_MAX_FLOPS` over threads, of which this pass has its own
    already: on a busy machine they wait for each other, ten times as long as they multiply.
    """
    sizes = first.shape[1], second.shape[1]
    num_rows = _MAX_FLOPS // max(1, sizes[0] * sizes[1])
    product: NDArray[np.float64]
    if num_rows < _MIN_ROWS:
        product = first.T @ second
        return product
    num = len(first) // num_rows
    stop = num * num_rows
    left, right = (
        one[:stop].reshape(num, num_rows, size)
        for one, size in zip((first, second), sizes, strict=True)
    )
    product = np.matmul(left.transpose(0, 2, 1), right).sum(axis=0)
    product += first[stop:].T @ second[stop:]
    return product


def _coefficients(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coefficient of each pair from its sums; see `_sums_of_pairs`."""
    with np.errstate(all="ignore"):
        means, squares, products = sums[1:] / sums[0]
        variances = squares - np.square(means)
        is_wide = (sums[0] > 0) & (variances > _ROUNDING * squares)
        widths = np.sqrt(np.where(is_wide, variances, np.nan))
        coefficients: NDArray[np.float64] = (products - means * means.T) / (widths * widths.T)
    is_rounded = np.abs(coefficients) < 1 + 1e-9
    return np.where(is_rounded, np.clip(coefficients, -1, 1), coefficients)
