"""Finds the tables of an HDF5 file, and the columns of each table."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from memmpy.display import shorten
from memmpy.errors import InputFileError
from memmpy.sources.access.file_errors import has_instead, in_parentheses
from memmpy.sources.event_file import FileObject

__all__ = ["DatasetColumn", "format_dtype", "objects_in", "only_table", "table_of"]

#: Characters of a single value that are shown.
_MAX_TEXT = 60


@dataclass(frozen=True, slots=True)
class DatasetColumn:
    """A dataset, a field of a dataset of records, or an item of a block of pandas.

    A block is a dataset of shape (entries, items) whose items have names. Patterns match neither
    the block nor the dataset of its names: `is_hidden`.
    """

    dataset: Any
    field: str | None
    item: int | None = None
    is_hidden: bool = False

    @property
    def num_entries(self) -> int:
        """Length of the first axis."""
        return int(self.dataset.shape[0])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the elements of an entry, as in h5py."""
        dtype: np.dtype[Any] = self.dataset.dtype
        return dtype if self.field is None else dtype[self.field]

    @property
    def base(self) -> np.dtype[Any]:
        """The dtype without the shape that a field may have."""
        return self.dtype.subdtype[0] if self.dtype.subdtype else self.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an entry."""
        return () if self.item is not None else (*self.dataset.shape[1:], *self.dtype.shape)

    @property
    def bytes_per_entry(self) -> int:
        """Bytes of a decoded entry; of lists and texts, only of their references."""
        num_items = 1 if self.item is not None else math.prod(self.dataset.shape[1:])
        return int(self.dtype.itemsize * num_items)


def _arrays_in(group: Any) -> Iterator[tuple[str, Any]]:
    """Yield the datasets of a group, except scalars."""
    import h5py

    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
            continue
        node = group.get(name)
        if isinstance(node, h5py.Dataset) and node.shape:
            yield name, node


def _tables_in(file: Any) -> list[str]:
    """Return the paths of all tables."""
    import h5py

    groups = [""]

    def is_inner(name: str) -> bool:
        """Return whether a group is internal: an index of PyTables, or categories of pandas."""
        parent, _, last = name.rpartition("/")
        if last.startswith("_i_") or (
            last == "meta" and "pandas_type" in file[parent or "/"].attrs
        ):
            return True
        return bool(parent) and is_inner(parent)

    def note(name: str, node: Any) -> None:
        if isinstance(node, h5py.Group) and not is_inner(name):
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


def objects_in(file: Any) -> list[FileObject]:
    """Return the tables of a file, and its single values.

    A group that holds only records is left out, since each dataset of them is a table of its own.
    """
    import h5py

    objects = []
    for name in _tables_in(file):
        is_group = isinstance(file[name], h5py.Group)
        if is_group and all(array.dtype.names for _, array in _arrays_in(file[name])):
            continue
        objects.append(FileObject(name, "group" if is_group else "records", True))

    def note(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and node.shape == ():
            objects.append(FileObject(name, format_dtype(node.dtype), False, _value_of(node)))

    file.visititems(note)
    return objects


def _value_of(dataset: Any) -> str:
    """Return a single value in words; empty for records and references."""
    value = dataset[()]
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    text = str(value) if isinstance(value, str | np.bool_ | np.number) else ""
    return shorten(text, _MAX_TEXT)


def only_table(file: Any, path: str) -> str:
    """Return the path of the table to read by default; empty for the root."""
    if any(not array.dtype.names for _, array in _arrays_in(file)):
        return ""
    tables = _tables_in(file)
    if len(tables) != 1:
        message = f"{path!r} has {len(tables)} tables{in_parentheses(tables)}; give one as tree="
        raise InputFileError(message if tables else f"{path!r} has no arrays, so no table")
    return tables[0].strip("/")


def _columns_of(file: Any, tree: str, path: str) -> dict[str, DatasetColumn]:
    """Return the columns of a group or of a dataset of records; of another dataset, its group's."""
    import h5py

    node = file.get(tree) if tree else file
    if isinstance(node, h5py.Dataset) and node.shape:
        if node.dtype.names:
            return {field: DatasetColumn(node, field) for field in node.dtype.names}
        node = node.parent
    columns: dict[str, DatasetColumn] = {}
    arrays = dict(_arrays_in(node)) if isinstance(node, h5py.Group) else {}
    blocks = {name: names for name in arrays if (names := _items_of(name, arrays))}
    for name, array in arrays.items():
        if array.dtype.names:
            for field in array.dtype.names:
                columns.setdefault(f"{name}.{field}", DatasetColumn(array, field))
        else:
            of_names = bool(blocks) and (name == "axis0" or name.endswith("_items"))
            is_hidden = name in blocks or of_names
            columns[name] = DatasetColumn(array, None, is_hidden=is_hidden)
    for name, items in blocks.items():
        for i, item in enumerate(items):
            columns.setdefault(item, DatasetColumn(arrays[name], None, i))
    if not columns:
        raise _no_table(file, node, tree, path)
    return columns


