"""Files that are written under temporary names, and appear together at the end."""

import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from memmpy.errors import MemmpyError, OptionError, ReadOnlyStoreError
from memmpy.store import FileLock, SourceRecord, disk_error, temp_suffix

__all__ = ["Aside", "check_targets", "files_aside"]

#: Returns the temporary file for a target.
Aside: TypeAlias = Callable[[Path], Path]

#: Names of temporary files and of their lock, which have a suffix in common.
_TEMPORARY = re.compile(r"(?P<name>.*)\.(?P<suffix>[0-9a-f]{16}\.tmp)(?P<lock>\.lock)?")


def check_targets(
    targets: Collection[Path], sources: Sequence[SourceRecord], *, overwrite: bool
) -> None:
    """Raise an `OptionError` if a source, or without `overwrite` any file, would be lost."""
    files = {_identity(Path(source.path)): source.path for source in sources}
    for target in sorted(targets):
        identity = _identity(target)
        if identity is None:
            continue
        if identity in files:
            message = (
                f"{str(target)!r} would replace the file {files[identity]!r} that the store was "
                "made from; write to another directory"
            )
            raise OptionError(message)
        if not overwrite:
            message = f"{str(target)!r} exists already; overwrite=True replaces it"
            raise OptionError(message)


@contextmanager
def files_aside(folder: Path, targets: Collection[Path]) -> Iterator[Aside]:
    """Yield a function that returns a temporary file for each target, in a folder below `folder`.

    At the end of the block, the files get their names. After an error there is none. Temporary
    files of the same targets that killed processes left behind are removed.

    Parameters
    ----------
    folder : Path
        A folder, made if it is missing.
    targets : collection of Path
        All files that the block may write.

    Raises
    ------
    DiskError, ReadOnlyStoreError
        If the OS refuses to write.
    """
    temporary_files: dict[Path, Path] = {}
    target, suffix = folder if len(targets) > 1 else next(iter(targets)), temp_suffix()
    lock_file = folder / f".{suffix}.lock"
    lock = FileLock(lock_file)

    def aside(file: Path) -> Path:
        nonlocal target
        target = file
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary_files[file] = file.with_name(f"{file.name}.{suffix}")
        return temporary_files[file]

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.take()  # protects files of this suffix from other writers
        _remove_leftovers(targets, folder)
        yield aside
        for target, written in temporary_files.items():
            with written.open("rb") as stream:
                os.fsync(stream.fileno())
            written.replace(target)
    except FileExistsError as error:
        message = f"cannot write {str(target)!r}: {error.filename!r} is a file, not a directory"
        raise ReadOnlyStoreError(message) from None
    except MemmpyError:
        raise
    except OSError as error:
        raise disk_error(error, what=repr(str(target)), is_in_store=False) from error
    finally:
        for written in (*temporary_files.values(), lock_file):
            with suppress(OSError):
                written.unlink()
        lock.release()


def _identity(file: Path) -> tuple[int, int] | None:
    """Return device and inode of a file, or None if there is no file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _remove_leftovers(targets: Collection[Path], folder: Path) -> None:
    """Remove the temporary files of killed writers, whose locks nobody holds."""
    left: dict[str, list[Path]] = {}
    for parent in {folder, *(target.parent for target in targets)}:
        for file in parent.glob("*.tmp*"):
            match = _TEMPORARY.fullmatch(file.name)
            if match is not None and (match["lock"] or parent / match["name"] in targets):
                left.setdefault(match["suffix"], []).append(file)
    for suffix, files in left.items():
        lock_file = folder / f".{suffix}.lock"
        lock = FileLock(lock_file)
        with suppress(ReadOnlyStoreError, OSError):
            if lock.take():
                for file in {*files, lock_file}:
                    file.unlink(missing_ok=True)
        lock.release()
