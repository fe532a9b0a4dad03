"""Repair: rebuilds damaged columns of a store from the files or columns that they were made of.

memmpy rebuilds them in a temporary store. It puts an array back if its checksum is the same as
before, so all that depends on the column stays valid.
"""

import ast
import logging
import os
import shutil
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from msgspec import structs

from memmpy.conversion.convert import convert
from memmpy.conversion.planning.config import RFileConfig
from memmpy.cuts import recompute_column
from memmpy.errors import MemmpyError, MemmpyWarning
from memmpy.jagged import mask_of
from memmpy.store import (
    ColumnRecord,
    Metadata,
    Problem,
    SourceRecord,
    hold_lock,
    is_real_folder,
    read_metadata,
    repair_folder,
    sync_directory,
    temp_suffix,
)

__all__ = ["repair_columns"]

logger: logging.Logger = logging.getLogger(__name__)


def repair_columns(
    directory: Path, problems: Sequence[Problem], *, progress: bool | None, lock_timeout: float
) -> list[Problem]:
    """Repair damaged columns that were converted or computed.

    Parameters
    ----------
    directory : Path
        The store.
    problems : sequence of Problem
        The problems that `verify` found.
    progress : bool or None
        Whether to show a progress bar; None shows it on a terminal.
    lock_timeout : float
        Seconds to wait for another process; below zero, without limit.

    Returns
    -------
    list of Problem
        The problems that remain, each with the reason.
    """
    files: dict[str, set[str]] = {}
    for problem in problems:
        files.setdefault(problem.key, set()).add(problem.file)
    if not files:
        return []
    lock = hold_lock(directory, timeout=lock_timeout, one_at_a_time=True, when_taken=lambda: None)
    with lock, _scratch(directory) as scratch:
        metadata = read_metadata(directory)
        reasons = {key: _why_not_repaired(metadata.columns.get(key)) for key in files}

        def attempt(keys: Sequence[str]) -> None:
            store = scratch / temp_suffix()
            try:
                _rebuild(directory, store, metadata, keys, progress=progress)
                rebuilt = read_metadata(store).columns
            except MemmpyError as error:
                reasons.update(dict.fromkeys(keys, f"it cannot be rebuilt: {error}"))
                return
            for key in keys:
                reason = _put_back(
                    directory, store, metadata.columns[key], rebuilt[key], files[key]
                )
                if reason is None:
                    logger.info("put back column %r of %s", key, directory)
                    del reasons[key]
                else:
                    reasons[key] = reason

        damaged = [key for key in metadata.columns if key in files]
        converted = [key for key in damaged if metadata.columns[key].origin is not None]
        if len(converted) > 1:  # together, so that each file is read once
            attempt(converted)
        for key in [key for key in converted if key in reasons]:
            attempt([key])
        for key in _computed_in_order(metadata, damaged):
            attempt([key])
        with suppress(OSError):  # the files are in place
            sync_directory(directory)
    return [
        Problem(problem.key, problem.file, f"{problem.message}; {reasons[problem.key]}")
        for problem in problems
        if problem.key in reasons
    ]


def _why_not_repaired(column: ColumnRecord | None) -> str:
    """Return why a column cannot be repaired, unless it is rebuilt later."""
    if column is None:
        return "it cannot be repaired: restore a copy, or convert into a new store"
    return "it was written by the user: write it again"


def _computed_in_order(metadata: Metadata, keys: Collection[str]) -> Iterator[str]:
    """Yield those of some columns that were computed, each after the columns that it uses."""
    waiting = [key for key in keys if metadata.columns[key].computed is not None]
    while waiting:
        ready = [k for k in waiting if not _uses(metadata.columns[k]) & set(waiting)] or waiting
        yield from ready
        waiting = [key for key in waiting if key not in ready]


def _uses(column: ColumnRecord) -> set[str]:
    return set() if column.computed is None else set(column.computed.made_of)


def _rebuild(
    directory: Path,
    scratch: Path,
    metadata: Metadata,
    keys: Collection[str],
    *,
    progress: bool | None,
) -> None:
    """Rebuild columns in another store."""
    records = {key: metadata.columns[key] for key in keys}
    for key, record in records.items():
        if record.computed is not None:
            recompute_column(directory, key, record.computed.normal, target=scratch)
            return
    specs = {key: o.spec for key, r in records.items() if (o := r.origin) is not None}
    if all(map(_is_metadata, specs.values())):
        specs |= _smallest(metadata)  # a conversion needs at least one branch
    specs |= _stand_ins(metadata)
    missing = {
        branch: _fill(text)
        for spec in specs.values()
        for branch, text in spec.get("missing", {}).items()
    }
    configs = [_config(source, missing) for source in metadata.sources]
    with warnings.catch_warnings():  # the first conversion gave the warnings
        warnings.simplefilter("ignore", MemmpyWarning)
        convert(configs, scratch, progress=progress, **_options(specs))


