"""What is asked of a file before anything of it is read, and what it answers."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from memmpy.columns import ColumnType
from memmpy.conversion.planning.config import Input
from memmpy.conversion.planning.key_patterns import Recipes, match
from memmpy.conversion.planning.partition import Range, divide
from memmpy.conversion.planning.recipe import Recipe
from memmpy.conversion.planning.skips import Skips
from memmpy.display import format_count
from memmpy.errors import InputFileError, MemmpyError, MissingKeyError, OptionError, nearest
from memmpy.sources import EventFile, NullRules, UntypedError, missing_branch_error, open_files
from memmpy.splits import naming_columns

__all__ = ["Facts", "Question", "look_at"]


@dataclass(frozen=True, slots=True)
class Question:
    """What a plan must know of a file.

    Parameters
    ----------
    input : Input
        The file.
    recipes : Recipes
        All columns wanted.
    not_needed : frozenset of str
        Those that need nothing of this file.
    range_bytes : int
        About how many decompressed bytes are to be read in one go.
    uuids : frozenset of str
        The UUIDs of the store's files of this size.
    types : mapping of str to ColumnType, or None
        The types that other files give branches of which this file has no value; None where
        nobody has looked for any.
    """

    input: Input
    recipes: Recipes
    not_needed: frozenset[str]
    range_bytes: int
    uuids: frozenset[str]
    types: Mapping[str, ColumnType] | None = None

    @property
    def nulls(self) -> NullRules:
        """How the file is read where it has no values."""
        return NullRules(self.input.missing, self.types or {})


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file says of itself.

    Parameters
    ----------
    uuid : str
        32 hexadecimal digits.
    tree : str
        Path of the tree in the file, with its cycle.
    num_entries : int
        All entries of the tree.
    matches : mapping of str to tuple of str
        The branches that each pattern matches, and a column can hold: one where the pattern is the
        name of a branch.
    nearest : mapping of str to str
        For patterns that match nothing, what names are near, for a message.
    naming : tuple of str
        The branches that usually name an event.
    skipped : Skips
        Those that match, and no column is made of.
    types : mapping of str to ColumnType
        Of the columns that need something of this file.
    missing : mapping of str to (str, str)
        Of the columns for which a branch is missing, which one, and a message that says so.
    ranges : tuple of Range
        How the file is best read; empty where something is missing.
    branch_types : mapping of str to ColumnType
        Of the branches of these columns.
    untyped : frozenset of str
        Branches of which the file has no value and tells no type, so that other files must.
    nulls : NullRules
        How the file was looked at, and is to be read, where it has no values.
    """

    uuid: str
    tree: str
    num_entries: int
    matches: Mapping[str, tuple[str, ...]]
    nearest: Mapping[str, str]
    naming: tuple[str, ...]
    skipped: Skips
    types: Mapping[str, ColumnType]
    missing: Mapping[str, tuple[str, str]]
    ranges: tuple[Range, ...]
    branch_types: Mapping[str, ColumnType] = field(default_factory=dict)
    untyped: frozenset[str] = frozenset()
    nulls: NullRules = field(default_factory=NullRules)


def look_at(question: Question) -> Facts | MemmpyError:
    """Look at a file, and return what it says or what is wrong with it."""
    given = question.input
    try:
        with open_files.open(given.path, given.tree, given.status.state, question.nulls) as file:
            return _facts(file, question)
    except MemmpyError as error:
        return error


def _facts(file: EventFile, question: Question) -> Facts:
    given, recipes = question.input, question.recipes
    if given.tree_start > file.num_entries:
        has = format_count(file.num_entries, "entry", "entries")
        message = f"{file.where!r} has {has}, entry_start is "
        raise OptionError(f"{message}{given.tree_start}")
    for branch in given.missing:
        if not file.has_branch(branch):
            error = missing_branch_error(branch, file.where, file.branches())
            message = f"missing of an RFileConfig names branches: {error}"
            raise MissingKeyError(message, branch)
    can_wait = question.types is None
    matches, skipped = _match(file, recipes, question.not_needed, can_wait=can_wait)
    wanted = [r for r in recipes.with_matches(matches) if r.key not in question.not_needed]
    types: dict[str, ColumnType] = {}
    branch_types: dict[str, ColumnType] = {}
    untyped: set[str] = set()
    missing: dict[str, tuple[str, str]] = {}
    for recipe in wanted:
        if recipe.is_mask:
            _check_mask(file, recipe)
        try:
            lacks = _missing(file, recipe)
        except UntypedError as error:
            if not can_wait:
                raise
            untyped.add(error.branch)
            continue
        if lacks is None:
            branch_types |= {b: file.type_of(b) for b in recipe.branches}
            types[recipe.key] = recipe.type({b: file.type_of(b) for b in recipe.branches})
        else:
            missing[recipe.key] = lacks
    ranges: list[Range] = []
    if not missing and not untyped:
        ranges = _divide(file, wanted, types, question)
    return Facts(
        uuid=_uuid(file, question.uuids),
        tree=file.tree,
        num_entries=file.num_entries,
        matches=matches,
        nearest={
            pattern: nearest(pattern, file.branches())
            for pattern, found in matches.items()
            if not found
        },
        naming=naming_columns(partial(kind_of_branch, file)).by or (),
        skipped=skipped,
        types=types,
        missing=missing,
        ranges=tuple(ranges),
        branch_types=branch_types,
        untyped=frozenset(untyped),
        nulls=question.nulls,
    )


