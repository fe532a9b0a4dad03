"""`Jagged`: arrays of different lengths, as one content and offsets."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, final, overload

import numpy as np
from numpy.typing import NDArray

from memmpy.display import column_html
from memmpy.errors import ColumnError, OptionError, argument_hints
from memmpy.jagged.indexing import resolve
from memmpy.jagged.padding import check_fill
from memmpy.kernels import (
    BYTES_MOVED,
    check_lists,
    check_offsets,
    is_worth_compiling,
    join_arrays,
    offsets_of,
    pad_jagged,
    take_jagged,
    take_lists,
)
from memmpy.typing import Array, Entries, Mask

__all__ = ["Jagged", "entries_with", "lists_of"]


@argument_hints
@final
class Jagged(Sequence[Array]):
    """A sequence of arrays of different lengths, stored as content and offsets.

    Parameters
    ----------
    content : array of shape (offsets[-1], ...)
        The items of all entries, one after the other.
    offsets : integer array of shape (n + 1,)
        Entry ``i`` is ``content[offsets[i]:offsets[i + 1]]``. Starts at 0, never falls.

    Raises
    ------
    ColumnError
        If the offsets do not fit the content.

    Examples
    --------
    >>> jets = Jagged(np.array([50.0, 30.0, 80.0]), np.array([0, 2, 2, 3]))
    >>> len(jets), jets.counts.tolist()
    (3, [2, 0, 1])
    >>> jets[0].tolist()
    [50.0, 30.0]
    >>> jets.pad(2, -1.0).tolist()
    [[50.0, 30.0], [-1.0, -1.0], [80.0, -1.0]]
    """

    __slots__ = ("_name", "content", "offsets")
    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __init__(self, content: Array, offsets: NDArray[np.integer[Any]]) -> None:
        self._name = ""
        #: The items of all entries, of shape (offsets[-1], ...).
        self.content: Array = np.asarray(content)
        #: int64, of shape (n + 1,).
        self.offsets: NDArray[np.int64] = _checked_offsets(offsets, self.content)

    @classmethod
    def from_regular(cls, values: Array) -> "Jagged":
        """Return entries of shape (n, length, ...) as n lists of `length` items.

        They share the memory of the array, unless it is not contiguous: then it is copied.
        """
        num, length, *inner = values.shape
        offsets = np.arange(num + 1, dtype=np.int64) * length
        return cls.trusted(values.reshape(num * length, *inner), offsets)

    @classmethod
    def trusted(cls, content: Array, offsets: NDArray[np.int64]) -> "Jagged":
        """Return a `Jagged` of content and offsets, without checking that they fit."""
        return cls.mapped(content, offsets, "")

    @classmethod
    def mapped(cls, content: Array, offsets: NDArray[np.int64], name: str) -> "Jagged":
        """Return a `Jagged` of content and offsets in files; every access checks its offsets.

        Parameters
        ----------
        content, offsets : array
            The offsets start at 0 and end with the content.
        name : str
            Its name in errors, such as ``column 'jet_pt' of 'data.mmpy'``.
        """
        self = object.__new__(cls)
        self.content, self.offsets, self._name = content, offsets, name
        return self

    @classmethod
    def from_arrays(cls, arrays: Sequence[Any], *, dtype: Any = None) -> "Jagged":
        """Return a `Jagged` of arrays that differ only in length.

        Parameters
        ----------
        arrays : sequence of array-like of shape (k, ...)
            All of one dtype and of one shape past the first axis.
        dtype : dtype-like, optional
            Needed where `arrays` is empty.
        """
        parts = [np.asarray(array, dtype) for array in arrays]
        if not parts:
            if dtype is None:
                raise ColumnError("no arrays were given; give their dtype")
            return cls(np.empty(0, dtype), np.zeros(1, np.int64))
        kinds = {(part.dtype, part.shape[1:]) for part in parts}
        if min(part.ndim for part in parts) == 0 or len(kinds) > 1:
            message = f"jagged entries must share a dtype and their inner shape, got {kinds}"
            raise ColumnError(message)
        return cls(join_arrays(parts), offsets_of(np.array([len(part) for part in parts])))

    @classmethod
    def from_awkward(cls, array: Any) -> "Jagged":
        """Return a `Jagged` of an `ak.Array` of type ``n * var * number``.

        Raises
        ------
        ColumnError
            If the array is of another type.
        """
        import awkward as ak

        contents = ak.contents
        layout = ak.to_packed(array).layout
        if isinstance(layout, contents.NumpyArray):
            layout = layout.to_RegularArray()
        if isinstance(layout, contents.RegularArray):
            layout = layout.to_ListOffsetArray64()
        if not isinstance(layout, contents.ListOffsetArray):
            raise ColumnError(f"not one level of lists: {ak.type(array)}")
        items = layout.content
        while isinstance(items, contents.RegularArray):
            items = items.content
        is_text = layout.parameter("__array__") is not None
        if is_text or not isinstance(items, contents.NumpyArray | contents.EmptyArray):
            raise ColumnError(f"not lists of numbers: {ak.type(array)}")
        return cls(ak.to_numpy(layout.content), np.asarray(layout.offsets))

    @classmethod
    def concatenate(cls, parts: Sequence["Jagged"]) -> "Jagged":
        """Return the entries of one or more `Jagged`, one after the other."""
        content = join_arrays([part.content for part in parts])
        counts = np.concatenate([part.counts for part in parts])
        return cls.trusted(content, offsets_of(counts))

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of items of each entry, of shape (n,)."""
        self._check()
        return np.diff(self.offsets)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the items."""
        return self.content.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of content and offsets."""
        return self.content.nbytes + self.offsets.nbytes

    @property
    def buffers(self) -> tuple[Array, ...]:
        """Content and offsets, the arrays that hold it."""
        return self.content, self.offsets

    def offsets_between(self, start: int, stop: int) -> NDArray[np.int64]:
        """Return where the entries start..stop-1 lie in the content, of shape (stop - start + 1,).

        Raises
        ------
        CorruptStoreError
            If offsets in a damaged file fall, or lead out of the content.
        """
        if self._name:
            # With their neighbours: a wrong offset may look right in one of its two lists.
            before = max(0, start - 1)
            around = self.offsets[before : stop + 2]
            check_offsets(around, len(self.content), of=self._name, first=before)
        return self.offsets[start : stop + 1]

    def pad(self, length: int, fill: Any) -> Array:
        """Return an array of shape (n, length, ...): each entry truncated or filled to one length.

        Parameters
        ----------
        length : int
            How many items to keep of each entry: the first ones.
        fill : number
            Value for the missing items of short entries. The dtype stays that of the items.

        Raises
        ------
        OptionError
            If `length` is negative, or the dtype cannot hold `fill`, such as NaN for integers.
        """
        if length < 0:
            raise OptionError(f"the length to pad to must not be negative, got {length}")
        check_fill(fill, self.dtype)
        self._check()
        return pad_jagged(self.content, self.offsets, length, fill)

    def to_awkward(self) -> Any:
        """Return an `ak.Array` over the same memory."""
        import awkward as ak

        self._check()
        offsets, content = ak.index.Index64(self.offsets), ak.contents.NumpyArray(self.content)
        return ak.Array(ak.contents.ListOffsetArray(offsets, content))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int | np.integer[Any]) -> Array: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | NDArray[Any]) -> "Jagged": ...
    def __getitem__(self, index: Any) -> "Array | Jagged":
        num = len(self.offsets) - 1
        resolved = resolve(index, num)
        if isinstance(resolved, int):
            at, content = self.offsets.item, self.content
            start, stop = at(resolved), at(resolved + 1)
            # In a file, check the neighbours, too, as `offsets_between` does; this is faster.
            if self._name and not (
                (at(resolved - 1) if resolved else 0)
                <= start
                <= stop
                <= (at(resolved + 2) if resolved + 1 < num else len(content))
                and start >= 0
                and stop <= len(content)
            ):
                self.offsets_between(resolved, resolved + 1)  # raises the error
            return content[start:stop]
        if isinstance(resolved, slice):
            offsets = self.offsets_between(resolved.start, resolved.stop)
            first, last = offsets[0], offsets[-1]
            return Jagged.trusted(self.content[first:last], offsets - first)
        return Jagged.trusted(*self._take(resolved))

    def _take(self, entries: Entries) -> tuple[Array, NDArray[np.int64]]:
        """Return content and offsets of entries in range."""
        content, offsets = self.content, self.offsets
        if self._name:
            check_lists(offsets, len(content), entries=entries, of=self._name)
        is_plain = content.flags.c_contiguous and offsets.flags.c_contiguous
        num_bytes = len(entries) * self.nbytes // max(1, len(self))  # on average
        if (
            is_plain
            and not content.dtype.hasobject
            and is_worth_compiling(num_bytes, least=BYTES_MOVED)
        ):
            return take_lists(content, offsets, entries=entries, compiled=True)
        return take_jagged(content, offsets, entries)

    def _check(self) -> None:
        """Raise a `CorruptStoreError` if offsets in a file fall or lead out of the content."""
        if self._name:
            check_offsets(self.offsets, len(self.content), of=self._name)

    def __iter__(self) -> Iterator[Array]:
        self._check()
        for start, stop in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True):
            yield self.content[start:stop]

    def __eq__(self, other: object) -> bool:
        """Return whether both hold the same entries of the same dtype; NaN equals NaN."""
        if not isinstance(other, Jagged):
            return NotImplemented
        if self.dtype != other.dtype or not np.array_equal(self.offsets, other.offsets):
            return False
        return _same(self.content, other.content)

    def __repr__(self) -> str:
        items = f"{len(self.content)} items of {self.dtype}{list(self.content.shape[1:]) or ''}"
        return f"<Jagged of {len(self)} entries, {items}>"

    def _repr_html_(self) -> str:
        return column_html(self)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        message = "jagged entries differ in length; use .pad(n, fill), or .content with .offsets"
        raise ColumnError(message)


