"""Data and the options of a call to what a loader hands out."""

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
from memmpy.loaders.check_data import check_data
from memmpy.order import Subindex, check_fractions, check_selection, split_number
from memmpy.splits.column_origin import OriginStore, find_store_of
from memmpy.splits.definition import Splits
from memmpy.splits.event_names import USUAL_COLUMNS, Naming
from memmpy.splits.loader_entries import Choice, SkimLike, StoreLike
from memmpy.splits.policy import (
    BY_POSITION,
    agree_on_splits,
    reconcile_splits,
    record_positional_split,
    record_unchecked_splits,
    recorded_splits,
    resolve_by,
)
from memmpy.splits.split_options import ALL, DEFAULT_FRACTIONS
from memmpy.splits.split_request import SplitRequest
from memmpy.splits.store_tickets import tickets_of
from memmpy.splits.ticket_rule import TicketRule
from memmpy.store import Metadata, num_filled, read_metadata
from memmpy.typing import Column, Data

__all__ = ["choose", "choose_of_skim", "choose_of_store", "open_to_split"]

#: What the tickets of a loader without splits follow from, where they are asked for.
_FILE_RULE = TicketRule("file", 0)


def choose(
    data: SkimLike | StoreLike | Data,
    *,
    subindex: Subindex | None,
    fractions: Sequence[float | Fraction] | None,
    split_seed: int | None,
    request: SplitRequest,
) -> Choice:
    """Return what a `SplitLoader` hands out, of whatever it was given.

    Raises
    ------
    SplitError
        If the splits differ from those of the store, or no split is named where there are some.
    OptionError
        If options are for other data.
    """
    home = None
    if isinstance(data, SkimLike):
        what, where = "a skim has", "its store"
    elif isinstance(data, StoreLike):
        what, where = "a store has", repr(str(data.snapshot.path))
    else:
        home = find_store_of(check_data(data)[0], is_split=request.needs_splits)
        if home is None or not _knows_events(home, request.splits):
            if home is not None and request.needs_splits:
                record_positional_split(home.path, home.metadata)
            return _of_arrays(data, subindex, fractions, split_seed, request)
        what, where = f"these columns of {str(home.path)!r} have", "their store"
    for name, given in (("fractions", fractions), ("split_seed", split_seed)):
        if given is not None:
            example = "Splits(fractions={'train': 0.8, 'test': 0.2})"
            message = f"{name}= is for bare arrays: {what} the splits of {where}; "
            raise OptionError(f"{message}give splits=, such as {example}, or leave it out")
    if isinstance(data, SkimLike):
        if subindex is not None:
            raise OptionError("a skim has its own cut: no subindex beside it; skim with a cut")
        return choose_of_skim(data, request)
    if isinstance(data, StoreLike):
        snapshot = data.snapshot
    else:
        assert home is not None
        snapshot = open_to_split(home.path, home.metadata, request.splits)
    columns = {key: data[key] for key in data}
    return choose_of_store(snapshot, columns, request, subindex=subindex, cut=None)


def choose_of_store(
    snapshot: Snapshot,
    data: Data,
    request: SplitRequest,
    *,
    subindex: Subindex | None,
    cut: str | None,
) -> Choice:
    """Return the entries of a split of columns of a store, or all of them.

    Parameters
    ----------
    snapshot : Snapshot
        The store, with the columns that name events open.
    data : mapping of str to column
        What batches are made of.
    request : SplitRequest
        Which split.
    subindex : array or sequence, or None
        The entries to use; None for all.
    cut : str or None
        What `subindex` selects, for people.
    """
    num_entries = max(map(len, data.values()), default=0)
    if not request.needs_splits:
        known = recorded_splits(read_metadata(snapshot.path))
        request.check_named(known, path=snapshot.path)
        request.ranges(known)
        rule = _FILE_RULE if known is None else known.ticket_rule
        if not {*rule.keys} <= snapshot.columns.keys():
            rule = _FILE_RULE  # all entries are handed out, whatever names them
        tickets = tickets_of(snapshot, rule, num_entries=num_entries)
        return Choice(data, ALL, subindex, None, rule, tickets, cut=cut, path=snapshot.path)
    request.check_named(request.splits, path=snapshot.path)
    _check_events(snapshot.metadata, num_entries, path=snapshot.path)

    def check(found: Splits) -> None:
        request.ranges(found)
        check_data(data)
        if subindex is not None:
            check_selection(subindex, num_entries)

    settled = agree_on_splits(snapshot, request.splits, num_entries=num_entries, check=check)
    return Choice(
        data,
        request.name,
        subindex,
        request.ranges(settled),
        settled.ticket_rule,
        tickets_of(snapshot, settled.ticket_rule, num_entries=num_entries),
        splits=settled,
        fold=request.fold,
        cut=cut,
        path=snapshot.path,
    )


