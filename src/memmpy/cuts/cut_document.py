"""The JSON document beside the entries of a cached cut."""

import numpy as np

from memmpy.store import ArrayRecord, Checksum, Count, Format, JsonObject, from_json, parse, to_json

__all__ = ["ENTRY_DTYPE", "Document", "decode", "encode", "is_older"]

#: Of the entries on disk.
ENTRY_DTYPE = np.dtype("<i8")

_FORMAT = Format(
    name="memmpy cut",
    what="the document of a cached cut",
    version=1,
    sealed_since=1,
    remedy="delete it, and the cut is computed again",
)
#: The fields that documents had before they had a version.
_OLDER = {"expression", "cut", "language", "columns", "notes", "num_passing", "checksum"}


class Document(JsonObject, frozen=True):
    """What memmpy keeps of a cached cut beside its entries.

    Parameters
    ----------
    expression : str
        The cut as the user wrote it.
    cut : str
        Its normal form, with aliases and constants put in.
    language : int
        Version of the language: raised when an expression changes its meaning.
    columns : mapping of str to str
        The fingerprints of the columns that it uses, by key.
    notes : tuple of str
        What to warn of.
    num_passing : int
        How many entries pass.
    entries_checksum : str
        Checksum of the entries.
    """

    expression: str
    cut: str
    language: Count
    columns: dict[str, str]
    notes: tuple[str, ...]
    num_passing: Count
    entries_checksum: Checksum

    def array(self, file: str) -> ArrayRecord:
        """Return the record of the entries, which are in the file of this name."""
        return ArrayRecord(file, ENTRY_DTYPE, (self.num_passing,), self.entries_checksum)


def encode(document: Document) -> bytes:
    """Return it as a JSON document."""
    return _FORMAT.encode(to_json(document))


def decode(data: bytes, *, path: str) -> Document:
    """Return what a JSON document holds.

    Raises
    ------
    CorruptStoreError
        If it is not one of a cached cut, is damaged, or was written by a memmpy that is newer, or
        older than these documents.
    """
    with _FORMAT.damage_errors(path):
        values, is_sealed = parse(data)
        _, fields = _FORMAT.fields_of(values, is_sealed=is_sealed, path=path)
        return from_json(fields, Document)


def is_older(data: bytes) -> bool:
    """Say whether a document was written before documents had a version."""
    try:
        values, _ = parse(data)
    except ValueError:
        return False
    return isinstance(values, dict) and values.keys() == _OLDER
