"""The splits of a conversion, and the columns that they need."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memmpy.conversion.planning.column_spec import ColumnSpec, format_missing
from memmpy.conversion.planning.config import Input, metadata_names
from memmpy.conversion.planning.inspection import kind_of_branch
from memmpy.conversion.planning.inventory import Target
from memmpy.errors import SplitError, SplitWarning, warn_of
from memmpy.sources import NullRules, open_files
from memmpy.splits import (
    USUAL_COLUMNS,
    Naming,
    Splits,
    find_naming,
    reconcile_splits,
    recorded_splits,
    resolve_by,
    variations_of,
)
from memmpy.store import Metadata, SourceRecord
from memmpy.typing import PathLike

__all__ = ["Policy", "find_policy", "resolve_splits"]


@dataclass(frozen=True, slots=True)
class Policy:
    """The splits that a store has after a conversion, and the columns that they need.

    Parameters
    ----------
    splits : Splits or None
        None for a store without splits; ``by=None`` where the files have no usual columns.
    naming : Naming
        The usual columns of the files.
    keys : tuple of str
        The columns to convert that name events.
    aliases : mapping of str to str
        The branches or expressions of these columns, from the specs of the store.
    """

    splits: Splits | None
    naming: Naming
    keys: tuple[str, ...]
    aliases: Mapping[str, str]


def find_policy(
    inputs: Sequence[Input],
    metadata: Metadata,
    splits: Splits | None,
    *,
    asks_for_split: bool,
    named: Collection[str],
    path: PathLike,
) -> Policy:
    """Return the splits of a store, and the columns that they need.

    Parameters
    ----------
    inputs : sequence of Input
        The files.
    metadata : Metadata
        The metadata of the store.
    splits : Splits or None
        The splits of the call.
    asks_for_split : bool
        Whether the call needs splits.
    named : collection of str
        The keys of the call.
    path : path-like
        The store.

    Raises
    ------
    SplitError
        If they differ from those of the store.
    """
    known = recorded_splits(metadata)
    splits = reconcile_splits(splits, known, path=path)
    if splits is None and asks_for_split:
        splits = Splits()
    naming = Naming(None, ())
    if splits is None:
        return Policy(None, naming, (), {})
    if splits.by is None:
        naming = _find_naming(inputs)
        if naming.by is not None:
            splits = resolve_by(splits, naming, has_variations=False, path=path)
    texts, _ = metadata_names(inputs)
    own = {key for key, column in metadata.columns.items() if column.origin is None}
    keys = tuple(key for key in splits.keys if key not in {*texts, *named, *own})
    aliases = {key: text for key in keys if (text := _alias_of(key, metadata)) is not None}
    return Policy(splits, naming, keys, aliases)


def resolve_splits(
    policy: Policy, before: Metadata, target: Target, *, path: PathLike
) -> Splits | None:
    """Return the final splits, once the trees of the files are known.

    Raises
    ------
    SplitError
        If no columns name the events, and file and entry cannot.

    Warns
    -----
    SplitWarning
        If files name the events, and a file was rewritten.
    """
    if policy.splits is None:
        return None
    specs, sources = target.specs_by_key, target.sources
    _check_unchanged_names(policy.splits, before, specs, sources)
    splits = resolve_by(
        policy.splits, policy.naming, has_variations=variations_of(sources) is not None, path=path
    )
    if splits.by == "file":
        uuids: dict[str, set[str]] = {}
        for source in before.sources:
            uuids.setdefault(source.path, set()).add(source.uuid)
        rewritten = dict.fromkeys(
            s.path for s in sources if s.path in uuids and s.uuid not in uuids[s.path]
        )
        if rewritten:
            first, *others = rewritten
            more = f" and {len(others)} more" if others else ""
            message = (
                f"{first!r}{more} was written again with another UUID, and events are named by "
                "file: its events count as new, so events of the former test split may be in train "
                "now. Name events by columns, such as Splits(by=('run', 'event'))"
            )
            warn_of([message], SplitWarning)
    return splits


def _check_unchanged_names(
    splits: Splits,
    before: Metadata,
    specs: Mapping[str, ColumnSpec],
    sources: Sequence[SourceRecord],
) -> None:
    """Raise a `SplitError` where a column that names events has another spec than before."""
    if recorded_splits(before) is None:
        return
    way_out = "events of the former train split may be in test then. Keep the name as it was, "
    way_out += "take another name for the new one, or store.set_splits(...)"
    for key in splits.keys:
        column, spec = before.columns.get(key), specs.get(key)
        if column is not None and column.origin is not None and spec is not None:
            kinds = ("branch", "expression", "language", "missing")
            was = {kind: column.origin.spec.get(kind) for kind in kinds}
            now = {kind: spec.base.get(kind) for kind in kinds}
            if was != now:
                what = [
                    f"{one['branch'] or one['expression']}{format_missing(one)}"
                    for one in (was, now)
                ]
                message = f"{key!r} names events and was {what[0]}, now it is {what[1]}: {way_out}"
                raise SplitError(message)
        values = {
            (s.uuid, s.tree): {**s.metadata, **s.numbers.values}.get(key) for s in before.sources
        }
        for source in sources:
            value = {**source.metadata, **source.numbers.values}.get(key)
            former = values.get((source.uuid, source.tree), value)
            if former != value and former is not None:
                message = (
                    f"the metadata {key!r} name events and were {former!r} for {source.path!r}, "
                    f"now they are {value!r}: {way_out}"
                )
                raise SplitError(message)


def _find_naming(inputs: Sequence[Input]) -> Naming:
    """Return the usual columns that all kinds of inputs have; inspects one file of each kind."""
    texts = inputs[0].metadata
    kinds: list[dict[str, str | None]] = []
    one_of_each: dict[object, Input] = {}
    for one in inputs:
        friends = tuple(friend.name for friend in one.friends)
        texts_of_one = tuple(sorted(one.metadata.items()))
        kind = one.tree, texts_of_one, friends, tuple(sorted(one.numbers))
        one_of_each.setdefault(kind, one)
    for one in one_of_each.values():
        nulls = NullRules(one.missing)
        state = one.status.state
        with open_files.open(one.path, one.tree, state, nulls, one.friends) as file:
            of_branches = {name: kind_of_branch(file, name) for name in USUAL_COLUMNS}
            of_numbers = {name: np.asarray(n).dtype.kind for name, n in one.numbers.items()}
            kinds.append({**of_branches, **of_numbers})

    def kind_of(name: str) -> str | None:
        if name in texts:
            return "u"
        seen = {kind[name] for kind in kinds}
        if None in seen:
            return None
        return "f" if "f" in seen else seen.pop()

    return find_naming(kind_of)


def _alias_of(key: str, metadata: Metadata) -> str | None:
    """Return the branch or expression of a column of the store, if it is not its own name."""
    column = metadata.columns.get(key)
    if column is None or column.origin is None:
        return None
    spec = column.origin.spec
    text = spec.get("branch", spec.get("expression"))
    if text is None or text == key:
        return None
    return f"`{text}`" if "branch" in spec else str(text)
