"""Writes chunks of columns to a Parquet, HDF5 or ROOT file."""

import io
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from memmpy.errors import ColumnError, OptionError, require
from memmpy.export.friend_values import branch_type, check_branches
from memmpy.jagged import Jagged
from memmpy.parallel import run_uninterrupted

__all__ = ["WRITERS", "ColumnArrays", "write_hdf5", "write_parquet", "write_root"]

#: Some entries of each column: an array of shape (n, ...), `Jagged`, or an `ak.Array` of texts or
#: of nested values.
ColumnArrays: TypeAlias = Mapping[str, Any]

#: Name of the tree in a ROOT file.
_TREE = "Events"
#: Limits of the entries and bytes of a chunk of HDF5.
_CHUNK_SIZE, _CHUNK_BYTES = 1 << 16, 1 << 20


def write_parquet(path: Path, empty: ColumnArrays, chunks: Iterable[ColumnArrays]) -> None:
    """Write a row group for each chunk. `empty` has no entries, and tells the types.

    Raises
    ------
    MissingPackageError
        If pyarrow is not installed.
    """
    parquet = require("pyarrow.parquet", what="export to Parquet", extra="parquet")
    import awkward as ak

    def table_of(chunk: ColumnArrays) -> Any:
        columns = {
            key: values.to_awkward()
            if isinstance(values, Jagged)
            else ak.from_numpy(values, regulararray=True)
            if isinstance(values, np.ndarray)
            else values
            for key, values in chunk.items()
        }
        return ak.to_arrow_table(
            ak.Array(columns), list_to32=True, string_to32=True, extensionarray=False
        )

    schema = table_of(empty).schema
    with path.open("wb") as stream, parquet.ParquetWriter(stream, schema) as file:
        for chunk in chunks:
            file.write_table(table_of(chunk).cast(schema))


def write_hdf5(path: Path, empty: ColumnArrays, chunks: Iterable[ColumnArrays]) -> None:
    """Write a dataset for each column. `empty` has no entries, and tells the types.

    Raises
    ------
    MissingPackageError
        If h5py is not installed.
    ColumnError
        If HDF5 has no type for a column, or no dataset can have its name.
    """
    h5py = require("h5py", what="export to HDF5", extra="hdf5")
    names = _names(empty, r"/|^\.$")
    types: dict[str, Any] = {}
    for key, values in empty.items():
        if isinstance(values, np.ndarray):
            types[key] = values.dtype
        elif isinstance(values, Jagged):
            if values.content.ndim > 1:
                raise _unsupported(key, "lists of arrays", "HDF5")
            types[key] = h5py.vlen_dtype(values.dtype)
        elif _is_text(values):
            types[key] = h5py.string_dtype()
        else:
            raise _unsupported(key, f"entries of type {values.type.content}", "HDF5")
    with _HdfStream(path, "w+") as stream:
        # HDF5 calls the stream, and its file is lost if Ctrl-C raises there: so on a thread.
        run = partial(run_uninterrupted, waits=True)
        files: list[Any] = []  # which keeps the file if Ctrl-C comes while it is opened
        try:
            run(lambda: files.append(h5py.File(stream, "w")))
            datasets = run(partial(_create_datasets, files[0], names, types, empty))
            for chunk in chunks:
                run(partial(_append_chunk, h5py, datasets, chunk))
                stream.check()
        finally:
            for file in files:
                run(file.close)
        stream.check()


