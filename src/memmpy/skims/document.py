"""What a skim knows of itself, as the JSON file that lies beside its arrays."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from memmpy._version import __version__
from memmpy.errors import CorruptStoreError
from memmpy.order import Multiplicities
from memmpy.skims.counting import KeyCounts
from memmpy.skims.request import INDEX
from memmpy.store import (
    SKIM_METADATA,
    ArrayRecord,
    Metadata,
    array_of_json,
    array_to_json,
    crc_of,
    crc_text,
    dtype_of_json,
    dtype_to_json,
)

__all__ = ["DOCUMENT", "Document", "decode", "encode", "ingredients"]

#: Name of the file.
DOCUMENT = SKIM_METADATA
FORMAT = "memmpy skim"
#: Raised by one whenever an older memmpy could misread what a newer one writes.
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Document:
    """What a skim knows of itself.

    Parameters
    ----------
    asked : mapping
        What was asked for, as JSON values; the skim is named after it.
    made_of : mapping
        JSON values that change when something does that the skim depends on.
    cut : str or None
        As the user wrote it.
    num_store_entries : int
        Number of entries of the store, of which the skim holds some or all.
    row : np.dtype
        The structured dtype of a row.
    rows, tickets : ArrayRecord
        The rows, and the ticket of each.
    lists : mapping of name to (content, offsets)
        The lists beside them.
    multiplicities : Multiplicities or None
        How many rows share a ticket; None for a skim made before memmpy counted them.
    cut_notes, conversion_notes : tuple of str
        What was warned of when it was made, to be given again: of the cut, and of what rows do not
        hold.
    counts : mapping of key to KeyCounts
        What was counted of each column; empty for skims of before that.
    """

    asked: Mapping[str, Any]
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


def ingredients(
    metadata: Metadata, keys: Collection[str], *, num_entries: int, by_file: bool
) -> dict[str, Any]:
    """Return what a skim is made of, as `Document` has it.

    Parameters
    ----------
    metadata : Metadata
        What the store knows of itself.
    keys : collection of str
        The columns that the skim uses; all are there.
    num_entries : int
        Number of entries of the store.
    by_file : bool
        Whether its tickets come from the files.
    """
    return {
        "num_entries": num_entries,
        "columns": {key: metadata.columns[key].fingerprint for key in sorted(keys)},
        "sources": [
            [source.uuid, source.tree, source.tree_start, source.num_entries]
            for source in metadata.sources
        ]
        if by_file
        else None,
    }


def encode(document: Document) -> str:
    """Return it as JSON text."""
    fields = document.row.fields
    assert fields is not None
    held = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "memmpy_version": __version__,
        "asked": document.asked,
        "made_of": document.made_of,
        "cut": document.cut,
        "num_store_entries": document.num_store_entries,
        "row": {
            "num_bytes": document.row.itemsize,
            "fields": {
                name: {
                    "offset": fields[name][1],
                    "dtype": dtype_to_json(fields[name][0].base),
                    "shape": list(fields[name][0].shape),
                }
                for name in document.row.names or ()
            },
        },
        "rows": array_to_json(document.rows),
        "tickets": array_to_json(document.tickets),
        "lists": {
            name: {"content": array_to_json(content), "offsets": array_to_json(offsets)}
            for name, (content, offsets) in document.lists.items()
        },
        "multiplicities": None
        if document.multiplicities is None
        else [list(pair) for pair in document.multiplicities.num_events.items()],
        "notes": {
            "cut": list(document.cut_notes),
            "conversion": list(document.conversion_notes),
        },
        "counts": {key: counts.to_json() for key, counts in document.counts.items()},
    }
    return json.dumps({**held, "checksum": _checksum(held)}, indent=1)


def decode(text: str, *, path: str) -> Document:
    """Return what a JSON text holds.

    Raises
    ------
    CorruptStoreError
        If it is not one of a skim, or was written by a memmpy that is too new.
    """
    try:
        held = json.loads(text)
        _check_version(held, path=path)
        _check_checksum(held)
        # The first skims have no notes.
        notes = held.get("notes", {"cut": [], "conversion": []})
        document = Document(
            asked=dict(held["asked"]),
            made_of=dict(held["made_of"]),
            cut=held["cut"],
            num_store_entries=_num_store_entries(held),
            row=_row_of_json(held["row"]),
            rows=_array_of_json(held["rows"]),
            tickets=_array_of_json(held["tickets"]),
            lists={
                name: (_array_of_json(one["content"]), _array_of_json(one["offsets"]))
                for name, one in held["lists"].items()
            },
            multiplicities=_multiplicities_of_json(held.get("multiplicities")),
            cut_notes=tuple(map(str, notes["cut"])),
            conversion_notes=tuple(map(str, notes["conversion"])),
            counts={key: KeyCounts.of_json(one) for key, one in held.get("counts", {}).items()},
        )
        _check(document)
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        SyntaxError,
        RecursionError,
    ) as error:
        if isinstance(error, CorruptStoreError):
            raise
        raise CorruptStoreError(f"{path!r} is damaged: {error!r}; skim again") from error
    return document


def _num_store_entries(held: Any) -> int:
    # The first skims called it num_entries.
    return int(held["num_store_entries"] if "num_store_entries" in held else held["num_entries"])


def _check_version(held: Any, *, path: str) -> None:
    if held["format"] != FORMAT:
        raise ValueError("it is not of a skim")
    if held["format_version"] != FORMAT_VERSION:
        message = (
            f"{path!r} has format version {held['format_version']!r}, and this memmpy reads "
            f"{FORMAT_VERSION}; it was written by memmpy {held.get('memmpy_version')}: use that "
            "one, or skim again"
        )
        raise CorruptStoreError(message)


def _check_checksum(held: Any) -> None:
    # The first skims have none.
    if "checksum" in held and held["checksum"] != _checksum(held):
        raise ValueError("its own checksum differs")


def _checksum(held: Mapping[str, Any]) -> str:
    """Return the checksum of all that a document holds but the checksum."""
    rest = {name: value for name, value in held.items() if name != "checksum"}
    return crc_text(crc_of(json.dumps(rest, sort_keys=True).encode()))


def _check(document: Document) -> None:
    """Raise a `ValueError` if the arrays do not belong together."""
    if not document.asked.keys() >= {"split_by", "split_seed"}:
        raise ValueError("it does not say how it is split")
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


def _row_of_json(held: Any) -> np.dtype[Any]:
    fields = held["fields"]
    return np.dtype(
        {
            "names": list(fields),
            "formats": [
                (dtype_of_json(f["dtype"]), tuple(map(int, f["shape"]))) for f in fields.values()
            ],
            "offsets": [int(field["offset"]) for field in fields.values()],
            "itemsize": int(held["num_bytes"]),
        }
    )


def _multiplicities_of_json(held: Any) -> Multiplicities | None:
    if held is None:
        return None
    num_events = {int(rows): int(events) for rows, events in held}
    if len(num_events) < len(held) or min((*num_events, *num_events.values()), default=1) < 1:
        raise ValueError("its multiplicities are no numbers of rows and events")
    return Multiplicities(num_events)


def _array_of_json(held: Any) -> ArrayRecord:
    file = str(held["file"])
    if "/" in file or not file.endswith(".npy"):
        raise ValueError(f"{file!r} is not the name of an array")
    return array_of_json(held, file=file, checksum=str(held["checksum"]))