def _uuid(file: EventFile, known: frozenset[str]) -> str:
    """Return the UUID of a file: the former one, if a store knows the file by that."""
    uuid = file.uuid
    if not known or uuid in known:
        return uuid
    former = file.former_uuid
    return former if former in known else uuid


def kind_of_branch(file: EventFile, name: str) -> str | None:
    """Return the kind of the dtype of a branch of one number an entry, as NumPy has it."""
    if not file.has_branch(name):
        return None
    try:
        found = file.type_of(name)
    except InputFileError:
        return None
    if found.kind != "vector" or found.shape or found.dtype is None:
        return None
    return str(found.dtype.kind)


def _match(
    file: EventFile, recipes: Recipes, held: frozenset[str], *, can_wait: bool
) -> tuple[dict[str, tuple[str, ...]], Skips]:
    """Return the branches that patterns match, and of these the ones that no column is made of.

    The store has columns of the branches that are `held`: these can be decoded. Those that have
    no type yet are kept where they can wait for that of another file.
    """
    if not recipes.patterns:
        return {}, Skips()
    names = file.branches()
    last = Counter(name.rpartition("/")[2] for name in names)
    matches: dict[str, tuple[str, ...]] = {}
    skips: list[Skips] = []
    for pattern in recipes.patterns:
        if file.has_branch(pattern):
            matches[pattern] = (pattern,)
            continue
        found = [_short(file, path, last) for path in match(pattern, names)]
        skipped = Skips.of(file, found, held, can_wait=can_wait)
        matches |= skipped.without({pattern: tuple(found)})
        if found and not matches[pattern] and file.num_entries:
            raise skipped.error(pattern, f" in {file.where!r}")
        skips.append(skipped)
    return matches, Skips.union(skips)


def _missing(file: EventFile, recipe: Recipe) -> tuple[str, str] | None:
    """Return the branch that a file lacks for a column, and a message that says so."""
    try:
        for branch in recipe.branches:
            file.type_of(branch)
    except MissingKeyError as error:
        return error.key, str(error)
    return None


def _check_mask(file: EventFile, recipe: Recipe) -> None:
    """Raise an `OptionError` if a branch has the name of a mask: either could be meant."""
    if file.has_branch(recipe.key):
        message = f"{recipe.key!r} is a branch of {file.where!r} and the mask of a padded key; "
        raise OptionError(f"{message}pad that key under another name, an alias of it")


def _short(file: EventFile, path: str, last: Mapping[str, int]) -> str:
    """Return the last name of a branch of a branch, where that is enough to ask for it."""
    name = path.rpartition("/")[2]
    if name == path or last[name] > 1:
        return path
    try:
        file.type_of(name)
    except MissingKeyError:
        return path
    except InputFileError:
        pass
    return name


def _divide(
    file: EventFile, wanted: list[Recipe], types: Mapping[str, ColumnType], question: Question
) -> list[Range]:
    given = question.input
    stop = file.num_entries if given.tree_stop is None else given.tree_stop
    used = {branch for recipe in wanted for branch in recipe.branches}
    return divide(
        {recipe.key: recipe.branches for recipe in wanted},
        {branch: file.sizes_of(branch) for branch in used},
        file.boundaries,
        entry_bytes={key: _entry_bytes(found) for key, found in types.items()},
        num_entries=file.num_entries,
        start=given.tree_start,
        stop=min(stop, file.num_entries),
        num_bytes=question.range_bytes,
    )


def _entry_bytes(found: ColumnType) -> int:
    """Return the bytes of an entry of a column of some type; 0 where they differ in size."""
    if found.kind != "vector" or found.dtype is None:
        return 0
    return found.dtype.itemsize * math.prod(found.shape)
