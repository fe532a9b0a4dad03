"""`feature_matrix`: the inputs of a batch side by side, as BDTs and scikit-learn take them."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import ColumnError, MissingKeyError, OptionError, argument_hints, nearest
from memmpy.frameworks.framework_loader import check_loader
from memmpy.jagged import Jagged
from memmpy.splits import SplitLoader
from memmpy.typing import Array, Batch

__all__ = ["element_names", "feature_matrix", "input_arrays", "plain_names"]

#: float32 holds each integer up to this one.
_MAX_INTEGER = 1 << 24
#: What XGBoost or LightGBM refuses in the name of a feature.
_REFUSED = re.compile(r"[\[\]{}:,\"\s]+")


@argument_hints
def feature_matrix(
    batch: Batch, loader: SplitLoader, *, leave_out: Collection[str] = ()
) -> NDArray[np.float32]:
    """Return all inputs of a batch side by side, as BDTs and scikit-learn take them.

    The columns are in the same order in `to_xgboost` and `to_lightgbm`. Objects of a fixed length
    are flattened: first all values of the first object, then those of the second.

    Parameters
    ----------
    batch : dict of str to array
        A batch.
    loader : SplitLoader
        The loader that it comes from, which knows the inputs of its training set. Without a
        training set, all keys but ``"_index"`` are inputs.
    leave_out : collection of str, optional
        For loaders without a training set: keys that are no inputs. `to_xgboost` and `to_lightgbm`
        leave out ``["label", "weight"]`` by default.

    Returns
    -------
    float32 array of shape (B, features)
        If the batch has a single input, this may be its own array, and not a copy.

    Raises
    ------
    ColumnError
        If an input has lists of any length, or texts.
    OptionError
        If there are no inputs, if float32 would round an integer, or if the batch has no arrays.
    MissingKeyError
        If the batch lacks an input of the loader, or a key of `leave_out`.

    Examples
    --------
    >>> for batch in test:
    ...     scores.add(batch, booster.inplace_predict(memmpy.feature_matrix(batch, test)))
    """
    loader = check_loader(loader, "feature_matrix")
    arrays = input_arrays(batch, loader, leave_out)
    parts = [_flat(name, values) for name, values in arrays]
    if len(parts) == 1:
        return np.ascontiguousarray(parts[0], np.float32)
    joined: NDArray[np.float32] = np.concatenate(parts, axis=1, dtype=np.float32)
    return joined


def input_arrays(
    batch: Mapping[str, Any], loader: SplitLoader, leave_out: Collection[str]
) -> Iterator[tuple[str, Array]]:
    """Yield the name and the values of each input of a batch, as arrays of numbers."""
    if not isinstance(batch, Mapping):
        raise OptionError(f"batch must be a dict of arrays, got {type(batch).__name__}")
    if isinstance(leave_out, str) or not isinstance(leave_out, Collection):
        message = "leave_out must be a list of keys, such as ['label']"
        raise OptionError(f"{message}, got {leave_out!r:.200}")
    unknown = [key for key in leave_out if key not in batch]
    if unknown:
        known = [key for key in batch if key != "_index"]
        message = f"the batches have no {unknown[0]!r}{nearest(str(unknown[0]), known)}"
        raise MissingKeyError(message, str(unknown[0]))
    names: Iterable[str] = loader.inputs or (key for key in batch if key != "_index")
    names = [name for name in names if name not in leave_out]
    if not names:
        raise OptionError("the batches have no inputs: a loader needs at least one more key")
    for name in names:
        if name not in batch:
            message = f"the batch has no {name!r}, an input of {loader!r}"
            raise MissingKeyError(f"{message}: give a batch of this loader", name)
        array = batch[name]
        if isinstance(array, Jagged):
            message = f"{name!r} has lists of any length, and rows are equally long"
            way_out = "give a length to its Objects" if loader.inputs else "pad it, or leave it out"
            raise ColumnError(f"{message}: {way_out}")
        if not isinstance(array, np.ndarray):
            message = f"{name!r} is a {type(array).__name__}, and no array of NumPy"
            raise OptionError(f"{message}: give a batch of the loader itself")
        if array.dtype.kind not in "biuf":
            message = f"{name!r} has values of {array.dtype}, and no numbers"
            raise ColumnError(f"{message}: leave it out of the keys")
        yield name, array


def element_names(arrays: Mapping[str, Array], loader: SplitLoader) -> list[str]:
    """Return a name for each number of an entry, such as ``"met"`` and ``"jet_pt[0]"``.

    Parameters
    ----------
    arrays : mapping of str to array of shape (B, ...)
        Parts of a batch.
    loader : SplitLoader
        The loader, which knows the keys of inputs. A key that two inputs have goes with its input:
        ``"jets.pt[0]"``.
    """
    parts = {
        name: _element_names(loader.inputs[name], array.shape[1:])
        if name in loader.inputs
        else _element_names((name,), (*array.shape[1:], 1))
        for name, array in arrays.items()
    }
    counts = Counter(element for elements in parts.values() for element in elements)
    return [
        element if counts[element] == 1 or element == name else f"{name}.{element}"
        for name, elements in parts.items()
        for element in elements
    ]


def plain_names(names: Iterable[str]) -> list[str]:
    """Return names that XGBoost and LightGBM take: ``"jet_pt[0]"`` becomes ``"jet_pt_0"``."""
    plain: list[str] = []
    for name in names:
        base = _REFUSED.sub("_", name.replace("<", " lt ")).strip("_") or "_"
        number, candidate = 1, base
        while candidate in plain:
            number += 1
            candidate = f"{base}_{number}"
        plain.append(candidate)
    return plain


def _element_names(keys: tuple[str, ...], shape: tuple[int, ...]) -> list[str]:
    """Return a name for each number of an entry of this shape, whose last axis has keys."""
    places = ("".join(f"[{i}]" for i in index) for index in np.ndindex(shape[:-1]))
    return [f"{key}{place}" for place in places for key in keys]


def _flat(name: str, values: Array) -> Array:
    """Return values as an array of shape (B, features), if float32 holds them."""
    if values.dtype.kind in "iu" and values.dtype.itemsize > 2 and values.size:
        largest = max(abs(int(values.min())), abs(int(values.max())))
        if largest > _MAX_INTEGER:
            message = f"{name!r} has the integer {largest:,}, and BDTs read float32, which rounds"
            message = f"{message} integers above {_MAX_INTEGER:,}: leave it out of the keys"
            raise OptionError(f"{message}, or name the inputs in training_set(inputs=...)")
    return values.reshape(len(values), -1)
