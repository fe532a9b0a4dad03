"""`BlockLayout`: the places of the tensors of a batch in one block of bytes."""

import ctypes
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["BlockLayout", "TypedMemory"]

Tensor: TypeAlias = Any  # torch.Tensor; the package torch is optional

#: Tensors begin at a multiple of it, so that a device can load many numbers at once.
_ALIGNMENT = 64
#: The largest size of a number: tensors that overlap keep their distance to a multiple of it.
_LARGEST_NUMBER = 16
#: Tensors are copied with the bytes between them if all bytes are at most this many times theirs.
_MOST_BYTES = 2
#: torch copies with several threads, which take longer to begin: used for this many bytes or more.
_LARGE_BYTES = 1 << 18


@final
class TypedMemory(dict[Any, Tensor]):
    """Bytes as numbers of any dtype.

    Parameters
    ----------
    memory : tensor of uint8, of shape (n,)
        The bytes, a multiple of 16.
    """

    def __init__(self, memory: Tensor) -> None:
        self._memory = memory

    def __missing__(self, dtype: Any) -> Tensor:  # a torch.dtype
        view = self[dtype] = self._memory.view(dtype)
        return view


class _Span(NamedTuple):
    """Bytes that are copied at once.

    Parameters
    ----------
    place : int
        Where they begin in the block.
    num_bytes : int
        Their number.
    first : int
        The number of the tensor that begins with them.
    others : tuple of (int, int)
        The numbers of other tensors in them, and how many bytes later these begin.
    """

    place: int
    num_bytes: int
    first: int
    others: tuple[tuple[int, int], ...]


@final
class BlockLayout:
    """The places of the tensors of a batch in one block of bytes.

    The single numbers of a skim are fields of rows, so their tensors interleave. Tensors that
    overlap are copied at once, with the bytes between them, and keep their strides. So does a
    tensor with small gaps. A tensor with large gaps becomes contiguous.

    Parameters
    ----------
    tensors : list of CPU tensor
        Strided ones. Those of other batches can have the same places: see `fits`.

    Attributes
    ----------
    num_bytes : int
        The bytes of the block, a multiple of 64.
    """

    def __init__(self, tensors: list[Tensor]) -> None:
        self.num_bytes: int = 0
        self._kinds = [(one.dtype, one.shape, one.stride()) for one in tensors]
        self._spans: list[_Span] = []
        #: Tensors that become contiguous, by number, with their place.
        self._scattered: list[tuple[int, int]] = []
        #: The place of each tensor in bytes, and its strides there.
        self._places = [(0, _contiguous_strides(one.shape)) for one in tensors]
        extents = [
            (one.data_ptr(), one.data_ptr() + _extent(one), number)
            for number, one in enumerate(tensors)
            if one.numel()
        ]
        group: list[tuple[int, int]] = []  # address and number of tensors that overlap
        group_stop = 0
        for start, stop, number in sorted(extents):
            if group and start >= group_stop:
                self._place(group, group_stop, tensors)
                group = []
            group.append((start, number))
            group_stop = max(stop, group_stop)
        if group:
            self._place(group, group_stop, tensors)
        self._sizes = [one.element_size() for one in tensors]

    def fits(self, tensors: list[Tensor]) -> bool:
        """Return whether other tensors can have these places: those that overlap do so alike."""
        if [(one.dtype, one.shape, one.stride()) for one in tensors] != self._kinds:
            return False
        return all(
            tensors[number].data_ptr() - tensors[span.first].data_ptr() == offset
            for span in self._spans
            for number, offset in span.others
        )

    def fill(
        self,
        block: Tensor,
        tensors: list[Tensor],
        tensor_of: Callable[[NDArray[np.uint8]], Tensor],
    ) -> None:
        """Copy tensors that fit to their places.

        Parameters
        ----------
        block : CPU tensor of uint8, of shape (n,)
            The block, or more.
        tensors : list of CPU tensor
            The tensors.
        tensor_of : callable
            Turns an array into a tensor: `torch.from_numpy`.
        """
        block_start = block.data_ptr()
        for place, num_bytes, first, _ in self._spans:
            start = tensors[first].data_ptr()
            if num_bytes < _LARGE_BYTES:
                ctypes.memmove(block_start + place, start, num_bytes)
            else:
                block[place : place + num_bytes].copy_(tensor_of(_octets_at(start, num_bytes)))
        for number, place in self._scattered:
            tensor = tensors[number]
            room = block[place : place + tensor.nbytes].view(tensor.dtype)
            room.view(tensor.shape).copy_(tensor)

    def views(self, memory: TypedMemory, start: int) -> Iterator[Tensor]:
        """Yield the tensors in memory in which the block begins at a byte, a multiple of 64."""
        for (dtype, shape, _), (place, strides), size in zip(
            self._kinds, self._places, self._sizes, strict=True
        ):
            yield memory[dtype].as_strided(shape, strides, (start + place) // size)

    def _place(self, group: list[tuple[int, int]], stop: int, tensors: list[Tensor]) -> None:
        """Place tensors that overlap: each address and number, and the address of their end."""
        start, first = group[0]
        own = [(address, number, tensors[number]) for address, number in group]
        is_aligned = all(address % tensor.element_size() == 0 for address, _, tensor in own)
        is_dense = stop - start <= _MOST_BYTES * sum(tensor.nbytes for *_, tensor in own)
        if is_dense and (is_aligned or len(own) == 1):
            place = self._take(stop - start, start % _LARGEST_NUMBER if len(own) > 1 else 0)
            others = tuple((number, address - start) for address, number in group[1:])
            self._spans.append(_Span(place, stop - start, first, others))
            for address, number, tensor in own:
                self._places[number] = place + address - start, tensor.stride()
            return
        for _, number, tensor in own:
            place = self._take(tensor.nbytes, 0)
            self._scattered.append((number, place))
            self._places[number] = place, self._places[number][1]

    def _take(self, num_bytes: int, remainder: int) -> int:
        """Return a free place for some bytes, with a remainder by the largest number."""
        place = self.num_bytes + remainder
        self.num_bytes = -(-(place + num_bytes) // _ALIGNMENT) * _ALIGNMENT
        return place


def _extent(tensor: Tensor) -> int:
    """Return the bytes from the first number of a tensor to the end of its last one."""
    pairs = zip(tensor.shape, tensor.stride(), strict=True)
    num: int = 1 + sum((size - 1) * stride for size, stride in pairs)
    return num * int(tensor.element_size())


def _contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(1, size)
    return tuple(reversed(strides))


def _octets_at(address: int, num_bytes: int) -> NDArray[np.uint8]:
    """Return the bytes at an address. Another object must keep them alive."""
    memory = (ctypes.c_uint8 * num_bytes).from_address(address)
    return np.frombuffer(memoryview(memory), np.uint8)
