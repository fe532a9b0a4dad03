"""`copies_to`: copies batches of tensors to a GPU while the training uses earlier ones."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from functools import cache, partial
from queue import SimpleQueue
from typing import Any, NamedTuple, Protocol, TypeAlias, final

from memmpy.checks import check_integer
from memmpy.errors import OptionError, require
from memmpy.frameworks.gpu.block_layout import BlockLayout, TypedMemory
from memmpy.parallel import prefetch

__all__ = ["CopyEvent", "CopyStream", "batches_by", "check_device", "copies_to", "require_torch"]

Tensor: TypeAlias = Any  # torch.Tensor; the package torch is optional

#: One copy takes batches until it has this many bytes, or this many batches. A smaller copy takes
#: longer to begin than to make, and so does the work of Python for it.
_GROUP_BYTES, _GROUP_BATCHES = 1 << 20, 16


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
    return require("torch", what="to_torch", extra="torch")


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

    A thread copies the tensors of a batch, or of several small ones, into one block of pinned
    memory. A stream of its own copies the block to the GPU while the training goes on. These
    batches share memory on the GPU. Use them on the stream that is the current one at ``next()``:
    torch gives the memory to others after the work of that stream on it.

    Parameters
    ----------
    batches : iterable of dict of str to value
        Values are CPU tensors, and tuples or named tuples with such tensors. Others stay as they
        are, such as the int of a longest list.
    device : str or torch.device
        The GPU, such as ``"cuda"`` or ``"cuda:1"``. For ``"cpu"``, batches pass unchanged.
    num_ahead : int, default 2
        How many batches, or groups of small ones, are copied while the consumer uses one.

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
        return (dict(batch) for batch in batches)
    return batches_by(_stream_to(checked), batches, num_ahead=num_ahead)


def batches_by(
    stream: CopyStream, batches: Iterable[Mapping[str, Any]], *, num_ahead: int
) -> Generator[dict[str, Any], None, None]:
    """Yield batches that a stream copies ahead; see `copies_to`."""
    torch = require_torch()
    ring = _Ring(stream, num_ahead + 1, torch)
    tasks = (partial(ring.begin, group) for group in _groups_of(batches, torch.Tensor))
    with closing(prefetch(tasks, num_threads=1, depth=num_ahead + 1)) as copies:
        for copied, memory, event in copies:
            while copied:
                stream.receive(memory, event)
                yield copied.pop(0)


class _HostBatch(NamedTuple):
    """A batch in the memory of the host, and its tensors one after the other."""

    values: Mapping[str, Any]
    tensors: list[Tensor]


class _GroupCopy(NamedTuple):
    """Batches whose copy into the memory of a device has begun."""

    batches: list[dict[str, Any]]
    memory: Tensor
    event: CopyEvent


def _groups_of(
    batches: Iterable[Mapping[str, Any]], tensor_class: type
) -> Iterator[list[_HostBatch]]:
    """Yield batches in groups that are copied at once: one large batch, or several small ones."""
    group: list[_HostBatch] = []
    num_bytes = 0
    for batch in batches:
        tensors: list[Tensor] = []
        for value in batch.values():
            _collect(value, tensor_class, tensors)
        group.append(_HostBatch(batch, tensors))
        num_bytes += sum(tensor.nbytes for tensor in tensors)
        if num_bytes >= _GROUP_BYTES or len(group) >= _GROUP_BATCHES:
            yield group
            group, num_bytes = [], 0
    if group:
        yield group


def _collect(value: Any, tensor_class: type, tensors: list[Tensor]) -> None:
    """Append the tensors of a value to a list."""
    if isinstance(value, tensor_class):
        tensors.append(value)
    elif isinstance(value, tuple):
        for item in value:
            _collect(item, tensor_class, tensors)


def _rebuild(value: Any, tensor_class: type, views: Iterator[Tensor]) -> Any:
    """Return a value with the next views in place of its tensors."""
    if isinstance(value, tensor_class):
        return next(views)
    if not isinstance(value, tuple):
        return value
    items = [_rebuild(item, tensor_class, views) for item in value]
    make: Callable[[Iterable[Any]], Any] = getattr(type(value), "_make", type(value))
    return make(items)


@final
class _Ring:
    """A ring of blocks of host memory. A block is filled again after its copy has been made.

    Parameters
    ----------
    stream : CopyStream
        Copies the blocks.
    num : int
        The number of blocks, at least 2: two threads fill blocks at the same time.
    torch : module
        The package.
    """

    def __init__(self, stream: CopyStream, num: int, torch: Any) -> None:  # a module
        self._stream, self._torch = stream, torch
        self._layout = BlockLayout([])
        self._blocks: SimpleQueue[tuple[Tensor, CopyEvent] | None] = SimpleQueue()
        for _ in range(num):
            self._blocks.put(None)

    def begin(self, group: list[_HostBatch]) -> _GroupCopy:
        """Begin to copy a group of batches."""
        parts, num_bytes = [], 0
        for batch in group:
            layout = self._layout  # most batches have that of the one before
            if not layout.fits(batch.tensors):
                self._layout = layout = BlockLayout(batch.tensors)
            parts.append((batch, layout, num_bytes))
            num_bytes += layout.num_bytes
        # A block that is made in inference mode could not be filled again outside of it.
        with self._torch.inference_mode(False):
            memory, event = self._copy(parts, num_bytes)
            copies, typed = [], TypedMemory(memory)
            for batch, layout, start in parts:
                views = layout.views(typed, start)
                copy = {
                    key: _rebuild(value, self._torch.Tensor, views)
                    for key, value in batch.values.items()
                }
                copies.append(copy)
        return _GroupCopy(copies, memory, event)

    def _copy(
        self, parts: list[tuple[_HostBatch, BlockLayout, int]], num_bytes: int
    ) -> tuple[Tensor, CopyEvent]:
        """Begin to copy batches, and return their memory on the device and the end of the copy."""
        block = self._blocks.get()
        try:
            if block is not None:
                block[1].synchronize()
            if block is None or len(block[0]) < num_bytes:
                memory = self._stream.host_memory(num_bytes)
            else:
                memory = block[0]
            block = None  # if an error comes: its memory may be half filled, or being copied
            for batch, layout, start in parts:
                layout.fill(memory[start:], batch.tensors, self._torch.from_numpy)
            copied, event = self._stream.copy(memory[:num_bytes])
            block = memory, event
        finally:
            self._blocks.put(block)
        return copied, event


@cache
def _stream_to(device: Any) -> CopyStream:  # torch.device
    """Return the only stream to a GPU: torch keeps free memory for the stream that had it."""
    return _CudaStream(device)


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
