"""`ResidentLoader`: keeps the entries of a loader on a GPU, and gathers the batches there."""

import math
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from functools import partial
from itertools import chain
from typing import Any, final

import numpy as np

from memmpy.display import format_size
from memmpy.errors import ColumnError, OptionError
from memmpy.frameworks.device_copies import Tensor, check_device, copies_to, require_torch
from memmpy.frameworks.framework_loader import FrameworkLoader
from memmpy.parallel import memory_for_pages, prefetch
from memmpy.splits import SplitLoader
from memmpy.typing import Batch

__all__ = ["ResidentLoader"]

#: Bytes of entries that are copied to the device at once.
_CHUNK_BYTES = 16 << 20
#: The share of the free memory of a device that rows may take; the training needs the rest.
_SHARE = 0.9
#: Rows from which on one block of GPU threads for each row, as torch has it for rows of a multiple
#: of 16 bytes that begin at one, keeps all threads busy: 32 threads that load 16 bytes each.
_WIDE_BYTES = 512


@final
class ResidentLoader(FrameworkLoader[dict[str, Tensor]]):
    """The batches of a loader, gathered on a device that keeps all entries of the split.

    The values are copied to the device once, scaled and weighted. Then only the numbers of the
    entries are copied, ahead. The batches are those of the loader, in equal order. Arrays are
    contiguous; single numbers are strided, as those of a skim are. With ranks, each rank keeps the
    whole split.

    Parameters
    ----------
    loader : SplitLoader
        The loader. Its batches have no lists.
    device : str or torch.device
        The GPU, such as ``"cuda"``; or ``"cpu"``.
    tensors_of : callable
        Turns a batch of arrays into a dict of CPU tensors of equal length.

    Raises
    ------
    OptionError
        If there is no such device, or if the entries do not fit into its free memory.
    ColumnError
        If a batch has lists, or values that are no tensor.

    Examples
    --------
    >>> def tensors_of(batch):
    ...     return {key: torch.from_numpy(values) for key, values in batch.items()}
    >>> loader = ResidentLoader(loader, "cuda", tensors_of=tensors_of)  # doctest: +SKIP
    """

    def __init__(
        self,
        loader: SplitLoader,
        device: object,
        *,
        tensors_of: Callable[[Batch], Mapping[str, Tensor]],
    ) -> None:
        super().__init__(loader)
        #: The device.
        self.device = check_device(device)
        self._torch, self._segments = require_torch(), list[_Segment]()
        self._keys: tuple[str, ...] = ()
        if loader.split_size:
            first = _checked(tensors_of(loader.take([0])), self._torch.Tensor)
            self._keys = tuple(first)
            with self._torch.inference_mode(False):
                self._segments = _segments_of(first)
                self._allocate()
                self._fill(tensors_of)

    @property
    def nbytes(self) -> int:
        """The bytes that the entries take on the device."""
        return self.loader.split_size * sum(segment.row_bytes for segment in self._segments)

    def batches(self, epoch: int, *, position: int = 0) -> Generator[dict[str, Tensor], None, None]:
        """Iterate over the batches of a given epoch; see `SplitLoader.batches`."""
        with closing(self.loader.members(epoch, position=position)) as members:
            yield from self.loader.mark_repeat(self.convert(members), position=position)

    def convert(self, batches: Iterator[Any]) -> Generator[dict[str, Tensor], None, None]:
        """Yield the batches of some members of the split, as `SplitLoader.members` has them."""
        runs = ({"members": self._torch.from_numpy(members)} for members in batches)
        with closing(copies_to(runs, self.device)) as copies:
            for copy in copies:
                for values in self._gathered(copy["members"]):
                    yield dict(zip(self._keys, values, strict=True))

    def _gathered(self, members: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """Return the values of each batch: views of what is gathered for many at once."""
        num, left = divmod(len(members), self.batch_size)
        stop = num * self.batch_size
        columns: dict[str, Tensor] = {}
        with self._torch.inference_mode(False):
            for segment in self._segments:
                if self.device.type == "cuda":  # then their memory stays until it has gathered
                    segment.words.record_stream(self._torch.cuda.current_stream(self.device))
                columns |= segment.views(segment.words.index_select(0, members))
            ordered = [columns[key] for key in self._keys]
            whole = [one[:stop].unflatten(0, (num, -1)).unbind(0) for one in ordered if num]
            rest = [[one[stop:]] for one in ordered if left]
        return chain(zip(*whole, strict=True), zip(*rest, strict=True))

    def _allocate(self) -> None:
        """Take the memory for all entries on the device, if it is free."""
        needed, free = self.nbytes, _free_bytes(self.device)
        if free is not None and needed > _SHARE * free:
            raise OptionError(
                f"resident=True needs {format_size(needed)} ({needed:,} bytes) for "
                f"{self.loader.split_size:,} entries, and {self.device} has "
                f"{format_size(free)} ({free:,} bytes) free, of which it takes at most "
                f"{_SHARE:.0%}; leave out resident=True, or load fewer keys or entries"
            )
        for segment in self._segments:
            segment.allocate(self.loader.split_size, self.device)

    def _fill(self, tensors_of: Callable[[Batch], Mapping[str, Tensor]]) -> None:
        """Copy all entries to the device, in the order of the split."""
        loader = self.loader
        num, num_threads = loader.split_size, loader.num_threads
        size = max(1, _CHUNK_BYTES * num // max(1, self.nbytes))

        def chunk(start: int) -> Mapping[str, Tensor]:
            return tensors_of(loader.take(np.arange(start, min(start + size, num))))

        views: dict[str, Tensor] = {}
        for segment in self._segments:
            views |= segment.views(segment.words)
        starts = range(0, num, size)
        tasks = (partial(chunk, start) for start in starts)
        with (
            closing(prefetch(tasks, num_threads=num_threads, depth=num_threads + 1)) as chunks,
            closing(copies_to(chunks, self.device)) as copies,
        ):
            for start, copy in zip(starts, copies, strict=True):
                for key, values in copy.items():
                    views[key][start : start + len(values)].copy_(values)
        if self.device.type == "cuda":  # another stream may gather
            self._torch.cuda.synchronize(self.device)


@final
class _Segment:
    """Columns whose values lie in one row of a device, and are gathered at once.

    Each array of a batch is a segment, so that it becomes contiguous. All single numbers are one
    segment, in which each begins at a multiple of its size. The bytes of a row are held as integers
    as wide as possible.

    Parameters
    ----------
    columns : mapping of str to tensor of shape (n, ...)
        Some entries of each column: one array, or single numbers.
    """

    def __init__(self, columns: Mapping[str, Tensor]) -> None:
        widest_first = sorted(columns.items(), key=lambda item: -item[1].element_size())
        #: Key, dtype, shape of an entry and offset in numbers of this dtype.
        self._columns: list[tuple[str, Any, tuple[int, ...], int]] = []
        stop = 0
        for key, tensor in widest_first:
            shape, size = tuple(tensor.shape[1:]), tensor.element_size()
            self._columns.append((key, tensor.dtype, shape, stop // size))
            stop += math.prod(shape) * size
        self._itemsize = widest_first[0][1].element_size()
        #: Bytes of a row.
        self.row_bytes: int = -(-stop // self._itemsize) * self._itemsize
        #: The rows, of shape (n, k).
        self.words: Tensor = None

    def allocate(self, num: int, device: Any) -> None:  # torch.device
        """Take the memory for a number of rows."""
        torch = require_torch()
        size = next(size for size in (8, 4, 2, 1) if self.row_bytes % size == 0)
        dtype = {8: torch.int64, 4: torch.int32, 2: torch.int16, 1: torch.uint8}[size]
        width = self.row_bytes // size
        # CUDA's `index_select` takes a block of threads for each row that begins at 16 bytes, which
        # leaves most of them idle if rows are short. It takes one for many rows if they do not.
        is_short = self.row_bytes % 16 == 0 and self.row_bytes < _WIDE_BYTES
        first = int(is_short and self._itemsize <= 8)
        memory = torch.empty(first + num * width, dtype=dtype, device=device)
        self.words = memory[first:].view(num, width)

    def views(self, words: Tensor) -> dict[str, Tensor]:
        """Return the columns of rows, as views."""
        typed = {dtype: words.view(dtype) for dtype in {dtype for _, dtype, *_ in self._columns}}
        views = {}
        for key, dtype, shape, offset in self._columns:
            values = typed[dtype]
            views[key] = values.view(len(words), *shape) if shape else values[:, offset]
        return views


def _segments_of(columns: Mapping[str, Tensor]) -> list[_Segment]:
    """Return segments of all columns."""
    numbers = {key: values for key, values in columns.items() if values.ndim == 1}
    arrays = [_Segment({key: columns[key]}) for key in columns if key not in numbers]
    return [*arrays, _Segment(numbers)] if numbers else arrays


def _checked(batch: Mapping[str, Any], tensor_class: type) -> dict[str, Tensor]:
    """Return a batch if all of its values are tensors.

    Raises
    ------
    ColumnError
        If it has lists.
    """
    lists = [key for key, value in batch.items() if not isinstance(value, tensor_class)]
    if lists:
        names = ", ".join(map(repr, lists))
        message = f"resident=True takes arrays of fixed shape, and {names} of the loader is not one"
        raise ColumnError(
            f"{message}; pad lists by Objects(length=) or keys_padded=, or leave it out"
        )
    return dict(batch)


def _free_bytes(device: Any) -> int | None:  # torch.device
    """Return the free bytes of a device, with those that torch keeps for itself."""
    if device.type == "cpu":
        return memory_for_pages()
    cuda = require_torch().cuda
    free: int = cuda.mem_get_info(device)[0]
    return free + int(cuda.memory_reserved(device)) - int(cuda.memory_allocated(device))
