"""Finds the fields of an RNTuple by name, and the columns that hold their values."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import final

from memmpy.columns import ColumnType
from memmpy.sources.root.ntuple_encodings import CHAR, ColumnEncoding, encoding_of_column
from memmpy.sources.root.ntuple_records import (
    ARRAY,
    COLLECTION,
    LEAF,
    RECORD,
    ColumnDescription,
    FieldDescription,
    NtupleDescription,
)

__all__ = ["CodedColumn", "FieldColumns", "NtupleFields"]

#: A base class of a record, whose members count as those of the record.
_BASE_CLASS = re.compile(r":_\d+")
#: A member of a tuple, which uproot names by its number.
_TUPLE_MEMBER = re.compile(r"_(\d+)")


@dataclass(frozen=True, slots=True)
class CodedColumn:
    """A column, the encoding of its values, and its first value; those before are zeros."""

    number: int
    encoding: ColumnEncoding
    first: int


@dataclass(frozen=True, slots=True)
class FieldColumns:
    """The columns of a field that memmpy reads itself.

    Parameters
    ----------
    type : ColumnType
        The type of its entries.
    lists : tuple of CodedColumn
        The ends of lists, those of the outermost ones first, and of texts.
    content : CodedColumn or None
        The numbers or bytes; None for the number of items in each list.
    shape : tuple of int
        The shape of an entry, or of an item of the innermost lists.
    """

    type: ColumnType
    lists: tuple[CodedColumn, ...]
    content: CodedColumn | None
    shape: tuple[int, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether the innermost lists are texts."""
        return self.type.kind == "text" or self.type.type.endswith("string")


