"""Files to what a loader takes: columns or a skim, of the files asked for whoever else converts."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from memmpy.choosing import Chosen, choose
from memmpy.columns import check_keys, check_split_by, open_columns
from memmpy.conversion import (
    Conversion,
    Plan,
    RFileConfig,
    check_names,
    convert_checked,
    is_pattern,
    names_in,
    split_renames,
)
from memmpy.conversion.convert import STEP_BYTES
from memmpy.cuts import Constant, Node, check_apart, keys_in, keys_of, read_cut, renamed
from memmpy.errors import (
    ColumnError,
    CutError,
    DiskError,
    MemmpyError,
    MissingKeyError,
    OptionError,
    ReadOnlyStoreError,
    StoreLockedError,
)
from memmpy.skims import Asked, Sizes, Skim, ask, check_groups, lay_out, make_skim
from memmpy.store import read_metadata
from memmpy.typing import PathLike

__all__ = ["Needed", "Place", "need", "supply_columns", "supply_skim"]

#: The column that a cut takes where batches hold a padded key otherwise than the files.
UNPADDED = "{}__unpadded"
#: How often to convert again where another process converts other files into the store.
MAX_ATTEMPTS = 3

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Needed:
    """What a loader needs of files.

    Parameters
    ----------
    configs : sequence of RFileConfig
        The files.
    keys : tuple of str
        What batches hold as it is; may be patterns.
    keys_padded : mapping of str to (int, number)
        What is padded.
    groups : mapping of str to tuple of str, or None
        Of a skim; None where columns are loaded.
    aliases, dtypes : mapping
        As `convert` takes them.
    dtype : dtype-like, or mapping of str to dtype-like, or None
        Of the groups.
    cut : Node or None
        On columns, and on what was said of the files.
    split_by : tuple of str or None
        What names an event.
    split_seed : int
        Of the tickets.
    """

    configs: Sequence[RFileConfig]
    keys: tuple[str, ...]
    keys_padded: Mapping[str, tuple[int, Any]]
    groups: Mapping[str, tuple[str, ...]] | None
    aliases: Mapping[str, str]
    dtypes: Mapping[str, Any] | None
    dtype: Any
    cut: Node | None
    split_by: tuple[str, ...] | None
    split_seed: int

    @property
    def said_of_files(self) -> Collection[str]:
        """The names of the metadata, which all files have."""
        return self.configs[0].metadata.keys()

    @property
    def stored_as(self) -> dict[str, str]:
        """Keys of the cut whose columns have another name in the store.

        A cut is on what the files hold: it sees no padding, and no dtype that came with it. A skim
        is padded when it is made, so that its columns are lists.
        """
        changed = self.keys_padded if self.groups is None else self.keys_padded.keys() & self._cast
        return {key: UNPADDED.format(key) for key in sorted(_keys_of_cut(self.cut) & set(changed))}

    @property
    def _cast(self) -> Collection[str]:
        return self.dtypes.keys() if isinstance(self.dtypes, Mapping) else ()

    @property
    def asked_for(self) -> set[str]:
        """The columns that the user named outside of the cut."""
        grouped = (key for keys in (self.groups or {}).values() for key in keys)
        return {*self.keys, *self.keys_padded, *grouped, *(self.split_by or ())}

    @property
    def converted(self) -> set[str]:
        """The columns to convert as they are; may be patterns."""
        in_cut = _keys_of_cut(self.cut) - self.stored_as.keys()
        padded = self.keys_padded if self.groups is None else ()
        return {*self.asked_for, *in_cut, *self.stored_as.values()} - {
            *padded,
            *self.said_of_files,
        }

    def asked(self, keys: Collection[str]) -> Asked:
        """Return what a skim holds, of which `keys` are handed out as they are."""
        assert self.groups is not None
        asked = ask(
            keys={*keys, *self.said_of_files} - self.keys_padded.keys(),
            # In an order of its own, so that one skim is found however it is asked for.
            keys_padded=dict(sorted(self.keys_padded.items())),
            groups=self.groups,
            cut=None,
            aliases=None,
            constants=None,
            dtype=self.dtype,
            split_by=self.split_by,
            split_seed=self.split_seed,
        )
        return replace(asked, cut=None if self.cut is None else renamed(self.cut, self.stored_as))


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is kept, and how it is made: as `load_root` takes it."""

    path: PathLike
    executor: Executor | None
    recreate: bool
    progress: bool | None
    lock_timeout: float


def need(
    configs: Sequence[RFileConfig],
    *,
    keys: Collection[str] | Mapping[str, str],
    keys_padded: Mapping[str, tuple[int, Any]],
    groups: Mapping[str, Sequence[str]] | None,
    aliases: Mapping[str, str],
    dtypes: Mapping[str, Any] | None,
    dtype: Any,
    tcut: str | None,
    constants: Mapping[str, Constant],
    split_by: Sequence[str] | None,
    split_seed: int,
) -> Needed:
    """Return what the arguments of `load_root` ask for; `groups` is None where it makes no skim.

    Raises
    ------
    OptionError, CutError
        If they make no sense, as far as that can be known without the files.
    """
    said_of_files = configs[0].metadata
    keys, aliases = split_renames(keys, aliases)
    check_keys(keys)
    checked = None if groups is None else check_groups(groups)
    grouped = [key for members in (checked or {}).values() for key in members]
    more = [key for key in grouped if key not in keys_padded and key not in said_of_files]
    check_names([*keys, *more], keys_padded=keys_padded, aliases=aliases, reserved=said_of_files)
    cut = None
    if tcut is not None:
        cut = _read_cut(tcut, aliases=aliases, constants=constants, said_of_files=said_of_files)
    needed = Needed(
        configs=configs,
        keys=tuple(sorted(set(keys))),
        keys_padded=keys_padded,
        groups=checked,
        aliases=aliases,
        dtypes=dtypes,
        dtype=dtype,
        cut=cut,
        split_by=None if split_by is None else tuple(check_split_by(split_by)),
        split_seed=split_seed,
    )
    if checked is not None:
        _check_patterns(keys_padded, more, aliases)
        needed.asked(keys)
    taken = {*needed.asked_for, *aliases, *said_of_files}
    for name in sorted({*needed.stored_as.values()} & taken):
        raise OptionError(f"{name!r} is what load_root keeps for the cut; take another name")
    return needed


