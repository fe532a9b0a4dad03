"""The meaning of a cut, defined a second time: by entry, by element, by number.

Slow and plain, to be compared with. Numbers are Python's; NumPy serves where C rounds or wraps.
"""

import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from memmpy.cuts import Key, Node
from memmpy.cuts.language import Alternative, Binary, Element, Loop, Number, Reduction, Text
from tests.cuts.oracle_numbers import (
    BOOL,
    FLOAT,
    INT,
    Cell,
    Numeric,
    applied,
    cast,
    common,
    truncated,
    wide,
)

__all__ = ["Cell", "Column", "Oracle"]


@dataclass(frozen=True)
class Column:
    """Entries: numbers, lists of numbers (`is_fixed`: of one length), or, without dtype, texts."""

    entries: Sequence[Any]
    dtype: np.dtype | None
    is_list: bool = False
    is_fixed: bool = False


@dataclass(frozen=True)
class Place:
    """An element of an entry in a formula of that length; no length where it has one value.

    The entry None stands for any: it has every element, and all are zero.
    """

    entry: int | None
    length: int | None
    is_jagged: bool
    element: int = 0


@dataclass(frozen=True)
class Oracle:
    """Answers questions on cuts of some columns."""

    columns: Mapping[str, Column]

    def passes(self, node: Node, entry: int) -> bool:
        """Whether an entry passes a cut."""
        cells = self.cells(node, entry) or ()
        return any(cell.value != 0 and not math.isnan(cell.value) for cell in cells)

    def cells(self, node: Node, entry: int) -> list[Cell] | None:
        """Return the elements of a formula; None if the entry lacks one picked by number."""
        places = self.places([node], entry)
        with np.errstate(all="ignore"):
            return None if places is None else [self.cell(node, place) for place in places]

    def sample(self, node: Node) -> Cell:
        """Return a value that has the type of all values of a formula."""
        places = self.places([node], None)
        assert places is not None
        with np.errstate(all="ignore"):
            return self.cell(node, next(places))

    def has_many(self, node: Node) -> bool:
        """Whether entries of a formula have any number of elements."""
        return any(self._is_list(leaf) for leaf in leaves(node))

    def differ(self, node: Node, entry: int) -> bool:
        """Whether lists of one formula differ in length, in the cut or in a part of it."""
        for formula in formulas(node):
            lists = [x for part in formula for x in leaves(part) if self._is_list(x)]
            if len({len(self._entry(leaf, entry)) for leaf in lists}) > 1:
                return True
        return False

    def places(self, nodes: Sequence[Node], entry: int | None) -> Iterator[Place] | None:
        """Return the elements that a formula has; None if the entry lacks one."""
        lengths, is_jagged = [], False
        for leaf in (leaf for node in nodes for leaf in leaves(node)):
            if isinstance(leaf, Element) and entry is not None:
                _, index = leaf.operands
                assert isinstance(index, Number)
                if index.value >= len(self._entry(leaf.operands[0], entry)):
                    return None
            if self._is_list(leaf):
                lengths.append(1 if entry is None else len(self._entry(leaf, entry)))
                is_jagged |= not self._column(leaf).is_fixed
        if not lengths:
            return iter([Place(entry, None, False)])
        length = min(lengths)
        return (Place(entry, length, is_jagged, element) for element in range(length))

    def cell(self, node: Node, place: Place) -> Cell:
        """Return the value of a node for one element."""
        match node:
            case Number(value=value):
                return Cell(value, np.asarray(value).dtype, constant=True)
            case Key():
                return self._picked(node, place.element, place)
            case Element(operands=(key, Number(value=index))):
                return self._picked(key, int(index), place)
            case Element(operands=(key, index)):
                cell = self.cell(index, place)
                number = -1 if cell.value != cell.value else truncated(cell).value
                return self._picked_by_value(key, number, place)
            case Loop(name="Iteration$"):
                return Cell(place.element, INT, constant=place.length is None)
            case Loop():
                length = 1 if place.length is None else place.length
                return Cell(length, INT, constant=not place.is_jagged)
            case Reduction():
                return self._reduced(node, place.entry)
            case Alternative():
                return self._alternative(node, place)
            case Binary(operands=(left, right), operator=("==" | "!=") as sign) if self._is_text(
                left
            ):
                same = self._text(left, place) == self._text(right, place)
                return Cell(same if sign == "==" else not same, BOOL)
        cells = [self.cell(operand, place) for operand in node.operands]
        result = applied(node, cells)
        return replace(result, constant=all(cell.constant for cell in cells))

    def _reduced(self, node: Reduction, entry: int | None) -> Cell:
        sample, *_ = samples = [self.sample(operand) for operand in node.operands]
        places = self.places(node.operands, entry)
        rows = [[self.cell(x, place).value for x in node.operands] for place in places or ()]
        constant = all(sample.constant for sample in samples)
        found = [row[0] for row in rows]
        match node.name:
            case "Length$":
                keys = (
                    leaf.operands[0] if leaf.operands else leaf for leaf in leaves(*node.operands)
                )
                columns = [self._column(key) for key in keys if not self._is_text(key)]
                is_jagged = any(column.is_list and not column.is_fixed for column in columns)
                return Cell(len(rows), INT, constant=not is_jagged)
            case "any":
                return Cell(any(value != 0 for value in found), BOOL, constant)
            case "all":
                return Cell(all(value != 0 for value in found), BOOL, constant)
            case "Sum$" | "count":
                dtype = wide(sample.dtype)
                total = reduce(
                    operator.add, (cast(value, dtype) for value in found), cast(0, dtype)
                )
                return Cell(cast(total, dtype), dtype, constant)
            case "MinIf$" | "MaxIf$":
                found = [value for value, condition in rows if condition != 0]
        choose = min if node.name.startswith("Min") else max
        least = choose([x for x in found if x == x] or found or [cast(0, sample.dtype)])
        return Cell(least, sample.dtype, constant)

    def _alternative(self, node: Alternative, place: Place) -> Cell:
        primary, other = node.operands
        fallback, sample = self.cell(other, place), self.sample(primary)
        dtype = sample.dtype
        if dtype != fallback.dtype:
            dtype = common(sample, fallback)
        chosen = fallback
        places = self.places([primary], place.entry)
        if places is not None:
            cells = [self.cell(primary, each) for each in places]
            element = place.element if self.has_many(primary) else 0
            chosen = cells[element] if element < len(cells) else fallback
        return Cell(cast(chosen.value, dtype), dtype, sample.constant and fallback.constant)

    def _picked(self, key: Node, element: int, place: Place) -> Cell:
        column = self._column(key)
        assert column.dtype is not None
        if place.entry is None:
            return Cell(cast(0, column.dtype), column.dtype)
        value = column.entries[place.entry]
        return Cell(value[element] if column.is_list else value, column.dtype)

    def _picked_by_value(self, key: Node, index: Numeric, place: Place) -> Cell:
        column = self._column(key)
        assert column.dtype is not None
        dtype = column.dtype if column.dtype.kind == "f" else FLOAT
        values = [0] if place.entry is None else column.entries[place.entry]
        value = values[int(index)] if 0 <= index < len(values) else math.nan
        return Cell(float(value), dtype)

    def _column(self, key: Node) -> Column:
        assert isinstance(key, Key)
        return self.columns[key.name]

    def _entry(self, key: Node, entry: int) -> Any:
        return self._column(key).entries[entry]

    def _is_list(self, node: Node) -> bool:
        return isinstance(node, Key) and self._column(node).is_list

    def _is_text(self, node: Node) -> bool:
        return isinstance(node, Text) or (
            isinstance(node, Key) and self._column(node).dtype is None
        )

    def _text(self, node: Node, place: Place) -> str:
        if isinstance(node, Text):
            return node.value
        return "" if place.entry is None else str(self._entry(node, place.entry))


def leaves(node: Node) -> Iterator[Node]:
    """Yield what says how many elements a formula has: keys, and elements picked by number."""
    match node:
        case Key() | Element(operands=(_, Number())):
            yield node
        case Reduction():
            pass
        case Alternative(operands=(_, other)):
            yield from leaves(other)
        case Element(operands=(_, *indices)):
            for index in indices:
                yield from leaves(index)
        case _:
            for operand in node.operands:
                yield from leaves(operand)


def formulas(root: Node) -> Iterator[Sequence[Node]]:
    """Yield the formulas of a cut: itself, and what its reductions and alternatives take."""
    yield [root]
    pending = [root]
    while pending:
        node = pending.pop()
        pending.extend(node.operands)
        if isinstance(node, Reduction):
            yield node.operands
        elif isinstance(node, Alternative):
            yield node.operands[:1]