@final
class NtupleFields:
    """The fields of an RNTuple."""

    def __init__(self, description: NtupleDescription) -> None:
        self._fields = description.fields
        self._children: dict[int, list[FieldDescription]] = defaultdict(list)
        #: The top fields by name. Of several with the same name, the first counts.
        self.tops: dict[str, FieldDescription] = {}
        for field in description.fields:
            if field.parent == field.number:
                self.tops.setdefault(field.name, field)
            else:
                self._children[field.parent].append(field)
        self._columns: dict[int, list[ColumnDescription]] = defaultdict(list)
        for column in description.columns:
            self._columns[column.field].append(column)

    def find(self, name: str) -> tuple[FieldDescription, ...]:
        """Return the fields that a name may mean: a top field, or parts of one (``jets.pt``)."""
        if name in self.tops:
            return (self.tops[name],)
        return tuple(self._parts.get(name, ())) if "." in name else ()

    def top(self, field: FieldDescription) -> FieldDescription:
        """Return the top field that a field is a part of."""
        for _ in self._fields:  # a damaged file may have circles
            if field.parent == field.number:
                break
            field = self._fields[field.parent]
        return field

    def column_numbers(self, field: FieldDescription) -> list[int]:
        """Return the numbers of the columns of a field and its parts."""
        sources = (self._source(part).number for part in self._whole(field))
        columns = (column for number in sources for column in self._columns.get(number, ()))
        return list(dict.fromkeys(column.number for column in columns))

    def has_late_array(self, field: FieldDescription) -> bool:
        """Return whether a field has arrays that begin late: uproot reads some entries wrong."""
        arrays = [part for part in self._whole(field) if part.role == ARRAY]
        inner = (part.number for array in arrays for part in self._whole(array))
        return any(column.first > 0 for n in inner for column in self._columns.get(n, ()))

    def _whole(self, field: FieldDescription) -> list[FieldDescription]:
        """Return a field and its parts."""
        fields = [field]
        for part in fields:
            fields += self._children.get(part.number, ())
            if len(fields) > len(self._fields):  # a damaged file may have circles
                break
        return fields

    def columns_of(self, field: FieldDescription) -> FieldColumns | None:
        """Return the columns of a field, or None if only uproot may read it."""
        parents: list[FieldDescription] = []
        inner = field
        while inner.parent != inner.number and len(parents) < len(self._fields):
            inner = self._fields[inner.parent]
            parents.append(inner)
        if any(parent.role not in {COLLECTION, RECORD} for parent in parents):
            return None
        columns = self._own_columns(field)
        for parent in parents:
            if parent.role == COLLECTION and columns is not None:
                columns = self._in_list(parent, columns)
        return columns

    @cached_property
    def _parts(self) -> dict[str, list[FieldDescription]]:
        parts: dict[str, list[FieldDescription]] = defaultdict(list)
        for top in self.tops.values():
            for name, field in self._named_parts(top, top.name, 0):
                parts[name].append(field)
        return parts

    def _named_parts(
        self, field: FieldDescription, path: str, depth: int
    ) -> Iterator[tuple[str, FieldDescription]]:
        """Yield the parts of a field with their names, as in uproot."""
        if depth > len(self._fields) or field.role not in {COLLECTION, RECORD}:
            return
        for part in self._children.get(field.number, ()):
            is_record = field.role == RECORD
            if not is_record or _BASE_CLASS.fullmatch(part.name):
                yield from self._named_parts(part, path, depth + 1)
                continue
            member = _TUPLE_MEMBER.fullmatch(part.name)
            name = f"{path}.{member[1] if member else part.name}"
            yield name, part
            yield from self._named_parts(part, name, depth + 1)

    def _own_columns(self, field: FieldDescription) -> FieldColumns | None:
        """Return the columns of a field without lists around it."""
        children = self._children.get(field.number, [])
        if field.role == COLLECTION:
            content = self._own_columns(children[0]) if len(children) == 1 else None
            return self._in_list(field, content) if content else None
        if field.role == ARRAY:
            inner = self._own_columns(children[0]) if children else self._leaf_columns(field)
            if inner is None or inner.type.kind != "vector" or inner.content is None:
                return None
            shape = (field.size, *inner.shape)
            column_type = ColumnType("vector", inner.type.dtype, shape)
            return FieldColumns(column_type, (), inner.content, shape)
        return self._leaf_columns(field) if field.role == LEAF else None

    def _in_list(self, field: FieldDescription, items: FieldColumns) -> FieldColumns | None:
        """Return the columns of lists of something."""
        source = self._source(field)
        columns = self._coded(source)
        if columns is None or len(columns) != 1 or not columns[0].encoding.is_index:
            return None
        # As many values as there are in a list: one or none.
        if source.typename.startswith("std::optional") or source.role != COLLECTION:
            return None
        if items.content is None or any(c.first for c in (items.content, *items.lists)):
            return None  # which item of a list is the first that is not zero?
        if items.type.kind == "vector":
            column_type = ColumnType("jagged", items.type.dtype, items.shape)
        else:
            inner = "string" if items.type.kind == "text" else str(items.type)
            column_type = ColumnType("nested", type=f"var * {inner}")
        return FieldColumns(column_type, (columns[0], *items.lists), items.content, items.shape)

    def _leaf_columns(self, field: FieldDescription) -> FieldColumns | None:
        source = self._source(field)
        children = self._children.get(source.number, [])
        is_array = source.typename.startswith("std::array<")  # of no numbers, or it had a size
        if source.number not in self._columns and len(children) == 1 and not is_array:
            source = children[0]  # of std::atomic and enumerations
        columns = self._coded(source)
        if columns is None or not 1 <= len(columns) <= 2:
            return None
        first, *others = columns
        if others:
            is_text = self._columns[source.number][1].kind == CHAR
            if not first.encoding.is_index or not is_text or field.role == ARRAY:
                return None
            return FieldColumns(ColumnType("text"), (first,), others[0])
        is_count = "RNTupleCardinality" in field.typename
        if is_count != first.encoding.is_index:
            return None
        column_type = ColumnType("vector", first.encoding.dtype)
        return FieldColumns(column_type, *(((first,), None) if is_count else ((), first)))

    def _source(self, field: FieldDescription) -> FieldDescription:
        return self._fields[field.source] if field.source >= 0 else field

    def _coded(self, field: FieldDescription) -> list[CodedColumn] | None:
        """Return the columns of a field; None if one is unusual."""
        coded = []
        for column in self._columns.get(field.number, ()):
            encoding = encoding_of_column(column)
            if encoding is None or column.representation or column.first < 0:
                return None
            coded.append(CodedColumn(column.number, encoding, column.first))
        return coded
