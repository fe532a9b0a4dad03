"""Columns that a skim computes while it packs: what they are, and the values of an expression."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from memmpy.columns import ColumnType, type_of_values
from memmpy.cuts import (
    LANGUAGE,
    ColumnLike,
    HashedText,
    JaggedLike,
    Key,
    Node,
    Program,
    compute_column,
    keys_in,
    keys_of,
    keys_of_texts,
    normal_form,
    to_program,
)
from memmpy.errors import ColumnError
from memmpy.jagged import Jagged
from memmpy.typing import Array, Entries

__all__ = [
    "BlockColumns",
    "Derived",
    "Expression",
    "empty_columns",
    "expression_of",
    "missing_of",
    "nodes_of",
    "plain_values",
    "value_nodes_of",
    "with_nan",
]


@final
class BlockColumns(dict[str, ColumnLike]):
    """The columns of some entries, and results that several derived columns share.

    Attributes
    ----------
    shared : dict
        Results by what computes them; they live as long as the block.
    """

    __slots__ = ("shared",)

    def __init__(self, columns: Mapping[str, ColumnLike]) -> None:
        super().__init__(columns)
        self.shared: dict[int, Any] = {}


class Derived(Protocol):
    """A column that a skim computes while it packs, from columns of the store.

    A value: any process can be sent one, and equal ones give equal columns. One whose expressions
    are the attribute ``nodes``, a tuple of `Node`, gets errors and warnings that show the place.
    """

    @property
    def keys(self) -> frozenset[str]:
        """The columns of the store that it needs, as cuts name them."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values: equal for equal meaning."""
        ...

    def type_of(self, types: Mapping[str, ColumnType]) -> ColumnType:
        """Return the type of its values, from the types of the columns that it needs.

        Raises
        ------
        ColumnError, CutError
            If it cannot be computed from columns of these types.
        """
        ...

    def values(self, columns: Mapping[str, ColumnLike], entries: Entries) -> Array | Jagged:
        """Return the values of some entries, of the type of `type_of`.

        Parameters
        ----------
        columns : mapping of str to array, jagged column or HashedText
            The columns that it needs, at these entries.
        entries : int64 array of shape (n,)
            Ascending; for messages.
        """
        ...


