"""Records the splits of a store at the first call, checks that later calls agree, and warns."""

import dataclasses
import json
import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from memmpy.columns import Snapshot
from memmpy.errors import (
    CorruptStoreError,
    DiskError,
    ReadOnlyStoreError,
    SplitError,
    SplitWarning,
    StoreLockedError,
    warn_of,
)
from memmpy.splits.danger import dangers_of, dependencies_of
from memmpy.splits.definition import Splits
from memmpy.splits.event_names import USUAL_COLUMNS, Naming, find_naming, variations_of
from memmpy.splits.store_tickets import check_name_columns
from memmpy.splits.ticket_rule import TicketRule
from memmpy.store import LOCK_TIMEOUT, Metadata, Transaction, hash64, hash_text, read_metadata
from memmpy.typing import PathLike

__all__ = [
    "BY_POSITION",
    "agree_on_splits",
    "default_naming",
    "default_rule",
    "reconcile_splits",
    "record_positional_split",
    "record_unchecked_splits",
    "recorded_splits",
    "resolve_by",
    "set_splits",
    "warn_once",
]

logger: logging.Logger = logging.getLogger(__name__)

#: The record of a store without files whose columns were split by position.
BY_POSITION = {"by": "position"}
#: The warnings that this process has emitted, by store: each danger once.
_WARNED: set[tuple[str, str]] = set()


def recorded_splits(metadata: Metadata) -> Splits | None:
    """Return the splits that a store records; None before the first call that names any.

    Raises
    ------
    CorruptStoreError
        If the record cannot be read.
    """
    if metadata.splits is None or metadata.splits == BY_POSITION:
        return None
    try:
        return Splits.from_json(metadata.splits["splits"])
    except ValueError as error:
        message = f"the metadata of the store name splits that cannot be read: {error}; "
        raise CorruptStoreError(f"{message}record them again with store.set_splits(...)") from error


def reconcile_splits(
    given: Splits | None, known: Splits | None, *, path: PathLike
) -> Splits | None:
    """Return the splits that a call uses; it must not contradict the store.

    Parameters
    ----------
    given : Splits or None
        The splits that the call names; None for those of the store. ``by=None`` takes `by` from
        the store.
    known : Splits or None
        The splits of the store.
    path : path-like
        The store.

    Raises
    ------
    SplitError
        If they differ; shows both.
    """
    if given is None or known is None:
        return known if given is None else given
    whole = dataclasses.replace(given, by=known.by) if given.by is None else given
    if whole.meaning != known.meaning:
        message = (
            f"the store {os.fspath(path)!r} has the splits\n  {known}\nand this call names\n"
            f"  {given}\nWith both, training events of one would be test events of the other. "
            "Leave splits= out to take those of the store (in a recipe: [splits]), or change them "
            "for all calls: memmpy.open(...).set_splits(...)"
        )
        raise SplitError(message)
    return known


def resolve_by(splits: Splits, naming: Naming, *, has_variations: bool, path: PathLike) -> Splits:
    """Return splits whose `by` is set, from the usual columns where the user set none.

    Parameters
    ----------
    splits : Splits
        The splits of a call.
    naming : Naming
        The usual columns of the files or of the store.
    has_variations : bool
        Whether the store holds several trees of one file.
    path : path-like
        The store, for messages.

    Raises
    ------
    SplitError
        If there are no usual columns, and file and entry do not suffice.
    """
    if splits.by is not None:
        return splits
    if naming.by is not None:
        return dataclasses.replace(splits, by=naming.by)
    floats = [f"{name!r} holds floats, which name no event" for name in naming.floats]
    unread = f"the store lacks {', '.join(map(repr, naming.unread))} of its files; "
    unread += "convert with splits=, which reads them"
    if splits.num_folds is not None or has_variations:
        why = (
            "several trees or variations of one file"
            if has_variations
            else f"{splits.num_folds} folds"
        )
        found = "; ".join(["no column eventNumber or event of integers was found", *floats])
        message = (
            f"nothing names the events of {os.fspath(path)!r}: {found}. With {why}, an event "
            "needs one name in all trees and productions: give Splits(by=('run', 'event'), ...) "
            "with the columns that name it, or by='file' if file and entry do"
        )
        message += f"; {unread}" if naming.unread else ""
        raise SplitError(message)
    if naming.unread:
        logger.warning("events of %s are named by file and entry: %s", os.fspath(path), unread)
    warn_once(
        path,
        [
            f"{note}: events of {os.fspath(path)!r} are named by file and entry; give an "
            "integer event number with Splits(by=...)"
            for note in floats
        ],
    )
    return dataclasses.replace(splits, by="file")


