"""How the entries of one column are made from the branches of a tree."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from memmpy.columns import ColumnType, cast, type_of_values
from memmpy.cuts import LANGUAGE, Program, compute_column, normal
from memmpy.errors import OptionError
from memmpy.jagged import Clipping, Jagged, Padding, check_fill, clipping_of, lists_of
from memmpy.sources import NO_FILL, Fill, NoFill, fill_missing, filled_type, format_fill
from memmpy.store import SourceRecord
from memmpy.typing import Array

__all__ = ["Made", "Recipe", "metadata_recipe", "missing_in_words"]

#: Bytes that an entry may have, once it is padded.
_MAX_ENTRY = 1 << 30
#: From what kind of dtype to what: an integer is never made of a float unasked.
_CASTS = {"ff", "ii", "iu", "ui", "uu", "if", "uf", "bi", "bu", "bf", "bb"}


@dataclass(frozen=True, slots=True)
class Made:
    """Entries of a column, as they are stored.

    Parameters
    ----------
    values : np.ndarray, Jagged or ak.Array
        By the kind of the column.
    num_lost : int
        Values that another dtype could not hold: too large, or rounded integers.
    notes : frozenset of str
        What to warn of.
    clipping : Clipping or None
        What padding cuts off; None where nothing is padded.
    """

    values: Any
    num_lost: int = 0
    notes: frozenset[str] = frozenset()
    clipping: Clipping | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """One column: a branch as it is, or an expression of branches; padded or not.

    Parameters
    ----------
    key : str
        The column.
    branches : tuple of str
        What must be read for it.
    program : Program or None
        The expression; None where the one branch is taken as it is.
    padding : Padding or None
        None to keep the entries' lengths.
    dtype : np.dtype or None
        Of what is stored; None for what the branch or the expression has.
    is_mask : bool
        Whether the entries are the mask of padded ones: which of their items are real.
    missing : tuple of (str, Fill)
        Of the branches for which the user named one, what stands for a missing value.
    """

    key: str
    branches: tuple[str, ...]
    program: Program | None = None
    padding: Padding | None = None
    dtype: np.dtype[Any] | None = None
    is_mask: bool = False
    missing: tuple[tuple[str, Fill], ...] = ()

    @property
    def base(self) -> dict[str, Any]:
        """What the entries are before they are padded and cast, as JSON values."""
        base: dict[str, Any] = {"branch": self.branches[0]}
        if self.program is not None:
            base = {"expression": normal(self.program.node), "language": LANGUAGE}
        fills = {branch: format_fill(fill) for branch, fill in self.missing}
        return {**base, "missing": fills} if fills else base

    def to_json(self) -> dict[str, Any]:
        """Return what the store keeps of it: equal for equal columns."""
        recipe = self.base
        if self.dtype is not None:
            recipe["dtype"] = self.dtype.str
        if self.padding is not None:
            recipe["padding"] = [self.padding.length, repr(self.padding.fill)]
        if self.is_mask:
            recipe["mask"] = True
        return recipe

    def type(self, types: Mapping[str, ColumnType]) -> ColumnType:
        """Return the type of the column from those of its branches.

        Raises
        ------
        OptionError
            If entries cannot be padded, or not with that value.
        CutError
            If the expression cannot be computed from such branches.
        """
        types = {b: filled_type(types[b], self._fill(b), branch=b) for b in self.branches}
        if self.program is None:
            return self.finish_type(types[self.branches[0]])
        return self.finish_type(self._computed_type(types))

    def finish_type(self, result: ColumnType) -> ColumnType:
        """Return the type of entries once they are cast and padded: see `finish`."""
        if self.dtype is not None and not self.is_mask:
            result = self._cast_type(result, self.dtype)
        if self.padding is None:
            return result
        if result.kind not in {"vector", "jagged"} or (result.kind, result.shape) == ("vector", ()):
            message = f"cannot pad {self.key!r}: its entries are {result}, not lists of numbers"
            raise OptionError(message)
        assert result.dtype is not None
        if self.is_mask:
            mask = ColumnType("vector", np.dtype(np.bool_), (self.padding.length,))
            return mask if self.dtype is None else self._cast_type(mask, self.dtype)
        try:
            check_fill(self.padding.fill, result.dtype)
        except OptionError as error:
            raise OptionError(f"cannot pad {self.key!r}: {error}") from None
        inner = result.shape[1:] if result.kind == "vector" else result.shape
        size = self.padding.length * result.dtype.itemsize * math.prod(inner)
        if size > _MAX_ENTRY:
            message = f"cannot pad {self.key!r} to {self.padding.length:,} items: an entry would "
            raise OptionError(f"{message}have {size:,} bytes")
        return ColumnType("vector", result.dtype, (self.padding.length, *inner))

    def make(self, branches: Mapping[str, Any]) -> Made:
        """Return entries of the column, of those of its branches as an `EventFile` gives them."""
        inputs = {b: fill_missing(branches[b], self._fill(b), branch=b) for b in self.branches}
        if self.program is None:
            return self.finish(inputs[self.branches[0]])
        num_entries = len(next(iter(inputs.values())))
        values, notes = compute_column(self.program, inputs, num_entries=num_entries)
        made = self.finish(values)
        return replace(made, notes=frozenset(notes))

    def finish(self, values: Any) -> Made:
        """Return entries cast and padded, or their mask."""
        num_lost = 0
        if self.is_mask:
            values = self._mask(lists_of(values))
        if self.dtype is not None:
            values, num_lost = _cast(values, self.dtype, key=self.key)
        if self.padding is None or self.is_mask:
            return Made(values, num_lost)
        lists, length = lists_of(values), self.padding.length
        clipping = clipping_of(lists, length)
        return Made(lists.pad(length, self.padding.fill), num_lost, clipping=clipping)

    def _fill(self, branch: str) -> Fill | NoFill:
        """Return what stands for missing values of a branch."""
        return dict(self.missing).get(branch, NO_FILL)

    def _mask(self, lists: Jagged) -> Array:
        """Return which items are real once lists are padded, of shape (n, length)."""
        assert self.padding is not None
        is_real: Array = np.arange(self.padding.length) < lists.counts[:, np.newaxis]
        return is_real

    def _cast_type(self, found: ColumnType, dtype: np.dtype[Any]) -> ColumnType:
        message = f"cannot store {self.key!r} as {dtype}: "
        if found.dtype is None:
            raise OptionError(f"{message}its entries are {found}, not numbers")
        if f"{found.dtype.kind}{dtype.kind}" not in _CASTS:
            message += f"it is {found.dtype}; say how in an alias, such as 'x > 0' or 'int(x)'"
            raise OptionError(message)
        return ColumnType(found.kind, dtype, found.shape)

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


def missing_in_words(recipe: Mapping[str, Any]) -> str:
    """Return what stands for missing values, as words that follow others; empty for nothing."""
    fills: Mapping[str, str] = recipe.get("missing") or {}
    values = {"kept" if fill == "None" else f"as {fill}" for fill in fills.values()}
    said = ", ".join(f"{branch} as {fill}" for branch, fill in fills.items())
    return f", missing {values.pop() if len(values) == 1 else said}" if fills else ""


def metadata_recipe(name: str, sources: Iterable[SourceRecord]) -> dict[str, Any]:
    """Return the recipe of a column of what the user said of the files."""
    return {"metadata": [source.metadata[name] for source in sources]}


def _cast(values: Any, dtype: np.dtype[Any], *, key: str) -> tuple[Any, int]:
    """Return values of another dtype, and how many it could not hold."""
    if isinstance(values, Jagged):
        content, num_lost = _cast(values.content, dtype, key=key)
        return Jagged.trusted(content, values.offsets), num_lost
    return cast(values, dtype, key=key)
