"""The layout of a skim: the fields of its rows, and the lists beside them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from memmpy.columns import MAX_ENTRY_BYTES, ColumnType, can_cast, padded_type
from memmpy.errors import ColumnError, OptionError
from memmpy.jagged import Jagged, Padding, mask_of
from memmpy.skims.derived_columns import Derived, Expression, value_nodes_of
from memmpy.skims.skim_request import INDEX, SkimRequest

__all__ = ["JaggedField", "SkimField", "SkimLayout", "lay_out"]

_ALIGNMENT = 8


@dataclass(frozen=True, slots=True)
class SkimField:
    """One field of the rows of a skim.

    Parameters
    ----------
    name : str
        Its key in a batch.
    dtype : np.dtype
        Little endian.
    shape : tuple of int
        The shape of one entry.
    kind : str
        ``entry`` (the entry of the store), ``values`` of a column, ``padded`` values of a column of
        lists, ``group`` (columns along the last axis) or ``mask`` (which items are real).
    keys : tuple of str
        The columns it is made of.
    padding : mapping of key to Padding
        The padding of those of the columns that are padded.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    kind: Literal["entry", "values", "padded", "group", "mask"]
    keys: tuple[str, ...] = ()
    padding: Mapping[str, Padding] | None = None


@dataclass(frozen=True, slots=True)
class JaggedField:
    """Lists that keep their lengths: a content and its offsets beside the rows.

    Parameters
    ----------
    name : str
        Its key in a batch.
    dtype : np.dtype
        Little endian.
    shape : tuple of int
        The shape of one item.
    keys : tuple of str
        The column, or those of a group.
    is_group : bool
        Whether its columns lie along the last axis of the items.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    keys: tuple[str, ...]
    is_group: bool

    @property
    def item_bytes(self) -> int:
        """Bytes of one item."""
        return self.dtype.itemsize * math.prod(self.shape)

    def empty(self) -> Jagged:
        """Return no lists, of its dtype and shape."""
        return Jagged.trusted(np.empty((0, *self.shape), self.dtype), np.zeros(1, np.int64))


@dataclass(frozen=True, slots=True)
class SkimLayout:
    """The fields and the lists of a skim.

    Parameters
    ----------
    fields : tuple of SkimField
        The fields in the order of a row.
    lists : tuple of JaggedField
        The lists beside the rows.
    integers : frozenset of str
        The derived columns of floats that are integers, or missing.
    """

    fields: tuple[SkimField, ...]
    lists: tuple[JaggedField, ...]
    integers: frozenset[str] = frozenset()

    @property
    def row(self) -> np.dtype[Any]:
        """The structured dtype of a row: aligned, and padded to a multiple of 8 bytes."""
        formats = [(f.dtype, f.shape) for f in self.fields]
        names = [field.name for field in self.fields]
        offsets, stop = [], 0
        for field in self.fields:
            alignment = field.dtype.alignment
            offsets.append(-(-stop // alignment) * alignment)
            stop = offsets[-1] + field.dtype.itemsize * math.prod(field.shape)
        unit = max(_ALIGNMENT, *(field.dtype.alignment for field in self.fields))
        size = -(-stop // unit) * unit
        return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": size})

    def dtype_of(self, name: str) -> np.dtype[Any]:
        """Return the dtype of a field or a list."""
        outputs: list[SkimField | JaggedField] = [*self.fields, *self.lists]
        return next(output.dtype for output in outputs if output.name == name)

    @property
    def padding(self) -> dict[str, Padding]:
        """The padding of each padded column."""
        return {key: one for field in self.fields for key, one in (field.padding or {}).items()}

    @property
    def keys(self) -> set[str]:
        """The columns that the skim is made of."""
        outputs: list[SkimField | JaggedField] = [*self.fields, *self.lists]
        return {key for output in outputs for key in output.keys}


def lay_out(request: SkimRequest, types: Mapping[str, ColumnType]) -> SkimLayout:
    """Return the layout of a skim, from the types of the columns that its values come from.

    Raises
    ------
    ColumnError
        If the skim cannot hold a column.
    OptionError
        If a column cannot be padded or cast as the request says.
    CutError
        If a derived column cannot be computed from columns of these types.
    """
    derived = {name: one.type_of(types) for name, one in request.derived.items()}
    integers = frozenset(
        name
        for name, one in request.derived.items()
        if _is_float(derived[name]) and _has_integers(one, types)
    )
    types = {**types, **derived}
    parts: list[SkimField | JaggedField] = [
        SkimField(INDEX, np.dtype("<i8"), (), "entry"),
        *(_unpadded(key, types[key]) for key in request.keys),
    ]
    for key in request.padded_alone:
        values = _padded(key, types[key], request.padded[key])
        parts += [values, _mask(key, key, values.shape[0])]
    for name, keys in request.groups.items():
        parts += _group(name, keys, request, types)
    fields = [output for output in parts if isinstance(output, SkimField)]
    # Numbers before arrays, so that one copy moves all; then by alignment, in the user's order.
    fields.sort(key=lambda field: (field.shape != (), -field.dtype.alignment))
    lists = tuple(output for output in parts if isinstance(output, JaggedField))
    layout = SkimLayout(tuple(fields), lists, integers)
    # Before the dtype of a row is made, as the error of NumPy would be less clear.
    num_bytes = sum(field.dtype.itemsize * math.prod(field.shape) for field in layout.fields)
    if num_bytes > MAX_ENTRY_BYTES:
        message = f"a row would have {num_bytes:,} bytes, and may have {MAX_ENTRY_BYTES:,}: "
        raise OptionError(message + "pad to less")
    return layout


def _is_float(column: ColumnType) -> bool:
    return column.dtype is not None and column.dtype.kind == "f"


def _has_integers(one: Derived, types: Mapping[str, ColumnType]) -> bool:
    """Return whether the values of a derived column are those of expressions of integers."""
    dtypes = [Expression(node).type_of(types).dtype for node in value_nodes_of(one)]
    return bool(dtypes) and all(dtype is not None and dtype.kind in "iu" for dtype in dtypes)


def _unpadded(key: str, column: ColumnType) -> SkimField | JaggedField:
    dtype, shape = _dtype_and_shape(key, column)
    if column.kind == "vector":
        return SkimField(key, dtype, shape, "values", (key,))
    return JaggedField(key, dtype, shape, (key,), is_group=False)


def _padded(key: str, column: ColumnType, padding: Padding) -> SkimField:
    dtype, shape = _dtype_and_shape(key, padded_type(key, column, padding))
    padding.check(key, dtype)
    return SkimField(key, dtype, shape, "padded", (key,), {key: padding})


def _dtype_and_shape(key: str, column: ColumnType) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return the dtype and the shape of an entry of a vector, or of an item of lists."""
    if column.kind not in {"vector", "jagged"}:
        message = (
            f"a skim holds vectors and lists of numbers, and column {key!r} is {column.kind}; "
            "load_root(skim=False) and Store.loader load it from the columns, and "
            f"store[{key!r}][batch['_index']] has the values of a batch"
        )
        raise ColumnError(message)
    assert column.dtype is not None
    return column.dtype.newbyteorder("<"), column.shape


