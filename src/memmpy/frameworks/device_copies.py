"""Copies batches of tensors to a GPU, ahead of the training and beside it."""

import ctypes
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any, Protocol, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_integer
from memmpy.errors import OptionError
from memmpy.frameworks.framework_loader import require
from memmpy.parallel import prefetch

__all__ = ["CopyEvent", "CopyStream", "batches_by", "check_device", "copies_to", "require_torch"]

Tensor: TypeAlias = Any  # torch.Tensor; the package torch is optional
Octets: TypeAlias = NDArray[np.uint8]

#: Tensors on a device begin at a multiple of it, as torch has it for the widest loads.
_ALIGNMENT = 64
#: Overlapping tensors keep their distance to a multiple of it, so that no number is misaligned.
_PHASE = 16
#: Tensors are copied with the bytes between them if all bytes are at most this many times theirs.
_MOST_BYTES = 2


class CopyEvent(Protocol):
    """The end of a copy."""

    def synchronize(self) -> None:
        """Wait until the copy has been made."""


class CopyStream(Protocol):
    """Copies bytes to a device, one block after the other, beside the work of the consumer.

    Any thread may call its methods.
    """

    def host_memory(self, num_bytes: int) -> Tensor:
        """Return memory of the host from which the device can copy by itself: uint8 of 1 axis."""

    def copy(self, block: Tensor) -> tuple[Tensor, CopyEvent]:
        """Begin to copy a block, and return its copy on the device and the end of the copy."""

    def receive(self, memory: Tensor, event: CopyEvent) -> None:
        """Let the consumer's work that follows wait for a copy, and keep it until that is done."""


def require_torch() -> Any:  # a module
    """Return the package torch."""
    return require("torch", door="to_torch", install="memmpy[torch]")


def check_device(device: object) -> Any:  # torch.device
    """Return a device that batches can be copied to: the CPU, or a GPU with its number.

    Raises
    ------
    OptionError
        If it is none, or if there is no such GPU.
    """
    torch = require_torch()
    try:
        checked = torch.device(device)
    except (RuntimeError, TypeError):
        checked = None
    if checked is None or checked.type not in {"cpu", "cuda"}:
        raise OptionError(f"device must be 'cpu', 'cuda' or 'cuda:0', got {device!r}")
    if checked.type == "cpu":
        return checked
    if not torch.cuda.is_available():
        if torch.version.cuda is None and torch.version.hip is None:
            reason = f"PyTorch {torch.__version__} is built without CUDA; install one with CUDA"
            way_out = f"{reason} (https://pytorch.org/get-started)"
        else:
            way_out = "PyTorch finds no GPU; check that nvidia-smi lists one and its driver is new"
        raise OptionError(f"device={str(device)!r} needs a GPU: {way_out}, or give device='cpu'")
    index = torch.cuda.current_device() if checked.index is None else checked.index
    if index >= torch.cuda.device_count():
        last = torch.cuda.device_count() - 1
        raise OptionError(f"device={str(device)!r} is no GPU of this machine: give 0 to {last}")
    return torch.device("cuda", index)


def copies_to(
    batches: Iterable[Mapping[str, Any]], device: object, *, num_ahead: int = 2
) -> Generator[dict[str, Any], None, None]:
    """Yield batches on a device, copied ahead.

    A thread copies the tensors of a batch into one block of pinned memory. A stream of its own
    copies the block to the GPU while the training goes on. The tensors of a batch share memory on
    the GPU, which torch reuses after the work on it that was submitted to the stream that is the
    current one at ``next()``.

    Parameters
    ----------
    batches : iterable of dict of str to value
        Values are CPU tensors, and tuples or named tuples with such tensors. Others stay as they
        are, such as the int of a longest list.
    device : str or torch.device
        The GPU, such as ``"cuda"`` or ``"cuda:1"``. For ``"cpu"``, batches pass unchanged.
    num_ahead : int, default 2
        How many batches are copied while the consumer uses one.

    Yields
    ------
    dict of str to value
        The batches, with equal values, shapes and dtypes.

    Raises
    ------
    OptionError
        If there is no such device.

    Examples
    --------
    >>> for batch in copies_to(batches, "cuda"):  # doctest: +SKIP
    ...     train(batch["x"], batch["label"])
    """
    num_ahead = check_integer("num_ahead", num_ahead, minimum=1)
    checked = check_device(device)
    if checked.type == "cpu":
        return _unchanged(batches)
    return batches_by(_CudaStream(checked), batches, num_ahead=num_ahead)


