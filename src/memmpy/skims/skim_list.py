"""The skims that lie in a store: listed, and compared with their checksums."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, final, overload

from memmpy.display import Table, format_size
from memmpy.errors import CorruptStoreError, MissingFileError, UnreadableError
from memmpy.skims.folder import SKIMS
from memmpy.skims.skim_reader import Skim, problems_of
from memmpy.skims.skim_request import INDEX
from memmpy.store import SKIM_METADATA, Metadata, Problem, read_errors
from memmpy.typing import PathLike

__all__ = ["Skims", "find_skims", "is_skim", "list_skims", "verify_skims"]

_T = TypeVar("_T")

_FOLDER = re.compile(r"[0-9a-f]{16}")


@final
class Skims(Sequence[Skim]):
    """The skims of a store, by name; prints as a table.

    Parameters
    ----------
    skims : sequence of Skim
        Those that can be opened.
    are_current : sequence of bool
        Which of them would be made so now.
    damaged : mapping of str to str
        The names of the others, and what is wrong with them.

    Examples
    --------
    >>> for skim in memmpy.open("data.mmpy").skims.outdated:
    ...     skim.remove()
    """

    __slots__ = ("_are_current", "_skims", "damaged")

    def __init__(
        self, skims: Sequence[Skim], *, are_current: Sequence[bool], damaged: Mapping[str, str]
    ) -> None:
        self._skims, self._are_current = tuple(skims), tuple(are_current)
        #: Names of those that cannot be opened, with the reasons. They are made again when they
        #: are asked for.
        self.damaged = dict(damaged)

    @property
    def current(self) -> "Skims":
        """Those that would be made so now."""
        return self._chosen([i for i, is_current in enumerate(self._are_current) if is_current])

    @property
    def outdated(self) -> "Skims":
        """Those of which a column was written again, or the files changed; rebuilt if asked."""
        return self._chosen([i for i, is_current in enumerate(self._are_current) if not is_current])

    @property
    def num_bytes(self) -> int:
        """What all of them take on disk, without headers and those that are damaged."""
        return sum(skim.nbytes for skim in self._skims)

    def __len__(self) -> int:
        return len(self._skims)

    @overload
    def __getitem__(self, index: int) -> Skim: ...
    @overload
    def __getitem__(self, index: slice) -> "Skims": ...
    def __getitem__(self, index: int | slice) -> "Skim | Skims":
        if isinstance(index, slice):
            return self._chosen(range(len(self))[index])
        return self._skims[index]

    def _chosen(self, numbers: Sequence[int]) -> "Skims":
        return Skims(
            [self._skims[i] for i in numbers],
            are_current=[self._are_current[i] for i in numbers],
            damaged={},
        )

    def _table(self) -> Table:
        rows = [
            (
                skim.path.name,
                ", ".join(key for key in (*skim.fields, *skim.lists) if key != INDEX),
                "all" if skim.cut is None else skim.cut,
                "current" if is_current else "outdated",
                f"{len(skim):,}",
                format_size(skim.nbytes),
            )
            for skim, is_current in zip(self._skims, self._are_current, strict=True)
        ]
        rows += [(name, "", "", "damaged", "?", "?") for name in self.damaged]
        num = len(rows)
        caption = f"{num} {'skim' if num == 1 else 'skims'}, {format_size(self.num_bytes)}"
        return Table(("skim", "holds", "cut", "state", "rows", "size"), 4, [rows], caption)

    def __rich__(self) -> Table:
        return self._table()

    def __repr__(self) -> str:
        return self._table().to_text() if self._skims or self.damaged else "no skims"

    def _repr_html_(self) -> str:
        return self._table().to_html()


def find_skims(path: PathLike, metadata: Metadata) -> Skims:
    """Return the skims of a store, compared with what it knows of itself."""
    skims, damaged = list_skims(path)
    return Skims(skims, are_current=[skim.is_made_of(metadata) for skim in skims], damaged=damaged)


def list_skims(path: PathLike) -> tuple[list[Skim], dict[str, str]]:
    """Return the skims of a store that can be opened, and what is wrong with the others.

    Parameters
    ----------
    path : path-like
        The store.

    Returns
    -------
    skims : list of Skim
        By name; also those that would be rebuilt now.
    damaged : dict of str to str
        For each name of another, the reason. It is made again when it is asked for.
    """
    skims: list[Skim] = []
    damaged: dict[str, str] = {}
    for folder in _folders(path):
        opened = _try(Skim, folder)
        if isinstance(opened, Skim):
            skims.append(opened)
        elif folder.exists():  # another process may have removed it meanwhile
            damaged[folder.name] = opened
    return skims, damaged


def is_skim(path: PathLike) -> bool:
    """Say whether a path is the folder of a skim; an `UnreadableError` where nobody may know."""
    with read_errors(Path(path)):
        return (Path(path) / SKIM_METADATA).exists()


def verify_skims(path: PathLike) -> dict[str, list[Problem]]:
    """Read the skims of a store, or one, and return what is not as it was written, by name.

    Parameters
    ----------
    path : path-like
        A store, or the folder of a skim.

    Returns
    -------
    dict of str to list of Problem
        For each skim, as `Skim.verify` gives it.
    """
    found = {}
    for folder in [Path(path).absolute()] if is_skim(path) else _folders(path):
        problems = _try(problems_of, folder)
        if not isinstance(problems, str):
            found[folder.name] = problems
        elif folder.exists():
            found[folder.name] = [Problem("skim", SKIM_METADATA, problems)]
    return found


def _try(look: Callable[[Path], _T], folder: Path) -> _T | str:
    """Return what was found in the folder of a skim, or why it cannot be opened."""
    try:
        return look(folder)
    except (MissingFileError, CorruptStoreError, UnreadableError) as error:
        return str(error)


def _folders(path: PathLike) -> list[Path]:
    folder = Path(path) / SKIMS
    try:
        with read_errors(folder):
            found = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [file for file in found if _FOLDER.fullmatch(file.name) is not None]
