"""`Skim`: an open skim, mapped from its folder."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, final

import numpy as np

from memmpy.checks import check_path, check_timeout
from memmpy.cuts import LANGUAGE
from memmpy.display import Renderable, Table, format_path, format_size
from memmpy.errors import (
    ConversionWarning,
    CorruptStoreError,
    MemmpyError,
    MissingFileError,
    OptionError,
    UnreadableError,
    argument_hints,
    nearest_file,
    warn_of,
    without_carets,
)
from memmpy.kernels import RowField
from memmpy.order import TICKET_VERSION, Multiplicities, count_multiplicities
from memmpy.skims.folder import remove_skim
from memmpy.skims.row_layout import SkimLayout
from memmpy.skims.skim_document import SkimDocument, decode, encode, tree_ranges
from memmpy.skims.skim_request import INDEX
from memmpy.skims.value_counts import KeyCounts
from memmpy.splits import TicketRule
from memmpy.store import (
    SKIM_METADATA,
    ArrayRecord,
    Metadata,
    Problem,
    are_unchanged,
    array_problem,
    map_array,
    read_document,
)
from memmpy.typing import Array, PathLike

__all__ = ["Skim", "document_of", "matches", "problems_of", "repeat_warnings"]

_Map: TypeAlias = np.memmap[Any, Any]
#: The document of a skim, and its mapped rows, tickets and lists.
_MappedSkim: TypeAlias = tuple[SkimDocument, _Map, _Map, Mapping[str, tuple[_Map, _Map]]]
#: Returns the fault of consecutive values, or None. The first value was checked before.
_Check: TypeAlias = Callable[[Array], str | None]

#: Bytes of the document of a skim, at most.
_MAX_BYTES = 2**28


@argument_hints
@final
class Skim(Renderable):
    """Open a skim: rows of fixed size, and lists beside them, in the order of the tickets.

    memmpy reads no values until you use them. An open skim keeps its content, even if another
    process rebuilds the skim. An outdated skim opens like any other.

    Parameters
    ----------
    path : path-like
        Its folder: ``<store>/skims/<name>``.

    Raises
    ------
    MissingFileError
        If there is no skim.
    CorruptStoreError
        If it is damaged.

    Attributes
    ----------
    path : Path
        Its folder.
    rows : structured np.memmap of shape (n,)
        One row for each entry; ``rows[key]`` is a view of one field.
    tickets : np.memmap of uint64, of shape (n,)
        Ascending; rows of equal tickets ascend by entry.
    fields : mapping of str to RowField
        The place of each key of a batch in a row: offset in bytes, dtype, and shape.
        ``"_index"``, the int64 entry of the store, is among them.
    lists : mapping of str to (np.memmap, np.memmap)
        Content, of shape (items, ...), and offsets, int64 of shape (n + 1,).
    num_store_entries : int
        Number of entries of the store; ``len(skim)`` of them are in the skim.
    cut : str or None
        The cut that its entries pass; None if it has all entries.
    ticket_rule : TicketRule
        The rule of the tickets: the columns that name an event, and the seed.
    counts : mapping of str to KeyCounts
        Counts of each key: items that padding cuts off and entries that it truncates, entries with
        NaN or infinity, and whether the key has one value or none. Empty for a skim of an old
        memmpy.

    Examples
    --------
    >>> skimmed = skim("data.mmpy", groups={"jets": ["jet_pt", "jet_eta"]}, cut="nJets >= 6")
    >>> skimmed.rows["jets"][:128]
    """

    def __init__(self, path: PathLike) -> None:
        self.path: Path = check_path(path)
        self._folder = self.path.absolute()
        document, rows, tickets, lists = _map_skim(self.path)
        self._document = document
        self.rows: _Map = rows
        self.tickets: _Map = tickets
        self.lists: Mapping[str, tuple[_Map, _Map]] = lists
        dtypes = document.row.fields
        assert dtypes is not None
        self.fields: Mapping[str, RowField] = {
            name: RowField(offset, dtype.base, dtype.shape)
            for name, (dtype, offset, *_) in dtypes.items()
        }
        self.num_store_entries: int = document.num_store_entries
        self.cut: str | None = document.cut
        self.ticket_rule: TicketRule = TicketRule.from_json(document.request)
        self._multiplicities = document.multiplicities
        self.counts: Mapping[str, KeyCounts] = MappingProxyType(document.counts)

    def __reduce__(self) -> tuple[Any, ...]:
        # The other process opens the files again.
        return _reopen, (self._folder, self._document.rows, self._document.tickets)

    def is_current(self, metadata: Metadata) -> bool:
        """Return whether the skim is up to date with the columns and the files of a store."""
        request, made_of = self._document.request, self._document.made_of
        return (
            request.get("language") in {None, LANGUAGE}
            and self.ticket_rule.version == TICKET_VERSION
            and are_unchanged(made_of["columns"], metadata.current_columns())
            and made_of["sources"] in (None, tree_ranges(metadata))
        )

    def multiplicities(self) -> Multiplicities:
        """Return how many rows share an identity.

        For a skim of an old memmpy, this call reads its tickets once: 8 bytes per row.
        """
        if self._multiplicities is None:
            self._multiplicities = count_multiplicities(self.tickets)
        return self._multiplicities

    @property
    def padded_lengths(self) -> Mapping[str, int]:
        """The lengths to which lists are padded, by key."""
        return {key: int(length) for key, length, _ in self._document.request["keys_padded"]}

    def to_dict(self) -> dict[str, Any]:
        """Return facts about the skim as plain values, for JSON."""
        keys = [key for key in (*self.fields, *self.lists) if key != "_index"]
        sizes = {"num_rows": len(self), "num_bytes": self.nbytes}
        return {"path": str(self.path), "keys": keys, "cut": self.cut, **sizes}

    @property
    def derived(self) -> Mapping[str, Mapping[str, Any]]:
        """The keys that were computed, such as labels and weights, with their definitions."""
        derived: Mapping[str, Mapping[str, Any]] = self._document.request.get("derived", {})
        return derived

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return int(self.rows.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes on disk, without headers."""
        return sum(array.nbytes for _, array, _ in self._arrays())

    def verify(self) -> list[Problem]:
        """Compare every file with its checksum, its size and its header; read each file once.

        It also checks that tickets ascend, that offsets never fall, and that the store has the
        entries.

        Returns
        -------
        list of Problem
            The missing, truncated, altered or wrong files; empty if there are none.
        """
        return [
            Problem(name, array.file, message)
            for name, array, check in self._arrays()
            if (message := array_problem(self.path, array, look=check)) is not None
        ]

    def remove(self, *, lock_timeout: float = -1) -> None:
        """Remove the skim from the disk. Programs that have it open keep it.

        memmpy rebuilds it when you ask for it. If another process is rebuilding it, this call
        waits, and then removes the new skim.

        Parameters
        ----------
        lock_timeout : float
            Seconds to wait for a process that rebuilds it. If negative, without limit.

        Raises
        ------
        ReadOnlyStoreError, StoreLockedError, DiskError
            If the store cannot be written to.
        """
        remove_skim(self._folder, timeout=check_timeout(lock_timeout))

    def _arrays(self) -> list[tuple[str, ArrayRecord, _Check]]:
        """Return the name for messages, the record and a check of the values of each array."""
        document = self._document

        def check_entries(rows: Array) -> str | None:
            entries = rows.view(document.row)[INDEX]
            is_right = np.all((entries >= 0) & (entries < self.num_store_entries))
            return None if is_right else "it has entries that the store lacks"

        arrays: list[tuple[str, ArrayRecord, _Check]] = [
            ("rows", document.rows, check_entries),
            ("tickets", document.tickets, _falling("its tickets do not ascend")),
        ]
        for name, (content, offsets) in document.lists.items():
            arrays.append((name, content, lambda _: None))
            arrays.append((f"{name}:offsets", offsets, _falling("its offsets fall")))
        return arrays

    def __len__(self) -> int:
        return len(self.rows)

    def _blocks(self) -> list[Table]:
        values = [
            (name, "array" if field.shape else "number", str(field.dtype), _axes(field.shape))
            for name, field in self.fields.items()
        ]
        for name, (content, _) in self.lists.items():
            mean = len(content) / max(1, len(self))
            axes = _axes(content.shape[1:])
            values.append((name, f"list of {mean:.1f} items", str(content.dtype), axes))
        title = (
            f"Skim {format_path(self.path)!r}: {len(self):,} of {self.num_store_entries:,} entries "
            f"({'all entries' if self.cut is None else self.cut}), {format_size(self.nbytes)}, "
            f"{self.row_bytes} bytes per row"
        )
        tables = [Table(("key", "kind", "dtype", "shape"), 4, [values], title=title)]
        remarks = [(key, words) for key, one in self.counts.items() if (words := one.in_words())]
        if remarks:
            tables.append(Table(("key", "remarks"), 2, [remarks]))
        return tables


