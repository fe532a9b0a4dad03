"""What a store knows of itself: columns, sources and texts, to and from JSON."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from memmpy.errors import CorruptStoreError, MemmpyError
from memmpy.store.layout import hash64, hash_text, is_array_file

__all__ = [
    "FORMAT_VERSION",
    "ArrayRecord",
    "ColumnRecord",
    "Metadata",
    "Origin",
    "SourceRecord",
    "array_of_json",
    "decode",
    "encode",
    "hashes_of_json",
]

_Kind = TypeVar("_Kind")

FORMAT = "memmpy store"
#: Raised by one whenever an older memmpy could misread what a newer one writes.
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class ArrayRecord:
    """One array on disk.

    Parameters
    ----------
    file : str
        Name of the file inside the store.
    dtype : np.dtype
        Little endian, of fixed width.
    shape : tuple of int
        First axis first.
    checksum : str or None
        ``crc32:`` and 8 hexadecimal digits, of the values without the header.
    has_header : bool
        Whether the file is a real ``.npy`` file (memmpy 0.1.2 wrote raw values).
    """

    file: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    checksum: str | None = None
    has_header: bool = True

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        size = self.dtype.itemsize
        for length in self.shape:
            size *= length
        return size


@dataclass(frozen=True, slots=True)
class Origin:
    """How a column came from ROOT files, so that it is known when it is stale.

    Parameters
    ----------
    recipe : mapping
        JSON values that say how an entry of the column is made. A column of another recipe is
        another column.
    parts : tuple of (source id, number of entries)
        What fills the column, in the order of its entries.
    """

    recipe: Mapping[str, Any]
    parts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ColumnRecord:
    """One column: its kind, its arrays by role, and where it came from.

    Parameters
    ----------
    kind : str
        ``vector``, ``jagged``, ``shaped``, ``text`` or ``nested``.
    num_entries : int
        Length of the column.
    arrays : mapping of role to ArrayRecord
        The arrays the kind needs.
    details : mapping
        JSON values the kind needs beside them.
    origin : Origin or None
        None for what the user wrote.
    """

    kind: str
    num_entries: int
    arrays: Mapping[str, ArrayRecord]
    details: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin | None = None

    @property
    def identity(self) -> str:
        """Changes whenever the column is written again: what caches depend on."""
        arrays = [[role, a.file, a.checksum] for role, a in sorted(self.arrays.items())]
        return json.dumps([self.kind, self.num_entries, arrays, dict(self.details)], sort_keys=True)


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One tree of one file that fills a range of entries.

    Parameters
    ----------
    path : str
        Where the file was when it was read.
    uuid : str
        The file's own identity, 32 hexadecimal digits.
    size, mtime_ns : int
        Bytes, and time of the last change in nanoseconds.
    tree : str
        Path of the tree inside the file, with its cycle.
    asked : str or None
        The tree as the user named it; None for the only one.
    num_entries, entry_start : int
        The range of the store's entries that it fills.
    metadata : mapping of str to str
        What the user said about the file.
    """

    path: str
    uuid: str
    size: int
    mtime_ns: int
    tree: str
    asked: str | None
    num_entries: int
    entry_start: int
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The same for the same content at another path."""
        return hash_text(hash64(f"{self.uuid} {self.size} {self.mtime_ns} {self.tree}"))


@dataclass(frozen=True, slots=True)
class Metadata:
    """All that a store knows of itself.

    Parameters
    ----------
    generation : int
        Grows with every commit.
    columns : mapping of key to ColumnRecord
        In the order in which they were first written.
    sources : tuple of SourceRecord
        What the columns that came from files hold now, in the order of their entries.
    hashes : mapping of 64-bit number to text
        Turns hashed metadata back into text.
    read_only : bool
        Whether another format keeps memmpy from writing to the store.
    """

    generation: int = 0
    columns: Mapping[str, ColumnRecord] = field(default_factory=dict)
    sources: tuple[SourceRecord, ...] = ()
    hashes: Mapping[int, str] = field(default_factory=dict)
    read_only: bool = False

    def is_current(self, key: str) -> bool:
        """Say whether a column holds what the store's sources hold now."""
        origin = self.columns[key].origin
        return origin is None or origin.parts == self.parts

    @property
    def parts(self) -> tuple[tuple[str, int], ...]:
        """Source ids and entries, as a column made from all sources has them in its origin."""
        return tuple((source.id, source.num_entries) for source in self.sources)

    def with_texts(self, texts: set[str]) -> "Metadata":
        """Return a copy that knows these texts.

        Raises
        ------
        MemmpyError
            If two texts have one hash.
        """
        hashes = dict(self.hashes)
        for text in sorted(texts):
            number = hash64(text)
            if hashes.setdefault(number, text) != text:
                message = (
                    f"the texts {hashes[number]!r} and {text!r} have the same 64-bit hash; "
                    "rename one of them"
                )
                raise MemmpyError(message)
        return dataclasses.replace(self, hashes=hashes)


