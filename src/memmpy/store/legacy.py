"""Reads the metadata of stores of memmpy 0.1.2, which are read-only.

That release wrote raw little-endian values to files named ``.npy``, and their dtypes and shapes to
the metadata. A jagged column has two arrays there: ``key`` and ``key:index``.
"""

from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from memmpy.errors import CorruptStoreError
from memmpy.store.file_names import hash64, hash_text
from memmpy.store.json_types import Count, JsonObject, from_json
from memmpy.store.metadata import ArrayRecord, ColumnRecord, Metadata

__all__ = ["decode_legacy", "is_legacy"]

# Characters that no branch name has, and nearly every cut.
_CUT_CHARACTERS = frozenset("<>=!&|~()[]+*/% ")


class _RawArray(ArrayRecord, frozen=True):
    has_header = False


class _LegacyArray(JsonObject, frozen=True):
    dtype: np.dtype[Any]
    shape: Annotated[tuple[Count, ...], Meta(min_length=1)]
    check: str = ""


class _LegacyJson(JsonObject, frozen=True):
    arrays: dict[str, _LegacyArray]
    hashes: dict[Annotated[str, Meta(pattern=r"\A[0-9a-f]{1,16}\Z")], str] = msgspec.field(
        default_factory=dict
    )


def is_legacy(document: Any) -> bool:
    """Return whether memmpy 0.1.2 wrote a metadata document."""
    return isinstance(document, dict) and "arrays" in document and "format" not in document


def decode_legacy(document: dict[str, Any], *, path: str) -> Metadata:
    """Return the metadata of a document of memmpy 0.1.2."""
    try:
        legacy = from_json(document, _LegacyJson)
        arrays: dict[str, ArrayRecord] = {
            name: _RawArray(f"{hash_text(hash64(name))}.npy", array.dtype, array.shape)
            for name, array in legacy.arrays.items()
        }
        columns = {key: _column(key, arrays) for key in arrays if _is_column(key, arrays)}
    except (KeyError, ValueError) as error:
        message = f"{path!r} looks like memmpy 0.1.2 wrote it, but is damaged: {error}"
        raise CorruptStoreError(message) from error
    hashes = {int(number, 16): text for number, text in legacy.hashes.items()}
    return Metadata(columns=columns, hashes=hashes, read_only=True)


def _is_column(name: str, arrays: dict[str, ArrayRecord]) -> bool:
    key, _, suffix = name.rpartition(":")
    if key in arrays and suffix in {"index", "shape"}:
        return False
    # Cached cuts are among the columns, as int64 arrays named after the expression.
    is_entries = arrays[name].dtype == np.int64 and len(arrays[name].shape) == 1
    is_jagged = f"{name}:index" in arrays
    return is_jagged or not (is_entries and _CUT_CHARACTERS.intersection(name))


def _column(key: str, arrays: dict[str, ArrayRecord]) -> ColumnRecord:
    if f"{key}:index" not in arrays:
        values = arrays[key]
        # Hashed metadata cannot be told from other uint64 columns.
        maybe = values.dtype == np.uint64 and len(values.shape) == 1
        return ColumnRecord(
            "vector", values.shape[0], {"values": values}, {"hashed": True} if maybe else {}
        )
    content, offsets = arrays[key], arrays[f"{key}:index"]
    roles = {"content": content, "offsets": offsets}
    if f"{key}:shape" not in arrays:
        return ColumnRecord("jagged", offsets.shape[0] - 1, roles)
    roles |= {"shapes": arrays[f"{key}:shape"], "shapes_offsets": arrays[f"{key}:shape:index"]}
    return ColumnRecord("shaped", offsets.shape[0] - 1, roles)