def document_of(skim: Skim) -> bytes:
    """Return the document of an open skim, as JSON: its request, and the checksums of its files."""
    return encode(skim._document)


def matches(
    skim: Skim, *, request: Mapping[str, Any], made_of: Mapping[str, Any], layout: SkimLayout
) -> bool:
    """Return whether a skim answers a request, is up to date, and has this layout."""
    document = skim._document
    lists = {name: (c.dtype, c.shape[1:]) for name, (c, _) in document.lists.items()}
    return (
        document.request == request
        and document.made_of == made_of
        and document.num_store_entries == made_of["num_entries"]
        and document.row == layout.row
        and lists == {one.name: (one.dtype, one.shape) for one in layout.lists}
    )


def repeat_warnings(skim: Skim, *, cut: str | None) -> None:
    """Repeat the warnings of when the skim was made.

    Positions in the cut are shown only if it has the same text.
    """
    document, notes = skim._document, skim._document.cut_notes
    if cut != document.cut:
        notes = tuple(map(without_carets, notes))
    warn_of(notes)
    warn_of(document.conversion_notes, ConversionWarning)


def problems_of(folder: Path) -> list[Problem]:
    """Return the problems that `Skim.verify` finds, even while another process rebuilds it."""
    while True:
        state = _state(folder)
        problems = Skim(folder).verify()
        if not problems or state == _state(folder):
            return problems


