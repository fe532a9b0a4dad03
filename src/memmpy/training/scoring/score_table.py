"""The table of scores: the events of each class and fold, their weights and the AUC."""

from collections.abc import Sequence

import numpy as np

from memmpy.display import Table, format_number
from memmpy.errors import OptionError
from memmpy.training.class_numbers import NO_CLASS_NAME, rows_of_classes
from memmpy.training.scoring.score_rows import ScoreRows

__all__ = ["auc_of", "score_table"]


def score_table(
    rows: ScoreRows, whole: ScoreRows | None, classes: Sequence[str], *, num_folds: int | None
) -> Table:
    """Return the table of scores.

    Parameters
    ----------
    rows : ScoreRows
        The rows of all folds, sorted by entry.
    whole : ScoreRows or None
        One row for each event; None if scores of some folds are missing.
    classes : sequence of str
        The names of the classes.
    num_folds : int or None
        The number of folds; None without folds.
    """
    if (rows.labels < 0).all():  # such as recorded data
        classes = ()
    names = [*classes]
    if (rows.labels < 0).any():
        names.append(NO_CLASS_NAME if classes else "events")

    def counts(part: ScoreRows, weights: bool = False) -> list[str]:
        columns = rows_of_classes(part.labels, len(classes))
        sums = np.bincount(columns, part.weights if weights else None, minlength=len(names))
        return [format_number(number, digits=6) for number in sums.tolist()]

    def auc(part: ScoreRows | None, number: int) -> str:
        return "" if part is None else auc_of(part, classes, number)

    by_fold = [rows.take(rows.folds == fold) for fold in range(num_folds or 0)]
    events = rows.take(rows.is_first)
    first = "fold" if num_folds else ""
    folds = [[str(fold), *counts(part)] for fold, part in enumerate(by_fold)]
    totals = [
        ["all folds" if num_folds else "events", *counts(events)],
        ["sum of weights", *counts(events, weights=True)],
    ]
    sections = [folds, totals] if folds else [totals]
    if not classes:
        return Table([first, *names], 1, sections)
    for row, part in zip([*folds, totals[0]], [*by_fold, whole], strict=True):
        row.append(auc(part, len(classes) - 1))
    totals[1].append("")
    if rows.num_scores > 2:
        aucs = [auc(whole, number) for number in range(len(classes))]
        totals.append(["AUC", *aucs, *[""] * (len(names) - len(classes) + 1)])
    caption = f"AUC: {classes[-1]} against all others, with physics weights"
    return Table([first, *names, "AUC"], 1, sections, caption)


def auc_of(rows: ScoreRows, classes: Sequence[str], number: int | None = None) -> str:
    """Return the AUC of a class, by default of the last one; "-" if it cannot be computed."""
    number = len(classes) - 1 if number is None else number
    try:
        return f"{rows.roc(number, signal=classes[number]).auc:.4f}" if classes else "-"
    except OptionError:  # a class without events, or without a positive sum of weights
        return "-"
