"""Cut windows of an epoch into batches, also over the edges of windows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memmpy.lists import Jagged
from memmpy.typing import Array, Batch

__all__ = ["Lists", "Window", "batches_of"]


#: Content and offsets of lists.
Lists: TypeAlias = tuple[Array, NDArray[np.int64]]


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
        By key content and offsets, which are known to belong together; a batch has a `Jagged`.
    """

    num_entries: int
    values: Mapping[str, Any]  # what columns give
    lists: Mapping[str, Lists] = field(default_factory=dict)

    def cut(self, start: int, stop: int) -> Batch:
        """Return the values of the entries from `start` to `stop`; views where they are arrays."""
        part = slice(start, stop)
        batch = {key: values[part] for key, values in self.values.items()}
        for key, (content, offsets) in self.lists.items():
            own = offsets[start : stop + 1]
            first = own[0]
            batch[key] = Jagged.trusted(content[first : own[-1]], own - first)
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
    parts: list[Batch] = []  # of a batch over the edges of windows
    num_held = 0
    for window in windows:
        num = window.num_entries
        start, skip = skip, 0
        if parts:
            start = min(batch_size - num_held, num)
            parts.append(window.cut(0, start))
            num_held += start
            if num_held < batch_size:
                continue
            yield _joined(parts)
            parts, num_held = [], 0
        whole = num - (num - start) % batch_size
        for at in range(start, whole, batch_size):
            yield window.cut(at, at + batch_size)
        if whole < num:
            parts, num_held = [window.cut(whole, num)], num - whole
    if parts and not drop_last:
        yield _joined(parts)


def _joined(parts: Sequence[Batch]) -> Batch:
    if len(parts) == 1:
        return parts[0]
    return {key: _concatenated([part[key] for part in parts]) for key in parts[0]}


def _concatenated(parts: Sequence[Any]) -> Any:
    first = parts[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    return first.concatenate(parts)
