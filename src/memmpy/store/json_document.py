"""JSON documents of memmpy: a header with a version, fields, and a checksum at the end."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from memmpy._version import __version__
from memmpy.errors import CorruptStoreError
from memmpy.store.checksums import crc_of, crc_text

__all__ = ["Format", "parse", "seal"]

_HEADER = ("format", "format_version", "memmpy_version")


@dataclass(frozen=True, slots=True)
class Format:
    """The format of one kind of JSON document.

    Parameters
    ----------
    name : str
        Value of the field ``format``.
    what : str
        Name of such a document in messages.
    version : int
        The version that memmpy writes; it reads this version and all older ones. Increase it when
        an older memmpy could misread a new document.
    sealed_since : int
        The first version with a checksum at the end.
    remedy : str
        Way out for a damaged document, for messages.
    """

    name: str
    what: str
    version: int
    sealed_since: int
    remedy: str

    def encode(self, fields: Mapping[str, Any], *, written_by: str = __version__) -> bytes:
        """Return the bytes of a document with these JSON values."""
        header = (self.name, self.version, written_by)
        return seal({**dict(zip(_HEADER, header, strict=True)), **fields})

    def fields_of(self, document: Any, *, is_sealed: bool, path: str) -> tuple[int, dict[str, Any]]:
        """Return the version and the fields of a document that `parse` returned.

        Raises
        ------
        CorruptStoreError
            If it has another format, or a newer version.
        ValueError
            If its checksum is wrong.
        """
        if not isinstance(document, dict) or document.get(_HEADER[0]) != self.name:
            raise CorruptStoreError(f"{path!r} is not {self.what}")
        fields = dict(document)
        _, version, written_by = (fields.pop(name, None) for name in _HEADER)
        if type(version) is not int or not 1 <= version <= self.version:
            message = (
                f"{path!r} has format version {version!r}, and this memmpy reads versions up to "
                f"{self.version}; memmpy {written_by} wrote it: use that version or a newer one"
            )
            raise CorruptStoreError(message)
        if version >= self.sealed_since and not is_sealed:
            raise ValueError("its checksum differs")
        return version, fields

    @contextmanager
    def damage_errors(self, path: str) -> Iterator[None]:
        """Raise a `ValueError` about a document as a `CorruptStoreError` with the way out."""
        try:
            yield
        except CorruptStoreError:
            raise
        except ValueError as error:
            raise CorruptStoreError(f"{path!r} is damaged: {error}; {self.remedy}") from error


def seal(document: Mapping[str, Any]) -> bytes:
    """Return a JSON object, one item on a line, with its checksum as the last field."""
    fields = [f" {_text(name)}: {_lines(value)}" for name, value in document.items()]
    body = ("{\n" + ",\n".join(fields)).encode()
    return body + _tail(body)


def parse(data: bytes) -> tuple[Any, bool]:
    """Return the JSON value of a document, and whether it ends with the right checksum.

    Raises
    ------
    ValueError
        If it is not JSON, or has a field twice.
    """
    body = data[: -len(_tail(b""))]
    is_sealed = data == body + _tail(body)
    text = (body + b"\n}" if is_sealed else data).decode()
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse), is_sealed
    except RecursionError as error:
        raise ValueError("its lists are nested too deeply") from error


_text = json.JSONEncoder(allow_nan=False).encode


def _lines(value: Any) -> str:
    if isinstance(value, dict) and value:
        lines = [f"  {_text(name)}: {_text(item)}" for name, item in value.items()]
        return "{\n" + ",\n".join(lines) + "\n }"
    if isinstance(value, list | tuple) and value:
        return "[\n" + ",\n".join(f"  {_text(item)}" for item in value) + "\n ]"
    return _text(value)


def _tail(body: bytes) -> bytes:
    return f',\n "checksum": "{crc_text(crc_of(body))}"\n}}\n'.encode()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        ((name, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"it has the field {name!r} twice")
    return fields


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
