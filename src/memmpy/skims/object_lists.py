"""Lists of objects computed for a skim: removed items, their order, and k values for each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np

from memmpy.columns import ColumnType, type_of_values
from memmpy.cuts import LANGUAGE, ColumnLike, Node, keys_of, normal_form
from memmpy.errors import ColumnError
from memmpy.jagged import Jagged, lists_of
from memmpy.kernels import offsets_of
from memmpy.skims.derived_columns import BlockColumns, Expression, empty_columns, with_nan
from memmpy.typing import Array, Entries, Mask

__all__ = ["ObjectColumn", "ObjectLists", "check_equal_counts"]

#: Lists of the k values, and the columns that `Objects.valid` uses.
_Lists: TypeAlias = tuple[list[Jagged], Mapping[str, ColumnLike]]

_LISTS_OF_FLOATS = ColumnType("jagged", np.dtype(np.float64))
#: Lists are filled to one length and sorted as rows, unless that takes more than this many times
#: their items.
_MAX_FILLED = 4


@final
@dataclass(frozen=True, slots=True)
class ObjectLists:
    """The lists of an object: k values for each item that is there and valid, in order.

    Parameters
    ----------
    name : str
        The name of the input, for messages.
    names : tuple of str
        The names of the k values: the keys, or the names of a mapping.
    members : tuple of tuple of Expression
        For each of them the expression of the list, or those of its items.
    missing : tuple of tuple of float or None
        For each of these the value that means "missing".
    is_flat : bool
        Whether each item has an expression of its own.
    valid : Expression or None
        The condition for an item.
    sort_by : Expression or None
        The value by which items are sorted.
    is_descending : bool
        Whether they descend.
    max_length : int or None
        The items to keep.
    """

    name: str
    names: tuple[str, ...]
    members: tuple[tuple[Expression, ...], ...]
    missing: tuple[tuple[float | None, ...], ...]
    is_flat: bool
    valid: Expression | None
    sort_by: Expression | None
    is_descending: bool
    max_length: int | None

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The expressions of columns of the store; others use the names of the mapping."""
        of_lists = () if self.is_flat else (self.valid, self.sort_by)
        members = (one for own in self.members for one in own)
        return tuple(one.node for one in (*members, *of_lists) if one is not None)

    def to_json(self) -> dict[str, Any]:
        """Return the lists as JSON values: equal for equal meaning."""
        return {
            "lists": [[normal_form(one.node) for one in own] for own in self.members],
            "missing": [[None if m is None else repr(m) for m in own] for own in self.missing],
            "names": [*self.names] if self.is_flat else None,
            "valid": None if self.valid is None else self.valid.to_json(),
            "sort_by": None if self.sort_by is None else self.sort_by.to_json(),
            "is_descending": self.is_descending,
            "max_length": self.max_length,
            "language": LANGUAGE,
        }

    def check(self, types: Mapping[str, ColumnType]) -> None:
        """Raise a `CutError` if an expression has another shape than it must have."""
        for one in (one for own in self.members for one in own):
            own, span = one.type_of(types), one.node.span
            if own.dtype is None or own.dtype.kind not in "biuf":
                raise span.error(f"{span} is {own}, and objects have numbers")
            if self.is_flat and not _is_number(own):
                hint = "a mapping takes flat keys; give lists as Objects(['jet_pt', 'jet_eta'])"
                raise span.error(f"{span} has many values in an entry", hint)
            if not self.is_flat and not _is_list(own):
                hint = "for flat keys, give a mapping: Objects({'pt': ['jpt_1', 'jpt_2']})"
                raise span.error(f"{span} does not have a list of numbers in each entry", hint)
        if self.valid is not None:
            own, span = self.valid.type_of(self._named(types) or types), self.valid.node.span
            if not _is_number(own) and not _is_list(own):
                raise span.error(f"{span} does not have a condition for each object")
        if self.sort_by is not None:
            floats = dict.fromkeys(self._named(types), _LISTS_OF_FLOATS)
            own, span = self.sort_by.type_of(floats or types), self.sort_by.node.span
            if not _is_list(own):
                raise span.error(f"{span} does not have a number for each object to sort by")

    def _named(self, types: Mapping[str, ColumnType]) -> dict[str, ColumnType]:
        """Return the types of the lists of a mapping as `Objects.valid` uses them, by name."""
        if not self.is_flat:
            return {}
        dtypes = ([one.type_of(types).dtype for one in own] for own in self.members)
        return {
            name: ColumnType("jagged", np.result_type(*(one for one in own if one is not None)))
            for name, own in zip(self.names, dtypes, strict=True)
        }

    def compute(self, columns: Mapping[str, ColumnLike], entries: Entries) -> list[Jagged]:
        """Return the k lists of some entries."""
        lists, raw = (self._flat if self.is_flat else self._jagged)(columns, entries)
        offsets, items = lists[0].offsets, _items_there(lists)
        if self.valid is not None:
            is_valid = _truth(self._at_items(self.valid, raw, lists[0], entries))
            items = np.flatnonzero(is_valid) if items is None else items[is_valid[items]]
        if items is not None:
            offsets = np.searchsorted(items, offsets)
        if self.sort_by is not None:
            visible = dict(zip(self.names, lists, strict=True)) if self.is_flat else columns
            sort_keys = self._at_items(self.sort_by, visible, lists[0], entries)
            sort_keys = sort_keys if items is None else sort_keys[items]
            order = _order(sort_keys, offsets, is_descending=self.is_descending)
            items = order if items is None else items[order]
        counts = np.diff(offsets)
        if self.max_length is not None and np.any(counts > self.max_length):
            is_first = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts) < self.max_length
            items = np.flatnonzero(is_first) if items is None else items[is_first]
            offsets = offsets_of(np.minimum(counts, self.max_length))
        if items is None:
            return lists
        return [Jagged.trusted(one.content[items], offsets) for one in lists]

    def _jagged(self, columns: Mapping[str, ColumnLike], entries: Entries) -> _Lists:
        """Return the lists with NaN for what is missing, and the columns as they are."""
        raw = [lists_of(one.values(columns, entries)) for (one,) in self.members]
        check_equal_counts(repr(self.name), zip(self.names, raw, strict=True), entries)
        contents = (_floats(one.content, *m) for one, m in zip(raw, self.missing, strict=True))
        return [Jagged.trusted(content, raw[0].offsets) for content in contents], columns

    def _flat(self, columns: Mapping[str, ColumnLike], entries: Entries) -> _Lists:
        """Return lists of one length, likewise, and their values as they are by name."""
        raw: list[list[Any]] = [
            [one.values(columns, entries) for one in own] for own in self.members
        ]
        floats = (map(_floats, *own) for own in zip(raw, self.missing, strict=True))
        lists = [Jagged.from_regular(np.stack([*own], axis=1)) for own in floats]
        if self.valid is None:
            return lists, {}
        plain = (Jagged.from_regular(np.stack(own, axis=1)) for own in raw)
        return lists, dict(zip(self.names, plain, strict=True))

    def _at_items(
        self,
        expression: Expression,
        columns: Mapping[str, ColumnLike],
        lists: Jagged,
        entries: Entries,
    ) -> Array:
        """Return the value of an expression for each item."""
        values = expression.values(columns, entries)
        if not isinstance(values, Jagged) and values.ndim == 1:
            return np.repeat(values, lists.counts)
        values = lists_of(values)
        both = (self.names[0], lists), (str(expression.node.span), values)
        check_equal_counts(repr(self.name), both, entries)
        return values.content