def default_rule(snapshot: Snapshot, *, num_entries: int) -> TicketRule:
    """Return the rule of tickets for a store without splits: that of the usual columns."""
    by = default_naming(snapshot, num_entries=num_entries).by
    return TicketRule("file" if by is None else by, 0)


def default_naming(snapshot: Snapshot, *, num_entries: int) -> Naming:
    """Return the usual columns of a store, and those that only its files have."""
    naming = find_naming(partial(_dtype_kind, snapshot, num_entries))
    in_files = [set(source.naming) for source in snapshot.metadata.sources]
    if naming.by is not None or not in_files:
        return naming
    unread = set.intersection(*in_files)
    in_order = tuple(name for name in USUAL_COLUMNS if name in unread)
    return dataclasses.replace(naming, unread=in_order)


def agree_on_splits(
    snapshot: Snapshot,
    given: Splits | None,
    *,
    num_entries: int,
    check: Callable[[Splits], object] | None = None,
    naming: Naming | None = None,
) -> Splits:
    """Return the splits that a call uses; record them if the store has none, and warn of dangers.

    Parameters
    ----------
    snapshot : Snapshot
        The store, with the columns that name events open.
    given : Splits or None
        The splits that the call names.
    num_entries : int
        The number of entries to split.
    check : callable, optional
        Raises an error if the call cannot use the splits; then nothing is recorded.
    naming : Naming, optional
        The columns that name events if neither the call nor the store names them; by default the
        usual columns of the store.

    Raises
    ------
    SplitError
        If the splits differ from those of the store, nothing names an event, or one event would be
        on two sides.
    """
    metadata = read_metadata(snapshot.path)
    known = recorded_splits(metadata)
    if metadata.splits == BY_POSITION:
        message = (
            f"columns of {str(snapshot.path)!r} were split by position, as bare arrays: the splits "
            "of their store put other entries into test. Load all from columns, or split all by "
            "name: memmpy.open(...).set_splits(Splits(by=...))"
        )
        raise SplitError(message)
    splits = reconcile_splits(given, known, path=snapshot.path) or Splits()
    if splits.by is None:
        splits = resolve_by(
            splits,
            naming or default_naming(snapshot, num_entries=num_entries),
            has_variations=variations_of(snapshot.metadata.sources) is not None,
            path=snapshot.path,
        )
    check_name_columns(snapshot, splits.ticket_rule, num_entries=num_entries)
    if check is not None:
        check(splits)
    made_of = dependencies_of(snapshot.metadata, splits, num_entries=num_entries)
    record = metadata.splits or {}
    if known is not None:
        _check_user_columns(snapshot, splits, record.get("own", {}))
    is_checked = known is not None and record.get("made_of") == made_of
    if is_checked:
        notes = list(record.get("notes", []))
    else:
        notes = list(dangers_of(snapshot, splits, num_entries=num_entries))
        if known is None:
            logger.info("%s has the splits %s from now on", snapshot.path, splits)
        _record(
            snapshot.path,
            partial(
                _with_splits,
                splits=splits,
                made_of=made_of,
                notes=notes,
                own=_user_columns(snapshot, splits),
                path=snapshot.path,
            ),
            is_known=known is not None or metadata.read_only,
        )
    if not is_checked or splits.by != "file":  # that was chosen on purpose: once is enough
        warn_once(snapshot.path, notes)
    return splits


def record_unchecked_splits(path: Path, splits: Splits) -> None:
    """Record splits without looking for dangers: the store holds other events by now."""
    _record(
        path,
        partial(_with_splits, splits=splits, made_of=None, notes=[], own={}, path=path),
        is_known=False,
    )


def record_positional_split(path: Path, metadata: Metadata) -> None:
    """Record that columns of a store were split by position: its splits would disagree."""
    if metadata.splits is None:
        _record(path, _by_position, is_known=True)


