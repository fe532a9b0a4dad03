"""Resolves the data and the split of a call into the entries that a loader hands out."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from memmpy.checks import check_seed
from memmpy.columns import Snapshot, open_columns
from memmpy.errors import (
    ColumnError,
    CorruptStoreError,
    LengthError,
    MemmpyError,
    MissingKeyError,
    OptionError,
    SplitError,
)
from memmpy.loaders import check_data
from memmpy.order import Subindex, check_fractions, check_selection, split_number
from memmpy.splits.column_origin import OriginStore, find_store_of
from memmpy.splits.definition import Splits
from memmpy.splits.event_names import USUAL_COLUMNS, Naming
from memmpy.splits.policy import (
    BY_POSITION,
    agree_on_splits,
    reconcile_splits,
    record_positional_split,
    record_unchecked_splits,
    recorded_splits,
    resolve_by,
)
from memmpy.splits.split_data import SkimLike, SplitData, StoreLike
from memmpy.splits.split_options import ALL, DEFAULT_FRACTIONS
from memmpy.splits.split_request import SplitRequest
from memmpy.splits.store_tickets import tickets_of
from memmpy.splits.ticket_rule import TicketRule
from memmpy.store import Metadata, num_filled, read_metadata
from memmpy.typing import Column, Data

__all__ = ["open_event_columns", "resolve_skim_split", "resolve_split", "resolve_store_split"]

#: The rule of the tickets where a store has no splits, or their columns are missing.
_FILE_RULE = TicketRule("file", 0)


def resolve_split(
    data: SkimLike | StoreLike | Data,
    *,
    subindex: Subindex | None,
    fractions: Sequence[float | Fraction] | None,
    split_seed: int | None,
    request: SplitRequest,
) -> SplitData:
    """Return the entries that a `SplitLoader` hands out.

    The parameters are those of `SplitLoader`.

    Raises
    ------
    SplitError
        If the splits differ from those of the store, or the data has splits and the call names no
        split.
    OptionError
        If an option does not fit the data.
    """
    if isinstance(data, SkimLike):
        _refuse_array_options("a skim has the splits of its store", fractions, split_seed)
        if subindex is not None:
            message = "a skim has its own cut and takes no subindex=: make a skim with cut="
            raise OptionError(message)
        return resolve_skim_split(data, request)
    if isinstance(data, StoreLike):
        snapshot = data.snapshot
        owner = f"the store {str(snapshot.path)!r} has splits of its own"
    else:
        store = find_store_of(check_data(data)[0], is_split=request.needs_splits)
        if store is None or not _knows_events(store, request.splits):
            if store is not None and request.needs_splits:
                record_positional_split(store.path, store.metadata)
            return _resolve_array_split(data, subindex, fractions, split_seed, request)
        snapshot = open_event_columns(store.path, store.metadata, request.splits)
        owner = f"these columns have the splits of their store {str(store.path)!r}"
    _refuse_array_options(owner, fractions, split_seed)
    columns = {key: data[key] for key in data}
    return resolve_store_split(snapshot, columns, request, subindex=subindex, cut=None)


def resolve_store_split(
    snapshot: Snapshot,
    data: Data,
    request: SplitRequest,
    *,
    subindex: Subindex | None,
    cut: str | None,
) -> SplitData:
    """Return the entries of one split of columns of a store, or all entries.

    Parameters
    ----------
    snapshot : Snapshot
        The store. The columns that name events are open.
    data : mapping of str to column
        The columns to load.
    request : SplitRequest
        The split.
    subindex : array or sequence, or None
        The entries to use; None for all entries.
    cut : str or None
        The text of the cut that `subindex` passes.
    """
    num_entries = max(map(len, data.values()), default=0)
    if not request.needs_splits:
        known = recorded_splits(read_metadata(snapshot.path))
        request.check_named(known, path=snapshot.path)
        request.ranges(known)
        rule = _FILE_RULE if known is None else known.ticket_rule
        if not {*rule.keys} <= snapshot.columns.keys():
            rule = _FILE_RULE  # the loader hands out all entries, with any tickets
        tickets = tickets_of(snapshot, rule, num_entries=num_entries)
        return SplitData(data, ALL, subindex, None, rule, tickets, cut=cut, path=snapshot.path)
    request.check_named(request.splits)
    _check_events(snapshot.metadata, num_entries, path=snapshot.path)

    def check(splits: Splits) -> None:
        request.ranges(splits)
        check_data(data)
        if subindex is not None:
            check_selection(subindex, num_entries)

    splits = agree_on_splits(snapshot, request.splits, num_entries=num_entries, check=check)
    return SplitData(
        data,
        request.name,
        subindex,
        request.ranges(splits),
        splits.ticket_rule,
        tickets_of(snapshot, splits.ticket_rule, num_entries=num_entries),
        splits=splits,
        fold=request.fold,
        cut=cut,
        path=snapshot.path,
    )


def resolve_skim_split(skim: SkimLike, request: SplitRequest) -> SplitData:
    """Return the rows of one split of a skim, or all rows."""
    path = skim.path.resolve().parent.parent
    try:
        metadata = read_metadata(path)
    except MemmpyError:  # the skim was moved away from its store
        metadata = None
    known = None if metadata is None else recorded_splits(metadata)
    store = None if metadata is None else path
    if not request.needs_splits:
        request.check_named(known, path=path)
        request.ranges(known)
        return SplitData(skim, ALL, rule=skim.ticket_rule, cut=skim.cut, path=store)
    request.check_named(request.splits)
    rule = skim.ticket_rule
    if known is None and metadata is not None:
        _check_events(metadata, skim.num_store_entries, path=path)

    def check(splits: Splits) -> None:
        if splits.ticket_rule != rule:
            message = (
                f"the tickets of the skim {str(skim.path)!r} come from {_format_rule(rule)}, and "
                f"not from the splits {splits}; make the skim again: store.skim(...) takes the "
                "splits of the store"
            )
            raise SplitError(message)
        request.ranges(splits)

    given = request.splits
    if given is None and known is None:
        given = Splits(seed=rule.seed)
    splits = _agree_on_skim_splits(skim, metadata, given, check, path)
    return SplitData(
        skim,
        request.name,
        ranges=request.ranges(splits),
        rule=rule,
        splits=splits,
        fold=request.fold,
        cut=skim.cut,
        path=store,
    )


def open_event_columns(path: Path, metadata: Metadata, splits: Splits | None) -> Snapshot:
    """Open the columns of a store that may name events, as far as the store has them."""
    known = recorded_splits(metadata)
    keys = set(USUAL_COLUMNS).union(*(each.keys for each in (splits, known) if each is not None))
    return open_columns(path, [key for key in metadata.current_keys() if key in keys])


def _check_events(metadata: Metadata, num_entries: int, *, path: Path) -> None:
    """Raise a `LengthError` if files fill the store, and the data does not have their events."""
    num = num_filled(metadata.sources)
    if metadata.sources and num != num_entries:
        message = (
            f"the data has {num_entries:,} entries, but the files of {str(path)!r} fill "
            f"{num:,}: the events of its entries are unknown; load it without a split"
        )
        raise LengthError(message)


def _agree_on_skim_splits(
    skim: SkimLike,
    metadata: Metadata | None,
    given: Splits | None,
    check: Callable[[Splits], object],
    path: Path,
) -> Splits:
    rule = skim.ticket_rule
    naming = Naming(None if rule.by == "file" else rule.by, ())
    if metadata is not None:
        try:
            return agree_on_splits(
                open_event_columns(path, metadata, given),
                given,
                num_entries=skim.num_store_entries,
                check=check,
                naming=naming,
            )
        except (CorruptStoreError, MissingKeyError, ColumnError, LengthError):
            pass  # the store holds other events now: the skim keeps the events that it was made of
    known = None if metadata is None else recorded_splits(metadata)
    reconciled = reconcile_splits(given, known, path=path)
    assert reconciled is not None
    splits = resolve_by(reconciled, naming, has_variations=False, path=path)
    check(splits)
    if metadata is not None and known is None:
        record_unchecked_splits(path, splits)
    return splits


def _knows_events(store: OriginStore, splits: Splits | None) -> bool:
    """Return whether the store splits its columns: files fill it, or it has splits."""
    record = store.metadata.splits
    has_splits = record is not None and record != BY_POSITION
    return splits is not None or bool(store.metadata.sources) or has_splits


def _refuse_array_options(
    owner: str, fractions: Sequence[float | Fraction] | None, split_seed: int | None
) -> None:
    """Raise an `OptionError` if the call gives options that only bare arrays take."""
    for name, value in (("fractions", fractions), ("split_seed", split_seed)):
        if value is not None:
            example = "Splits(fractions={'train': 0.8, 'test': 0.2})"
            message = f"{name}= is for bare arrays: {owner}; "
            raise OptionError(f"{message}give splits=, such as {example}, or leave it out")


def _resolve_array_split(
    data: Mapping[str, Column],
    subindex: Subindex | None,
    fractions: Sequence[float | Fraction] | None,
    split_seed: int | None,
    request: SplitRequest,
) -> SplitData:
    """Return the entries of one split of bare arrays: by position, or by columns among them."""
    split = request.split
    if request.splits is not None:
        if fractions is not None or split_seed is not None:
            raise OptionError("give splits=, or fractions= and split_seed= for bare arrays")
        request.check_named(request.splits)
        return _resolve_named_arrays(data, subindex, request.splits, request)
    if request.fold is not None:
        message = "fold= needs splits with folds: give splits=Splits(by=..., num_folds=5)"
        raise OptionError(message)
    if split is None or not request.needs_splits:
        for name, value in (("fractions", fractions), ("split_seed", split_seed)):
            if value is not None:
                raise OptionError(f"{name}= needs a split: split='train', or a number")
        return SplitData(data, ALL, subindex)
    exact = check_fractions([*DEFAULT_FRACTIONS.values()] if fractions is None else fractions)
    split_number(split, len(exact))
    seed = check_seed("split_seed", 0 if split_seed is None else split_seed)
    return SplitData(data, split, subindex, fractions=exact, split_seed=seed)


def _resolve_named_arrays(
    data: Mapping[str, Column],
    subindex: Subindex | None,
    splits: Splits,
    request: SplitRequest,
) -> SplitData:
    rule = splits.ticket_rule
    if rule.by == "file":
        message = "by='file' names events by their files, and bare arrays have none; name columns "
        raise OptionError(f"{message}of them with Splits(by=...), or give fractions= instead")
    tickets = rule.draw({key: data[key] for key in rule.keys if key in data})
    return SplitData(
        data,
        request.name,
        subindex,
        request.ranges(splits),
        rule,
        tickets.__getitem__,
        splits=splits,
        fold=request.fold,
    )


def _format_rule(rule: TicketRule) -> str:
    by = "files and entries" if rule.by == "file" else f"by={rule.by!r}"
    region = "" if rule.region is None else f" inside of {rule.region}"
    return f"{by}, seed={rule.seed}{region}"
