"""Maintains a whole store: finds damage, repairs it, and removes what killed processes left."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from memmpy.checks import check_path, check_timeout
from memmpy.conversion import repair_columns
from memmpy.cuts import leftover_cuts, verify_cuts
from memmpy.errors import MemmpyError, OptionError, ReadOnlyStoreError, UnreadableError
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
    read_metadata,
    remove_files,
)
from memmpy.store import verify as verify_columns
from memmpy.typing import PathLike

__all__ = ["Leftover", "clean", "verify"]

#: The two files of a cached cut.
_SUFFIXES = (".json", ".npy")


def verify(
    path: PathLike,
    *,
    repair: bool = False,
    progress: bool | None = None,
    lock_timeout: float = LOCK_TIMEOUT,
) -> list[Problem]:
    """Compare all that a store holds with its checksums: columns, texts, cached cuts and skims.

    memmpy reads the files and does not map them: a file that another program truncates meanwhile is
    a problem in the list, and not a crash.

    Parameters
    ----------
    path : path-like
        A store, or the folder of a skim. All of it is read once.
    repair : bool
        Whether to repair what is damaged. memmpy rebuilds converted and computed columns. It uses a
        rebuilt file only if its checksum is the recorded one: what depends on it stays valid.
        Damaged skims and cached cuts are removed: memmpy rebuilds them when you ask for them.
    progress : bool, optional
        Whether to show a progress bar while columns are rebuilt; on a terminal where not given.
    lock_timeout : float
        Seconds to wait for another process that writes to the store; below zero, without limit.

    Returns
    -------
    list of Problem
        What is missing, truncated or altered; after a repair, what could not be repaired and why.
        Empty where all is well.

    Raises
    ------
    MissingFileError, CorruptStoreError
        If there is no store, or its metadata cannot be read.
    StoreLockedError, ReadOnlyStoreError, DiskError
        If the store cannot be repaired because it cannot be written to.

    Examples
    --------
    >>> memmpy.verify("data.mmpy")
    []
    """
    directory, lock_timeout = check_path(path), check_timeout(lock_timeout)
    if is_skim(directory):
        if repair:
            raise OptionError("repair takes a store: a skim is made again with skim(...)")
        return _named(verify_skims(directory))
    columns = verify_columns(directory)
    with _reading(directory):
        cuts = verify_cuts(directory, read_metadata(directory))
        skims = verify_skims(directory)
    if not repair:
        return [*columns, *cuts, *_named(skims)]
    left = repair_columns(directory, columns, progress=progress, lock_timeout=lock_timeout)
    files = [Path(one.file).with_suffix(suffix).name for one in cuts for suffix in _SUFFIXES]
    remove_files(directory / CUTS, files)
    for name, problems in skims.items():
        with suppress(ReadOnlyStoreError):  # behind a link, it is still found below
            if problems:
                remove_skim(directory / SKIMS / name, timeout=lock_timeout)
    cuts = verify_cuts(directory, read_metadata(directory)) if cuts else []
    return [*left, *cuts, *_named(verify_skims(directory) if any(skims.values()) else {})]


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file or a folder that a killed process left in a store.

    Parameters
    ----------
    path : Path
        Where it is.
    num_bytes : int
        What it takes on disk.
    why : str
        What it was.
    """

    path: Path
    num_bytes: int
    why: str


def clean(
    path: PathLike, *, dry_run: bool = True, lock_timeout: float = LOCK_TIMEOUT
) -> list[Leftover]:
    """Find what killed processes left in a store, and remove it if asked to.

    Columns, skims and cached cuts stay. Nothing is removed behind a link.

    Parameters
    ----------
    path : path-like
        The store.
    dry_run : bool
        Whether to list only, and remove nothing. The list may have files of a process that still
        works; with ``dry_run=False``, memmpy waits for that process.
    lock_timeout : float
        Seconds to wait for another process that writes to the store; below zero, without limit.

    Returns
    -------
    list of Leftover
        What was found, or removed: a folder stays as long as files of others are in it.

    Raises
    ------
    MissingFileError, CorruptStoreError
        If there is no store, or its metadata cannot be read.
    StoreLockedError, ReadOnlyStoreError
        If another process writes to the store, or it cannot be written to.

    Examples
    --------
    >>> memmpy.clean("data.mmpy")
    """
    directory, lock_timeout = check_path(path), check_timeout(lock_timeout)
    if dry_run:
        return _leftovers(directory)
    read_metadata(directory)
    held = hold_lock(directory, timeout=lock_timeout, one_at_a_time=True, when_taken=lambda: None)
    with held:
        leftovers = _leftovers(directory)
        for leftover in leftovers:
            _remove(leftover.path)
    return [leftover for leftover in leftovers if not os.path.lexists(leftover.path)]


@contextmanager
def _reading(directory: Path) -> Iterator[None]:
    """Turn an `OSError` of a folder that cannot be listed into an `UnreadableError`."""
    try:
        yield
    except MemmpyError:
        raise
    except OSError as error:
        message = f"cannot read {error.filename or str(directory)!r}: {error.strerror or error}"
        raise UnreadableError(message) from error


def _leftovers(directory: Path) -> list[Leftover]:
    with _reading(directory):
        found = [(path, "of a write that was not committed") for path in leftover_files(directory)]
        if is_real_folder(directory / UNFINISHED):
            found.append((directory / UNFINISHED, "of a conversion, which would go on from there"))
        found += [(path, "of a cut") for path in leftover_cuts(directory)]
        found += [(path, "of a skim") for path in leftover_skims(directory / SKIMS)]
    return [Leftover(path, _num_bytes(path), why) for path, why in found]


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
    """Return what a file or a folder takes; what disappears meanwhile takes nothing."""
    num_bytes = 0
    with suppress(OSError):
        for file in [path, *path.rglob("*")] if is_real_folder(path) else [path]:
            num_bytes += 0 if is_real_folder(file) else file.lstat().st_size
    return num_bytes


def _named(skims: dict[str, list[Problem]]) -> list[Problem]:
    return [
        Problem(f"skim {name}: {problem.key}", f"{SKIMS}/{name}/{problem.file}", problem.message)
        for name, problems in skims.items()
        for problem in problems
    ]
