"""`FeatureRows`: the entries of a loader as rows of features, labels and weights for BDTs."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_choice, check_key
from memmpy.display import format_count, format_share
from memmpy.errors import ColumnError, LoaderWarning, OptionError, warn_of
from memmpy.frameworks.feature_matrix import (
    element_names,
    feature_matrix,
    input_arrays,
    plain_names,
)
from memmpy.loaders import release_pages
from memmpy.splits import SplitLoader
from memmpy.training import LABEL, WEIGHT, RowFit
from memmpy.typing import Array, Batch

__all__ = ["FeatureChunk", "FeatureRows", "check_whole", "chunk_rows", "read_entries"]


@dataclass(frozen=True, slots=True)
class FeatureChunk:
    """Some entries, read at once.

    Attributes
    ----------
    features : float32 array of shape (n, features)
    labels : array of shape (n,), or None
    weights : float32 array of shape (n,), or None
    """

    features: NDArray[np.float32]
    labels: Array | None
    weights: NDArray[np.float32] | None


@final
class FeatureRows:
    """The entries of a loader as rows of features, labels and weights, in the order of the split.

    Rows are not shuffled: a BDT sees all of them before it grows a tree.

    Parameters
    ----------
    loader : SplitLoader
        The loader.
    function : str
        The public function that the user called, for messages.
    label, weight : str or None
        Their keys in a batch; None leaves them out.
    package : str
        The name of what reads the rows, for messages.
    negative : str or None
        What becomes of negative weights; None raises an error.
    choices : tuple of str
        What `negative` may be.

    Attributes
    ----------
    names : list of str
        The names of the features.

    Raises
    ------
    OptionError
        If the loader has no entries, or hands out only those of one rank, or samples them; if an
        option is invalid.
    ColumnError
        If labels or weights are no numbers.

    Warns
    -----
    LoaderWarning
        If what is missing in an input arrives as a number.
    """

    def __init__(
        self,
        loader: SplitLoader,
        *,
        function: str,
        package: str,
        label: str | None,
        weight: str | None,
        negative: str | None,
        choices: tuple[str, ...],
    ) -> None:
        if negative is not None:
            check_choice("negative", negative, choices)
        self._loader = check_whole(loader, function)
        self._function, self._package, self._negative = function, package, negative
        if not loader.split_size:
            raise OptionError(f"{function}: the loader has no entries: {loader.split_data}")
        first = loader.take([0])
        self._label = _key_of("label", label, first, default=LABEL)
        self._weight = _key_of("weight", weight, first, default=WEIGHT)
        self._leave_out = [key for key in (self._label, self._weight) if key is not None]
        inputs = dict(input_arrays(first, loader, self._leave_out))
        for key in self._leave_out:
            _check_target(function, key, first[key], is_weight=key == self._weight)
        self.names: list[str] = plain_names(element_names(inputs, loader))
        if not self.names:
            raise OptionError(
                f"{function}: the inputs {', '.join(map(repr, inputs))} have no numbers"
            )
        self._warn_of_fill()

    def __len__(self) -> int:
        return self._loader.split_size

    def features(self, positions: Any) -> NDArray[np.float32]:
        """Return a float32 array of shape (n, features) of some entries of the split."""
        return self._features(read_entries(self._loader, positions))

    def labels_and_weights(self, num: int) -> tuple[Array | None, NDArray[np.float32] | None]:
        """Return the labels and the weights of all entries, of shape (len(self),).

        They are read `num` entries at a time, and are None if there are none.
        """
        parts = []
        for start in range(0, len(self), num):
            positions = np.arange(start, min(start + num, len(self)))
            batch = read_entries(self._loader, positions)
            parts.append([None if one is None else one.copy() for one in self._targets(batch)])
        labels, weights = ([*map(np.asarray, column)] for column in zip(*parts, strict=True))
        return (
            None if self._label is None else np.concatenate(labels),
            None if self._weight is None else np.concatenate(weights),
        )

    def chunk(self, start: int, stop: int) -> FeatureChunk:
        """Return the entries from one position of the split to another.

        Raises
        ------
        OptionError
            If weights are negative, NaN or infinite.
        """
        batch = read_entries(self._loader, np.arange(start, stop))
        return FeatureChunk(self._features(batch), *self._targets(batch))

    def _targets(self, batch: Batch) -> tuple[Array | None, NDArray[np.float32] | None]:
        labels = None if self._label is None else self._labels(batch[self._label])
        weights = None if self._weight is None else self._weights(batch[self._weight])
        return labels, weights

    def _features(self, batch: Batch) -> NDArray[np.float32]:
        return feature_matrix(batch, self._loader, leave_out=self._leave_out)

    def _labels(self, given: Array) -> Array:
        if given.dtype.kind == "f" and not np.isfinite(given).all():
            raise OptionError(f"{self._function}: the label {self._label!r} is NaN or infinite")
        # XGBoost takes the bytes as they lie, whatever their order.
        return given.astype(given.dtype.newbyteorder("="), copy=False)

    def _weights(self, given: Array) -> NDArray[np.float32]:
        weights = np.asarray(given, np.float32)
        if not np.isfinite(weights).all():
            raise OptionError(f"{self._function}: the weight {self._weight!r} is NaN or infinite")
        num = int(np.count_nonzero(weights < 0))
        if not num or self._negative == "keep":
            return weights
        if self._negative is not None:
            return np.where(weights < 0, -weights if self._negative == "abs" else 0, weights)
        raise self._negative_error(num, len(weights))

    def _negative_error(self, num: int, total: int) -> OptionError:
        """Return the error for `num` negative weights of `total`, with the ways out."""
        share = format_share(num, total)
        message = f"{self._function}: {share} of {format_count(total, 'weight')} are "
        message += f"negative, and {self._package} needs weights of at least 0; "
        if self._loader.inputs:
            message += (
                "for training, give negative='drop' or 'abs' to training_set, which keeps the sum "
                f"of each process; to evaluate on these events, give it to {self._function}, which "
                "changes the metric"
            )
        else:
            message += f"give negative='drop' or 'abs' to {self._function}"
        return OptionError(message)

    def _warn_of_fill(self) -> None:
        fit = self._loader.spec.transform
        if not isinstance(fit, RowFit) or fit.fill is None or not fit.incomplete:
            return
        names = ", ".join(repr(name) for name in self._loader.inputs if name in fit.incomplete)
        message = f"missing values of {names} arrive as {fit.fill:g}, which {self._package} takes "
        message += "for numbers; with fill=None in training_set they stay NaN, which means missing"
        warn_of([message], LoaderWarning)


def check_whole(loader: SplitLoader, function: str) -> SplitLoader:
    """Return a loader that hands out each entry of its split once.

    Raises
    ------
    OptionError
        If it is that of one rank, or samples classes.
    """
    spec = loader.spec
    if spec.sampling is not None:
        message = f"{function} takes each event once: give no sampling= to the loader, and"
        raise OptionError(f"{message} normalise='equal' to training_set for classes of equal sums")
    if spec.options.world_size != 1:
        message = f"{function} takes all events: give no rank= and world_size="
        raise OptionError(f"{message} to the loader")
    return loader


def read_entries(loader: SplitLoader, positions: Any) -> Batch:
    """Return some entries of the split, and keep no page of their files in this process."""
    batch = loader.take(positions)
    release_pages(loader._chunks.gatherer.arrays)
    return batch


def chunk_rows(num_features: int, num_bytes: int) -> int:
    """Return how many rows of float32 take about `num_bytes`."""
    return max(1, num_bytes // (4 * num_features))


def _check_target(function: str, key: str, values: Any, *, is_weight: bool) -> None:
    """Raise an error if these are no labels or weights: numbers, and one weight per event."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf":
        kind = getattr(values, "dtype", type(values).__name__)
        raise ColumnError(f"{function}: {key!r} has no numbers, but {kind}")
    if is_weight and values.ndim > 1:
        raise OptionError(f"{function}: the weight {key!r} has {values[0].size} numbers per event")


def _key_of(name: str, given: str | None, batch: Batch, *, default: str) -> str | None:
    """Return the key of labels or weights; None for none, as if batches lack the default key."""
    if given is None or (given == default and default not in batch):
        return None
    return check_key(given, name=name)
