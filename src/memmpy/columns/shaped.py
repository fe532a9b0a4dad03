"""Shaped columns: entries of one dtype, each of its own shape."""

from collections.abc import Iterator, Sequence
from typing import Any, final, overload

import numpy as np
from numpy.typing import NDArray

from memmpy.columns.memory_maps import Arrays, MappedColumn
from memmpy.columns.writer import ColumnWriter, RowWriter
from memmpy.errors import ColumnError, CorruptStoreError, argument_hints, damaged
from memmpy.jagged import Jagged, resolve
from memmpy.kernels import offsets_of
from memmpy.store import LOCK_TIMEOUT, ColumnRecord, Transaction
from memmpy.typing import Array, PathLike

__all__ = ["ReadShaped", "WriteShaped"]


@argument_hints
@final
class WriteShaped(ColumnWriter):
    """Write a column whose entries are arrays of any shape.

    Parameters
    ----------
    path : path-like
        The store, created if it is missing.
    key : str
        Name of the column. When the block ends, it replaces an older column of this name.
    dtype : dtype-like, optional
        The dtype of the values; by default that of the first entry.
    transaction : Transaction, optional
        The transaction that commits this column together with others.
    lock_timeout : float
        Seconds to wait for another process that writes to the store. If negative, without limit.

    Examples
    --------
    >>> with WriteShaped("data.mmpy", "images") as column:
    ...     column.append(np.zeros((2, 3)))
    ...     column.append(np.zeros((4, 4)))
    >>> ReadShaped("data.mmpy", "images")[1].shape
    (4, 4)
    """

    def __init__(
        self,
        path: PathLike,
        key: str,
        *,
        dtype: Any = None,
        transaction: Transaction | None = None,
        lock_timeout: float = LOCK_TIMEOUT,
    ) -> None:
        super().__init__(path, key, transaction=transaction, lock_timeout=lock_timeout)
        self._content = RowWriter(self, "content", dtype=dtype, shape=())
        self._num_values = 0

    def _start(self) -> None:
        int64 = np.dtype(np.int64)
        self._offsets = self._new_array("offsets", int64, ())
        self._shapes = self._new_array("shapes", int64, ())
        self._shapes_offsets = self._new_array("shapes_offsets", int64, ())
        self._offsets.append(0)
        self._shapes_offsets.append(0)

    def append(self, value: Any) -> None:
        """Add one entry, an array of any shape."""
        try:
            array = np.asarray(value)
        except ValueError as error:
            message = f"column {self.key!r} takes arrays, got lists that differ in length; "
            raise ColumnError(message + "use WriteJagged or WriteNested for them") from error
        flat = array.reshape(-1)
        # Numbers of Python have no dtype: they may take that of the column.
        self._num_values += self._content.extend(flat if hasattr(value, "dtype") else flat.tolist())
        self._shapes.extend(np.array(array.shape, np.int64))
        self._offsets.append(self._num_values)
        self._shapes_offsets.append(self._shapes.num_rows)

    def extend(self, values: Sequence[Any]) -> None:
        """Add entries one by one."""
        for value in values:
            self.append(value)

    def _finish(self) -> ColumnRecord:
        arrays = {
            "content": self._content.writer.finish(),
            "offsets": self._offsets.finish(),
            "shapes": self._shapes.finish(),
            "shapes_offsets": self._shapes_offsets.finish(),
        }
        num_entries = arrays["offsets"].shape[0] - 1
        return ColumnRecord("shaped", num_entries, arrays, self.details, self.origin)


