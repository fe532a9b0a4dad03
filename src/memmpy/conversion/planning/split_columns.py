"""The splits of a conversion: which columns of the files they need."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from memmpy.conversion.planning.config import Input
from memmpy.conversion.planning.inspection import kind_of_branch
from memmpy.conversion.planning.recipe import Recipe, missing_in_words
from memmpy.conversion.planning.target import Wanted
from memmpy.errors import SplitError, SplitWarning, warn_of
from memmpy.sources import NullRules, open_files
from memmpy.splits import (
    USUAL_COLUMNS,
    Naming,
    Splits,
    agreed,
    naming_columns,
    recorded,
    resolved,
    variations_of,
)
from memmpy.store import Metadata, SourceRecord
from memmpy.typing import PathLike

__all__ = ["Policy", "check_sources", "policy_of"]


@dataclass(frozen=True, slots=True)
class Policy:
    """The splits that a store has after a conversion, and what they need of its files.

    Parameters
    ----------
    splits : Splits or None
        None where nobody asks for any; ``by=None`` where no usual columns were found.
    naming : Naming
        The usual columns of the files.
    keys : tuple of str
        Columns to convert that name events.
    aliases : mapping of str to str
        What they are in the files, as the store knows it.
    """

    splits: Splits | None
    naming: Naming
    keys: tuple[str, ...]
    aliases: Mapping[str, str]


def policy_of(
    inputs: Sequence[Input],
    metadata: Metadata,
    splits: Splits | None,
    *,
    is_asked: bool,
    named: Collection[str],
    path: PathLike,
) -> Policy:
    """Return the splits of a store, and the columns that they need.

    Parameters
    ----------
    inputs : sequence of Input
        The files.
    metadata : Metadata
        What the store holds.
    splits : Splits or None
        What the call names.
    is_asked : bool
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
    known = recorded(metadata)
    found = agreed(splits, known, path=path)
    if found is None and is_asked:
        found = Splits()
    naming = Naming(None, ())
    if found is None:
        return Policy(None, naming, (), {})
    if found.by is None:
        naming = _naming_of(inputs)
        if naming.by is not None:
            found = resolved(found, naming, has_variations=False, path=path)
    texts = inputs[0].metadata
    own = {key for key, column in metadata.columns.items() if column.origin is None}
    keys = tuple(key for key in found.keys if key not in {*texts, *named, *own})
    aliases = {key: text for key in keys if (text := _alias_of(key, metadata)) is not None}
    return Policy(found, naming, keys, aliases)


def check_sources(
    policy: Policy, before: Metadata, wanted: Wanted, *, path: PathLike
) -> Splits | None:
    """Return the splits, now that the trees of the files are known.

    Raises
    ------
    SplitError
        If nothing names the events, and file and entry would not do.

    Warns
    -----
    SplitWarning
        If events are named by their files, and a file was written again.
    """
    if policy.splits is None:
        return None
    recipes, sources = wanted.recipes_by_key, wanted.sources
    _check_same_names(policy.splits, before, recipes, sources)
    splits = resolved(
        policy.splits, policy.naming, has_variations=variations_of(sources) is not None, path=path
    )
    if splits.by == "file":
        uuids: dict[str, set[str]] = {}
        for source in before.sources:
            uuids.setdefault(source.path, set()).add(source.uuid)
        again = dict.fromkeys(
            s.path for s in sources if s.path in uuids and s.uuid not in uuids[s.path]
        )
        if again:
            first, *others = again
            more = f" and {len(others)} more" if others else ""
            message = (
                f"{first!r}{more} was written again with another UUID, and events are named by "
                "file: they are new events, and those of the former test split may be in train "
                "now. Name them by columns, such as Splits(by=('run', 'event'))"
            )
            warn_of([message], SplitWarning)
    return splits


def _check_same_names(
    splits: Splits,
    before: Metadata,
    recipes: Mapping[str, Recipe],
    sources: Sequence[SourceRecord],
) -> None:
    """Raise a `SplitError` where what names events would be made otherwise than it was."""
    if recorded(before) is None:
        return
    way_out = "events of the former train split may be in test then. Keep the name as it was, "
    way_out += "take another name for the new one, or store.set_splits(...)"
    for key in splits.keys:
        column, recipe = before.columns.get(key), recipes.get(key)
        if column is not None and column.origin is not None and recipe is not None:
            kinds = ("branch", "expression", "language", "missing")
            was = {kind: column.origin.recipe.get(kind) for kind in kinds}
            now = {kind: recipe.base.get(kind) for kind in kinds}
            if was != now:
                what = [
                    f"{one['branch'] or one['expression']}{missing_in_words(one)}"
                    for one in (was, now)
                ]
                message = f"{key!r} names events and was {what[0]}, now it is {what[1]}: {way_out}"
                raise SplitError(message)
        texts = {(s.uuid, s.tree): s.metadata.get(key) for s in before.sources}
        for source in sources:
            was_text = texts.get((source.uuid, source.tree), source.metadata.get(key))
            if was_text != source.metadata.get(key) and was_text is not None:
                message = (
                    f"the metadata {key!r} name events and were {was_text!r} for {source.path!r}, "
                    f"now they are {source.metadata.get(key)!r}: {way_out}"
                )
                raise SplitError(message)


def _naming_of(inputs: Sequence[Input]) -> Naming:
    """Return the usual columns that all kinds of inputs have; looks at one file of each."""
    texts = inputs[0].metadata
    kinds: list[dict[str, str | None]] = []
    one_of_each: dict[object, Input] = {}
    for given in inputs:
        one_of_each.setdefault((given.tree, tuple(sorted(given.metadata.items()))), given)
    for found in one_of_each.values():
        nulls = NullRules(found.missing)
        with open_files.open(found.path, found.tree, found.status.state, nulls) as file:
            kinds.append({name: kind_of_branch(file, name) for name in USUAL_COLUMNS})

    def kind_of(name: str) -> str | None:
        if name in texts:
            return "u"
        seen = {kind[name] for kind in kinds}
        if None in seen:
            return None
        return "f" if "f" in seen else seen.pop()

    return naming_columns(kind_of)


def _alias_of(key: str, metadata: Metadata) -> str | None:
    """Return what a column of the store is in the files, where it has another name there."""
    column = metadata.columns.get(key)
    if column is None or column.origin is None:
        return None
    recipe = column.origin.recipe
    text = recipe.get("branch", recipe.get("expression"))
    if text is None or text == key:
        return None
    return f"`{text}`" if "branch" in recipe else str(text)
