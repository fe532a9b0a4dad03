"""A skim as loaders and users open it."""

import html
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, final

import numpy as np

from memmpy.checks import check_path, check_timeout
from memmpy.cuts import LANGUAGE
from memmpy.display import Table, format_size, printable
from memmpy.errors import (
    ConversionWarning,
    CorruptStoreError,
    MemmpyError,
    MissingFileError,
    OptionError,
    UnreadableError,
    warn_of,
)
from memmpy.kernels import RowField
from memmpy.order import TICKET_VERSION, Multiplicities, count_multiplicities
from memmpy.skims.folder import remove
from memmpy.skims.row_layout import Layout
from memmpy.skims.skim_document import Document, decode, ingredients
from memmpy.skims.skim_request import INDEX
from memmpy.skims.value_counts import KeyCounts
from memmpy.splits import TicketRule
from memmpy.store import (
    SKIM_METADATA,
    ArrayRecord,
    Metadata,
    Problem,
    array_problem,
    map_array,
    read_document,
)
from memmpy.typing import Array, PathLike

__all__ = ["Skim", "matches", "problems_of", "warn_again"]

_Map: TypeAlias = np.memmap[Any, Any]
#: Says what is wrong with values that follow each other, the first of them seen before.
_Look: TypeAlias = Callable[[Array], str | None]

#: Bytes of the document of a skim, at most.
_MAX_BYTES = 2**28