def batches_by(
    stream: CopyStream, batches: Iterable[Mapping[str, Any]], *, num_ahead: int
) -> Generator[dict[str, Any], None, None]:
    """Yield batches that a stream copies ahead; see `copies_to`."""
    blocks = _Blocks(stream, num_ahead + 1)
    tasks = (partial(blocks.begin, batch) for batch in batches)
    for copy in prefetch(tasks, num_threads=1, depth=num_ahead + 1):
        yield copy.receive(stream)


def _unchanged(batches: Iterable[Mapping[str, Any]]) -> Generator[dict[str, Any], None, None]:
    for batch in batches:
        yield dict(batch)


@final
@dataclass(frozen=True, slots=True)
class _BatchCopy:
    """A batch whose copy has begun."""

    batch: dict[str, Any]
    memory: Tensor
    event: CopyEvent

    def receive(self, stream: CopyStream) -> dict[str, Any]:
        """Return the batch for the work of the consumer."""
        stream.receive(self.memory, self.event)
        return self.batch


def _collect(value: Any, tensor_class: type, tensors: list[Tensor]) -> None:
    """Append the tensors of a value to a list."""
    if isinstance(value, tensor_class):
        tensors.append(value)
    elif isinstance(value, tuple):
        for item in value:
            _collect(item, tensor_class, tensors)


def _rebuilt(value: Any, tensor_class: type, views: Iterator[Tensor]) -> Any:
    """Return a value with the next views in place of its tensors."""
    if isinstance(value, tensor_class):
        return next(views)
    if not isinstance(value, tuple):
        return value
    items = [_rebuilt(item, tensor_class, views) for item in value]
    make: Callable[[Iterable[Any]], Any] = getattr(type(value), "_make", type(value))
    return make(items)


@final
class _Blocks:
    """A ring of blocks of host memory. A block is filled again after its copy has been made.

    Parameters
    ----------
    stream : CopyStream
        Copies the blocks.
    num : int
        The number of blocks, at least 2: two threads fill blocks at the same time.
    """

    def __init__(self, stream: CopyStream, num: int) -> None:
        self._stream, self._torch = stream, require_torch()
        self._blocks: SimpleQueue[tuple[Tensor, CopyEvent] | None] = SimpleQueue()
        for _ in range(num):
            self._blocks.put(None)

    def begin(self, batch: Mapping[str, Any]) -> _BatchCopy:
        """Begin to copy a batch."""
        tensors: list[Tensor] = []
        for value in batch.values():
            _collect(value, self._torch.Tensor, tensors)
        # A block that is made in inference mode could not be filled again outside of it.
        with self._torch.inference_mode(False):
            layout = _BlockLayout(tensors)
            memory, event = self._copy(layout)
            views = layout.views(memory)
            copied = {
                key: _rebuilt(value, self._torch.Tensor, views) for key, value in batch.items()
            }
        return _BatchCopy(copied, memory, event)

    def _copy(self, layout: "_BlockLayout") -> tuple[Tensor, CopyEvent]:
        """Begin to copy tensors, and return their memory on the device and the end of the copy."""
        block = self._blocks.get()
        try:
            if block is not None:
                block[1].synchronize()
            if block is None or len(block[0]) < layout.num_bytes:
                memory = self._stream.host_memory(layout.num_bytes)
            else:
                memory = block[0]
            block = None  # if an error comes: its memory may be half filled, or being copied
            layout.fill(memory, self._torch.from_numpy)
            copied, event = self._stream.copy(memory[: layout.num_bytes])
            block = memory, event
        finally:
            self._blocks.put(block)
        return copied, event


