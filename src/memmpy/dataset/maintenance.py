"""Finds damage in a store, repairs it, and removes leftovers of killed processes."""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from memmpy.checks import check_flag, check_path, check_progress, check_timeout
from memmpy.conversion import repair_columns
from memmpy.cuts import leftover_cuts, verify_cuts
from memmpy.errors import OptionError, ReadOnlyStoreError, argument_hints
from memmpy.skims import SKIMS, delete_leftover, is_skim, leftover_skims, remove_skim, verify_skims
from memmpy.store import (
    CUTS,
    LOCK_TIMEOUT,
    UNFINISHED,
    Problem,
    Unfinished,
    hold_lock,
    is_real_folder,
    leftover_files,
    read_errors,
    read_metadata,
    remove_files,
    verify_columns,
)
from memmpy.typing import PathLike

__all__ = ["Leftover", "clean", "repair_problems", "verify"]

#: Suffixes of the two files of a cached cut.
_CUT_SUFFIXES = (".json", ".npy")


@argument_hints
def verify(
    path: PathLike,
    *,
    repair: bool = False,
    progress: bool | None = None,
    lock_timeout: float = LOCK_TIMEOUT,
) -> list[Problem]:
    """Compare columns, texts, cached cuts and skims of a store with their checksums.

    memmpy reads the files and does not map them, so that a file which another program truncates
    meanwhile is a problem in the list and not a crash.

    Parameters
    ----------
    path : path-like
        A store, or the folder of a skim. All of it is read once.
    repair : bool
        Whether to repair damaged files. memmpy rebuilds converted and computed columns. It uses a
        rebuilt file only if its checksum is the recorded one, so that dependent data stays valid.
        Damaged skims and cached cuts are removed: memmpy rebuilds them when you ask for them.
    progress : bool, optional
        Whether a repair shows a progress bar; by default only on a terminal.
    lock_timeout : float
        Seconds to wait for another process that writes to the store. If negative, without limit.

    Returns
    -------
    list of Problem
        Missing, truncated and altered files (`memmpy.store.Problem`). After a repair, the files
        that could not be repaired, with the reason. Empty if there are none.

    Raises
    ------
    MissingFileError, CorruptStoreError
        If there is no store, or its metadata is damaged.
    StoreLockedError, ReadOnlyStoreError, DiskError
        If the store cannot be repaired because it cannot be written to.

    Examples
    --------
    >>> memmpy.verify("data.mmpy")
    []
    """
    directory, lock_timeout = check_path(path), check_timeout(lock_timeout)
    repair, progress = check_flag("repair", repair), check_progress(progress)
    problems = _find_problems(directory)
    if not repair:
        return problems
    return repair_problems(directory, problems, progress=progress, lock_timeout=lock_timeout)


def repair_problems(
    path: PathLike,
    problems: Sequence[Problem],
    *,
    progress: bool | None = None,
    lock_timeout: float = LOCK_TIMEOUT,
) -> list[Problem]:
    """Repair the problems that `verify` found in a store, and return those that remain."""
    directory = check_path(path)
    if is_skim(directory):
        raise OptionError("repair takes a store: to rebuild a skim, call skim(...)")
    columns = [problem for problem in problems if "/" not in problem.file]
    cuts = [Path(p.file) for p in problems if p.file.startswith(f"{CUTS}/")]
    skims = {Path(p.file).parts[1] for p in problems if p.file.startswith(f"{SKIMS}/")}
    unrepaired = repair_columns(directory, columns, progress=progress, lock_timeout=lock_timeout)
    remove_files(directory / CUTS, [c.with_suffix(s).name for c in cuts for s in _CUT_SUFFIXES])
    for name in skims:
        with suppress(ReadOnlyStoreError):  # a skim behind a link stays a problem, see below
            remove_skim(directory / SKIMS / name, timeout=lock_timeout)
    if cuts:
        unrepaired += verify_cuts(directory, read_metadata(directory))
    return unrepaired + (_find_skim_problems(directory) if skims else [])


def _find_problems(directory: Path) -> list[Problem]:
    if is_skim(directory):
        return _find_skim_problems(directory)
    columns = verify_columns(directory)
    with read_errors(directory):
        cuts = verify_cuts(directory, read_metadata(directory))
        return [*columns, *cuts, *_find_skim_problems(directory)]


def _find_skim_problems(path: Path) -> list[Problem]:
    """Return the problems of a skim, or of all skims of a store, with paths from the store."""
    return [
        Problem(f"skim {name}: {problem.key}", f"{SKIMS}/{name}/{problem.file}", problem.message)
        for name, problems in verify_skims(path).items()
        for problem in problems
    ]


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file or a folder that a killed process left in a store: an item of the result of `clean`.

    Parameters
    ----------
    path : Path
        The file or folder.
    num_bytes : int
        Its size on disk.
    why : str
        Its origin, such as ``of a skim``.
    """

    path: Path
    num_bytes: int
    why: str


@argument_hints
def clean(
    path: PathLike, *, dry_run: bool = True, lock_timeout: float = LOCK_TIMEOUT
) -> list[Leftover]:
    """List the leftovers of killed processes in a store, or remove them.

    Columns, skims and cached cuts stay. memmpy removes nothing behind a link.

    Parameters
    ----------
    path : path-like
        The store.
    dry_run : bool
        Whether to list leftovers without removing them. The list may have files of a process that
        is still running. With ``dry_run=False``, memmpy waits for that process.
    lock_timeout : float
        Seconds to wait for another process that writes to the store. If negative, without limit.

    Returns
    -------
    list of Leftover
        The leftovers, or those that were removed (`memmpy.dataset.Leftover`). A folder with files
        of other programs stays.

    Raises
    ------
    MissingFileError, CorruptStoreError
        If there is no store, or its metadata is damaged.
    StoreLockedError, ReadOnlyStoreError
        If another process writes to the store, or it cannot be written to.

    Examples
    --------
    >>> memmpy.clean("data.mmpy")
    """
    directory, lock_timeout = check_path(path), check_timeout(lock_timeout)
    if check_flag("dry_run", dry_run):
        return _leftovers(directory)
    read_metadata(directory)
    with hold_lock(directory, timeout=lock_timeout, one_at_a_time=True, when_taken=lambda: None):
        leftovers = _leftovers(directory)
        for leftover in leftovers:
            _remove(leftover.path)
    return [leftover for leftover in leftovers if not os.path.lexists(leftover.path)]


def _leftovers(directory: Path) -> list[Leftover]:
    with read_errors(directory):
        paths = [(path, "of a write that was not committed") for path in leftover_files(directory)]
        if is_real_folder(directory / UNFINISHED):
            paths.append((directory / UNFINISHED, "of a conversion, which would continue there"))
        paths += [(path, "of a cut") for path in leftover_cuts(directory)]
        paths += [(path, "of a skim") for path in leftover_skims(directory / SKIMS)]
    return [Leftover(path, _num_bytes(path), why) for path, why in paths]


def _remove(path: Path) -> None:
    if path.parent.name == SKIMS:
        delete_leftover(path)
    elif path.name == UNFINISHED:
        Unfinished(path.parent).clear()
    elif is_real_folder(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _num_bytes(path: Path) -> int:
    """Return the size of a file or a folder. Files that disappear meanwhile do not count."""
    num_bytes = 0
    with suppress(OSError):
        for file in [path, *path.rglob("*")] if is_real_folder(path) else [path]:
            num_bytes += 0 if is_real_folder(file) else file.lstat().st_size
    return num_bytes
