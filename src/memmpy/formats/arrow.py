"""Arrow's types and arrays, made as plain as columns want them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["MissingValuesError", "has_extension", "leaf_paths", "plain_layout", "whole_table"]


class MissingValuesError(Exception):
    """Values are missing where the type has no place for that; says how many."""


def leaf_paths(arrow_type: Any) -> Iterator[tuple[str, ...]]:
    """Yield the members that lead to each Parquet column of a type, in the order of the file."""
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
    """Say whether a library gave a type, or one inside it, a name of its own."""
    import pyarrow as pa

    if isinstance(arrow_type, pa.BaseExtensionType):
        return True
    num_fields = arrow_type.num_fields
    return any(has_extension(arrow_type.field(i).type) for i in range(num_fields))


def whole_table(table: Any) -> Any:
    """Return a table of one column that awkward reads aright.

    It knows no views, needs pandas for dictionaries, and takes the missing values of an array that
    is a part of another from the wrong entries.
    """
    import pyarrow as pa

    field, column = table.schema.field(0), table.column(0)
    plain = _plain_type(field.type)
    if plain != field.type:
        field, column = field.with_type(plain), column.cast(plain)
    chunks = [c.take(pa.array(np.arange(len(c)))) if c.offset else c for c in column.chunks]
    column = pa.chunked_array(chunks, field.type)
    return pa.Table.from_arrays([column], schema=pa.schema([field], table.schema.metadata))


def _plain_type(arrow_type: Any) -> Any:
    """Return a type without dictionaries and views, but for those in records."""
    import pyarrow as pa

    if pa.types.is_dictionary(arrow_type):
        return _plain_type(arrow_type.value_type)
    if pa.types.is_string_view(arrow_type):
        return pa.large_string()
    if pa.types.is_list(arrow_type) or pa.types.is_large_list(arrow_type):
        items = arrow_type.value_field
        make = pa.list_ if pa.types.is_list(arrow_type) else pa.large_list
        return make(items.with_type(_plain_type(items.type)))
    return arrow_type


def plain_layout(layout: Any, *, keep_options: bool) -> Any:
    """Return data without the names, dictionaries and needless options it came with.

    Raises
    ------
    MissingValuesError
        If values are missing and options are not kept.
    """
    import awkward as ak

    if layout.is_option:
        if not keep_options:
            num_missing = int(np.count_nonzero(layout.mask_as_bool(valid_when=False)))
            if num_missing:
                raise MissingValuesError(num_missing)
            content = layout.project() if layout.is_indexed else layout.content[: layout.length]
            return plain_layout(content, keep_options=keep_options)
        content = plain_layout(layout.content, keep_options=keep_options)
        return layout.copy(content=content, parameters=None)
    if layout.is_indexed:
        return plain_layout(layout.project(), keep_options=keep_options)
    if layout.is_record:
        contents = [plain_layout(content, keep_options=keep_options) for content in layout.contents]
        return ak.contents.RecordArray(contents, layout.fields, layout.length)
    if isinstance(layout, ak.contents.ListArray):  # lists of which some were left out
        layout = layout.to_ListOffsetArray64(True)
    means = layout.parameter("__array__")
    parameters = {"__array__": means} if means in {"string", "bytestring", "char", "byte"} else None
    if layout.is_list:
        content = plain_layout(layout.content, keep_options=keep_options)
        return layout.copy(content=content, parameters=parameters)
    return layout if layout.is_unknown else layout.copy(parameters=parameters)