def _smallest(metadata: Metadata) -> dict[str, Mapping[str, Any]]:
    """Return the spec of the smallest column that was read from files."""
    sizes = [
        (record.nbytes, key, record.origin.spec)
        for key, record in metadata.columns.items()
        if record.origin is not None and not record.origin.is_metadata
    ]
    return {key: spec for _, key, spec in sorted(sizes, key=lambda one: one[:2])[:1]}


def _stand_ins(metadata: Metadata) -> dict[str, Mapping[str, Any]]:
    """Return the specs of branches that numbers replace: a conversion needs all of them."""
    return {
        key: record.origin.spec
        for key, record in metadata.columns.items()
        if record.origin is not None
        and record.origin.spec.get("branch") == key
        and "numbers" in record.origin.spec
    }


def _is_metadata(spec: Mapping[str, Any]) -> bool:
    return "branch" not in spec and "expression" not in spec


def _options(specs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the arguments of `convert` for columns of these specs."""
    keys, padded = set[str](), dict[str, tuple[int, Any]]()
    aliases, dtypes = dict[str, str](), dict[str, str]()
    for key, spec in specs.items():
        if _is_metadata(spec):
            continue
        # The mask of a padded key comes with that key.
        name = key.removesuffix(mask_of("")) if spec.get("mask") else key
        made_of = spec.get("expression", f"`{spec.get('branch')}`")
        if made_of != f"`{name}`":
            aliases[name] = made_of
        if "padding" in spec:
            length, fill = spec["padding"]
            padded[name] = length, _fill(fill)
        if name != key or name not in padded:
            keys.add(key)
        if "dtype" in spec:
            dtypes[key] = spec["dtype"]
    return {"keys": keys, "keys_padded": padded, "aliases": aliases, "dtype": dtypes}


def _config(source: SourceRecord, missing: Mapping[str, Any]) -> RFileConfig:
    return RFileConfig(
        source.path,
        source.asked,
        {**source.metadata, **source.numbers.values},
        totals=source.numbers.totals,
        entry_start=source.tree_start,
        entry_stop=source.tree_stop,
        missing=missing,
        friends={
            f"{friend.name} = {friend.asked}": _as_template(friend.path)
            for friend in source.friends
        },
    )


def _as_template(path: str) -> str:
    """Return a path as a friend of a configuration names it, where braces are placeholders."""
    return path.replace("{", "{{").replace("}", "}}")


def _fill(text: str) -> Any:
    """Return the value that a spec holds as its `repr`."""
    try:
        return ast.literal_eval(text)
    except ValueError:  # nan, inf
        return float(text)


def _put_back(
    directory: Path,
    scratch: Path,
    column: ColumnRecord,
    rebuilt: ColumnRecord,
    files: Collection[str],
) -> str | None:
    """Replace damaged files with rebuilt arrays; return the reason if that is impossible."""
    damaged = {role: array for role, array in column.arrays.items() if array.file in files}
    for role, array in damaged.items():
        new = rebuilt.arrays.get(role)
        if new is None or structs.replace(new, file=array.file) != array:
            return "it was made of data that have changed since: convert or compute it again"
        if is_real_folder(directory / array.file):
            return "a folder has its name: remove it and repair again"
    try:
        for role, array in damaged.items():
            copy = scratch / temp_suffix()  # another column may share the array
            _copy(scratch / rebuilt.arrays[role].file, copy)
            copy.replace(directory / array.file)
    except OSError as error:
        return f"it cannot be put back: {error.strerror or error}"
    return None


def _copy(file: Path, copy: Path) -> None:
    """Link a file to a second name; copy it where the disk cannot link."""
    try:
        copy.hardlink_to(file)
    except OSError:
        shutil.copyfile(file, copy)
        with copy.open("rb") as written:
            os.fsync(written.fileno())


@contextmanager
def _scratch(directory: Path) -> Iterator[Path]:
    """Yield the path of a temporary store inside the store, on the same disk."""
    folder = directory / repair_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
