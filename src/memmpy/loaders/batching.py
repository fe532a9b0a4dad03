"""Cut windows of an epoch into batches, also over the edges of windows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memmpy.jagged import Jagged
from memmpy.kernels import join_arrays, take_lists
from memmpy.typing import Array, Batch, Entries

__all__ = ["Lists", "Values", "Window", "batches_of"]


#: Content and offsets of lists.
Lists: TypeAlias = tuple[Array, NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Values:
    """Values of one key, or of several that lie in one array, and are cut and joined as one.

    Parameters
    ----------
    whole : array of shape (n, ...), or other sequence
        The values.
    views : callable
        Returns those of each key in parts of the whole: in an array of shape (num, size, ...), over
        the same memory, or in `num` sequences.
    """

    whole: Any
    views: Callable[[Any], Mapping[str, Iterable[Any]]]

    @classmethod
    def of(cls, key: str, values: Any) -> "Values":
        """Return the values of one key."""
        return cls(values, partial(_of_key, key))

    def part(self, start: int, stop: int) -> "Values":
        """Return the values of some entries."""
        return Values(self.whole[start:stop], self.views)

    @classmethod
    def joined(cls, parts: Sequence["Values"]) -> "Values":
        """Return the values of one entry after the other: a copy."""
        wholes, first = [part.whole for part in parts], parts[0]
        is_array = isinstance(first.whole, np.ndarray)
        join = join_arrays if is_array else first.whole.concatenate
        return cls(join(wholes), first.views)


def _of_key(key: str, parts: Iterable[Any]) -> dict[str, Iterable[Any]]:
    return {key: parts}


@dataclass(frozen=True, slots=True)
class Window:
    """Entries that were gathered together.

    Parameters
    ----------
    num_entries : int
        How many.
    values : sequence of Values
        What slices like an array.
    lists : mapping of str to (array, int64 array)
        By key content and offsets, which are known to belong together; a batch has a `Jagged`.
    """

    num_entries: int
    values: Sequence[Values]
    lists: Mapping[str, Lists] = field(default_factory=dict)

    def part(self, start: int, stop: int) -> "Window":
        """Return some entries."""
        lists = {key: _cut(*held, start, stop) for key, held in self.lists.items()}
        return Window(stop - start, [values.part(start, stop) for values in self.values], lists)

    @classmethod
    def joined(cls, parts: Sequence["Window"]) -> "Window":
        """Return the entries of several, one after the other."""
        if len(parts) == 1:
            return parts[0]
        values = [
            Values.joined(held) for held in zip(*(part.values for part in parts), strict=True)
        ]
        lists = {key: _joined([part.lists[key] for part in parts]) for key in parts[0].lists}
        return cls(sum(part.num_entries for part in parts), values, lists)

    def taken(self, places: Entries) -> "Window":
        """Return the entries at some places, in that order: a copy of arrays and lists.

        Compiled, as who takes them has read many from the disk.
        """
        values = [Values(np.take(held.whole, places, axis=0), held.views) for held in self.values]
        lists = {
            key: take_lists(*held, entries=places, compiled=True)
            for key, held in self.lists.items()
        }
        return Window(len(places), values, lists)

    def batches(self, start: int, *, size: int, num: int) -> Iterator[Batch]:
        """Yield `num` batches of `size` entries, from `start` on; views where they are arrays."""
        values: dict[str, Iterable[Any]] = {}
        for held in self.values:
            values.update(held.views(_slices(held.whole, start, size, num)))
        lists = {key: _list_slices(*held, start, size, num) for key, held in self.lists.items()}
        keys = (*values, *lists)
        for parts in zip(*values.values(), *lists.values(), strict=True):
            yield dict(zip(keys, parts, strict=True))


def _slices(values: Any, start: int, size: int, num: int) -> Iterable[Any]:
    """Return parts of values: of an array as its rows, which come faster than slices do."""
    if type(values) is np.ndarray:
        return values[start : start + size * num].reshape(num, size, *values.shape[1:])
    return (values[at : at + size] for at in (start + size * i for i in range(num)))


def _list_slices(
    content: Array, offsets: NDArray[np.int64], start: int, size: int, num: int
) -> Iterator[Jagged]:
    starts = (start + size * i for i in range(num))
    return (Jagged.trusted(*_cut(content, offsets, at, at + size)) for at in starts)


def _cut(content: Array, offsets: NDArray[np.int64], start: int, stop: int) -> Lists:
    own = offsets[start : stop + 1]
    first = own[0]
    return content[first : own[-1]], own - first


def _joined(lists: Sequence[Lists]) -> Lists:
    joined = Jagged.concatenate([Jagged.trusted(*held) for held in lists])
    return joined.content, joined.offsets


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
    parts: list[Window] = []  # of a batch over the edges of windows
    num_held = 0
    for window in windows:
        num = window.num_entries
        start, skip = skip, 0
        if parts:
            start = min(batch_size - num_held, num)
            parts.append(window.part(0, start))
            num_held += start
            if num_held < batch_size:
                continue
            yield from _whole(parts)
            parts, num_held = [], 0
        num_whole, num_left = divmod(num - start, batch_size)
        if num_whole:
            yield from window.batches(start, size=batch_size, num=num_whole)
        if num_left:
            parts, num_held = [window.part(num - num_left, num)], num_left
    if parts and not drop_last:
        yield from _whole(parts)


def _whole(parts: Sequence[Window]) -> Iterator[Batch]:
    """Return one batch of all entries of windows."""
    joined = Window.joined(parts)
    return joined.batches(0, size=joined.num_entries, num=1)