def choose_of_skim(skim: SkimLike, request: SplitRequest) -> Choice:
    """Return the rows of a split of a skim, or all of them."""
    path = skim.path.resolve().parent.parent
    try:
        metadata = read_metadata(path)
    except MemmpyError:  # the skim was moved away from its store
        metadata = None
    known = None if metadata is None else recorded_splits(metadata)
    if not request.needs_splits:
        request.check_named(known, path=path)
        request.ranges(known)
        home = None if metadata is None else path
        return Choice(skim, ALL, rule=skim.ticket_rule, cut=skim.cut, path=home)
    request.check_named(request.splits, path=path)
    rule, splits = skim.ticket_rule, request.splits
    if known is None and metadata is not None:
        _check_events(metadata, skim.num_store_entries, path=path)
    if splits is None and known is None:
        splits = Splits(seed=rule.seed)

    def check(found: Splits) -> None:
        if found.ticket_rule != rule:
            message = (
                f"the skim {str(skim.path)!r} lies in the order of other tickets, those of "
                f"{_in_words(rule)}, and the splits are {found}; skim again: "
                "store.skim(...) takes the splits of the store"
            )
            raise SplitError(message)
        request.ranges(found)

    settled = _settled_of_skim(skim, metadata, splits, check, path)
    return Choice(
        skim,
        request.name,
        ranges=request.ranges(settled),
        rule=rule,
        splits=settled,
        fold=request.fold,
        cut=skim.cut,
        path=None if metadata is None else path,
    )


def open_to_split(path: Path, metadata: Metadata, splits: Splits | None) -> Snapshot:
    """Open the columns of a store that splits may need: those that are there."""
    known = recorded_splits(metadata)
    wanted = set(USUAL_COLUMNS).union(
        *(found.keys for found in (splits, known) if found is not None)
    )
    return open_columns(path, [key for key in metadata.current_keys() if key in wanted])


def _check_events(metadata: Metadata, num_entries: int, *, path: Path) -> None:
    """Raise a `LengthError` where files fill a store, and the data is not of their events."""
    num = num_filled(metadata.sources)
    if metadata.sources and num != num_entries:
        message = (
            f"the data has {num_entries:,} entries, and the files of {str(path)!r} fill "
            f"{num:,}: it cannot be split as their events; load it without a split"
        )
        raise LengthError(message)


def _settled_of_skim(
    skim: SkimLike,
    metadata: Metadata | None,
    splits: Splits | None,
    check: Callable[[Splits], object],
    path: Path,
) -> Splits:
    rule = skim.ticket_rule
    naming = Naming(None if rule.by == "file" else rule.by, ())
    if metadata is not None:
        try:
            snapshot = open_to_split(path, metadata, splits)
            return agree_on_splits(
                snapshot,
                splits,
                num_entries=skim.num_store_entries,
                check=check,
                naming=naming,
            )
        except (CorruptStoreError, MissingKeyError, ColumnError, LengthError):
            pass  # the store holds other events by now: the skim keeps those that it was made of
    known = None if metadata is None else recorded_splits(metadata)
    given = reconcile_splits(splits, known, path=path)
    assert given is not None
    found = resolve_by(given, naming, has_variations=False, path=path)
    check(found)
    if metadata is not None and known is None:
        record_unchecked_splits(path, found)
    return found


def _knows_events(home: OriginStore, splits: Splits | None) -> bool:
    """Say whether columns are split as their store: that of files, or one that has splits."""
    held = home.metadata.splits
    has_splits = held is not None and held != BY_POSITION
    return splits is not None or bool(home.metadata.sources) or has_splits


def _of_arrays(
    data: Mapping[str, Column],
    subindex: Subindex | None,
    fractions: Sequence[float | Fraction] | None,
    split_seed: int | None,
    request: SplitRequest,
) -> Choice:
    """Return the entries of a split of bare arrays: by position, or by columns among them."""
    split = request.split
    if request.splits is not None:
        if fractions is not None or split_seed is not None:
            raise OptionError("give splits=, or fractions= and split_seed= for bare arrays")
        request.check_complete()
        return _of_named_arrays(data, subindex, request.splits, request)
    if request.fold is not None:
        message = "fold= is one of splits with folds: give splits=Splits(by=..., num_folds=5)"
        raise OptionError(message)
    if split is None or split == ALL:
        for name, given in (("fractions", fractions), ("split_seed", split_seed)):
            if given is not None:
                raise OptionError(f"{name}= needs a split: split='train', or a number")
        return Choice(data, ALL, subindex)
    exact = check_fractions([*DEFAULT_FRACTIONS.values()] if fractions is None else fractions)
    split_number(split, len(exact))
    seed = check_seed("split_seed", 0 if split_seed is None else split_seed)
    return Choice(data, split, subindex, fractions=exact, split_seed=seed)


def _of_named_arrays(
    data: Mapping[str, Column],
    subindex: Subindex | None,
    splits: Splits,
    request: SplitRequest,
) -> Choice:
    rule = splits.ticket_rule
    if rule.by == "file":
        message = "by='file' names events by their files, and bare arrays have none; name columns "
        raise OptionError(f"{message}of them with Splits(by=...), or give fractions= instead")
    arrays = {key: data[key] for key in rule.keys if key in data}
    drawn = rule.draw(arrays)
    return Choice(
        data,
        request.name,
        subindex,
        request.ranges(splits),
        rule,
        drawn.__getitem__,
        splits=splits,
        fold=request.fold,
    )


def _in_words(rule: TicketRule) -> str:
    by = "files and entries" if rule.by == "file" else f"by={rule.by!r}"
    region = "" if rule.region is None else f" inside of {rule.region}"
    return f"{by}, seed={rule.seed}{region}"
