"""Metadata as JSON: what is written, and every way in which what is read can be damaged."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np

from memmpy.errors import CorruptStoreError
from memmpy.store.layout import hash_text, is_array_file
from memmpy.store.metadata import ArrayRecord, ColumnRecord, Metadata, Origin, Part, SourceRecord

__all__ = [
    "FORMAT_VERSION",
    "array_of_json",
    "array_to_json",
    "decode",
    "dtype_of_json",
    "dtype_to_json",
    "encode",
    "hashes_of_json",
]

FORMAT = "memmpy store"
#: Raised by one whenever an older memmpy could misread what a newer one writes.
FORMAT_VERSION = 3
#: What can still be read: versions that differ only in what may be absent.
READABLE_VERSIONS = (1, 2, 3)

_Kind = TypeVar("_Kind")
#: As `Origin` has them.
_Parts: TypeAlias = tuple[Part, ...]


def encode(metadata: Metadata, *, written_by: str) -> str:
    """Return the JSON text of `metadata`."""
    columns = metadata.columns.values()
    made_of = [column.origin.parts for column in columns if column.origin is not None]
    made_of += [column.events for column in columns if column.events is not None]
    # Most columns are made of all sources: what they have in common is written once.
    indices = {parts: i for i, parts in enumerate(dict.fromkeys(made_of))}
    # So are the branches that patterns found in files of one kind.
    matches = [_matches_to_json(source) for source in metadata.sources]
    kinds = {text: i for i, text in enumerate(dict.fromkeys(matches))}
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "memmpy_version": written_by,
        "generation": metadata.generation,
        "columns": {
            key: _column_to_json(column, indices) for key, column in metadata.columns.items()
        },
        "hashes": {hash_text(number): text for number, text in metadata.hashes.items()},
        "sources": [
            {**dataclasses.asdict(source), "matches": kinds[text]}
            for source, text in zip(metadata.sources, matches, strict=True)
        ],
        "matches": [json.loads(text) for text in kinds],
        "parts": [[list(part) for part in parts] for parts in indices],
        "splits": None if metadata.splits is None else dict(metadata.splits),
    }
    return json.dumps(document, indent=1)


def decode(document: Any, *, path: str) -> Metadata:
    """Return the metadata that a parsed JSON document holds.

    Raises
    ------
    CorruptStoreError
        If the document is not one, or was written by a memmpy that is too new.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise CorruptStoreError(f"{path!r} is not the metadata of a memmpy store")
    version = document.get("format_version")
    if version not in READABLE_VERSIONS:
        message = (
            f"{path!r} has format version {version!r}, and this memmpy reads up to "
            f"{FORMAT_VERSION}; it was written by memmpy {document.get('memmpy_version')}: "
            "use that one or a newer"
        )
        raise CorruptStoreError(message)
    try:
        parts = [_parts_of_json(found) for found in _value(document, "parts", list)]
        matches = [_matches_of_json(found) for found in document.get("matches", [])]
        return Metadata(
            generation=_count(document["generation"]),
            columns={
                key: _column_of_json(column, parts)
                for key, column in _value(document, "columns", dict).items()
            },
            sources=tuple(_source_of_json(s, matches) for s in _value(document, "sources", list)),
            hashes=hashes_of_json(document["hashes"]),
            splits=_splits_of_json(document.get("splits")),
        )
    except (LookupError, TypeError, ValueError, AttributeError, SyntaxError) as error:
        message = f"{path!r} is damaged: {error!r}; delete the store and make it again"
        raise CorruptStoreError(message) from error


def array_of_json(
    document: Any, *, file: str, checksum: str | None = None, has_header: bool = True
) -> ArrayRecord:
    """Return an array whose dtype and shape are in JSON, or raise a TypeError or ValueError."""
    dtype = dtype_of_json(document["dtype"])
    shape = tuple(_count(length) for length in _value(document, "shape", list))
    if not shape:
        raise ValueError(f"{file} has no axis of entries")
    return ArrayRecord(file, dtype, shape, checksum, has_header)


def array_to_json(array: ArrayRecord) -> dict[str, Any]:
    """Return the JSON values of an array: its file, dtype, shape and checksum."""
    return {
        "file": array.file,
        "dtype": dtype_to_json(array.dtype),
        "shape": list(array.shape),
        "checksum": array.checksum,
    }


def dtype_of_json(descr: Any) -> np.dtype[Any]:
    """Return the dtype that `dtype_to_json` wrote, or raise a TypeError or ValueError."""
    dtype: np.dtype[Any] = np.lib.format.descr_to_dtype(_tuples(descr))
    if dtype.hasobject or dtype.itemsize == 0:
        raise ValueError(f"values of dtype {dtype} have no fixed width")
    return dtype


def dtype_to_json(dtype: np.dtype[Any]) -> Any:
    """Return a dtype as a ``.npy`` header calls it, a text or a list of fields, for JSON."""
    return np.lib.format.dtype_to_descr(dtype)


def hashes_of_json(document: Any) -> dict[int, str]:
    """Return the table from hash to text, or raise a TypeError or ValueError."""
    if any(type(text) is not str for text in document.values()):
        raise TypeError("hashes are not of texts")
    return {int(number, 16): text for number, text in document.items()}


