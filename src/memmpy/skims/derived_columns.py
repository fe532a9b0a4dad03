"""Columns that a skim computes while it packs: what they are, and the values of an expression."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import DTypeLike

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
    rename_keys,
    substitute,
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
    "mark_missing",
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
    """

    node: Node
    missing: float | None = None
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
        return {
            "expression": normal_form(self.node),
            "language": LANGUAGE,
            "missing": None if self.missing is None else repr(float(self.missing)),
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
        values, notes = compute_column(self._program, columns, num_entries=len(entries))
        for note in sorted(notes):
            raise ColumnError(note)
        return with_nan(values, self.missing)


def mark_missing(node: Node, missing: float | Mapping[str, float] | None) -> Node:
    """Return an expression of columns in which NaN stands for the values that mean "missing".

    A single key stays, as `Expression` marks its values. So do keys that are compared with text.

    Parameters
    ----------
    node : Node
        The expression.
    missing : float, or mapping of str to float, or None
        The value that means "missing": of all keys, or by key.
    """
    if missing is None or isinstance(node, Key):
        return node
    keys = sorted(keys_of(node) - keys_of_texts(node))
    values = missing if isinstance(missing, Mapping) else dict.fromkeys(keys, missing)
    names = {key: f"{key} or missing" for key in keys if key in values}
    # No literal means NaN; the other names keep the aliases from using themselves.
    aliases = {
        name: f"where({_equals(key, float(values[key]))}, sqrt(-1.), `{key}`)"
        for key, name in names.items()
    }
    return substitute(rename_keys(node, names), aliases=aliases) if names else node


def _equals(key: str, missing: float) -> str:
    """Return the condition that a key has a value, as it is or as float32 holds it."""
    alike = dict.fromkeys((missing, _nearest(missing, np.float32)))
    return " || ".join(f"`{key}` == {_literal(value)}" for value in alike)


def _nearest(value: float, dtype: DTypeLike) -> float:
    """Return the nearest number of a float type; the number itself if it has none so large."""
    with np.errstate(over="ignore"):
        near = float(np.asarray(value).astype(dtype))
    return near if math.isfinite(near) else value


def _literal(value: float) -> str:
    return repr(value) if math.isfinite(value) else f"({math.copysign(1.0, value)} / 0.)"


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
