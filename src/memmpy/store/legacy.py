"""Stores of memmpy 0.1.2, which are read and never written.

That release kept raw little-endian values in files named ``.npy``, their dtypes and shapes in the
metadata, and a jagged column as two arrays: ``key`` and ``key:index``.
"""

from typing import Any

import numpy as np

from memmpy.errors import CorruptStoreError
from memmpy.store.document import array_of_json, hashes_of_json
from memmpy.store.layout import hash64, hash_text
from memmpy.store.metadata import ArrayRecord, ColumnRecord, Metadata

__all__ = ["decode_legacy", "is_legacy"]

# What no name of a branch has, and hardly a cut lacks.
_CUT_CHARACTERS = frozenset("<>=!&|~()[]+*/% ")


def is_legacy(document: Any) -> bool:
    """Say whether a metadata document was written by memmpy 0.1.2."""
    return isinstance(document, dict) and "arrays" in document and "format" not in document


def decode_legacy(document: dict[str, Any], *, path: str) -> Metadata:
    """Return what the metadata of memmpy 0.1.2 says, in today's terms."""
    try:
        arrays = {
            name: array_of_json(array, file=f"{hash_text(hash64(name))}.npy", has_header=False)
            for name, array in document["arrays"].items()
        }
        hashes = hashes_of_json(document.get("hashes", {}))
        keys = [name for name in arrays if _is_column(name, arrays)]
        columns = {key: _column(key, arrays) for key in keys}
    except (KeyError, TypeError, ValueError, AttributeError, SyntaxError) as error:
        message = f"{path!r} looks like memmpy 0.1.2 wrote it, but is damaged: {error!r}"
        raise CorruptStoreError(message) from error
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
