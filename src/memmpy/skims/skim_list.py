"""`Skims`: the skims of a store as a table, and the check of their checksums."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, final, overload

from memmpy.display import Renderable, Table, format_count, format_size
from memmpy.errors import CorruptStoreError, MissingFileError, UnreadableError, argument_hints
from memmpy.skims.folder import SKIMS
from memmpy.skims.skim_reader import Skim, problems_of
from memmpy.skims.skim_request import INDEX
from memmpy.store import SKIM_METADATA, Metadata, Problem, read_errors
from memmpy.typing import PathLike

__all__ = ["Skims", "find_skims", "is_skim", "list_skims", "verify_skims"]

_T = TypeVar("_T")

_FOLDER = re.compile(r"[0-9a-f]{16}")


@argument_hints
@final
class Skims(Renderable, Sequence[Skim]):
    """The skims of a store, by name; prints as a table.

    Parameters
    ----------
    skims : sequence of Skim
        The skims that can be opened.
    are_current : sequence of bool
        Whether each of them is up to date.
    damaged : mapping of str to str
        The names of the others, with the reasons.

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
        #: Names of the skims that cannot be opened, with the reasons. They are rebuilt when needed.
        self.damaged: dict[str, str] = dict(damaged)

    @property
    def current(self) -> "Skims":
        """The skims that are up to date."""
        return self._subset([i for i, is_current in enumerate(self._are_current) if is_current])

    @property
    def outdated(self) -> "Skims":
        """The skims whose columns or files have changed since; they are rebuilt when needed."""
        return self._subset([i for i, is_current in enumerate(self._are_current) if not is_current])

    @property
    def num_bytes(self) -> int:
        """Bytes of all skims on disk, without headers and damaged skims."""
        return sum(skim.nbytes for skim in self._skims)

    def to_dict(self) -> dict[str, Any]:
        """Return the skims as plain values, for JSON."""
        skims = zip(self._skims, self._are_current, strict=True)
        return {
            "skims": [skim.to_dict() | {"is_current": is_current} for skim, is_current in skims],
            "damaged": dict(self.damaged),
        }

    def __len__(self) -> int:
        return len(self._skims)

    @overload
    def __getitem__(self, index: int) -> Skim: ...
    @overload
    def __getitem__(self, index: slice) -> "Skims": ...
    def __getitem__(self, index: int | slice) -> "Skim | Skims":
        if isinstance(index, slice):
            return self._subset(range(len(self))[index])
        return self._skims[index]

    def _subset(self, numbers: Sequence[int]) -> "Skims":
        return Skims(
            [self._skims[i] for i in numbers],
            are_current=[self._are_current[i] for i in numbers],
            damaged={},
        )

    def table(self) -> Table:
        """Return the skims as a table."""
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
        caption = f"{format_count(len(rows), 'skim')}, {format_size(self.num_bytes)}"
        return Table(("skim", "holds", "cut", "state", "rows", "size"), 4, [rows], caption)

    def _blocks(self) -> list[str | Table]:
        return [self.table()] if self._skims or self.damaged else ["no skims"]


def find_skims(path: PathLike, metadata: Metadata) -> Skims:
    """Return the skims of a store, each marked as current or outdated."""
    skims, damaged = list_skims(path)
    return Skims(skims, are_current=[skim.is_current(metadata) for skim in skims], damaged=damaged)


def list_skims(path: PathLike) -> tuple[list[Skim], dict[str, str]]:
    """Open the skims of a store; return them, and the reasons for those that cannot be opened.

    Parameters
    ----------
    path : path-like
        The store.

    Returns
    -------
    skims : list of Skim
        By name; outdated ones are among them.
    damaged : dict of str to str
        By name of a skim that cannot be opened, the reason.
    """
    skims: list[Skim] = []
    damaged: dict[str, str] = {}
    for folder in _folders(path):
        opened = _try(Skim, folder)
        if isinstance(opened, Skim):
            skims.append(opened)
        elif folder.exists():  # else another process removed it meanwhile
            damaged[folder.name] = opened
    return skims, damaged


def is_skim(path: PathLike) -> bool:
    """Return whether a path is the folder of a skim; may raise an `UnreadableError`."""
    with read_errors(Path(path)):
        return (Path(path) / SKIM_METADATA).exists()


def verify_skims(path: PathLike) -> dict[str, list[Problem]]:
    """Verify the skims of a store, or one skim, and return their problems by name.

    Parameters
    ----------
    path : path-like
        A store, or the folder of a skim.

    Returns
    -------
    dict of str to list of Problem
        The result of `Skim.verify` for each skim.
    """
    problems_by_name = {}
    for folder in [Path(path).absolute()] if is_skim(path) else _folders(path):
        problems = _try(problems_of, folder)
        if not isinstance(problems, str):
            problems_by_name[folder.name] = problems
        elif folder.exists():
            problems_by_name[folder.name] = [Problem("skim", SKIM_METADATA, problems)]
    return problems_by_name


def _try(function: Callable[[Path], _T], folder: Path) -> _T | str:
    """Return the result for the folder of a skim, or why it cannot be opened."""
    try:
        return function(folder)
    except (MissingFileError, CorruptStoreError, UnreadableError) as error:
        return str(error)


def _folders(path: PathLike) -> list[Path]:
    folder = Path(path) / SKIMS
    try:
        with read_errors(folder):
            files = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [file for file in files if _FOLDER.fullmatch(file.name) is not None]