@final
@dataclass(frozen=True, slots=True)
class ObjectColumn:
    """One of the k lists of an object.

    Parameters
    ----------
    lists : ObjectLists
        All of them, which are computed once for each block.
    number : int
        Its number, counted from 0.
    """

    lists: ObjectLists
    number: int

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The expressions of the object."""
        return self.lists.nodes

    @property
    def value_nodes(self) -> tuple[Node, ...]:
        """The expressions of the list alone."""
        return tuple(one.node for one in self.lists.members[self.number])

    @property
    def keys(self) -> frozenset[str]:
        """The columns that the object needs."""
        return frozenset[str]().union(*map(keys_of, self.nodes))

    def to_json(self) -> dict[str, Any]:
        """Return the object as JSON values, and the number."""
        return {**self.lists.to_json(), "number": self.number}

    def type_of(self, types: Mapping[str, ColumnType]) -> ColumnType:
        """Return the type of its lists; see `Derived`."""
        self.lists.check(types)
        columns = BlockColumns(empty_columns(self.nodes, types))
        return type_of_values(self.values(columns, np.empty(0, np.int64)))

    def values(self, columns: Mapping[str, ColumnLike], entries: Entries) -> Jagged:
        """Return the lists of some entries; see `Derived`.

        Raises
        ------
        ColumnError
            If lists of an entry differ in length.
        """
        shared = columns.shared if isinstance(columns, BlockColumns) else {}
        if id(self.lists) not in shared:
            shared[id(self.lists)] = self.lists.compute(columns, entries)
        lists: Jagged = shared[id(self.lists)][self.number]
        return lists


def _is_number(own: ColumnType) -> bool:
    return own.kind == "vector" and own.shape == ()


def _is_list(own: ColumnType) -> bool:
    return own.dtype is not None and len(own.shape) == (own.kind == "vector")


def _floats(values: Array, missing: float | None) -> Array:
    """Return numbers as floats, with NaN for what is missing."""
    own = with_nan(values, missing)
    assert not isinstance(own, Jagged)
    return own if own.dtype.kind == "f" else own.astype(np.float64)


def _truth(values: Array) -> Mask:
    """Return which numbers are neither zero nor NaN."""
    is_true: Mask = values if values.dtype == np.bool_ else (values != 0) & ~np.isnan(values)
    return is_true


def _items_there(lists: Sequence[Jagged]) -> Entries | None:
    """Return the items that have a value in at least one list; None for all."""
    is_absent = np.isnan(lists[0].content)
    for own in lists[1:]:
        if not is_absent.any():
            break
        is_absent &= np.isnan(own.content)
    return np.flatnonzero(~is_absent) if is_absent.any() else None


def _order(sort_keys: Array, offsets: Entries, *, is_descending: bool) -> Entries:
    """Return the items in the order of their keys, list by list; stable, and NaN last."""
    if sort_keys.dtype.kind == "b":
        sort_keys = sort_keys.view(np.uint8)
    if is_descending:  # the complement of integers, as the negative of the least one is itself
        sort_keys = -sort_keys if sort_keys.dtype.kind == "f" else ~sort_keys
    counts = np.diff(offsets)
    longest = int(counts.max(initial=0))
    if len(counts) * longest > _MAX_FILLED * len(sort_keys):
        return np.lexsort((sort_keys, np.repeat(np.arange(len(counts)), counts)))
    # As rows of one length, which NumPy sorts fastest. What fills them comes last: the sort is
    # stable.
    is_float = sort_keys.dtype.kind == "f"
    fill = np.nan if is_float else np.iinfo(sort_keys.dtype).max
    rows = np.full((len(counts), longest), fill, sort_keys.dtype)
    is_item = np.arange(longest) < counts[:, np.newaxis]
    rows[is_item] = sort_keys
    order: Entries = (np.argsort(rows, axis=1, kind="stable") + offsets[:-1, np.newaxis])[is_item]
    return order


def check_equal_counts(of: str, lists: Iterable[tuple[str, Jagged]], entries: Entries) -> None:
    """Raise a `ColumnError` where lists, with their names, differ in length from the first."""
    (name, first), *others = lists
    for other_name, other in others:
        if not np.array_equal(first.offsets, other.offsets):
            at = int(np.flatnonzero(first.counts != other.counts)[0])
            message = (
                f"the lists of {of} differ in length: entry {entries[at]:,} has "
                f"{first.counts[at]} items of {name!r} and {other.counts[at]} of {other_name!r}"
            )
            raise ColumnError(message)
