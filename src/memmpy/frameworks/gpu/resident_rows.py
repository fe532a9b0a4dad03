"""`ResidentLoader`: keeps the entries of a loader on a GPU, and gathers the batches there."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import Any, final

import numpy as np

from memmpy.display import format_size
from memmpy.errors import ColumnError, OptionError
from memmpy.frameworks.framework_loader import FrameworkLoader
from memmpy.frameworks.gpu.device_copies import check_device, copies_to, require_torch
from memmpy.frameworks.gpu.device_rows import DeviceRows, device_rows_of
from memmpy.frameworks.gpu.resident_lists import ResidentLists, counts_of, is_lists
from memmpy.parallel import memory_for_pages, prefetch
from memmpy.splits import SplitLoader
from memmpy.typing import Batch, Entries

__all__ = ["ResidentLoader"]

#: Bytes of entries that are copied to the device at once.
_CHUNK_BYTES = 16 << 20
#: The share of the free memory of a device that rows may take; the training needs the rest.
_SHARE = 0.9


@final
class ResidentLoader(FrameworkLoader[dict[str, Any]]):
    """The batches of a loader, gathered on a device that keeps all entries of the split.

    The values are copied to the device once, scaled and weighted. Then only the numbers of the
    entries are copied, ahead. The batches are those of the loader, in equal order. Arrays are
    contiguous; single numbers are strided, as those of a skim are. With ranks, each rank keeps the
    whole split.

    A batch that is kept keeps what was gathered with it: about 65,000 entries.

    Parameters
    ----------
    loader : SplitLoader
        The loader.
    device : str or torch.device
        The GPU, such as ``"cuda"``; or ``"cpu"``.
    tensors_of : callable
        Turns a batch of arrays into a dict of CPU tensors. Lists are named tuples of `cu_seqlens`,
        `max_seqlen` and tensors with a value for each item.

    Raises
    ------
    OptionError
        If there is no such device, or if the entries do not fit into its free memory.
    ColumnError
        If a batch has other values, such as a `torch.nested` tensor.

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
        tensors_of: Callable[[Batch], Mapping[str, Any]],
    ) -> None:
        super().__init__(loader)
        #: The device.
        self.device: Any = check_device(device)
        self._torch, self._tensors_of = require_torch(), tensors_of
        self._keys: tuple[str, ...] = ()
        self._rows, self._lists = list[DeviceRows](), dict[str, ResidentLists]()
        if loader.split_size:
            with self._torch.inference_mode(False):
                self._upload()

    @property
    def nbytes(self) -> int:
        """The bytes that the entries take on the device."""
        rows = self.loader.split_size * sum(one.row_bytes for one in self._rows)
        return rows + sum(one.num_bytes for one in self._lists.values())

    def batches(self, epoch: int, *, position: int = 0) -> Generator[dict[str, Any], None, None]:
        """Iterate over the batches of a given epoch; see `SplitLoader.batches`."""
        with closing(self.loader.members(epoch, position=position)) as members:
            yield from self.loader.mark_repeat(self.convert(members), position=position)

    def convert(self, batches: Iterator[Any]) -> Generator[dict[str, Any], None, None]:
        """Yield the batches of some members of the split, as `SplitLoader.members` has them."""
        with closing(copies_to(map(self._plan, batches), self.device)) as plans:
            for plan in plans:
                for values in self._gather(plan):
                    yield dict(zip(self._keys, values, strict=True))

    def _plan(self, members: Entries) -> dict[str, Any]:
        """Return what the device needs to gather some members."""
        plans = {key: one.plan(members, self.batch_size) for key, one in self._lists.items()}
        return {"members": self._torch.from_numpy(members), "lists": tuple(plans.values())}

    def _gather(self, plan: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """Return the values of each batch: views of what is gathered for many at once."""
        members = plan["members"]
        num, left = divmod(len(members), self.batch_size)
        sizes = [self.batch_size] * num + [left] * (left > 0)
        columns: dict[str, Iterable[Any]] = {}
        with self._torch.inference_mode(False):
            for rows in self._rows:
                columns |= {key: one.split(sizes) for key, one in rows.gather(members).items()}
            for (key, lists), own in zip(self._lists.items(), plan["lists"], strict=True):
                columns[key] = lists.gather(own)
        return zip(*(columns[key] for key in self._keys), strict=True)

    def _upload(self) -> None:
        """Copy all entries to the device, in the order of the split."""
        first = self._tensors_of(self.loader.take([0]))
        lists = [key for key, value in first.items() if is_lists(value)]
        arrays = {key: first[key] for key in first if key not in lists}
        _check_arrays(arrays, self._torch.Tensor)
        self._keys, self._rows = tuple(first), device_rows_of(arrays)
        num = max(1, _CHUNK_BYTES // max(1, sum(one.row_bytes for one in self._rows)))
        if lists:
            chunks = [[counts_of(chunk[key]) for key in lists] for chunk in self._chunks(num)]
            counts = map(np.concatenate, zip(*chunks, strict=True))
            self._lists = {
                key: ResidentLists(first[key], own) for key, own in zip(lists, counts, strict=True)
            }
        self._allocate()
        with closing(copies_to(self._chunks(num), self.device)) as copies:
            for start, copy in zip(range(0, self.loader.split_size, num), copies, strict=True):
                for rows in self._rows:
                    rows.fill(start, copy)
                for key, one in self._lists.items():
                    one.fill(start, copy[key])
        if self.device.type == "cuda":  # another stream may gather
            self._torch.cuda.synchronize(self.device)

    def _chunks(self, num: int) -> Generator[Mapping[str, Any], None, None]:
        """Yield the values of all entries in their order, `num` at once."""
        loader = self.loader

        def chunk(start: int) -> Mapping[str, Any]:
            members = np.arange(start, min(start + num, loader.split_size))
            return self._tensors_of(loader.take(members))

        tasks = (partial(chunk, start) for start in range(0, loader.split_size, num))
        return prefetch(tasks, num_threads=loader.num_threads, depth=loader.num_threads + 1)

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
        for rows in self._rows:
            rows.allocate(self.loader.split_size, self.device)
        for one in self._lists.values():
            one.allocate(self.device)


def _check_arrays(batch: Mapping[str, Any], tensor_class: type) -> None:
    """Raise a `ColumnError` if a value of a batch is no tensor."""
    wrong = [key for key, value in batch.items() if not isinstance(value, tensor_class)]
    if wrong:
        names = ", ".join(map(repr, wrong))
        message = (
            f"resident=True takes arrays, and lists with cu_seqlens (jagged='flat'), not {names}"
        )
        raise ColumnError(f"{message}; leave out resident=True, or these keys")


def _free_bytes(device: Any) -> int | None:  # torch.device
    """Return the free bytes of a device, with those that torch keeps for itself."""
    if device.type == "cpu":
        return memory_for_pages()
    cuda = require_torch().cuda
    free: int = cuda.mem_get_info(device)[0]
    return free + int(cuda.memory_reserved(device)) - int(cuda.memory_allocated(device))
