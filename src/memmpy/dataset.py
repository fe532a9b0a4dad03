"""A store as users hold it: a mapping of key to column, with cuts and loaders."""

import html
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, final

from memmpy.columns import StoredColumn, open_columns, tickets_of
from memmpy.cuts import Constant, Selection, read_cut, select
from memmpy.errors import MissingKeyError, nearest
from memmpy.loaders import SplitLoader
from memmpy.store import Problem, SourceRecord, verify
from memmpy.typing import Array, PathLike

__all__ = ["Store", "open"]


def open(path: PathLike) -> "Store":
    """Open a store.

    Parameters
    ----------
    path : path-like
        The store's directory.

    Returns
    -------
    Store
        A mapping of key to column, as the last commit left it. Nothing is read yet.

    Raises
    ------
    MissingFileError, CorruptStoreError
        If there is no store, or it is damaged.

    Examples
    --------
    >>> store = memmpy.open("data.mmpy")
    >>> store["nJets"].mean()
    >>> loader = store.loader(batch_size=128, cut="nJets >= 6", split="train")
    """
    return Store(path)


@final
class Store(Mapping[str, StoredColumn]):
    """An open store: key to column, without the columns that are stale.

    It shows what was committed when it was opened, also after a later conversion; open it again
    to see that.

    Parameters
    ----------
    path : path-like
        The store's directory.
    """

    def __init__(self, path: PathLike) -> None:
        #: The store's directory.
        self.path = Path(path)
        self._snapshot = open_columns(path, None)
        self._metadata, self._columns = self._snapshot.metadata, self._snapshot.columns

    def __getitem__(self, key: str) -> StoredColumn:
        try:
            return self._columns[key]
        except KeyError:
            message = f"no column {key!r} in {os.fspath(self.path)!r}{nearest(key, self._columns)}"
            raise MissingKeyError(message, key) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def sources(self) -> tuple[SourceRecord, ...]:
        """The files that fill the store, in the order of their entries."""
        return self._metadata.sources

    @property
    def texts(self) -> Mapping[int, str]:
        """From the 64-bit hashes of metadata columns to their texts."""
        return self._metadata.hashes

    def cut(
        self,
        expression: str,
        *,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
    ) -> Selection:
        """Return the int64 entries that pass a cut; see `compute_cut_batched`."""
        return select(self._snapshot, read_cut(expression, aliases=aliases, constants=constants))

    def loader(
        self,
        batch_size: int = 32,
        *,
        keys: Sequence[str] | None = None,
        cut: str | None = None,
        split: int | str = 0,
        fractions: Sequence[float] = (0.8, 0.1, 0.1),
        split_seed: int = 0,
        split_by: Sequence[str] | None = None,
        seed: int = 0,
        epoch: int = 0,
        shuffle: bool = True,
        drop_last: bool = False,
        num_threads: int = 1,
    ) -> SplitLoader:
        """Return a loader of some columns, or of all.

        Parameters
        ----------
        batch_size : int
            Entries in a batch.
        keys : sequence of str, optional
            Which columns; all of the store where not given.
        cut : str, optional
            Which entries.
        split, fractions, split_seed, split_by, seed, epoch, shuffle, drop_last, num_threads
            As `load_root` takes them. Entries that came from files are split by their tickets,
            others by an exact bijection.
        """
        data = {key: self[key] for key in (self if keys is None else keys)}
        subindex: Array | None = None if cut is None else self.cut(cut)
        return SplitLoader(
            data,
            batch_size,
            split=split,
            fractions=fractions,
            subindex=subindex,
            split_seed=split_seed,
            seed=seed,
            epoch=epoch,
            shuffle=shuffle,
            drop_last=drop_last,
            num_threads=num_threads,
            tickets=tickets_of(
                self._snapshot,
                split_by=split_by,
                split_seed=split_seed,
                num_entries=max(map(len, data.values()), default=0),
            ),
        )

    def verify(self) -> list[Problem]:
        """Compare every file with its checksum and return what differs; reads all of it."""
        return verify(self.path)

    def _rows(self) -> list[tuple[str, str, str, str]]:
        rows = []
        for key, column in self._columns.items():
            kind = self._metadata.columns[key].kind
            rows.append((key, kind, f"{len(column):,}", _type(column)))
        return rows

    def __repr__(self) -> str:
        lines = [f"Store {os.fspath(self.path)!r}: {len(self)} columns, {len(self.sources)} files"]
        lines += [
            f"  {key}: {kind}, {num} entries, {type}" for key, kind, num, type in self._rows()
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        cells = [[html.escape(cell) for cell in row] for row in self._rows()]
        head = "<tr><th>key</th><th>kind</th><th>entries</th><th>type</th></tr>"
        body = "".join(f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in cells)
        title = f"{html.escape(os.fspath(self.path))}: {len(self.sources)} files"
        return f"<p>{title}</p><table>{head}{body}</table>"


def _type(column: Any) -> str:
    if hasattr(column, "shape"):
        return f"{column.dtype}{list(column.shape[1:]) if column.ndim > 1 else ''}"
    return str(getattr(column, "dtype", "text" if hasattr(column, "encoded") else "awkward"))