def _items_of(name: str, arrays: Mapping[str, Any]) -> list[str]:
    """Return the names of the items of a block of pandas; none for other datasets."""
    block, items = arrays[name], arrays.get(f"{name.removesuffix('_values')}_items")
    if not name.endswith("_values") or items is None or items.dtype.kind not in "SO":
        return []
    if block.ndim != 2 or items.shape != block.shape[1:]:
        return []
    texts = [item for item in items[:].tolist() if isinstance(item, bytes)]
    return [text.decode(errors="replace") for text in texts] if len(texts) == len(items) else []


def _no_table(file: Any, node: Any, tree: str, path: str) -> InputFileError:
    import h5py

    tables = _tables_in(file)
    if isinstance(node, h5py.Dataset):
        wrong = "no table but a single value in"
    else:
        wrong = "no arrays in the group" if isinstance(node, h5py.Group) else "no group or dataset"
    has = has_instead(tree, "table", tables)
    return InputFileError(f"{wrong} {tree or '/'!r} in {path!r}: {has}")


def table_of(file: Any, tree: str, path: str) -> tuple[str, dict[str, DatasetColumn], int]:
    """Return the path of a table, its columns and its number of entries.

    The entries of a group are those of the datasets of one length that hold most of its data,
    since names of features, bins and the like are small. A dataset without records stands for all
    datasets of its group with the same length. One table always gets the same path.

    Raises
    ------
    InputFileError
        If there is no such table.
    """
    import h5py

    columns = _columns_of(file, tree, path)
    node = file.get(tree) if tree else file
    if isinstance(node, h5py.Dataset) and node.dtype.names:
        return tree, columns, int(node.shape[0])
    sizes: dict[int, int] = {}
    for dataset in {c.dataset.name: c.dataset for c in columns.values()}.values():
        num = int(dataset.shape[0])
        sizes[num] = sizes.get(num, 0) + int(dataset.size) * dataset.dtype.itemsize
    of_group = max(sizes, key=lambda num: (sizes[num], num))
    if isinstance(node, h5py.Group):
        return tree, columns, of_group
    num = int(node.shape[0])
    if num == of_group:
        return tree.rpartition("/")[0], columns, num
    first = next(c.dataset.name for c in columns.values() if c.num_entries == num)
    return first.strip("/"), columns, num


def format_dtype(dtype: np.dtype[Any]) -> str:
    """Return a dtype in words, for messages."""
    import h5py

    if dtype.names:
        return f"records of {', '.join(map(repr, dtype.names[:10]))}"
    if h5py.check_string_dtype(dtype) is not None:
        return "text"
    items = h5py.check_vlen_dtype(dtype)
    if items is not None:
        return f"lists of {format_dtype(np.dtype(items))}"
    return "references" if h5py.check_ref_dtype(dtype) is not None else str(dtype)