@final
class _BlockLayout:
    """The places of tensors in a block of bytes.

    The single numbers of a skim are fields of rows, so their tensors interleave. Tensors that
    overlap are copied at once, with the bytes between them, and keep their strides. All others
    become contiguous.

    Parameters
    ----------
    tensors : list of CPU tensor
        Strided ones. They must live until `fill` is over.
    """

    def __init__(self, tensors: list[Tensor]) -> None:
        self.num_bytes = 0
        #: The range of addresses and its place in the block.
        self._spans: list[tuple[int, int, int]] = []
        self._contiguous: list[tuple[Tensor, int]] = []
        #: Of each tensor: its place in the block and its strides.
        self._places = [(0, _contiguous_strides(tensor.shape)) for tensor in tensors]
        self._tensors = tensors
        extents = [
            (tensor.data_ptr(), _num_bytes(tensor), number)
            for number, tensor in enumerate(tensors)
            if tensor.numel()
        ]
        group: list[tuple[int, int]] = []  # address and number of tensors that overlap
        start = stop = 0
        for address, num_bytes, number in sorted(extents):
            if group and address >= stop:
                self._place(group, start, stop)
                group = []
            if not group:
                start = stop = address
            group.append((address, number))
            stop = max(stop, address + num_bytes)
        if group:
            self._place(group, start, stop)

    def _place(self, group: list[tuple[int, int]], start: int, stop: int) -> None:
        """Place tensors that overlap, in the addresses start..stop-1."""
        tensors = [self._tensors[number] for _, number in group]
        own_bytes = sum(tensor.nbytes for tensor in tensors)
        aligned = all(address % self._tensors[n].element_size() == 0 for address, n in group)
        is_alone = len(group) == 1 and tensors[0].is_contiguous()
        if is_alone or not aligned or stop - start > _MOST_BYTES * own_bytes:
            for _, number in group:
                tensor = self._tensors[number]
                place = self._take(tensor.nbytes, 0)
                self._contiguous.append((tensor, place))
                self._places[number] = place, _contiguous_strides(tensor.shape)
            return
        place = self._take(stop - start, start % _PHASE)
        self._spans.append((start, stop, place))
        for address, number in group:
            strides = self._tensors[number].stride()
            self._places[number] = place + address - start, strides

    def _take(self, num_bytes: int, phase: int) -> int:
        """Return a place for so many bytes, and leave room for them."""
        place = self.num_bytes + phase
        self.num_bytes = -(-(place + num_bytes) // _ALIGNMENT) * _ALIGNMENT
        return place

    def fill(self, block: Tensor, tensor_of: Callable[[Octets], Tensor]) -> None:
        """Copy the tensors to their places in a block."""
        for start, stop, place in self._spans:
            block[place : place + stop - start].copy_(tensor_of(_octets_at(start, stop)))
        for tensor, place in self._contiguous:
            room = block[place : place + tensor.nbytes].view(tensor.dtype)
            room.view(tensor.shape).copy_(tensor)

    def views(self, memory: Tensor) -> Iterator[Tensor]:
        """Yield the tensors in a copy of the block."""
        typed = {dtype: memory.view(dtype) for dtype in {one.dtype for one in self._tensors}}
        for tensor, (place, strides) in zip(self._tensors, self._places, strict=True):
            values = typed[tensor.dtype]
            first = place // tensor.element_size()
            yield values.as_strided(tensor.shape, strides, first)


def _num_bytes(tensor: Tensor) -> int:
    """Return the bytes from the first to the last number of a tensor that has some."""
    pairs = zip(tensor.shape, tensor.stride(), strict=True)
    span: int = 1 + sum((size - 1) * stride for size, stride in pairs)
    return span * int(tensor.element_size())


def _contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(1, size)
    return tuple(reversed(strides))


def _octets_at(start: int, stop: int) -> Octets:
    """Return the memory of some addresses. Another object must keep it alive."""
    memory = (ctypes.c_uint8 * (stop - start)).from_address(start)
    return np.frombuffer(memoryview(memory), np.uint8)


@final
class _CudaStream:
    """Copies to a GPU on a stream of its own.

    Memory on the GPU belongs to that stream. `record_stream` tells torch that the consumer's stream
    uses it, too, so torch gives it to a later copy only after the consumer's work on it.

    Parameters
    ----------
    device : torch.device
        The GPU, with its number.
    """

    def __init__(self, device: Any) -> None:  # torch.device
        self._cuda, self._empty = require_torch().cuda, require_torch().empty
        self._octet, self._device = require_torch().uint8, device
        self._stream = self._cuda.Stream(device)

    def host_memory(self, num_bytes: int) -> Tensor:
        """Return pinned memory. Else a thread would open GPU 0 for it, which takes memory there."""
        with self._cuda.device(self._device):
            return self._empty(num_bytes, dtype=self._octet, device="cpu", pin_memory=True)

    def copy(self, block: Tensor) -> tuple[Tensor, CopyEvent]:
        """Begin to copy a block on the stream."""
        with self._cuda.stream(self._stream):
            memory = self._empty(len(block), dtype=self._octet, device=self._device)
            memory.copy_(block, non_blocking=True)
            event: CopyEvent = self._stream.record_event()
        return memory, event

    def receive(self, memory: Tensor, event: CopyEvent) -> None:
        """Let the current stream wait for a copy, and count as a user of its memory."""
        current = self._cuda.current_stream(self._device)
        current.wait_event(event)
        memory.record_stream(current)