def _create_datasets(
    file: Any, names: Mapping[str, str], types: Mapping[str, Any], empty: ColumnArrays
) -> dict[str, Any]:
    """Create an empty dataset for each column of an HDF5 file."""
    datasets = {}
    for key, values in empty.items():
        shape = values.shape[1:] if isinstance(values, np.ndarray) else ()
        num_bytes = types[key].itemsize * math.prod(shape)
        chunk_size = max(1, min(_CHUNK_SIZE, _CHUNK_BYTES // max(1, num_bytes)))
        datasets[key] = file.create_dataset(
            names[key],
            (0, *shape),
            types[key],
            maxshape=(None, *shape),
            chunks=(chunk_size, *shape),
            compression=1,
        )
    return datasets


def write_root(path: Path, empty: ColumnArrays, chunks: Iterable[ColumnArrays]) -> None:
    """Write a TTree ``Events``; `empty` has no entries, and tells the types.

    Raises
    ------
    OptionError
        If two columns would have one name.
    ColumnError
        If a TTree has no type for a column.
    """
    import uproot

    names = _names(empty, r"\W|^(?=\d)")
    types: dict[str, Any] = {}
    for key, values in empty.items():
        if _is_text(values):
            types[names[key]] = "string"
        elif isinstance(values, np.ndarray):
            check_branches({names[key]: values})
            types[names[key]] = branch_type(values)
        elif isinstance(values, Jagged):
            check_branches({names[key]: values})
            # As awkward has it: awkward takes long to parse the text of a type.
            types[names[key]] = values.to_awkward().type.content
        else:
            raise _unsupported(key, f"entries of type {values.type.content}", "a TTree")
    counters: dict[str, str] = {}
    used = {*types}
    for name in types:
        counter = f"n{name}"
        while counter in used:
            counter += "_"
        used.add(counter)
        counters[name] = counter
    with path.open("w+b") as stream, uproot.recreate(stream) as file:
        tree = file.mktree(_TREE, types, counter_name=counters.__getitem__)
        for chunk in chunks:
            tree.extend(
                {
                    names[key]: values.to_awkward() if isinstance(values, Jagged) else values
                    for key, values in chunk.items()
                }
            )


#: The writer for each suffix.
WRITERS: Mapping[str, Callable[[Path, ColumnArrays, Iterable[ColumnArrays]], None]] = {
    ".parquet": write_parquet,
    ".pq": write_parquet,
    ".h5": write_hdf5,
    ".hdf5": write_hdf5,
    ".root": write_root,
}


def _names(keys: Iterable[str], pattern: str) -> dict[str, str]:
    """Return names for columns, with ``_`` in place of what a format does not allow.

    Raises
    ------
    OptionError
        If two columns would have one name.
    """
    names: dict[str, str] = {}
    keys_of: dict[str, str] = {}
    for key in keys:
        names[key] = re.sub(pattern, "_", key, flags=re.ASCII)
        other = keys_of.setdefault(names[key], key)
        if other != key:
            message = f"{other!r} and {key!r} would both be written as {names[key]!r}"
            raise OptionError(f"{message}: leave one of them out of keys")
    return names


def _is_text(values: Any) -> bool:
    """Return whether values are an `ak.Array` of texts."""
    if isinstance(values, np.ndarray | Jagged):
        return False
    return bool(values.layout.parameter("__array__") == "string")


class _HdfStream(io.FileIO):
    """A file that keeps the first error of writing: HDF5 would crash if it were raised inside."""

    error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all bytes, or none after an error."""
        view = memoryview(data).cast("B")
        left = view
        while left and self.error is None:
            try:
                left = left[super().write(left) :]
            except OSError as error:  # noqa: PERF203 - few parts
                self.error = error
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Change the length, unless that is an error."""
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0

    def check(self) -> None:
        """Raise the error of writing, if there was one."""
        if self.error is not None:
            raise self.error


def _append_chunk(h5py: Any, datasets: Mapping[str, Any], chunk: ColumnArrays) -> None:
    for key, values in chunk.items():
        _append(h5py, datasets[key], values)


def _append(h5py: Any, dataset: Any, values: Any) -> None:
    """Append entries to a dataset of HDF5."""
    start = len(dataset)
    dataset.resize(start + len(values), axis=0)
    if isinstance(values, np.ndarray):
        dataset[start:] = values
    elif not isinstance(values, Jagged):
        texts = [text.encode(errors="surrogateescape") for text in values.to_list()]
        dataset[start:] = np.array(texts, object)
    elif len(values):
        # h5py itself takes lists of equal lengths for an array of two axes.
        lists = np.empty(len(values), dataset.dtype)
        for i, own in enumerate(values):
            lists[i] = own
        space = dataset.id.get_space()
        space.select_hyperslab((start,), lists.shape)
        dataset.id.write(h5py.h5s.create_simple(lists.shape), space, lists)


def _unsupported(key: str, what: str, where: str) -> ColumnError:
    message = f"column {key!r} has {what}, which {where} cannot hold; leave it out of keys, or "
    return ColumnError(f"{message}export to .parquet")
