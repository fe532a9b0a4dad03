"""The JSON document of a skim: what it was made of, and its arrays with their checksums."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import msgspec
import numpy as np
from msgspec import Meta

from memmpy.order import Multiplicities
from memmpy.skims.skim_request import INDEX
from memmpy.skims.value_counts import KeyCounts
from memmpy.store import (
    ArrayRecord,
    Count,
    Format,
    JsonObject,
    Metadata,
    crc_of,
    crc_text,
    from_json,
    parse,
    to_json,
)

__all__ = ["SkimDocument", "decode", "dependencies", "encode", "tree_ranges"]

_FORMAT = Format(
    name="memmpy skim",
    what="the metadata of a skim",
    version=2,
    sealed_since=2,
    remedy="skim again",
)
_Positive: TypeAlias = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class _RequestJson(JsonObject, frozen=True, kw_only=True):
    """The result of `SkimRequest.to_json`."""

    keys: tuple[str, ...]
    keys_padded: tuple[tuple[str, Count, str], ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    dtypes: dict[str, str]
    cut: str | None
    language: Count | None
    split_by: tuple[str, ...] | None
    split_seed: int
    regions: tuple[str, Count, Count] | None = None
    tickets: Count | None = None
    # Skims without derived columns lack it.
    derived: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)


class _DependenciesJson(JsonObject, frozen=True):
    num_entries: Count
    columns: dict[str, str]
    sources: tuple[tuple[str, str, Count, Count], ...] | None


class _FieldJson(JsonObject, frozen=True):
    offset: Annotated[int, Meta(ge=0, lt=2**31)]
    dtype: np.dtype[Any]
    shape: tuple[Annotated[int, Meta(ge=0, lt=2**31)], ...]


class _RowJson(JsonObject, frozen=True):
    num_bytes: Annotated[int, Meta(ge=1, lt=2**31)]
    fields: dict[str, _FieldJson]


class _ListsJson(JsonObject, frozen=True):
    content: ArrayRecord
    offsets: ArrayRecord


class _NotesJson(JsonObject, frozen=True):
    cut: tuple[str, ...]
    conversion: tuple[str, ...]


class _SkimJson(JsonObject, frozen=True, kw_only=True):
    asked: _RequestJson
    made_of: _DependenciesJson
    cut: str | None
    num_store_entries: Count
    row: _RowJson
    rows: ArrayRecord
    tickets: ArrayRecord
    lists: dict[str, _ListsJson]
    # The first skims lack these.
    multiplicities: tuple[tuple[_Positive, _Positive], ...] | None = None
    notes: _NotesJson = _NotesJson((), ())
    counts: dict[str, KeyCounts] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SkimDocument:
    """The document of a skim.

    Parameters
    ----------
    request : mapping
        The request, as JSON values, of which the name of the skim is a hash.
    made_of : mapping
        The columns and files that the skim depends on, as JSON values; see `dependencies`.
    cut : str or None
        The cut as the user wrote it.
    num_store_entries : int
        Number of entries of the store, of which the skim holds some or all.
    row : np.dtype
        The structured dtype of a row.
    rows, tickets : ArrayRecord
        The rows, and the ticket of each.
    lists : mapping of name to (content, offsets)
        The lists beside them.
    multiplicities : Multiplicities or None
        How many rows share a ticket; None for skims of an old memmpy.
    cut_notes, conversion_notes : tuple of str
        Warnings to repeat when it is opened: of the cut, and of values that are lost or clipped.
    counts : mapping of key to KeyCounts
        The counts of each column; empty for skims of an old memmpy.
    """

    request: Mapping[str, Any]
    made_of: Mapping[str, Any]
    cut: str | None
    num_store_entries: int
    row: np.dtype[Any]
    rows: ArrayRecord
    tickets: ArrayRecord
    lists: Mapping[str, tuple[ArrayRecord, ArrayRecord]]
    multiplicities: Multiplicities | None
    cut_notes: tuple[str, ...]
    conversion_notes: tuple[str, ...]
    counts: Mapping[str, KeyCounts]


def dependencies(
    metadata: Metadata, keys: Collection[str], *, num_entries: int, by_file: bool
) -> dict[str, Any]:
    """Return the dependencies of a skim, as JSON values that change whenever one of them does.

    Parameters
    ----------
    metadata : Metadata
        The metadata of the store.
    keys : collection of str
        The columns that the skim uses.
    num_entries : int
        Number of entries of the store.
    by_file : bool
        Whether its tickets come from the files.
    """
    return {
        "num_entries": num_entries,
        "columns": {key: metadata.columns[key].fingerprint for key in sorted(keys)},
        "sources": tree_ranges(metadata) if by_file else None,
    }


def tree_ranges(metadata: Metadata) -> list[list[str | int]]:
    """Return the ranges of trees that fill a store, which decide tickets by file."""
    filled = (source for source in metadata.sources if source.num_entries)
    return [[s.uuid, s.tree, s.tree_start, s.num_entries] for s in filled]


def encode(document: SkimDocument) -> bytes:
    """Return a document as JSON."""
    dtypes = document.row.fields
    assert dtypes is not None
    multiplicities = document.multiplicities
    content = {
        "asked": document.request,
        "made_of": document.made_of,
        "cut": document.cut,
        "num_store_entries": document.num_store_entries,
        "row": {
            "num_bytes": document.row.itemsize,
            "fields": {
                name: to_json(_FieldJson(offset, dtype.base, dtype.shape))
                for name in document.row.names or ()
                for dtype, offset in [dtypes[name][:2]]
            },
        },
        "rows": to_json(document.rows),
        "tickets": to_json(document.tickets),
        "lists": {
            name: to_json(_ListsJson(content, offsets))
            for name, (content, offsets) in document.lists.items()
        },
        "multiplicities": None if multiplicities is None else [*multiplicities.num_events.items()],
        "notes": {"cut": document.cut_notes, "conversion": document.conversion_notes},
        "counts": {key: to_json(counts) for key, counts in document.counts.items()},
    }
    return _FORMAT.encode(content)


def decode(data: bytes, *, path: str) -> SkimDocument:
    """Return the document of JSON data.

    Raises
    ------
    CorruptStoreError
        If it is not the document of a skim, is damaged, or was written by a newer memmpy.
    """
    with _FORMAT.damage_errors(path):
        values, is_sealed = parse(data)
        version, fields = _FORMAT.fields_of(values, is_sealed=is_sealed, path=path)
        if version == 1:
            fields = _upgrade(fields, values)
        parsed = from_json(fields, _SkimJson)
        document = SkimDocument(
            request=fields["asked"],
            made_of=fields["made_of"],
            cut=parsed.cut,
            num_store_entries=parsed.num_store_entries,
            row=_row_dtype(parsed.row),
            rows=parsed.rows,
            tickets=parsed.tickets,
            lists={name: (lists.content, lists.offsets) for name, lists in parsed.lists.items()},
            multiplicities=_multiplicities(parsed.multiplicities),
            cut_notes=parsed.notes.cut,
            conversion_notes=parsed.notes.conversion,
            counts=parsed.counts,
        )
        _check(document)
        return document


def _upgrade(fields: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a document of version 1 as those of today.

    Its checksum is that of its values. The first skims have none, and another name for the number
    of entries of the store.
    """
    fields = dict(fields)
    rest = {name: value for name, value in values.items() if name != "checksum"}
    checksum = crc_text(crc_of(json.dumps(rest, sort_keys=True).encode()))
    if fields.pop("checksum", checksum) != checksum:
        raise ValueError("its own checksum differs")
    if "num_entries" in fields:
        fields["num_store_entries"] = fields.pop("num_entries")
    return fields


