"""What a file in HDF5 has: which groups and datasets are tables, and their columns."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from memmpy.errors import InputFileError, nearest
from memmpy.inputs import listed

__all__ = ["DatasetColumn", "columns_of", "common_length", "only_table", "say_dtype"]


@dataclass(frozen=True, slots=True)
class DatasetColumn:
    """A dataset, or a field of a dataset of records."""

    dataset: Any
    field: str | None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of an entry's elements, as h5py gives it."""
        dtype: np.dtype[Any] = self.dataset.dtype
        return dtype if self.field is None else dtype[self.field]

    @property
    def base(self) -> np.dtype[Any]:
        """The same without the shape that a field may have of its own."""
        return self.dtype.subdtype[0] if self.dtype.subdtype else self.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an entry."""
        return (*self.dataset.shape[1:], *self.dtype.shape)

    @property
    def bytes_per_entry(self) -> int:
        """As they are decoded; of what has a variable length, only where it lies."""
        return int(self.dtype.itemsize * math.prod(self.dataset.shape[1:]))


def _arrays_in(group: Any) -> Iterator[tuple[str, Any]]:
    """Yield the datasets of a group that have an axis of entries."""
    import h5py

    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
            continue
        found = group.get(name)
        if isinstance(found, h5py.Dataset) and found.shape:
            yield name, found


def _tables_in(file: Any) -> list[str]:
    """Return the groups and datasets of records that may be meant."""
    import h5py

    groups = [""]

    def note(name: str, found: Any) -> None:
        if isinstance(found, h5py.Group):
            groups.append(name)

    file.visititems(note)
    tables = []
    for group in groups:
        arrays = list(_arrays_in(file[group or "/"]))
        of_records = [name for name, array in arrays if array.dtype.names]
        if len(of_records) > 1 or len(arrays) > len(of_records):
            tables.append(group or "/")
        tables += [f"{group}/{name}".strip("/") for name in of_records]
    return tables


def only_table(file: Any, path: str) -> str:
    """Return the path of the table that is meant where none is named; empty for the root."""
    if any(not array.dtype.names for _, array in _arrays_in(file)):
        return ""
    tables = _tables_in(file)
    if len(tables) != 1:
        message = f"{path!r} has {len(tables)} tables{listed(tables)}; say which with tree="
        raise InputFileError(message if tables else f"{path!r} has no arrays, so no table")
    return tables[0].strip("/")


def columns_of(file: Any, tree: str, path: str) -> dict[str, DatasetColumn]:
    """Return the columns of a group or of a dataset of records."""
    import h5py

    found = file.get(tree) if tree else file
    if isinstance(found, h5py.Dataset):
        if not found.shape or not found.dtype.names:
            parent = tree.rpartition("/")[0] or "/"
            message = (
                f"{tree!r} of {path!r} is no table but a dataset of {say_dtype(found.dtype)}; its "
                f"group is tree={parent!r}"
            )
            raise InputFileError(message)
        return {field: DatasetColumn(found, field) for field in found.dtype.names}
    columns: dict[str, DatasetColumn] = {}
    for name, array in _arrays_in(found) if isinstance(found, h5py.Group) else ():
        if array.dtype.names:
            for field in array.dtype.names:
                columns.setdefault(f"{name}.{field}", DatasetColumn(array, field))
        else:
            columns[name] = DatasetColumn(array, None)
    if not columns:
        tables = _tables_in(file)
        wrong = "no arrays in the group" if isinstance(found, h5py.Group) else "no group or dataset"
        has = f"its tables are{listed(tables)}" if tables else "it has no table at all"
        near = nearest(tree, tables) if len(tables) > 1 else ""
        message = f"{wrong} {tree or '/'!r} in {path!r}: {has}{near}"
        raise InputFileError(message)
    return columns


def common_length(columns: Mapping[str, DatasetColumn], where: str) -> int:
    """Return the number of entries, which all columns must share."""
    lengths = {c.dataset.name.rpartition("/")[2]: c.dataset.shape[0] for c in columns.values()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name!r}: {length}" for name, length in list(lengths.items())[:10])
        message = (
            f"the datasets of {where!r} differ in length ({shown}{', ...' * (len(lengths) > 10)}), "
            "so they are not one table; name a group or a dataset of records with tree="
        )
        raise InputFileError(message)
    return int(next(iter(lengths.values())))


def say_dtype(dtype: np.dtype[Any]) -> str:
    """Return a dtype as its owner would call it."""
    import h5py

    if dtype.names:
        return f"records of {', '.join(map(repr, dtype.names[:10]))}"
    if h5py.check_string_dtype(dtype) is not None:
        return "text"
    items = h5py.check_vlen_dtype(dtype)
    if items is not None:
        return f"lists of {say_dtype(np.dtype(items))}"
    return "references" if h5py.check_ref_dtype(dtype) is not None else str(dtype)