@argument_hints
@final
class ReadShaped(MappedColumn, Sequence[Array]):
    """Open a shaped column: a sequence of arrays, each of its own shape.

    Parameters
    ----------
    path : path-like
        The store.
    key : str
        Name of the column.

    Raises
    ------
    MissingFileError, MissingKeyError, ColumnError, CorruptStoreError
        See `ReadJagged`.

    Notes
    -----
    ``column[3]`` is an array, ``column[2:5]`` and ``column[[7, 2]]`` are lists of arrays.
    """

    __slots__ = ("_content", "_name", "_shapes")

    _kind = "shaped"

    def _set_arrays(self, _record: ColumnRecord | None, arrays: Arrays, name: str) -> None:
        plain = {role: np.asarray(array) for role, array in arrays.items()}
        self._name = name
        self._content = Jagged.mapped(plain["content"], plain["offsets"], name)
        self._shapes = Jagged.mapped(plain["shapes"], plain["shapes_offsets"], name)

    @property
    def flat(self) -> Jagged:
        """The values of each entry, without its shape."""
        return self._content

    @property
    def shapes(self) -> Jagged:
        """The shape of each entry, as jagged int64."""
        return self._shapes

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self._content.dtype

    @property
    def buffers(self) -> tuple[Array, ...]:
        """Content and its offsets, shapes and their offsets, the mapped arrays that hold it."""
        return self._content.buffers + self._shapes.buffers

    def to_awkward(self) -> Any:
        """Return an `ak.Array` of nested lists over the mapped memory. Reads all shapes.

        Raises
        ------
        ColumnError
            If the entries differ in their number of axes.
        """
        import awkward as ak

        num_axes = set(self._shapes.counts.tolist())
        if len(num_axes) > 1:
            message = f"entries have {sorted(num_axes)} axes: awkward arrays need one number"
            raise ColumnError(message)
        num = num_axes.pop() if num_axes else 1
        shapes = self._shapes.content.reshape(len(self), num)
        self._check_shapes(shapes)
        layout: Any = ak.contents.NumpyArray(self._content.content)
        for axis in reversed(range(num)):
            counts = np.repeat(shapes[:, axis], np.prod(shapes[:, :axis], axis=1, dtype=np.int64))
            layout = ak.contents.ListOffsetArray(ak.index.Index64(offsets_of(counts)), layout)
        return ak.Array(layout)

    def __len__(self) -> int:
        return len(self._content)

    @overload
    def __getitem__(self, index: int | np.integer[Any]) -> Array: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | NDArray[Any]) -> list[Array]: ...
    def __getitem__(self, index: Any) -> Array | list[Array]:
        resolved = resolve(index, len(self))
        if isinstance(resolved, int):
            return self._shaped(resolved, self._content[resolved], self._shapes[resolved])
        entries = np.arange(len(self))[resolved].tolist()
        parts = zip(entries, self._content[resolved], self._shapes[resolved], strict=True)
        return [self._shaped(*part) for part in parts]

    def __iter__(self) -> Iterator[Array]:
        for part in zip(range(len(self)), self._content, self._shapes, strict=True):
            yield self._shaped(*part)

    def _shaped(self, entry: int, values: Array, shape: NDArray[np.int64]) -> Array:
        lengths = tuple(shape.tolist())
        try:
            shaped = values.reshape(lengths)
        except ValueError:
            shaped = None
        if shaped is None or shaped.shape != lengths:  # NumPy replaces a length below 0
            raise self._wrong_shape(entry, lengths, len(values))
        return shaped

    def _check_shapes(self, shapes: NDArray[np.int64]) -> None:
        """Raise a `CorruptStoreError` unless each entry has as many values as its shape says."""
        # In floats, in which no product of large lengths is a small one.
        wrong = (shapes < 0).any(axis=1)
        wrong |= np.prod(shapes, axis=1, dtype=np.float64) != self._content.counts
        for entry in np.flatnonzero(wrong)[:1].tolist():
            raise self._wrong_shape(entry, tuple(shapes[entry].tolist()), len(self._content[entry]))

    def _wrong_shape(self, entry: int, shape: tuple[int, ...], num: int) -> CorruptStoreError:
        return damaged(self._name, f"it has {num} values, and its shape is {shape}", entry=entry)

    def __repr__(self) -> str:
        return f"<ReadShaped of {len(self)} entries of {self.dtype}>"