def _column_to_json(column: ColumnRecord, indices: Mapping[_Parts, int]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "kind": column.kind,
        "num_entries": column.num_entries,
        "arrays": {role: array_to_json(array) for role, array in column.arrays.items()},
        "details": dict(column.details),
    }
    if column.origin is not None:
        index = indices[column.origin.parts]
        made_by: Any = list(column.origin.made_by)
        if len(set(made_by)) == 1:
            made_by = made_by[0]  # nearly always
        document["origin"] = {
            "recipe": dict(column.origin.recipe),
            "parts": index,
            "made_by": made_by,
        }
        if column.origin.clipped:
            document["origin"]["clipped"] = list(column.origin.clipped)
    if column.events is not None:
        document["events"] = indices[column.events]
    return document


def _column_of_json(document: Any, parts: Sequence[_Parts]) -> ColumnRecord:
    origin, events = document.get("origin"), document.get("events")
    return ColumnRecord(
        kind=_value(document, "kind", str),
        num_entries=_count(document["num_entries"]),
        arrays={
            role: _array_of_json(array) for role, array in _value(document, "arrays", dict).items()
        },
        details=_value(document, "details", dict),
        origin=None if origin is None else _origin_of_json(origin, parts),
        events=None if events is None else parts[_count(events)],
    )


def _array_of_json(document: Any) -> ArrayRecord:
    file, checksum = _value(document, "file", str), document["checksum"]
    if not is_array_file(file):
        raise ValueError(f"{file!r} is not the name of an array of a store")
    if not (checksum is None or type(checksum) is str):
        raise TypeError(f"checksum is {checksum!r}")
    return array_of_json(document, file=file, checksum=checksum)


def _origin_of_json(document: Any, parts: Sequence[_Parts]) -> Origin:
    filled_by = parts[_count(document["parts"])]
    made_by = document.get("made_by", [])
    if isinstance(made_by, str):
        made_by = [made_by] * len(filled_by)
    if made_by and (len(made_by) != len(filled_by) or any(type(v) is not str for v in made_by)):
        raise ValueError(f"made_by is {made_by!r}")
    clipped = tuple(map(_clipped_of_json, document.get("clipped", [])))
    if clipped and len(clipped) != len(filled_by):
        raise ValueError(f"clipped has {len(clipped)} parts of {len(filled_by)}")
    return Origin(_value(document, "recipe", dict), filled_by, tuple(made_by), clipped)


def _clipped_of_json(document: Any) -> tuple[int, ...] | None:
    if document is None:
        return None
    num_items, num_clipped_items, num_clipped_entries, max_items = map(_count, document)
    return num_items, num_clipped_items, num_clipped_entries, max_items


def _parts_of_json(document: Any) -> _Parts:
    if any(type(source) is not str for source, _ in document):
        raise TypeError("parts are not named by the ids of sources")
    return tuple((source, _count(num)) for source, num in document)


def _matches_to_json(source: SourceRecord) -> str:
    return json.dumps({pattern: list(found) for pattern, found in source.matches.items()})


def _matches_of_json(document: Any) -> dict[str, tuple[str, ...]]:
    return {pattern: tuple(_value(document, pattern, list)) for pattern in _mapping(document)}


def _source_of_json(document: Any, matches: Sequence[Mapping[str, Any]]) -> SourceRecord:
    found: dict[str, Any] = {}
    if "matches" in document:
        found["matches"] = matches[_count(document["matches"])]
    if "naming" in document:
        found["naming"] = tuple(map(str, _value(document, "naming", list)))
    # Format 1 took all entries of a tree, and did not say how many that are.
    source = SourceRecord(**{"tree_entries": document["num_entries"], **document, **found})
    for name in ("path", "uuid", "tree"):
        _value(document, name, str)
    if document["asked"] is not None:
        _value(document, "asked", str)
    for name in ("size", "num_entries", "entry_start"):
        _count(document[name])
    _count(source.tree_start)
    _count(source.tree_entries)
    if type(source.tag) is not str:
        raise TypeError(f"tag is {source.tag!r}")
    _value(document, "mtime_ns", int)
    _value(document, "metadata", dict)
    return source


def _splits_of_json(document: Any) -> dict[str, Any] | None:
    return None if document is None else _mapping(document)


def _mapping(document: Any) -> dict[str, Any]:
    if type(document) is not dict:
        raise TypeError(f"{document!r} is no mapping")
    return document


def _value(document: Any, name: str, kind: type[_Kind]) -> _Kind:
    value = document[name]
    if type(value) is not kind:
        raise TypeError(f"{name} is {value!r}")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} counts nothing")
    return value


def _tuples(descr: Any) -> Any:
    """Turn the lists that JSON made of a structured dtype's fields back into tuples."""
    if not isinstance(descr, list):
        return descr
    return [
        (
            tuple(name) if isinstance(name, list) else name,  # a title, and a name
            _tuples(kind),
            *(tuple(shape) for shape in rest),
        )
        for name, kind, *rest in descr
    ]
