"""The JSON document beside the entries of a cached cut."""

import numpy as np

from memmpy.store import ArrayRecord, Checksum, Count, Format, JsonObject, from_json, parse, to_json

__all__ = ["ENTRY_DTYPE", "CutDocument", "decode", "encode", "is_older"]

#: The dtype of entries on disk.
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


class CutDocument(JsonObject, frozen=True):
    """A cached cut, without its entries.

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
        Warnings for the user.
    num_passing : int
        Entries that pass.
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
        """Return the record of the array of entries in the file of this name."""
        return ArrayRecord(file, ENTRY_DTYPE, (self.num_passing,), self.entries_checksum)


def encode(document: CutDocument) -> bytes:
    """Return it as a JSON document."""
    return _FORMAT.encode(to_json(document))


def decode(data: bytes, *, path: str) -> CutDocument:
    """Return the content of a JSON document.

    Raises
    ------
    CorruptStoreError
        If it describes no cached cut, is damaged, or was written by a newer memmpy or by one that
        is older than these documents.
    """
    with _FORMAT.damage_errors(path):
        values, is_sealed = parse(data)
        _, fields = _FORMAT.fields_of(values, is_sealed=is_sealed, path=path)
        return from_json(fields, CutDocument)


def is_older(data: bytes) -> bool:
    """Return whether a document was written before documents had a version."""
    try:
        values, _ = parse(data)
    except ValueError:
        return False
    return isinstance(values, dict) and values.keys() == _OLDER