def _same(values: Array, others: Array) -> bool:
    if values.dtype.names is not None:
        names = values.dtype.names
        return all(_same(values[name], others[name]) for name in names)
    return np.array_equal(values, others, equal_nan=values.dtype.kind in "fcmM")


def _checked_offsets(offsets: NDArray[np.integer[Any]], content: Array) -> NDArray[np.int64]:
    offsets = np.asarray(offsets)
    if offsets.ndim != 1 or len(offsets) == 0 or offsets.dtype.kind not in "iu":
        message = f"offsets are n + 1 integers, got {offsets.dtype} of shape {offsets.shape}"
        raise ColumnError(message)
    if content.ndim == 0:
        raise ColumnError("content must have an axis of items")
    checked: NDArray[np.int64] = offsets.astype(np.int64, copy=False)
    if np.any(checked[1:] < checked[:-1]):
        raise ColumnError("offsets must not fall")
    if checked[0] != 0 or checked[-1] != len(content):
        message = (
            f"offsets go from 0 to the {len(content)} items of the content, "
            f"got {checked[0]} to {checked[-1]}"
        )
        raise ColumnError(message)
    return checked


def entries_with(is_so: Mask, offsets: NDArray[np.int64] | None) -> Mask:
    """Return which entries have at least one item of some kind, of shape (n,).

    Parameters
    ----------
    is_so : bool array of shape (num_items, ...)
        Which items, or numbers in items, are of the kind.
    offsets : int64 array of shape (n + 1,) or None
        Where the items of each entry lie; None where each entry is one item.
    """
    # NumPy would copy an array of one axis, slowly.
    items: Mask = is_so if is_so.ndim == 1 else np.any(is_so, axis=tuple(range(1, is_so.ndim)))
    if offsets is None:
        return items
    sums = offsets_of(items.astype(np.int64))
    entries: Mask = sums[offsets[1:]] > sums[offsets[:-1]]
    return entries


def lists_of(values: "Array | Jagged") -> Jagged:
    """Return lists; an array becomes lists of one length."""
    return values if isinstance(values, Jagged) else Jagged.from_regular(values)
