"""Text columns: entries are strings, kept as UTF-8 bytes and offsets."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, final, overload

import numpy as np
from numpy.typing import NDArray

from memmpy.columns.memory_maps import Arrays, MappedColumn
from memmpy.columns.writer import ColumnWriter
from memmpy.errors import ColumnError, argument_hints
from memmpy.jagged import Jagged, resolve
from memmpy.store import LOCK_TIMEOUT, ColumnRecord, Transaction
from memmpy.typing import Array, PathLike

__all__ = ["ReadText", "WriteText", "text_array"]

# Bytes that are no UTF-8 survive as characters of a Python string.
_ERRORS = "surrogateescape"


@argument_hints
@final
class WriteText(ColumnWriter):
    """Write a column whose entries are strings.

    Parameters
    ----------
    path : path-like
        The store, created if it is missing.
    key : str
        Name of the column. When the block ends, it replaces an older column of this name.
    transaction : Transaction, optional
        The transaction that commits this column together with others.
    lock_timeout : float
        Seconds to wait for another process that writes to the store. If negative, without limit.

    Examples
    --------
    >>> with WriteText("data.mmpy", "trigger") as column:
    ...     column.extend(["mu26", "e28"])
    >>> ReadText("data.mmpy", "trigger")[1]
    'e28'
    """

    def __init__(
        self,
        path: PathLike,
        key: str,
        *,
        transaction: Transaction | None = None,
        lock_timeout: float = LOCK_TIMEOUT,
    ) -> None:
        super().__init__(path, key, transaction=transaction, lock_timeout=lock_timeout)
        self._num_bytes = 0

    def _start(self) -> None:
        self._content = self._new_array("content", np.dtype(np.uint8), ())
        self._offsets = self._new_array("offsets", np.dtype(np.int64), ())
        self._offsets.append(0)

    def append(self, value: str) -> None:
        """Add one entry."""
        self._check_open()
        if not isinstance(value, str):
            raise ColumnError(f"column {self.key!r} holds text (str), got {value!r}")
        try:
            data = value.encode(errors=_ERRORS)
        except UnicodeEncodeError as error:
            raise ColumnError(f"column {self.key!r} cannot hold {value!r}: {error}") from error
        self._content.extend(np.frombuffer(data, np.uint8))
        self._num_bytes += len(data)
        self._offsets.append(self._num_bytes)

    def extend(self, values: Iterable[str]) -> None:
        """Add entries one by one."""
        if isinstance(values, str):
            raise ColumnError(f"extend takes several texts, got the one text {values!r}")
        for value in values:
            self.append(value)

    def extend_encoded(self, encoded: Jagged) -> None:
        """Add entries given as jagged uint8: the UTF-8 bytes of each."""
        self._check_open()
        self._content.extend(encoded.content)
        self._offsets.extend(encoded.offsets[1:] + self._num_bytes)
        self._num_bytes += len(encoded.content)

    def _finish(self) -> ColumnRecord:
        arrays = {"content": self._content.finish(), "offsets": self._offsets.finish()}
        num_entries = arrays["offsets"].shape[0] - 1
        return ColumnRecord("text", num_entries, arrays, self.details, self.origin)


@argument_hints
@final
class ReadText(MappedColumn):
    """Open a text column: a sequence of strings, read from disk when you use them.

    Parameters
    ----------
    path : path-like
        The store.
    key : str
        Name of the column.

    Notes
    -----
    ``column[3]`` is a `str`, ``column[2:5]`` and ``column[[7, 2]]`` are arrays of strings (dtype
    object), which compare with a string element by element.
    """

    __slots__ = ("_encoded",)

    _kind = "text"

    def _set_arrays(self, _record: ColumnRecord | None, arrays: Arrays, name: str) -> None:
        content, offsets = np.asarray(arrays["content"]), np.asarray(arrays["offsets"])
        self._encoded = Jagged.mapped(content, offsets, name)

    @property
    def encoded(self) -> Jagged:
        """The UTF-8 bytes, as jagged uint8."""
        return self._encoded

    @property
    def buffers(self) -> tuple[Array, ...]:
        """Bytes and offsets, the mapped arrays that hold it."""
        return self._encoded.buffers

    def to_awkward(self) -> Any:
        """Return an `ak.Array` of strings over the mapped memory. Reads all offsets."""
        return text_array(self._encoded)

    def __len__(self) -> int:
        return len(self._encoded)

    @overload
    def __getitem__(self, index: int | np.integer[Any]) -> str: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | NDArray[Any]) -> NDArray[np.object_]: ...
    def __getitem__(self, index: Any) -> str | NDArray[np.object_]:
        resolved = resolve(index, len(self))
        if isinstance(resolved, int):
            return self._encoded[resolved].tobytes().decode(errors=_ERRORS)
        encoded = self._encoded[resolved]
        texts = np.empty(len(encoded), object)
        data, offsets = encoded.content.tobytes(), encoded.offsets.tolist()
        for i in range(len(texts)):
            texts[i] = data[offsets[i] : offsets[i + 1]].decode(errors=_ERRORS)
        return texts

    def __iter__(self) -> Iterator[str]:
        for item in self._encoded:
            yield item.tobytes().decode(errors=_ERRORS)

    def __repr__(self) -> str:
        return f"<ReadText of {len(self)} entries>"


def text_array(encoded: Jagged) -> Any:
    """Return an `ak.Array` of strings over the memory of their UTF-8 bytes."""
    import awkward as ak

    lists = encoded.to_awkward().layout
    content = ak.contents.NumpyArray(lists.content.data, parameters={"__array__": "char"})
    parameters = {"__array__": "string"}
    return ak.Array(ak.contents.ListOffsetArray(lists.offsets, content, parameters=parameters))
