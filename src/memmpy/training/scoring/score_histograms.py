"""`ScoreHistograms`: the distribution of scores by class, of test events and of training events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.training.class_numbers import NO_CLASS, NO_CLASS_NAME
from memmpy.training.ks_distance import ks_distance
from memmpy.training.scoring.score_rows import ScoreRows
from memmpy.typing import Array

__all__ = ["ScoreHistogram", "ScoreHistograms", "count_scores"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class ScoreHistogram:
    """The scores of one class.

    Attributes
    ----------
    name : str
        The class; ``"no class"`` for the events of none, and ``"all"`` if all are of none.
    label : int
        Its number; -1 for no class.
    num_events : int
        The number of scores.
    total : float
        The sum of the physics weights.
    edges : float64 array of shape (b + 1,)
        The edges of the bins.
    sums, squares : float64 arrays of shape (b,)
        The sum of the weights of each bin, and of their squares.
    """

    name: str
    label: int
    num_events: int
    total: float
    edges: NDArray[np.float64]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]

    @property
    def density(self) -> NDArray[np.float64] | None:
        """The density of each bin, of the area 1; None if the weights have no positive sum."""
        return self.sums * self._scale if self.total > 0 else None

    @property
    def errors(self) -> NDArray[np.float64] | None:
        """The errors sqrt(sum w^2) of the density."""
        return np.sqrt(self.squares) * self._scale if self.total > 0 else None

    @property
    def _scale(self) -> NDArray[np.float64]:
        return 1.0 / (self.total * np.diff(self.edges))


@final
@dataclass(frozen=True, slots=True, eq=False)
class ScoreHistograms:
    """The scores of the classes, of test events and of events that the model was trained on.

    Attributes
    ----------
    signal : str or None
        The class whose score it is; None without classes.
    edges : float64 array of shape (b + 1,)
        The edges of the bins.
    test, train : tuple of ScoreHistogram
        The classes that have scores. `train` is empty unless training events were added.
    distances : mapping of str to float
        The Kolmogorov-Smirnov distance of test and training scores of each class, weighted.
    """

    signal: str | None
    edges: NDArray[np.float64]
    test: tuple[ScoreHistogram, ...]
    train: tuple[ScoreHistogram, ...]
    distances: Mapping[str, float]


def count_scores(
    test: ScoreRows, train: ScoreRows, classes: Sequence[str], *, signal: int | None, bins: int
) -> ScoreHistograms:
    """Return the histograms of scores.

    Parameters
    ----------
    test : ScoreRows
        One row for each event, at least one.
    train : ScoreRows
        Rows of training events, or none.
    classes : sequence of str
        The names of the classes.
    signal : int or None
        The class whose score is taken; None without classes.
    bins : int
        The number of bins. They span 0 to 1 if all scores do, else the scores.
    """
    number = -1 if signal is None else signal
    sides = [side for side in (test, train) if len(side)]
    low = min(float(side.scores_of(number).min()) for side in sides)
    high = max(float(side.scores_of(number).max()) for side in sides)
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    edges = np.histogram_bin_edges([low, high], bins, (low, high)).astype(np.float64)
    tests, trains = (
        tuple(
            _histogram(own, label, classes, edges, of_class=number, is_all=len(own) == len(side))
            for label in [*range(len(classes)), NO_CLASS]
            if len(own := side.take(side.labels == label))
        )
        for side in (test, train)
    )
    distances = {}
    for one in tests:
        (tested, weights), (trained, train_weights) = (
            _ascending(side.take(side.labels == one.label), number) for side in (test, train)
        )
        if one.total > 0 and train_weights.sum() > 0:
            distances[one.name] = ks_distance(tested, trained, weights=(weights, train_weights))
    name = None if signal is None else classes[signal]
    return ScoreHistograms(name, edges, tests, trains, distances)


def _ascending(rows: ScoreRows, number: int) -> tuple[Array, NDArray[np.float64]]:
    """Return the scores of a class, ascending, and their weights."""
    scores = rows.scores_of(number)
    order = np.argsort(scores)
    return scores[order], rows.weights[order]


def _histogram(
    rows: ScoreRows,
    label: int,
    classes: Sequence[str],
    edges: NDArray[np.float64],
    *,
    of_class: int,
    is_all: bool,
) -> ScoreHistogram:
    name = classes[label] if label >= 0 else "all" if is_all else NO_CLASS_NAME
    total, values = float(rows.weights.sum()), rows.scores_of(of_class)
    sums, _ = np.histogram(values, edges, weights=rows.weights)
    squares, _ = np.histogram(values, edges, weights=rows.weights**2)
    return ScoreHistogram(name, label, len(rows), total, edges, sums, squares)
