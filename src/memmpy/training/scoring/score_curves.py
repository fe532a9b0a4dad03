"""`ScoreCurves`: the ROC curves of scores: of all events, against each class, and of each fold."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import final

import numpy as np

from memmpy.errors import OptionError
from memmpy.training.class_numbers import NO_CLASS
from memmpy.training.scoring.roc_curve import RocCurve
from memmpy.training.scoring.score_rows import ScoreRows

__all__ = ["ScoreCurves", "curves_of"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class ScoreCurves:
    """The ROC curves of scores.

    Attributes
    ----------
    whole : RocCurve
        The signal against all other classes.
    others : mapping of int to RocCurve
        If there are several others: the signal against each, by its number.
    folds : mapping of int to RocCurve
        The signal against all others of each fold that has a curve; empty without folds.
    train : RocCurve or None
        The signal against all others, of training events.
    """

    whole: RocCurve
    others: Mapping[int, RocCurve]
    folds: Mapping[int, RocCurve]
    train: RocCurve | None

    @property
    def spread(self) -> float:
        """The standard deviation of the areas of two folds or more."""
        return float(np.std([curve.auc for curve in self.folds.values()], ddof=1))


def curves_of(
    test: ScoreRows, train: ScoreRows, classes: Sequence[str], *, signal: int | None
) -> ScoreCurves | None:
    """Return the ROC curves of scores; None without events of signal or of background.

    Parameters
    ----------
    test : ScoreRows
        One row for each event.
    train : ScoreRows
        Rows of training events, or none.
    classes : sequence of str
        The names of the classes.
    signal : int or None
        The class that counts as signal; None without classes.

    Raises
    ------
    OptionError
        If the weights of signal or background do not have a positive sum.
    """
    labels = np.unique(test.labels).tolist()
    others = [other for other in labels if other not in {NO_CLASS, signal}]
    if signal is None or signal not in labels or not others:
        return None

    def curve(rows: ScoreRows) -> RocCurve | None:
        with suppress(OptionError):  # a side has no events, or their weights no positive sum
            return rows.roc(signal, signal=classes[signal])
        return None

    pairs = {
        other: curve(test.take((test.labels == signal) | (test.labels == other)))
        for other in (others if len(others) > 1 else [])
    }
    numbers = [fold for fold in np.unique(test.folds).tolist() if fold >= 0]
    of_folds = {fold: curve(test.take(test.folds == fold)) for fold in numbers}
    return ScoreCurves(
        test.roc(signal, signal=classes[signal]),
        {other: one for other, one in pairs.items() if one is not None},
        {fold: one for fold, one in of_folds.items() if one is not None},
        curve(train),
    )
