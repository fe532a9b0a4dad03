"""Cut windows of an epoch into batches, also over the edges of windows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memmpy.typing import Array, Batch

__all__ = ["Lists", "ToLists", "Window", "batches_of"]


#: Content and offsets of lists.
Lists: TypeAlias = tuple[Array, NDArray[np.int64]]
#: From content and offsets to lists as a batch holds them.
ToLists: TypeAlias = Callable[[Array, NDArray[np.int64]], Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Entries that were gathered together.

    Parameters
    ----------
    num_entries : int
        How many.
    values : mapping of str to sequence
        By key what slices like an array.
    lists : mapping of str to (array, int64 array)
        By key content and offsets, which are known to belong together.
    to_lists : callable
        What makes of them what a batch holds.
    """

    num_entries: int
    values: Mapping[str, Any]  # what columns give
    lists: Mapping[str, Lists] = field(default_factory=dict)
    to_lists: ToLists = lambda content, offsets: (content, offsets)

    def cut(self, start: int, stop: int) -> Batch:
        """Return the values of the entries from `start` to `stop`; views where they are arrays."""
        part = slice(start, stop)
        batch = {key: values[part] for key, values in self.values.items()}
        for key, (content, offsets) in self.lists.items():
            own = offsets[start : stop + 1]
            first = own[0]
            batch[key] = self.to_lists(content[first : own[-1]], own - first)
        return batch


def batches_of(
    windows: Iterable[Window], batch_size: int, *, drop_last: bool, skip: int
) -> Iterator[Batch]:
    """Yield batches of the entries of windows, one after the other.

    Parameters
    ----------
    windows : iterable of Window
        Alike in their keys. Where one does not end with a batch, its values are arrays, or have
        `concatenate` as `Jagged` does: a batch over the edge is a copy.
    batch_size : int
        Entries in each batch but the last.
    drop_last : bool
        Whether to leave out a last batch that is shorter.
    skip : int
        How many entries to pass over at the beginning; fewer than the first window has.
    """
    rest: Batch = {}
    num_rest = 0
    for window in windows:
        start, skip = skip, 0
        if num_rest:
            start = min(batch_size - num_rest, window.num_entries)
            rest, num_rest = _joined(rest, window.cut(0, start)), num_rest + start
            if num_rest < batch_size:
                continue
            yield rest
            num_rest = 0
        num = window.num_entries
        whole = num - (num - start) % batch_size
        for at in range(start, whole, batch_size):
            yield window.cut(at, at + batch_size)
        if whole < num:
            rest, num_rest = window.cut(whole, num), num - whole
    if num_rest and not drop_last:
        yield rest


def _joined(first: Batch, second: Batch) -> Batch:
    return {key: _concatenated([values, second[key]]) for key, values in first.items()}


def _concatenated(parts: Sequence[Any]) -> Any:
    first = parts[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    return first.concatenate(parts)