def _reopen(folder: Path, rows: ArrayRecord, tickets: ArrayRecord) -> Skim:
    """Open a skim that another process sent."""
    skim = Skim(folder)
    if (skim._document.rows, skim._document.tickets) != (rows, tickets):
        raise OptionError(f"the skim {str(folder)!r} was rebuilt since it was sent")
    return skim


def _map_skim(folder: Path) -> _MappedSkim:
    while True:
        state = _state(folder)
        document = decode(state[0], path=str(folder / SKIM_METADATA))
        try:
            mapped = _map_all(folder, document)
        except CorruptStoreError:
            if state == _state(folder):
                raise
            continue
        # Another process may have replaced the skim meanwhile: all files must be of one.
        if state == _state(folder):
            return mapped


def _map_all(folder: Path, document: SkimDocument) -> _MappedSkim:
    rows = _mapped(folder, document.rows).view(document.row)
    assert isinstance(rows, np.memmap)
    lists = {}
    for name, (content, offsets) in document.lists.items():
        lists[name] = _mapped(folder, content), _mapped(folder, offsets)
        first, last = int(lists[name][1][0]), int(lists[name][1][-1])
        if (first, last) != (0, content.shape[0]):
            raise _damaged(folder, offsets.file, "its offsets do not go from 0 to the end")
    return document, rows, _mapped(folder, document.tickets), lists


def _state(folder: Path) -> tuple[bytes, int, int]:
    """Return the document, and values that change when another one replaces it."""
    path = folder / SKIM_METADATA
    try:
        data, status = read_document(path, max_bytes=_MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        is_there = os.path.isdir(folder)  # noqa: PTH112 - Path raises without permission
        why = f"it holds no {SKIM_METADATA}" if is_there else "no such directory"
        near = "" if is_there else nearest_file(folder)
        raise MissingFileError(f"no skim at {str(folder)!r}: {why}{near}") from None
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


def _falling(message: str) -> _Check:
    """Return a check that gives a message where a value is less than the one before it."""
    return lambda values: message if np.any(values[1:] < values[:-1]) else None


def _damaged(folder: Path, file: str, why: str) -> CorruptStoreError:
    message = f"the skim {str(folder)!r} is damaged: {file}: {why}; make it again with skim(...)"
    return CorruptStoreError(message)


def _axes(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