@final
@dataclass(frozen=True, slots=True)
class Expression:
    """The values of an expression in the language of cuts.

    A single key gives the column itself, of any dtype; a column of texts gives its hashes.

    Parameters
    ----------
    node : Node
        The expression, as `read_cut` returns it.
    missing : float, optional
        A value that means "missing": NaN stands in its place. Integers then become float64, and
        floats keep their dtype. A condition is never missing.
    missing_keys : mapping of str to float
        By key of the expression, likewise: a number that is computed of a missing one is missing.
    """

    node: Node
    missing: float | None = None
    missing_keys: Mapping[str, float] = field(default_factory=dict, hash=False)
    _program: Program = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_program", to_program(self.node))

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The expression."""
        return (self.node,)

    @property
    def keys(self) -> frozenset[str]:
        """The columns that it needs."""
        return keys_of(self.node)

    @property
    def value_nodes(self) -> tuple[Node, ...]:
        """The expression."""
        return (self.node,)

    @property
    def plain_key(self) -> str | None:
        """The key of the column whose values these are, unchanged; None if they are computed."""
        return self.node.name if isinstance(self.node, Key) and self.missing is None else None

    def to_json(self) -> dict[str, Any]:
        """Return the expression in its normal form, and the value that means "missing"."""
        values = {key: repr(float(self.missing_keys[key])) for key in sorted(self.missing_keys)}
        return {
            "expression": normal_form(self.node),
            "language": LANGUAGE,
            "missing": None if self.missing is None else repr(float(self.missing)),
            **({"missing_keys": values} if values else {}),
        }

    def type_of(self, types: Mapping[str, ColumnType]) -> ColumnType:
        """Return the type that C++ gives the expression; see `Derived`."""
        if isinstance(self.node, Key):
            own = types[self.node.name]
            if self.missing is None or own.kind in {"text", "nested"}:  # as a skim refuses it
                return own
        columns = empty_columns(self.nodes, types)
        return type_of_values(self.values(columns, np.empty(0, np.int64)))

    def values(self, columns: Mapping[str, ColumnLike], entries: Entries) -> Array | Jagged:
        """Return the values of some entries; see `Derived`.

        Raises
        ------
        ColumnError
            If it matches lists that differ in length.
        """
        if isinstance(self.node, Key):
            column = columns[self.node.name]
            if isinstance(column, HashedText) and self.missing is not None:
                message = f"{self.node.name!r} is text, and only a number can mean 'missing'"
                raise self.node.span.error(message)
            return with_nan(plain_values(column), self.missing)
        used = {key: columns[key] for key in self.keys}
        is_missing, floats = _missing_entries(used, self.missing_keys)
        values, notes = compute_column(self._program, {**used, **floats}, num_entries=len(entries))
        for note in sorted(notes):
            raise ColumnError(note)
        if is_missing is not None and isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
            values = values.astype(np.result_type(values.dtype, np.float32), copy=False)
            values = np.where(is_missing.reshape(-1, *(1,) * (values.ndim - 1)), np.nan, values)
        return with_nan(values, self.missing)


def expression_of(
    node: Node, value: float | None = None, *, missing: float | Mapping[str, float] | None
) -> Expression:
    """Return an expression in which a value means "missing": of all its keys, or by key.

    Parameters
    ----------
    node : Node
        The expression.
    value : float, optional
        The value of the whole expression that means "missing".
    missing : float, or mapping of str to float, or None
        The values of its keys.
    """
    if missing is None or isinstance(node, Key):
        return Expression(node, value)
    keys = sorted(keys_of(node))
    values = missing if isinstance(missing, Mapping) else dict.fromkeys(keys, missing)
    return Expression(node, value, {key: float(values[key]) for key in keys if key in values})


def missing_of(missing: float | Mapping[str, float] | None, text: str) -> float | None:
    """Return the value that means "missing" for a key or expression; None if there is none."""
    own = missing.get(text) if isinstance(missing, Mapping) else missing
    return None if own is None else float(own)


def _missing_entries(
    columns: Mapping[str, ColumnLike], missing: Mapping[str, float]
) -> tuple[NDArray[np.bool_] | None, dict[str, ColumnLike]]:
    """Return which entries lack an integer, and the columns of floats with NaN.

    Operations on floats pass NaN on, and those on integers know none.
    """
    entries: NDArray[np.bool_] | None = None
    floats: dict[str, ColumnLike] = {}
    for key in columns.keys() & missing.keys():
        column = columns[key]
        if isinstance(column, HashedText):
            continue
        values = plain_values(column)
        content = values.content if isinstance(values, Jagged) else values
        if content.dtype.kind == "f":
            floats[key] = with_nan(values, missing[key])
        elif isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "iu":
            lacks = values == missing[key]
            entries = lacks if entries is None else entries | lacks
    return entries, floats


def _nearest(value: float, dtype: DTypeLike) -> float:
    """Return the nearest number of a float type; the number itself if it has none so large."""
    with np.errstate(over="ignore"):
        near = float(np.asarray(value).astype(dtype))
    return near if math.isfinite(near) else value


def nodes_of(derived: Iterable[Derived]) -> list[Node]:
    """Return the expressions of derived columns, as far as they tell them."""
    return [node for one in derived for node in getattr(one, "nodes", ())]


def value_nodes_of(one: Derived) -> tuple[Node, ...]:
    """Return the expressions whose values a derived column has, as far as it tells them."""
    nodes: tuple[Node, ...] = getattr(one, "value_nodes", ())
    return nodes


def empty_columns(nodes: Iterable[Node], types: Mapping[str, ColumnType]) -> dict[str, ColumnLike]:
    """Return the columns of expressions, without entries, on which they can be tried.

    Raises
    ------
    CutError
        If an expression uses a column of another kind.
    """
    columns: dict[str, ColumnLike] = {}
    for node in nodes:
        texts = keys_of_texts(node)
        for key in keys_in(node):
            own = types[key.name]
            if own.kind not in {"vector", "jagged", "text"}:
                message = f"an expression cannot use the {own.kind} column {key.name!r}"
                hint = "it takes vectors, jagged columns of one level, and text"
                raise key.span.error(message, hint)
            is_hash = own.dtype == np.uint64 and key.name in texts
            if own.dtype is None or is_hash:
                columns[key.name] = HashedText(np.empty(0, np.uint64), {})
                continue
            content = np.empty((0, *own.shape), own.dtype)
            is_jagged = own.kind == "jagged"
            columns[key.name] = (
                Jagged.trusted(content, np.zeros(1, np.int64)) if is_jagged else content
            )
    return columns


def plain_values(column: ColumnLike) -> Array | Jagged:
    """Return the values of a column as it is stored: for a text, its hashes."""
    if isinstance(column, HashedText):
        return column.values
    if isinstance(column, Jagged | np.ndarray):
        return column
    assert isinstance(column, JaggedLike)
    return Jagged.trusted(column.content, column.offsets - column.offsets[0])


def with_nan(values: Array | Jagged, missing: float | None) -> Array | Jagged:
    """Return values with NaN in the place of one, and of its float32; integers as float64."""
    if missing is None:
        return values
    if isinstance(values, Jagged):
        content = with_nan(values.content, missing)
        assert not isinstance(content, Jagged)
        return Jagged.trusted(content, values.offsets)
    if values.dtype.kind not in "iuf":
        return values
    if values.dtype.kind == "f":
        floats, alike = values, {_nearest(missing, dtype) for dtype in (values.dtype, np.float32)}
    else:
        floats, alike = values.astype(np.float64), set[float]()
    is_missing = floats == np.float64(missing)
    for near in alike - {missing}:
        is_missing |= floats == np.float64(near)
    return np.where(is_missing, floats.dtype.type(np.nan), floats) if is_missing.any() else floats
