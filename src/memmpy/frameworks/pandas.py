"""`to_pandas`: the events of a loader as a `DataFrame`, if they fit into memory."""

from typing import TYPE_CHECKING

import numpy as np

from memmpy.display import format_count, format_size
from memmpy.errors import ColumnError, OptionError, require
from memmpy.frameworks.feature_matrix import element_names
from memmpy.frameworks.feature_rows import check_whole, read_entries
from memmpy.frameworks.framework_loader import check_loader
from memmpy.parallel import memory_for_pages
from memmpy.splits import SplitLoader
from memmpy.typing import Array, Batch

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["to_pandas"]

#: Bytes of entries that are read at once.
_CHUNK_BYTES = 1 << 24


def to_pandas(loader: SplitLoader) -> "DataFrame":
    """Return all events of a loader as a `pandas.DataFrame`, in memory.

    Parameters
    ----------
    loader : SplitLoader
        The loader. Its batch size and its order do not matter.

    Returns
    -------
    pandas.DataFrame
        A column for each key of each input, with the dtype that it has in a batch; then labels,
        weights and spectators. Objects of a fixed length give columns ``"jet_pt[0]"``,
        ``"jet_pt[1]"`` and so on, and their masks too. The index ``"_index"`` is the int64 entry of
        the store, in the order of the split: `DataFrame.sort_index` sorts by entry.

    Raises
    ------
    MissingPackageError
        If pandas is not installed.
    ColumnError
        If a key has lists of any length.
    OptionError
        If the split is empty, if the loader is that of one rank or samples classes, or if the table
        does not fit into the memory that is available.

    Examples
    --------
    >>> frame = memmpy.to_pandas(data.loader("val"))
    >>> frame.groupby("label")["met"].mean()
    """
    loader = check_whole(check_loader(loader, "to_pandas"), "to_pandas")
    pandas = require("pandas", what="to_pandas", extra="pandas")
    num = loader.split_size
    if not num:
        raise OptionError(f"to_pandas: the loader has no entries: {loader.split_data}")
    first = _columns_of(loader.take([0]), loader)
    num_bytes = sum(values.nbytes for values in first.values())
    _check_memory(num, num_bytes)
    columns = {
        name: np.empty(num, values.dtype.newbyteorder("=")) for name, values in first.items()
    }
    step = max(1, _CHUNK_BYTES // num_bytes)
    for start in range(0, num, step):
        stop = min(start + step, num)
        batch = read_entries(loader, np.arange(start, stop))
        for name, values in _columns_of(batch, loader).items():
            columns[name][start:stop] = values
    index = pandas.Index(columns.pop("_index"), name="_index")
    return pandas.DataFrame(columns, index=index, copy=False)


def _columns_of(batch: Batch, loader: SplitLoader) -> dict[str, Array]:
    """Return a batch as columns of shape (B,), inputs first."""
    arrays: dict[str, Array] = {}
    for key in sorted(batch, key=lambda key: key not in loader.inputs):
        if not isinstance(batch[key], np.ndarray):
            message = f"to_pandas: {key!r} has lists of any length, and a table has one number "
            raise ColumnError(f"{message}for each event: pad it, or leave it out")
        arrays[key] = batch[key]
    flat = [column for array in arrays.values() for column in array.reshape(len(array), -1).T]
    return dict(zip(element_names(arrays, loader), flat, strict=True))


def _check_memory(num: int, num_bytes: int) -> None:
    """Raise an `OptionError` if `num` rows do not fit into the memory that is available."""
    available = memory_for_pages()
    if available is not None and num * num_bytes > available:
        needs = f"{format_count(num, 'event')} take {format_size(num * num_bytes)}"
        message = f"to_pandas: {needs}, and {format_size(available)} of memory are available"
        raise OptionError(f"{message}: take fewer events or keys, or read batches")