def _check(document: SkimDocument) -> None:
    """Raise a `ValueError` if the arrays do not belong together."""
    num = document.rows.shape[0]
    is_same = document.tickets.shape == (num,) and document.tickets.dtype == np.dtype("<u8")
    for _, offsets in document.lists.values():
        is_same &= offsets.shape == (num + 1,) and offsets.dtype == np.dtype("<i8")
    if not is_same or document.rows.shape != (num,):
        raise ValueError("its arrays differ in length")
    if document.multiplicities is not None and document.multiplicities.num_rows != num:
        raise ValueError("its multiplicities are of another number of rows")
    if document.rows.dtype.itemsize != document.row.itemsize:
        raise ValueError("its rows differ in length")
    if INDEX not in (document.row.names or ()) or document.row[INDEX] != np.dtype("<i8"):
        raise ValueError("its rows have no entries")


def _row_dtype(row: _RowJson) -> np.dtype[Any]:
    fields = row.fields.values()
    try:
        return np.dtype(
            {
                "names": list(row.fields),
                "formats": [(field.dtype, field.shape) for field in fields],
                "offsets": [field.offset for field in fields],
                "itemsize": row.num_bytes,
            }
        )
    except TypeError as error:
        raise ValueError(f"its rows have no dtype: {error}") from error


def _multiplicities(pairs: tuple[tuple[int, int], ...] | None) -> Multiplicities | None:
    if pairs is None:
        return None
    if len(dict(pairs)) < len(pairs):
        raise ValueError("its multiplicities name a number of rows twice")
    return Multiplicities(dict(pairs))
