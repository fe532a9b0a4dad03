"""The spec of a column: how its entries are made of the branches of a tree."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from memmpy.columns import (
    MAX_ENTRY_BYTES,
    ColumnType,
    can_cast,
    cast,
    padded_type,
    type_of_values,
)
from memmpy.cuts import LANGUAGE, Program, compute_column, normal_form
from memmpy.errors import OptionError
from memmpy.jagged import Clipping, Jagged, Padding, clipping_of, lists_of
from memmpy.sources import NullRules, fill_missing, filled_type, format_fill
from memmpy.store import SourceRecord
from memmpy.typing import Array

__all__ = ["ColumnSpec", "ColumnValues", "format_missing", "metadata_spec"]


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """Entries of a column as they are stored.

    Parameters
    ----------
    values : np.ndarray, Jagged or ak.Array
        Depends on the kind of the column.
    num_lost : int
        Values that a cast lost: too large ones, and rounded integers.
    notes : frozenset of str
        Warnings.
    clipping : Clipping or None
        The counts of items that padding cuts off; None without padding.
    """

    values: Any
    num_lost: int = 0
    notes: frozenset[str] = frozenset()
    clipping: Clipping | None = None


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """How to make a column: of a branch as it is, or of an expression; padded or not.

    Parameters
    ----------
    key : str
        The column.
    branches : tuple of str
        The branches that must be read for it.
    program : Program or None
        The expression; None where the one branch is taken as it is.
    padding : Padding or None
        None keeps the lengths of the entries.
    dtype : np.dtype or None
        The dtype of the column; None for that of the branch or the expression.
    is_mask : bool
        Whether the column is the mask of a padded key: which items are real.
    nulls : NullRules
        The fills of missing values of the branches.
    """

    key: str
    branches: tuple[str, ...]
    program: Program | None = None
    padding: Padding | None = None
    dtype: np.dtype[Any] | None = None
    is_mask: bool = False
    nulls: NullRules = field(default_factory=NullRules)

    @property
    def base(self) -> dict[str, Any]:
        """How the entries are made before they are cast and padded, as JSON values."""
        base: dict[str, Any] = {"branch": self.branches[0]}
        if self.program is not None:
            base = {"expression": normal_form(self.program.node), "language": LANGUAGE}
        fills = {branch: format_fill(fill) for branch, fill in self.nulls.fills.items()}
        return {**base, "missing": fills} if fills else base

    def to_json(self) -> dict[str, Any]:
        """Return JSON values for the store: equal for columns that are made alike."""
        spec = self.base
        if self.dtype is not None:
            spec["dtype"] = self.dtype.str
        if self.padding is not None:
            spec["padding"] = [self.padding.length, repr(self.padding.fill)]
        if self.is_mask:
            spec["mask"] = True
        return spec

    def type(self, types: Mapping[str, ColumnType]) -> ColumnType:
        """Return the type of the column from those of its branches.

        Raises
        ------
        OptionError
            If entries cannot be padded, or not with that value.
        CutError
            If the expression cannot be computed of such branches.
        """
        types = {b: filled_type(types[b], self.nulls.fill_of(b), branch=b) for b in self.branches}
        if self.program is None:
            return self.stored_type(types[self.branches[0]])
        return self.stored_type(self._computed_type(types))

    def stored_type(self, result: ColumnType) -> ColumnType:
        """Return the type of entries once they are cast and padded."""
        if self.dtype is not None and not self.is_mask:
            result = self._cast_type(result, self.dtype)
        if self.padding is None:
            return result
        padded = padded_type(self.key, result, self.padding)
        if self.is_mask:
            mask = ColumnType("vector", np.dtype(np.bool_), (self.padding.length,))
            return mask if self.dtype is None else self._cast_type(mask, self.dtype)
        assert padded.dtype is not None
        self.padding.check(self.key, padded.dtype)
        if padded.entry_bytes > MAX_ENTRY_BYTES:
            message = f"cannot pad {self.key!r} to {self.padding.length:,} items: an entry would "
            raise OptionError(f"{message}have {padded.entry_bytes:,} bytes")
        return padded

    def compute(self, branches: Mapping[str, Any]) -> ColumnValues:
        """Return entries of the column, made of entries of its branches from an `EventFile`."""
        fill_of = self.nulls.fill_of
        inputs = {b: fill_missing(branches[b], fill_of(b), branch=b) for b in self.branches}
        if self.program is None:
            return self.cast_and_pad(inputs[self.branches[0]])
        num_entries = len(next(iter(inputs.values())))
        values, notes = compute_column(self.program, inputs, num_entries=num_entries)
        return replace(self.cast_and_pad(values), notes=frozenset(notes))

    def cast_and_pad(self, values: Any) -> ColumnValues:
        """Return entries once they are cast and padded, or their mask."""
        num_lost = 0
        if self.is_mask:
            values = self._mask(lists_of(values))
        if self.dtype is not None:
            values, num_lost = _cast(values, self.dtype, key=self.key)
        if self.padding is None or self.is_mask:
            return ColumnValues(values, num_lost)
        lists, length = lists_of(values), self.padding.length
        clipping = clipping_of(lists, length)
        return ColumnValues(lists.pad(length, self.padding.fill), num_lost, clipping=clipping)

    def _mask(self, lists: Jagged) -> Array:
        """Return which items are real after padding, of shape (n, length)."""
        assert self.padding is not None
        is_real: Array = np.arange(self.padding.length) < lists.counts[:, np.newaxis]
        return is_real

    def _cast_type(self, entries: ColumnType, dtype: np.dtype[Any]) -> ColumnType:
        message = f"cannot store {self.key!r} as {dtype}: "
        if entries.dtype is None:
            raise OptionError(f"{message}its entries are {entries}, not numbers")
        if not can_cast(entries.dtype, dtype):
            message += f"it is {entries.dtype}; write an alias that casts, 'x > 0' or 'int(x)'"
            raise OptionError(message)
        return ColumnType(entries.kind, dtype, entries.shape)

    def _computed_type(self, types: Mapping[str, ColumnType]) -> ColumnType:
        assert self.program is not None
        empty = {}
        for name in self.branches:
            if types[name].dtype is None:
                message = (
                    f"the alias {self.key!r} cannot compute with {name!r}: it is {types[name]}"
                )
                raise OptionError(message)
            content = np.empty((0, *types[name].shape), types[name].dtype)
            is_jagged = types[name].kind == "jagged"
            empty[name] = Jagged(content, np.zeros(1, np.int64)) if is_jagged else content
        return type_of_values(compute_column(self.program, empty, num_entries=0)[0])


def format_missing(spec: Mapping[str, Any]) -> str:
    """Return a suffix of a text that tells the fills of missing values; empty without fills."""
    fills: Mapping[str, str] = spec.get("missing") or {}
    values = {"kept" if fill == "None" else f"as {fill}" for fill in fills.values()}
    listed = ", ".join(f"{branch} as {fill}" for branch, fill in fills.items())
    return f", missing {values.pop() if len(values) == 1 else listed}" if fills else ""


def metadata_spec(name: str, sources: Iterable[SourceRecord]) -> dict[str, Any]:
    """Return the spec of the column of a name of the metadata of files."""
    return {"metadata": [source.metadata[name] for source in sources]}


def _cast(values: Any, dtype: np.dtype[Any], *, key: str) -> tuple[Any, int]:
    """Return values as another dtype, and how many of them the cast lost."""
    if isinstance(values, Jagged):
        content, num_lost = _cast(values.content, dtype, key=key)
        return Jagged.trusted(content, values.offsets), num_lost
    return cast(values, dtype, key=key)
