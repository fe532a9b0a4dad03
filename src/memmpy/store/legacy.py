"""Stores of memmpy 0.1.2, which are read and never written.

That release kept raw little-endian values in files named ``.npy``, their dtypes and shapes in the
metadata, and a jagged column as two arrays: ``key`` and ``key:index``.
"""

from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from memmpy.errors import CorruptStoreError
from memmpy.store.file_names import hash64, hash_text
from memmpy.store.json_types import Checked, Count, typed
from memmpy.store.metadata import ArrayRecord, ColumnRecord, Metadata

__all__ = ["decode_legacy", "is_legacy"]

# What no name of a branch has, and hardly a cut lacks.
_CUT_CHARACTERS = frozenset("<>=!&|~()[]+*/% ")


class _RawArray(ArrayRecord, frozen=True):
    has_header = False


class _Array(Checked, frozen=True):
    dtype: np.dtype[Any]
    shape: Annotated[tuple[Count, ...], Meta(min_length=1)]
    check: str = ""


class _Document(Checked, frozen=True):
    arrays: dict[str, _Array]
    hashes: dict[Annotated[str, Meta(pattern=r"\A[0-9a-f]{1,16}\Z")], str] = msgspec.field(
        default_factory=dict
    )


def is_legacy(document: Any) -> bool:
    """Say whether a metadata document was written by memmpy 0.1.2."""
    return isinstance(document, dict) and "arrays" in document and "format" not in document


def decode_legacy(document: dict[str, Any], *, path: str) -> Metadata:
    """Return what the metadata of memmpy 0.1.2 says, in today's terms."""
    try:
        found = typed(document, _Document)
        arrays: dict[str, ArrayRecord] = {
            name: _RawArray(f"{hash_text(hash64(name))}.npy", array.dtype, array.shape)
            for name, array in found.arrays.items()
        }
        columns = {key: _column(key, arrays) for key in arrays if _is_column(key, arrays)}
    except (KeyError, ValueError) as error:
        message = f"{path!r} looks like memmpy 0.1.2 wrote it, but is damaged: {error}"
        raise CorruptStoreError(message) from error
    hashes = {int(number, 16): text for number, text in found.hashes.items()}
    return Metadata(columns=columns, hashes=hashes, read_only=True)


def _is_column(name: str, arrays: dict[str, ArrayRecord]) -> bool:
    key, _, suffix = name.rpartition(":")
    if key in arrays and suffix in {"index", "shape"}:
        return False
    # Cached cuts lay among the columns, as int64 under the text of their expression.
    is_entries = arrays[name].dtype == np.int64 and len(arrays[name].shape) == 1
    is_jagged = f"{name}:index" in arrays
    return is_jagged or not (is_entries and _CUT_CHARACTERS.intersection(name))


def _column(key: str, arrays: dict[str, ArrayRecord]) -> ColumnRecord:
    if f"{key}:index" not in arrays:
        values = arrays[key]
        # Metadata was stored hashed, and not told apart from other uint64 columns.
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
