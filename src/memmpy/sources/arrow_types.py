"""Converts Arrow types and tables to ones that awkward and columns can hold."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

__all__ = ["has_decimal", "has_extension", "leaf_paths", "number_dtype", "whole_table"]


def leaf_paths(arrow_type: Any) -> Iterator[tuple[str, ...]]:
    """Yield the path of member names to each Parquet column of a type, in file order."""
    import pyarrow as pa

    if isinstance(arrow_type, pa.BaseExtensionType):
        yield from leaf_paths(arrow_type.storage_type)
    elif pa.types.is_struct(arrow_type):
        for field in arrow_type:
            for path in leaf_paths(field.type):
                yield (field.name, *path)
    elif pa.types.is_map(arrow_type):
        yield from leaf_paths(arrow_type.key_type)
        yield from leaf_paths(arrow_type.item_type)
    elif hasattr(arrow_type, "value_type") and not pa.types.is_dictionary(arrow_type):
        yield from leaf_paths(arrow_type.value_type)
    else:
        yield ()


def has_extension(arrow_type: Any) -> bool:
    """Return whether a type contains an extension type."""
    import pyarrow as pa

    return any(isinstance(t, pa.BaseExtensionType) for t in _types_in(arrow_type))


def has_decimal(arrow_type: Any, members: Sequence[str]) -> bool:
    """Return whether the type at the end of a path of members contains decimals."""
    import pyarrow as pa

    while members:
        if isinstance(arrow_type, pa.BaseExtensionType):
            arrow_type = arrow_type.storage_type
        elif pa.types.is_struct(arrow_type):
            arrow_type, members = arrow_type.field(members[0]).type, members[1:]
        else:
            arrow_type = arrow_type.value_type
    return any(map(pa.types.is_decimal, _types_in(arrow_type)))


def _types_in(arrow_type: Any) -> Iterator[Any]:
    """Yield a type and all types inside it."""
    import pyarrow as pa

    yield arrow_type
    if isinstance(arrow_type, pa.BaseExtensionType):
        yield from _types_in(arrow_type.storage_type)
    elif pa.types.is_dictionary(arrow_type):
        yield from _types_in(arrow_type.value_type)
    else:
        for i in range(arrow_type.num_fields):
            yield from _types_in(arrow_type.field(i).type)


def number_dtype(arrow_type: Any) -> np.dtype[Any] | None:
    """Return the dtype of a type of plain numbers, or None for any other type."""
    import pyarrow as pa

    is_float = pa.types.is_floating(arrow_type)
    is_number = is_float or pa.types.is_integer(arrow_type) or pa.types.is_boolean(arrow_type)
    return np.dtype(arrow_type.to_pandas_dtype()) if is_number else None


def whole_table(table: Any) -> Any:
    """Return a table of one column that awkward reads correctly.

    awkward knows neither views nor extension types, needs pandas for dictionaries, and misplaces
    the missing values of a sliced array.
    """
    import pyarrow as pa

    field, column = table.schema.field(0), table.column(0)
    plain = _plain_type(field.type)
    if plain != field.type:
        field, column = field.with_type(plain), column.cast(plain)
    if column.num_chunks > 1:
        with suppress(pa.ArrowNotImplementedError):  # some types cannot be joined
            column = pa.Table.from_arrays([column], schema=pa.schema([field])).combine_chunks()[0]
    chunks = [c.take(pa.array(np.arange(len(c)))) if c.offset else c for c in column.chunks]
    column = pa.chunked_array(chunks, field.type)
    return pa.Table.from_arrays([column], schema=pa.schema([field], table.schema.metadata))


def _plain_type(arrow_type: Any) -> Any:
    """Return a type without extension types, dictionaries and views outside of records."""
    import pyarrow as pa

    if pa.types.is_dictionary(arrow_type):
        return _plain_type(arrow_type.value_type)
    if isinstance(arrow_type, pa.BaseExtensionType) and arrow_type.extension_name != "awkward":
        return _plain_type(arrow_type.storage_type)
    if pa.types.is_string_view(arrow_type):
        return pa.large_string()
    if pa.types.is_list(arrow_type) or pa.types.is_large_list(arrow_type):
        items = arrow_type.value_field
        make = pa.list_ if pa.types.is_list(arrow_type) else pa.large_list
        return make(items.with_type(_plain_type(items.type)))
    return arrow_type
