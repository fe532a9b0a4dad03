"""Rows of scores: reads them from batches and tensors, sorts them, and averages over folds."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_indices
from memmpy.errors import ColumnError, LengthError, MissingKeyError, OptionError, nearest
from memmpy.training.class_numbers import NO_CLASS
from memmpy.training.scoring.roc_curve import RocCurve, roc_curve
from memmpy.typing import Array, Entries, Mask

__all__ = ["ScoreRows", "class_number", "read_rows"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class ScoreRows:
    """Scores of some entries, with what is known of each entry.

    Parameters
    ----------
    entries : int64 array of shape (n,)
        The entry of each row.
    values : float32 or float64 array of shape (n,) or (n, C)
        The score of the last class, or of each class.
    labels : int32 array of shape (n,)
        The number of the class; -1 without a label.
    weights : float64 array of shape (n,)
        The physics weight; 1 without weights.
    folds : int32 array of shape (n,)
        The fold that made the score; -1 without folds.
    """

    entries: Entries
    values: Array
    labels: NDArray[np.int32]
    weights: NDArray[np.float64]
    folds: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def num_scores(self) -> int:
        """The number of scores of an entry."""
        return 1 if self.values.ndim == 1 else self.values.shape[1]

    @property
    def is_first(self) -> Mask:
        """Which rows are the first of their entry, if the rows are sorted."""
        is_first: Mask = np.ones(len(self), np.bool_)
        np.not_equal(self.entries[1:], self.entries[:-1], out=is_first[1:])
        return is_first

    def scores_of(self, number: int) -> Array:
        """Return the scores of a class; if there is one score, it."""
        return self.values if self.values.ndim == 1 else self.values[:, number]

    def roc(self, number: int, *, signal: str) -> RocCurve:
        """Return the ROC curve of a class, given by number and name, against all others.

        Raises
        ------
        OptionError
            If the class or the others have no events, or a sum of weights that is not positive.
        """
        is_labelled = self.labels >= 0
        rows = self if is_labelled.all() else self.take(is_labelled)
        is_signal = rows.labels == number
        return roc_curve(rows.scores_of(number), rows.weights, is_signal, signal=signal)

    def take(self, rows: slice | Array) -> "ScoreRows":
        """Return some rows, by number or by mask."""
        return ScoreRows(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def empty(cls) -> "ScoreRows":
        """Return no rows."""
        integers = np.empty(0, np.int32)
        return cls(np.empty(0, np.int64), np.empty(0, np.float32), integers, np.empty(0), integers)

    @classmethod
    def joined(cls, parts: "Sequence[ScoreRows]") -> "ScoreRows":
        """Return the rows of all parts, sorted by entry, then by fold."""
        if len(parts) == 1:
            whole = parts[0]
        else:
            columns = ([getattr(part, field.name) for part in parts] for field in fields(cls))
            whole = cls(*map(np.concatenate, columns))
        if not (whole.entries[1:] > whole.entries[:-1]).all():
            whole = whole.take(np.lexsort((whole.folds, whole.entries)))
        for field in fields(cls):
            getattr(whole, field.name).flags.writeable = False
        return whole

    def mean(self, num_folds: int) -> "ScoreRows":
        """Return one row for each entry, with the float64 mean of its scores.

        The rows must be sorted, and have each of `num_folds` folds once for each entry.
        """
        firsts = self.take(slice(None, None, num_folds))
        shape = (len(firsts), num_folds, *self.values.shape[1:])
        means = self.values.reshape(shape).mean(axis=1, dtype=np.float64)
        folds = np.full(len(firsts), -1, np.int32)
        means.flags.writeable = folds.flags.writeable = False
        return ScoreRows(firsts.entries, means, firsts.labels, firsts.weights, folds)


def read_rows(
    batch: Mapping[str, Any],
    values: Any,
    *,
    fold: int | None,
    num_entries: int,
    classes: Sequence[str],
) -> ScoreRows:
    """Return the rows of a batch and its scores, checked.

    Parameters
    ----------
    batch : mapping of str to array
        A batch with ``"_index"``, and perhaps ``"label"`` and ``"weight_physics"``. Events of the
        number -1 only fill the batch, and are left out.
    values : array, list or tensor of shape (n,), (n, 1) or (n, C)
        The scores.
    fold : int or None
        The fold that made them; None without folds.
    num_entries : int
        The number of all entries.
    classes : sequence of str
        The names of the classes.

    Raises
    ------
    MissingKeyError
        If the batch has no entries.
    OptionError
        If `batch` is no batch; an entry, a label, a weight or a score is impossible.
    ColumnError, LengthError
        If an array has the wrong dtype or shape, or another length than the batch.
    """
    mapping: object = batch
    if not isinstance(mapping, Mapping):
        raise OptionError(f"give the batch as the loader handed it out, got {batch!r:.80}")
    if "_index" not in batch:
        message = f"the batch has no '_index', the entries of its events{nearest('_index', batch)}"
        raise MissingKeyError(f"{message}; give the batch as the loader handed it out", "_index")
    index = _host_array(batch["_index"])
    is_own = index != -1  # else the event of another rank or batch, which fills this one
    entries = check_indices(index[is_own], num_entries, of="entries")
    num = len(index)
    labels, weights = np.full(num, NO_CLASS, np.int32), np.ones(len(entries))
    if "label" in batch:
        labels = _labels(_host_array(batch["label"]), num, classes)
    if "weight_physics" in batch:
        weights = _column("weight_physics", _host_array(batch["weight_physics"]), num, "iuf")
        weights = weights.astype(np.float64)[is_own]
        _check_finite(weights, entries, "weights")
    scores = _scores(_host_array(values), num, classes)[is_own]
    _check_finite(scores, entries, "scores")
    folds = np.full(len(entries), -1 if fold is None else fold, np.int32)
    return ScoreRows(entries.copy(), scores, labels[is_own], weights, folds)


def class_number(signal: str | None, classes: Sequence[str], *, num_scores: int) -> int:
    """Return the number of a class that has scores; by default the last class.

    Raises
    ------
    OptionError
        If there is no such class, or one score of each event, and it is that of the last class.
    """
    if not classes:
        raise OptionError("the events have no classes, and a ROC curve needs labels")
    signal = classes[-1] if signal is None else signal
    if signal not in classes:
        hint = nearest(str(signal), classes)
        raise OptionError(f"no class {signal!r} among {', '.join(classes)}{hint}")
    if signal != classes[-1] and num_scores == 1:
        message = f"the scores are those of class {classes[-1]!r}, and none are of {signal!r}; "
        raise OptionError(
            f"{message}add values of shape (n, {len(classes)}), a score of each class"
        )
    return classes.index(signal)


def _scores(values: Array, num: int, classes: Sequence[str]) -> Array:
    """Return scores as a new float32 or float64 array of shape (n,) or (n, C)."""
    if not values.size and values.dtype.kind not in "iubf":
        values = values.astype(np.float32)
    if values.dtype.name == "bfloat16":  # of ml_dtypes, which NumPy does not know
        values = values.astype(np.float32)
    if values.dtype.kind not in "iubf":
        raise ColumnError(f"scores must be numbers, got dtype {values.dtype}")
    expected = f"({num},), ({num}, 1)"
    if len(classes) > 1:
        expected += f" or ({num}, {len(classes)}), a score of each class,"
    if values.ndim not in {1, 2}:
        message = f"scores must have shape {expected} for {num:,} events, got {values.shape}"
        if not values.ndim:
            message += "; a squeeze() of one event also takes its axis away"
        raise ColumnError(message)
    if len(values) != num:
        raise LengthError(f"{len(values):,} scores were given for a batch of {num:,} events")
    if values.ndim == 2:
        num_scores = values.shape[1]
        if num_scores == 1:
            values = values[:, 0]
        elif not num_scores or (classes and num_scores != len(classes)):
            names = ", ".join(map(repr, classes))
            message = f"scores must have shape {expected} for classes {names}; got {values.shape}"
            raise ColumnError(message)
    size = {2: 4, 4: 4}.get(values.dtype.itemsize, 8) if values.dtype.kind == "f" else 8
    return values.astype(f"f{size}")


def _labels(labels: Array, num: int, classes: Sequence[str]) -> NDArray[np.int32]:
    labels = _column("label", labels, num, "iu")
    wrong = np.flatnonzero((labels < -1) | (labels >= len(classes)))
    if len(wrong):
        named = ", ".join(f"{number} {name!r}" for number, name in enumerate(classes)) or "none"
        message = f"a batch has the label {labels[wrong[0]]}, and the classes are {named}"
        raise OptionError(message)
    return labels.astype(np.int32)


def _column(name: str, column: Array, num: int, kinds: str) -> Array:
    if not column.size:
        column = column.astype(np.int64)
    if column.dtype.kind not in kinds or column.ndim != 1:
        kind = "float64" if "f" in kinds else "int64"
        message = f"batch[{name!r}] must be one {kind} for each event, got {column.dtype}"
        raise ColumnError(f"{message} of shape {column.shape}")
    if len(column) != num:
        raise LengthError(f"batch[{name!r}] has {len(column):,} values for {num:,} events")
    return column


def _check_finite(values: Array, entries: Entries, what: str) -> None:
    is_wrong = ~np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if is_wrong.any():
        message = (
            f"{np.count_nonzero(is_wrong):,} of {len(values):,} events have {what} that are NaN or "
            f"infinite, such as entry {entries[is_wrong][0]}"
        )
        raise OptionError(message)


def _host_array(values: Any) -> Array:
    """Return numbers of any framework and device as an array, copied only if necessary."""
    for method in ("detach", "cpu"):  # of a torch tensor: out of the graph, off the device
        if callable(getattr(values, method, None)):
            values = getattr(values, method)()
    if "bfloat16" in str(getattr(values, "dtype", "")) and callable(getattr(values, "float", None)):
        values = values.float()  # torch gives NumPy no bfloat16
    if hasattr(values, "__dlpack__") and not isinstance(values, np.ndarray):
        # CuPy refuses __array__, but NumPy 2.1 or newer copies its arrays to the host.
        for read in (np.from_dlpack, partial(np.from_dlpack, device="cpu")):
            with suppress(TypeError, ValueError, RuntimeError, BufferError):
                return read(values)
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as error:
        message = f"an array or tensor was expected, got {type(values).__name__}: {error}"
        raise ColumnError(message) from None