def encode(metadata: Metadata, *, written_by: str) -> str:
    """Return the JSON text of `metadata`."""
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "memmpy_version": written_by,
        "generation": metadata.generation,
        "columns": {key: _column_to_json(column) for key, column in metadata.columns.items()},
        "hashes": {hash_text(number): text for number, text in metadata.hashes.items()},
        "sources": [dataclasses.asdict(source) for source in metadata.sources],
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
    if version != FORMAT_VERSION:
        message = (
            f"{path!r} has format version {version!r}, and this memmpy reads {FORMAT_VERSION}; "
            f"it was written by memmpy {document.get('memmpy_version')}: use that one or a newer"
        )
        raise CorruptStoreError(message)
    try:
        return Metadata(
            generation=_count(document["generation"]),
            columns={
                key: _column_of_json(column)
                for key, column in _value(document, "columns", dict).items()
            },
            sources=tuple(_source_of_json(s) for s in _value(document, "sources", list)),
            hashes=hashes_of_json(document["hashes"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{path!r} is damaged: {error!r}; delete the store and make it again"
        raise CorruptStoreError(message) from error


def array_of_json(
    document: Any, *, file: str, checksum: str | None = None, has_header: bool = True
) -> ArrayRecord:
    """Return an array whose dtype and shape are in JSON, or raise a TypeError or ValueError."""
    dtype = np.lib.format.descr_to_dtype(_tuples(document["dtype"]))
    if dtype.hasobject or dtype.itemsize == 0:
        raise ValueError(f"values of {file} have no fixed width: {dtype}")
    shape = tuple(_count(length) for length in _value(document, "shape", list))
    if not shape:
        raise ValueError(f"{file} has no axis of entries")
    return ArrayRecord(file, dtype, shape, checksum, has_header)


def hashes_of_json(document: Any) -> dict[int, str]:
    """Return the table from hash to text, or raise a TypeError or ValueError."""
    if any(type(text) is not str for text in document.values()):
        raise TypeError("hashes are not of texts")
    return {int(number, 16): text for number, text in document.items()}


def _column_to_json(column: ColumnRecord) -> dict[str, Any]:
    document: dict[str, Any] = {
        "kind": column.kind,
        "num_entries": column.num_entries,
        "arrays": {
            role: {
                "file": array.file,
                "dtype": np.lib.format.dtype_to_descr(array.dtype),
                "shape": list(array.shape),
                "checksum": array.checksum,
            }
            for role, array in column.arrays.items()
        },
        "details": dict(column.details),
    }
    if column.origin is not None:
        recipe, parts = dict(column.origin.recipe), [list(part) for part in column.origin.parts]
        document["origin"] = {"recipe": recipe, "parts": parts}
    return document


def _column_of_json(document: Any) -> ColumnRecord:
    origin = document.get("origin")
    return ColumnRecord(
        kind=_value(document, "kind", str),
        num_entries=_count(document["num_entries"]),
        arrays={
            role: _array_of_json(array) for role, array in _value(document, "arrays", dict).items()
        },
        details=_value(document, "details", dict),
        origin=None if origin is None else _origin_of_json(origin),
    )


def _array_of_json(document: Any) -> ArrayRecord:
    file, checksum = _value(document, "file", str), document["checksum"]
    if not is_array_file(file):
        raise ValueError(f"{file!r} is not the name of an array of a store")
    if not (checksum is None or type(checksum) is str):
        raise TypeError(f"checksum is {checksum!r}")
    return array_of_json(document, file=file, checksum=checksum)


def _origin_of_json(document: Any) -> Origin:
    parts = tuple((source, _count(num)) for source, num in _value(document, "parts", list))
    return Origin(recipe=_value(document, "recipe", dict), parts=parts)


def _source_of_json(document: Any) -> SourceRecord:
    source = SourceRecord(**document)
    for name in ("path", "uuid", "tree"):
        _value(document, name, str)
    for name in ("size", "num_entries", "entry_start"):
        _count(document[name])
    _value(document, "mtime_ns", int)
    _value(document, "metadata", dict)
    return source


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