def supply_columns(needed: Needed, place: Place) -> Chosen:
    """Return columns and the entries that pass the cut, converted where the store lacks them."""

    def take(conversion: Conversion, recreate: bool) -> Chosen | None:
        # Another process may have converted other files since: then columns are stale or others.
        try:
            snapshot = open_columns(place.path, sorted(conversion.wanted.origins))
        except (MissingKeyError, ColumnError):
            return None
        if not conversion.is_in(snapshot.metadata):
            return None
        matched = conversion.keys_of(needed.keys)
        loaded = [*matched, *needed.keys_padded, *needed.said_of_files]
        return choose(
            snapshot,
            {key: snapshot.columns[key] for key in loaded},
            cut=needed.cut,
            stored_as=needed.stored_as,
            recreate=recreate,
            split_by=needed.split_by,
            split_seed=needed.split_seed,
        )

    return _supply(needed, place, take=take, check=None)


def supply_skim(needed: Needed, place: Place) -> Skim:
    """Return a skim, of columns that are converted where the store lacks them."""

    def check(plan: Plan) -> None:
        asked = needed.asked(plan.wanted.keys_of(needed.keys))
        lay_out(asked, plan.types)

    def take(conversion: Conversion, recreate: bool) -> Skim | None:
        metadata = read_metadata(place.path)
        if not conversion.is_in(metadata):
            return None
        try:
            made = make_skim(
                place.path,
                needed.asked(conversion.keys_of(needed.keys)),
                executor=place.executor,
                recreate=recreate,
                progress=place.progress,
                lock_timeout=place.lock_timeout,
                sizes=Sizes(),
            )
        except (ReadOnlyStoreError, DiskError) as error:
            error.args = (f"{error}; load_root(skim=False) makes no skim", *error.args[1:])
            raise
        except MemmpyError:
            if conversion.is_in(read_metadata(place.path)):
                raise
            return None
        return made if made.is_made_of(metadata) else None

    return _supply(needed, place, take=take, check=check)


def _supply(
    needed: Needed,
    place: Place,
    *,
    take: Callable[[Conversion, bool], _T | None],
    check: Callable[[Plan], None] | None,
) -> _T:
    """Convert, and take what was converted; again where it is gone by then."""
    stored_as = needed.stored_as
    convert_needed = partial(
        convert_checked,
        needed.configs,
        place.path,
        keys=needed.converted,
        keys_padded=needed.keys_padded if needed.groups is None else {},
        aliases={**needed.aliases, **{name: key for key, name in stored_as.items()}},
        dtypes=needed.dtypes,
        executor=place.executor,
        step_bytes=STEP_BYTES,
        progress=place.progress,
        lock_timeout=place.lock_timeout,
        check=check,
    )
    for attempt in range(MAX_ATTEMPTS):
        recreate = place.recreate and attempt == 0
        try:
            conversion = convert_needed(recreate=recreate)
        except MissingKeyError as error:
            raise _placed(error, needed) from None
        found = take(conversion, recreate)
        if found is not None:
            return found
    message = (
        f"other processes keep converting other files into {os.fspath(place.path)!r}; "
        "give each job a store of its own"
    )
    raise StoreLockedError(message)


def _keys_of_cut(cut: Node | None) -> frozenset[str]:
    """Return the columns of a cut, if there is one."""
    return frozenset() if cut is None else keys_of(cut)


def _read_cut(
    tcut: str,
    *,
    aliases: Mapping[str, str],
    constants: Mapping[str, Constant],
    said_of_files: Collection[str],
) -> Node:
    """Return the cut on columns, into which go the aliases that no file can give."""
    check_apart(aliases, constants)
    in_cut: dict[str, str] = {}
    while True:
        names = {*said_of_files, *constants, *in_cut}
        more = {
            n: text for n, text in aliases.items() if n not in in_cut and names & names_in(text)
        }
        if not more:
            return read_cut(tcut, aliases=in_cut, constants=constants)
        in_cut |= more


def _check_patterns(
    keys_padded: Collection[str], grouped: Collection[str], aliases: Collection[str]
) -> None:
    """Raise an `OptionError` for a pattern where one key is meant."""
    for key in filter(is_pattern, keys_padded):
        raise OptionError(f"a pattern cannot be padded, got {key!r}; name each key of keys_padded")
    for key in grouped:
        if is_pattern(key) and key not in aliases:
            raise OptionError(f"a pattern cannot be in a group, got {key!r}; name each key")


def _placed(error: MissingKeyError, needed: Needed) -> MissingKeyError | CutError:
    """Return the error for a missing branch, with its place if only the cut asks for it."""
    if needed.cut is not None and error.key not in needed.asked_for:
        for key in keys_in(needed.cut):
            if key.name == error.key:
                return key.span.error(str(error))
    return error