def _group(
    name: str, keys: Sequence[str], request: SkimRequest, types: Mapping[str, ColumnType]
) -> list[SkimField | JaggedField]:
    """Return the fields of a group: its values, and a mask where lists are padded."""
    padding = {key: request.padded[key] for key in keys if key in request.padded}
    for key, one in padding.items():
        _padded(key, types[key], one)
    kinds = {key: _member(name, key, types[key], padding.get(key)) for key in keys}
    if len(set(kinds.values())) > 1:
        listed = ", ".join(f"{key!r} has {_format_kind(kind)}" for key, kind in kinds.items())
        message = f"the keys of the group {name!r} do not fit together: {listed} per entry; "
        raise ColumnError(message + "make a group of each kind, or pad to one length")
    dtype = _group_dtype(name, keys, request, types)
    for key, one in padding.items():
        one.check(key, dtype)
    kind = kinds[keys[0]]
    if kind == "lists":
        return [JaggedField(name, dtype, (len(keys),), tuple(keys), is_group=True)]
    if kind == "number":
        return [SkimField(name, dtype, (len(keys),), "group", tuple(keys))]
    assert isinstance(kind, int)
    values = SkimField(name, dtype, (kind, len(keys)), "group", tuple(keys), padding)
    if not padding:
        return [values]
    return [values, _mask(name, next(iter(padding)), kind)]


def _mask(name: str, key: str, length: int) -> SkimField:
    """Return the field that says which items of a padded key are real."""
    return SkimField(mask_of(name), np.dtype(np.bool_), (length,), "mask", (key,))


def _member(
    name: str, key: str, column: ColumnType, padding: Padding | None
) -> int | Literal["number", "lists"]:
    """Return the kind of a column's entries in a group: a number of items, a number, or a list."""
    _, shape = _dtype_and_shape(key, column)
    if len(shape) > (column.kind == "vector"):
        message = f"the group {name!r} takes numbers or lists of numbers, but {key!r} has "
        raise ColumnError(
            f"{message}{'entries' if column.kind == 'vector' else 'items'} of {shape}"
        )
    if padding is not None:
        return padding.length
    if column.kind == "vector":
        return shape[0] if shape else "number"
    return "lists"


def _format_kind(kind: int | Literal["number", "lists"]) -> str:
    return {"number": "one number", "lists": "a list"}.get(str(kind), f"{kind} items")


def _group_dtype(
    name: str, keys: Sequence[str], request: SkimRequest, types: Mapping[str, ColumnType]
) -> np.dtype[Any]:
    dtypes = {key: _dtype_and_shape(key, types[key])[0] for key in keys}
    target = request.dtypes.get(name)
    if target is None:
        if len(set(dtypes.values())) > 1:
            listed = ", ".join(f"{key!r} is {dtype}" for key, dtype in dtypes.items())
            message = f"the keys of the group {name!r} differ in dtype: {listed}; "
            raise OptionError(f"{message}choose one: dtype={{{name!r}: 'float32'}}")
        return dtypes[keys[0]]
    for key, dtype in dtypes.items():
        if not can_cast(dtype, target):
            message = f"the group {name!r} cannot hold {key!r} as {target}: it is {dtype}"
            raise OptionError(message)
    return target
