"""The arrays of a batch as PyTorch tensors: zero-copy, and lists in the form that models take."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import ColumnError, OptionError, argument_hints
from memmpy.frameworks.packed_lists import lists_of_collection, pack_lists
from memmpy.jagged import Jagged, mask_of
from memmpy.typing import Array, Batch, Mask

if TYPE_CHECKING:
    import torch

__all__ = [
    "GraphTensor",
    "JaggedForm",
    "JaggedTensor",
    "PackedTensor",
    "TensorFormat",
    "nest_lists",
]

#: How lists come: as values and `cu_seqlens`, as a `torch.nested` tensor, or as PyG has them.
JaggedForm: TypeAlias = Literal["flat", "nested", "pyg"]

#: The largest number of int32, which variable-length attention counts with.
_MAX_ITEMS = 2**31 - 1


@argument_hints
class JaggedTensor(NamedTuple):
    """Lists as variable-length attention takes them.

    Parameters
    ----------
    values : tensor of shape (n, ...)
        The items of all lists, one after the other.
    cu_seqlens : int32 tensor of shape (B + 1,)
        List i is ``values[cu_seqlens[i]:cu_seqlens[i + 1]]``.
    max_seqlen : int
        The length of the longest list.
    """

    values: "torch.Tensor"
    cu_seqlens: "torch.Tensor"
    max_seqlen: int


@argument_hints
class PackedTensor(NamedTuple):
    """Several collections of objects in one sequence, event by event.

    Parameters
    ----------
    values : tensor of shape (n, k)
        The objects; those of each event lie together, collection by collection.
    cu_seqlens : int32 tensor of shape (B + 1,)
        Event i has the objects ``values[cu_seqlens[i]:cu_seqlens[i + 1]]``.
    max_seqlen : int
        The number of objects of the event that has most.
    collections : int64 tensor of shape (n,)
        The number of the collection of each object, from 0 on.
    """

    values: "torch.Tensor"
    cu_seqlens: "torch.Tensor"
    max_seqlen: int
    collections: "torch.Tensor"


@argument_hints
class GraphTensor(NamedTuple):
    """Lists as PyTorch Geometric has the nodes of a batch of graphs.

    Parameters
    ----------
    values : tensor of shape (n, ...)
        The items of all lists, one after the other.
    batch : int64 tensor of shape (n,)
        The number of the list of each item.
    ptr : int64 tensor of shape (B + 1,)
        List i is ``values[ptr[i]:ptr[i + 1]]``.
    """

    values: "torch.Tensor"
    batch: "torch.Tensor"
    ptr: "torch.Tensor"


class _NestedParts(NamedTuple):
    """What a nested tensor is made of, on any device."""

    values: "torch.Tensor"
    offsets: "torch.Tensor"
    min_seqlen: int
    max_seqlen: int


@final
@dataclass(frozen=True, slots=True)
class TensorFormat:
    """How the arrays of a batch become tensors.

    Parameters
    ----------
    from_numpy : callable
        That of torch.
    jagged : "flat", "nested" or "pyg"
        How lists come.
    packed : mapping of str to tuple of str
        The keys that come in one sequence, by its name.
    dtype : torch.dtype, optional
        The dtype of floating values.
    cast_keys : collection of str, optional
        The keys that `dtype` is for; by default all.
    is_plain : bool
        Whether all values are arrays of a skim, which are writable, and stay as they are.
    """

    from_numpy: Callable[[Array], "torch.Tensor"]
    _: KW_ONLY
    jagged: JaggedForm
    packed: Mapping[str, tuple[str, ...]]
    dtype: "torch.dtype | None"
    cast_keys: Collection[str] | None
    is_plain: bool

    def tensors(self, batch: Batch) -> dict[str, Any]:
        """Return the values of a batch as tensors, or as tuples of tensors and numbers."""
        if self.is_plain:
            try:
                return dict(zip(batch, map(self.from_numpy, batch.values()), strict=True))
            except (TypeError, ValueError):
                return self._by_key(batch)  # whose error names the key
        return self._by_key(batch)

    def _by_key(self, batch: Batch) -> dict[str, Any]:
        tensors: dict[str, Any] = {name: self._packed(batch, name) for name in self.packed}
        hidden = {key for keys in self.packed.values() for key in keys}
        hidden |= {mask_of(key) for key in hidden if _mask_in(batch, key) is not None}
        for key, values in batch.items():
            if key not in hidden:
                is_list = isinstance(values, Jagged)
                tensors[key] = (self._lists if is_list else self._tensor)(key, values)
        return tensors

    def _tensor(self, key: str, values: Any) -> "torch.Tensor":
        array = _plain_array(key, values)
        try:
            tensor = self.from_numpy(array)
        except ValueError:  # strides below 0, or of half a number
            tensor = self.from_numpy(np.ascontiguousarray(array))
        except TypeError:
            message = f"key {key!r} holds {array.dtype}, which no tensor has"
            raise ColumnError(f"{message}: leave it out of keys=, or load numbers") from None
        if self.dtype is None or not tensor.is_floating_point():
            return tensor
        is_input = self.cast_keys is None or key in self.cast_keys
        return tensor.to(self.dtype) if is_input else tensor

    def _lists(self, key: str, lists: Jagged) -> NamedTuple:
        values, offsets = self._tensor(key, lists.content), lists.offsets
        if self.jagged == "flat":
            return JaggedTensor(values, *self._sequence_lengths(key, offsets))
        counts = np.diff(offsets)
        if self.jagged == "pyg":
            numbers = np.repeat(np.arange(len(counts)), counts)
            return GraphTensor(values, self.from_numpy(numbers), self._tensor(key, offsets))
        extent = int(counts.min()), int(counts.max())
        return _NestedParts(values, self._tensor(key, offsets), *extent)

    def _packed(self, batch: Batch, name: str) -> PackedTensor:
        keys = self.packed[name]
        values = [_lists_or_array(key, batch[key]) for key in keys]
        masks = [_mask_in(batch, key) for key in keys]
        lists = [lists_of_collection(*pair) for pair in zip(values, masks, strict=True)]
        dtypes = {str(one.dtype) for one in lists}
        if len(dtypes) > 1:
            message = f"packed {name!r} has the dtypes {', '.join(sorted(dtypes))}"
            raise ColumnError(f"{message}: inputs of one sequence need one dtype")
        content, collections = pack_lists(lists)
        tensor = self._tensor(keys[0], content.content)  # cast if the inputs are
        lengths = self._sequence_lengths(name, content.offsets)
        return PackedTensor(tensor, *lengths, self.from_numpy(collections))

    def _sequence_lengths(self, key: str, offsets: NDArray[np.int64]) -> tuple["torch.Tensor", int]:
        """Return offsets as int32, and the longest length."""
        num = int(offsets[-1])
        if num > _MAX_ITEMS:
            message = f"{key!r} has {num:,} items in a batch, and int32 counts to {_MAX_ITEMS:,}"
            raise OptionError(f"{message}: give a smaller batch_size")
        longest = int((offsets[1:] - offsets[:-1]).max())
        return self.from_numpy(offsets.astype(np.int32)), longest


def nest_lists(tensors: dict[str, Any]) -> dict[str, Any]:
    """Return tensors on their device, with nested tensors in place of their parts."""
    import torch

    for key, parts in tensors.items():
        if isinstance(parts, _NestedParts):
            lengths = {"min_seqlen": parts.min_seqlen, "max_seqlen": parts.max_seqlen}
            nested = torch.nested.nested_tensor_from_jagged
            tensors[key] = nested(parts.values, parts.offsets, **lengths)
    return tensors


def _mask_in(batch: Batch, key: str) -> Mask | None:
    """Return which objects of padded lists are real; None if the key has no mask."""
    values, mask = batch[key], batch.get(mask_of(key))
    if not isinstance(values, np.ndarray) or not isinstance(mask, np.ndarray):
        return None
    is_mask = mask.dtype == np.bool_ and mask.ndim == 2 and mask.shape == values.shape[:2]
    return mask if is_mask else None


def _lists_or_array(key: str, values: Any) -> Array | Jagged:
    return values if isinstance(values, Jagged) else _plain_array(key, values)


def _plain_array(key: str, values: Any) -> Array:
    """Return values as an array that torch may write to, in the byte order of this machine."""
    if type(values) is not np.ndarray:
        message = f"key {key!r} is a {type(values).__name__}, which no tensor holds"
        raise ColumnError(f"{message}: leave it out of keys=, or load numbers or lists of them")
    if not values.dtype.isnative:
        return values.astype(values.dtype.newbyteorder("="))
    return values if values.flags.writeable else values.copy()