def set_splits(snapshot: Snapshot, splits: Splits | None, *, num_entries: int) -> None:
    """Replace the splits of a store, or remove their record; see `memmpy.Store.set_splits`."""
    notes: list[str] = []
    record: dict[str, Any] | None = None
    if splits is not None:
        whole = resolve_by(
            splits,
            default_naming(snapshot, num_entries=num_entries),
            has_variations=variations_of(snapshot.metadata.sources) is not None,
            path=snapshot.path,
        )
        notes = list(dangers_of(snapshot, whole, num_entries=num_entries))
        made_of = dependencies_of(snapshot.metadata, whole, num_entries=num_entries)
        record = _to_record(whole, made_of, notes, _user_columns(snapshot, whole))
    with Transaction(snapshot.path) as transaction:
        transaction.change(lambda metadata: dataclasses.replace(metadata, splits=record))
    warn_once(snapshot.path, notes)


def _with_splits(
    metadata: Metadata,
    *,
    splits: Splits,
    made_of: str | None,
    notes: list[str],
    own: Mapping[str, Any],
    path: PathLike,
) -> Metadata:
    """Return the metadata with the splits; raise if another process has recorded others."""
    reconcile_splits(splits, recorded_splits(metadata), path=path)
    return dataclasses.replace(metadata, splits=_to_record(splits, made_of, notes, own))


def warn_once(path: PathLike, notes: list[str]) -> None:
    """Emit each warning once per process and store."""
    where = os.fspath(Path(path).absolute())
    for note in dict.fromkeys(notes):
        if (where, note) not in _WARNED:
            warn_of([note], SplitWarning)  # as an error, it is raised by each call
            _WARNED.add((where, note))


def _record(path: Path, change: Callable[[Metadata], Metadata], *, is_known: bool) -> None:
    """Change the metadata of a store, if it is writable."""
    # A lost update only costs the next call another scan: do not wait for the lock.
    timeout = 0 if is_known else LOCK_TIMEOUT
    try:
        with Transaction(path, lock_timeout=timeout) as transaction:
            transaction.change(change)
    except (ReadOnlyStoreError, DiskError) as error:
        message = (
            f"the splits of {str(path)!r} are not recorded ({error}): later calls cannot be "
            "compared with this one, so give the same splits= to each"
        )
        if is_known:
            logger.info(message)
        else:
            warn_once(path, [message])
    except StoreLockedError:
        if not is_known:
            raise


def _by_position(metadata: Metadata) -> Metadata:
    return dataclasses.replace(metadata, splits=metadata.splits or BY_POSITION)


def _to_record(
    splits: Splits, made_of: str | None, notes: list[str], own: Mapping[str, Any]
) -> dict[str, Any]:
    return {"splits": splits.to_json(), "made_of": made_of, "notes": notes, "own": dict(own)}


def _user_columns(snapshot: Snapshot, splits: Splits) -> dict[str, list[str]]:
    """Return hashes of the files and of the values of each column that the user wrote."""
    metadata = snapshot.metadata
    if not metadata.sources:  # the user writes the events of such a store
        return {}
    files = hash_text(hash64(json.dumps(metadata.parts)))
    own = {}
    for key in splits.keys:
        column = metadata.columns.get(key)
        if column is not None and column.origin is None:
            checksums = {role: array.checksum for role, array in column.arrays.items()}
            own[key] = [files, hash_text(hash64(json.dumps(checksums, sort_keys=True)))]
    return own


def _check_user_columns(snapshot: Snapshot, splits: Splits, record: Mapping[str, Any]) -> None:
    """Raise a `SplitError` if a column of the user gives the same events other names by now."""
    for key, (files, values) in _user_columns(snapshot, splits).items():
        if key in record and record[key][0] == files and record[key][1] != values:
            message = (
                f"column {key!r} of {str(snapshot.path)!r}, which names events, was rewritten "
                "with other values: events of the former train split may be in test now. If that "
                "is intended, keep the splits with set_splits(store.splits)"
            )
            raise SplitError(message)


def _dtype_kind(snapshot: Snapshot, num_entries: int, key: str) -> str | None:
    """Return the kind of the dtype of a column with one number per entry, else None."""
    column = snapshot.columns.get(key)
    if isinstance(column, np.ndarray) and column.shape == (num_entries,):
        return str(column.dtype.kind)
    return None