@final
class Skim:
    """Open a skim: rows of fixed size, lists beside them, all in the order of their tickets.

    Nothing is read before it is touched. What was opened stays as it is, also after the skim was
    rebuilt. It is opened whether or not it is still what would be made now.

    Parameters
    ----------
    path : path-like
        Its folder: ``<store>/skims/<name>``.

    Raises
    ------
    MissingFileError
        If there is none.
    CorruptStoreError
        If it is damaged.

    Attributes
    ----------
    path : Path
        Its folder.
    rows : structured np.memmap of shape (n,)
        A row for each entry; ``rows[key]`` is a view of one field.
    tickets : np.memmap of uint64, of shape (n,)
        Ascending; rows of equal tickets ascend by entry.
    fields : mapping of str to RowField
        Where each key of a batch lies in a row: its offset in bytes, its dtype, and its shape.
        ``"_index"``, the int64 entry of the store, is among them.
    lists : mapping of str to (np.memmap, np.memmap)
        Content, of shape (items, ...), and offsets, int64 of shape (n + 1,).
    num_store_entries : int
        Number of entries of the store; ``len(skim)`` of them are here.
    cut : str or None
        Which of them are here; None for all.
    ticket_rule : TicketRule
        What the tickets follow from: what names an event, and the seed.
    counts : mapping of str to KeyCounts
        What was counted of each key when the skim was made: items and entries that padding cuts
        off, entries with NaN or infinities, and keys that have one value or none. Empty for a skim
        of before memmpy counted them.

    Examples
    --------
    >>> skimmed = skim("data.mmpy", groups={"jets": ["jet_pt", "jet_eta"]}, cut="nJets >= 6")
    >>> skimmed.rows["jets"][:128]
    """

    def __init__(self, path: PathLike) -> None:
        self.path = check_path(path)
        self._folder = self.path.absolute()
        opened = _open(self.path)
        document = self._document = opened.document
        self.rows, self.tickets = opened.rows, opened.tickets
        self.lists: Mapping[str, tuple[_Map, _Map]] = opened.lists
        found = document.row.fields
        assert found is not None
        self.fields: Mapping[str, RowField] = {
            name: RowField(found[name][1], found[name][0].base, found[name][0].shape)
            for name in found
        }
        self.num_store_entries, self.cut = document.num_store_entries, document.cut
        self.ticket_rule = TicketRule.from_json(document.asked)
        self._multiplicities = document.multiplicities
        self.counts: Mapping[str, KeyCounts] = MappingProxyType(document.counts)

    def __reduce__(self) -> tuple[Any, ...]:
        # Its files are opened again in the other process, and not sent.
        return _open_again, (self._folder, self._document.rows, self._document.tickets)

    def is_made_of(self, metadata: Metadata) -> bool:
        """Say whether memmpy would make it so now, of the columns and the files of a store."""
        asked, made_of = self._document.asked, self._document.made_of
        keys, by_file = made_of["columns"].keys(), made_of["sources"] is not None
        return (
            asked.get("language") in {None, LANGUAGE}
            and self.ticket_rule.version == TICKET_VERSION
            and keys <= set(metadata.current_keys())
            and made_of
            == ingredients(metadata, keys, num_entries=self.num_store_entries, by_file=by_file)
        )

    def multiplicities(self) -> Multiplicities:
        """Return how many rows share an identity.

        A skim made before memmpy counted them reads its tickets for it once, 8 bytes a row.
        """
        if self._multiplicities is None:
            self._multiplicities = count_multiplicities(self.tickets)
        return self._multiplicities

    @property
    def padded_lengths(self) -> Mapping[str, int]:
        """The lengths to which lists are cut or filled, by key."""
        return {key: int(length) for key, length, _ in self._document.asked["keys_padded"]}

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return int(self.rows.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes on disk, without headers."""
        return sum(array.nbytes for _, array, _ in self._arrays())

    def verify(self) -> list[Problem]:
        """Compare every file with its checksum, its size and its header; reads all of it once.

        Whether tickets ascend, offsets never fall, and entries are of the store, is looked at, too.

        Returns
        -------
        list of Problem
            What is missing, truncated, altered or wrong; empty where all is well.
        """
        return [
            Problem(name, array.file, message)
            for name, array, look in self._arrays()
            if (message := array_problem(self.path, array, look=look)) is not None
        ]

    def remove(self, *, lock_timeout: float = -1) -> None:
        """Remove its folder from the disk; who has it open, here or elsewhere, keeps it.

        It is made again when it is asked for. While another process rebuilds it, this waits, and
        then removes what that one made.

        Parameters
        ----------
        lock_timeout : float
            Seconds to wait for another process that makes it; below zero, without limit.

        Raises
        ------
        ReadOnlyStoreError, StoreLockedError, DiskError
            If the store cannot be written to.
        """
        remove(self._folder, timeout=check_timeout(lock_timeout))

    def _arrays(self) -> list[tuple[str, ArrayRecord, _Look]]:
        """Return the arrays, what they are called in messages, and what can be wrong with them."""
        document = self._document

        def strange(rows: Array) -> str | None:
            entries = rows.view(document.row)[INDEX]
            is_right = np.all((entries >= 0) & (entries < self.num_store_entries))
            return None if is_right else "it has entries that the store lacks"

        found: list[tuple[str, ArrayRecord, _Look]] = [
            ("rows", document.rows, strange),
            ("tickets", document.tickets, _falling("its tickets do not ascend")),
        ]
        for name, (content, offsets) in document.lists.items():
            found.append((name, content, lambda _: None))
            found.append((f"{name}:offsets", offsets, _falling("its offsets fall")))
        return found

    def __len__(self) -> int:
        return len(self.rows)

    def _table(self) -> Table:
        values = [
            (name, "row", str(field.dtype), _axes(field.shape))
            for name, field in self.fields.items()
        ]
        for name, (content, _) in self.lists.items():
            mean = len(content) / max(1, len(self))
            axes = _axes(content.shape[1:])
            values.append((name, f"list, {mean:.1f} items", str(content.dtype), axes))
        return Table(("key", "where", "dtype", "shape"), 4, [values])

    def _remarks(self) -> Table | None:
        """Return the table of the keys of which there is something to say; None where none has."""
        said = [(key, words) for key, one in self.counts.items() if (words := one.in_words())]
        return Table(("key", "what was counted"), 2, [said]) if said else None

    def _title(self) -> str:
        which = "all entries" if self.cut is None else self.cut
        return printable(
            f"Skim {os.fspath(self.path)!r}: {len(self):,} of {self.num_store_entries:,} entries "
            f"({which}), {format_size(self.nbytes)}, {self.row_bytes} bytes a row"
        )

    def __repr__(self) -> str:
        remarks = self._remarks()
        more = "" if remarks is None else f"\n\n{remarks.to_text()}"
        return f"{self._title()}\n{self._table().to_text()}{more}"

    def _repr_html_(self) -> str:
        remarks = self._remarks()
        more = "" if remarks is None else remarks.to_html()
        return f"<p>{html.escape(self._title())}</p>{self._table().to_html()}{more}"


def matches(
    skim: Skim, *, asked: Mapping[str, Any], made_of: Mapping[str, Any], layout: Layout
) -> bool:
    """Say whether a skim is what was asked for, made of what there is now, and laid out so."""
    document = skim._document
    lists = {name: (c.dtype, c.shape[1:]) for name, (c, _) in document.lists.items()}
    return (
        document.asked == asked
        and document.made_of == made_of
        and document.num_store_entries == made_of["num_entries"]
        and document.row == layout.row
        and lists == {one.name: (one.dtype, one.shape) for one in layout.lists}
    )


def warn_again(skim: Skim, *, cut: str | None) -> None:
    """Warn of what was found when a skim was made.

    The places in the cut are shown only in the text for which that was found.
    """
    document, notes = skim._document, skim._document.cut_notes
    if cut != document.cut:
        notes = tuple(map(_without_picture, notes))
    warn_of(notes)
    warn_of(document.conversion_notes, ConversionWarning)


def problems_of(folder: Path) -> list[Problem]:
    """Return what `Skim.verify` finds in a folder, also where another process rebuilds it."""
    while True:
        state = _state(folder)
        problems = Skim(folder).verify()
        if not problems or state == _state(folder):
            return problems


@dataclass(frozen=True, slots=True)
class _Opened:
    """The document of a skim, and its arrays."""

    document: Document
    rows: _Map
    tickets: _Map
    lists: dict[str, tuple[_Map, _Map]]


def _open_again(folder: Path, rows: ArrayRecord, tickets: ArrayRecord) -> Skim:
    """Return a skim that was sent by another process."""
    skim = Skim(folder)
    if (skim._document.rows, skim._document.tickets) != (rows, tickets):
        raise OptionError(f"the skim {str(folder)!r} was made again since it was sent")
    return skim


def _open(folder: Path) -> _Opened:
    while True:
        state = _state(folder)
        document = decode(state[0], path=str(folder / SKIM_METADATA))
        try:
            opened = _map_all(folder, document)
        except CorruptStoreError:
            if state == _state(folder):
                raise
            continue
        # Another process may have put a new one here meanwhile: all files must be of one.
        if state == _state(folder):
            return opened


def _map_all(folder: Path, document: Document) -> _Opened:
    rows = _mapped(folder, document.rows).view(document.row)
    assert isinstance(rows, np.memmap)
    lists = {}
    for name, (content, offsets) in document.lists.items():
        lists[name] = _mapped(folder, content), _mapped(folder, offsets)
        first, last = int(lists[name][1][0]), int(lists[name][1][-1])
        if (first, last) != (0, content.shape[0]):
            raise _damaged(folder, offsets.file, "its offsets do not go from 0 to the end")
    return _Opened(document, rows, _mapped(folder, document.tickets), lists)


def _state(folder: Path) -> tuple[bytes, int, int]:
    """Return the document, and what changes when another one is put in its place."""
    path = folder / SKIM_METADATA
    try:
        data, status = read_document(path, max_bytes=_MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        message = f"no skim at {str(folder)!r}: it holds no {SKIM_METADATA}"
        raise MissingFileError(message) from None
    except CorruptStoreError as error:
        raise CorruptStoreError(f"{str(path)!r} is damaged: {error}; skim again") from error
    except OSError as error:
        raise UnreadableError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    return data, status.st_ino, status.st_mtime_ns


def _mapped(folder: Path, array: ArrayRecord) -> _Map:
    try:
        return map_array(folder, array, key=array.file)
    except FileNotFoundError:
        raise _damaged(folder, array.file, "the file is missing") from None
    except CorruptStoreError as error:
        raise _damaged(folder, array.file, "it is not the array that was written") from error
    except MemmpyError:
        raise
    except OSError as error:
        message = f"cannot read {str(folder / array.file)!r}: {error.strerror or error}"
        raise UnreadableError(message) from error


def _falling(message: str) -> _Look:
    """Return what gives a message for values of which one is less than that before it."""
    return lambda values: message if np.any(values[1:] < values[:-1]) else None


def _without_picture(note: str) -> str:
    return "\n".join(line for line in note.splitlines() if not line.startswith("  "))


def _damaged(folder: Path, file: str, why: str) -> CorruptStoreError:
    message = f"the skim {str(folder)!r} is damaged: {file}: {why}; make it again with skim(...)"
    return CorruptStoreError(message)


def _axes(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) if shape else "1"
