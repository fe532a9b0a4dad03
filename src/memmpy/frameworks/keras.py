"""`to_keras`: the batches of a loader as a dataset for `fit`, `evaluate` and `predict` of Keras."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from memmpy.errors import ColumnError, MissingKeyError, OptionError, nearest, require
from memmpy.frameworks.framework_loader import check_loader, refuse_lists
from memmpy.jagged import mask_of
from memmpy.splits import SplitLoader
from memmpy.training import LABEL, WEIGHT
from memmpy.typing import Array, Batch

if TYPE_CHECKING:
    from memmpy.frameworks.keras_dataset import KerasDataset, Parts

__all__ = ["to_keras"]


def to_keras(
    loader: SplitLoader,
    *,
    inputs: str | Sequence[str] | None = None,
    label: str | None = LABEL,
    weight: str | None = WEIGHT,
) -> "KerasDataset":
    """Return the batches of a loader as a `keras.utils.PyDataset`, for any backend of Keras.

    Give it to ``model.fit(..., shuffle=False)``, as ``validation_data=``, to ``model.evaluate`` or
    to ``model.predict``. Each epoch of a loader that shuffles has an order of its own. Spectators,
    ``"weight_physics"`` and ``"_index"`` are left out.

    Parameters
    ----------
    loader : SplitLoader
        The loader. Its threads read ahead; Keras needs no workers.
    inputs : str or sequence of str, optional
        The keys of a batch that the model takes; by default, the inputs of the training set. A
        loader without a training set needs them.
    label, weight : str or None, default "label" and "weight"
        Their keys in a batch. None leaves them out, and so does a loader without the default key.
        Without a label, there is no weight.

    Returns
    -------
    KerasDataset
        Its items are ``(x, y, sample_weight)``, ``(x, y)`` or ``(x,)``. x is a dict of name to
        array, and has the bool masks ``"<name>_mask"`` of padded inputs, too. One input without a
        mask is not a dict, but the array. The last batch may be short. `epoch` and `set_epoch` tell
        and set the epoch; `state_dict` has its start, as Keras begins there.

    Raises
    ------
    OptionError
        If the loader does not know its inputs, or an input is the label or the weight, too.
    MissingKeyError
        If a batch lacks a name.
    ColumnError
        If an input has lists.
    MissingPackageError
        If Keras is not installed.

    Warns
    -----
    LoaderWarning
        If Keras asks for batches in another order, as it does without ``shuffle=False``. All are
        right, but slow.

    Examples
    --------
    >>> train = memmpy.to_keras(data.loader("train", batch_size=1024))
    >>> val = memmpy.to_keras(data.loader("val", batch_size=8192, shuffle=False))
    >>> model.fit(train, epochs=10, shuffle=False, validation_data=val)
    """
    loader = check_loader(loader, "to_keras")
    require("keras", what="to_keras", extra="keras")
    from memmpy.frameworks.keras_dataset import KerasDataset

    names = _names_of(inputs, loader)
    for name, role in ((label, "label"), (weight, "weight")):
        if name is not None and not isinstance(name, str):
            raise OptionError(f"{role} must be a name or None, got {name!r}")
        if name in names:
            raise OptionError(f"{name!r} is an input, and the {role}: a model would learn it")
    if loader.split_size:
        batch = loader.take([0])
        for name in names:
            _check_values(name, batch)
        for name, default in ((label, LABEL), (weight, WEIGHT)):
            if name is not None and (name != default or name in batch):
                _check_values(name, batch)
    split = partial(_parts_of, names=names, label=label, weight=weight)
    return KerasDataset(loader, split)


def _names_of(inputs: Any, loader: SplitLoader) -> tuple[str, ...]:
    """Return the names of inputs that a user gave, or those of the training set of a loader."""
    if inputs is None:
        if not loader.inputs:
            message = "only a loader of a training set knows its inputs: name those of the model"
            raise OptionError(f"{message}, inputs=['pt', 'eta']")
        return tuple(loader.inputs)
    names = (inputs,) if isinstance(inputs, str) else inputs
    is_right = isinstance(names, Iterable) and all(isinstance(name, str) for name in names)
    if not is_right or not names or len({*names}) != len(names):
        raise OptionError(f"inputs must be a list of different names, got {inputs!r}")
    return tuple(names)


def _check_values(name: str, batch: Batch) -> None:
    """Raise an error if Keras cannot take the values of a name."""
    if name not in batch:
        message = f"a batch has no {name!r}{nearest(name, batch)}"
        raise MissingKeyError(f"{message}; it has {', '.join(map(repr, batch))}", name)
    values = batch[name]
    refuse_lists(name, values, package="Keras")
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf":
        kind = getattr(values, "dtype", type(values).__name__)
        raise ColumnError(f"Keras needs numbers, and {name!r} has {kind}")


def _parts_of(
    batch: Batch, *, names: Sequence[str], label: str | None, weight: str | None
) -> "Parts":
    """Return what Keras takes: inputs, targets and weights of events."""
    x: dict[str, Array] = {}
    for name in names:
        x[name] = _native(batch[name])
        mask = batch.get(mask_of(name))
        if isinstance(mask, np.ndarray) and mask.shape == batch[name].shape[:2]:
            x[mask_of(name)] = mask
    (first, *others) = x.values()
    parts: Parts = (x if others else first,)
    if label in batch:
        parts = *parts, _native(batch[label])
        if weight in batch:
            parts = *parts, _native(batch[weight])
    return parts


def _native(values: Array) -> Array:
    """Return values in the byte order of this machine, which backends of Keras need."""
    return values.astype(values.dtype.newbyteorder("="), copy=False)
