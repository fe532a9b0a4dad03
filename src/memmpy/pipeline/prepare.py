"""Convert files, then give columns or a skim of exactly these files.

This holds even if another process converts others into the store meanwhile.
"""

import errno
import os
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar, final

from memmpy.columns import open_columns
from memmpy.conversion import STEP_BYTES, Conversion, Plan, convert_checked
from memmpy.cuts import keys_in, missing_quotes
from memmpy.dataset import choose_of_cut
from memmpy.errors import (
    ColumnError,
    CutError,
    DiskError,
    MemmpyError,
    MissingFileError,
    MissingKeyError,
    ReadOnlyStoreError,
    StoreLockedError,
)
from memmpy.pipeline.load_request import LoadRequest
from memmpy.skims import Sizes, lay_out, make_skim
from memmpy.splits import (
    ALL,
    Choice,
    Splits,
    check_named_split,
    choose_of_skim,
    reconcile_splits,
    recorded_splits,
)
from memmpy.store import read_metadata
from memmpy.typing import PathLike

__all__ = ["StoreOptions", "supply_columns", "supply_skim"]

#: How often to convert again where another process converts other files into the store.
MAX_ATTEMPTS = 3

_Supplied_co = TypeVar("_Supplied_co", covariant=True)


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Where the store is, and how it is filled: as `load_root` takes it."""

    path: PathLike
    executor: Executor | None
    recreate: bool
    progress: bool | None
    lock_timeout: float


def supply_columns(request: LoadRequest, store: StoreOptions) -> Choice:
    """Return columns and the entries that pass the cut, converted where the store lacks them."""
    return _supply(request, store, _Columns(request, store))


def supply_skim(request: LoadRequest, store: StoreOptions) -> Choice:
    """Return rows of a skim, of columns that are converted where the store lacks them."""
    return _supply(request, store, _Rows(request, store))


class _Supply(Protocol[_Supplied_co]):
    """What is made of columns once they are converted."""

    def check(self, plan: Plan) -> None:
        """Raise where it could not be made of the columns that a plan makes."""
        ...

    def take(self, conversion: Conversion, *, recreate: bool) -> _Supplied_co | None:
        """Return it; None where the store holds others by now than what was converted."""
        ...


@final
@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns themselves, and the entries that pass the cut."""

    request: LoadRequest
    store: StoreOptions

    def check(self, plan: Plan) -> None:
        """Any columns can be loaded."""

    def take(self, conversion: Conversion, *, recreate: bool) -> Choice | None:
        request = self.request
        # Another process may have converted other files since: then columns are stale or others.
        try:
            snapshot = open_columns(self.store.path, sorted(conversion.wanted.origins))
        except (MissingKeyError, ColumnError):
            return None
        if not conversion.is_in(snapshot.metadata):
            return None
        matched = conversion.keys_of(request.keys)
        loaded = [*matched, *request.keys_padded, *request.masks, *request.metadata_keys]
        return choose_of_cut(
            snapshot,
            {key: snapshot.columns[key] for key in loaded},
            cut=request.cut,
            stored_as=request.stored_as,
            recreate=recreate,
            split=request.split,
            splits=request.splits,
            fold=request.fold,
        )


@final
@dataclass(frozen=True, slots=True)
class _Rows:
    """A skim of the columns."""

    request: LoadRequest
    store: StoreOptions

    def check(self, plan: Plan) -> None:
        lay_out(self.request.skim_request(plan.wanted.keys_of(self.request.keys)), plan.types)

    def take(self, conversion: Conversion, *, recreate: bool) -> Choice | None:
        request, store = self.request, self.store
        metadata = read_metadata(store.path)
        if not conversion.is_in(metadata):
            return None
        try:
            made = make_skim(
                store.path,
                request.skim_request(conversion.keys_of(request.keys)),
                splits=request.splits,
                executor=store.executor,
                recreate=recreate,
                progress=store.progress,
                lock_timeout=store.lock_timeout,
                sizes=Sizes(),
            )
        except ReadOnlyStoreError as error:
            raise ReadOnlyStoreError(_with_way_out(error)) from error
        except DiskError as error:
            raise DiskError(_with_way_out(error), error.errno or errno.EIO) from error
        except MemmpyError:
            if conversion.is_in(read_metadata(store.path)):
                raise
            return None
        if not made.is_made_of(metadata):
            return None
        return choose_of_skim(made, split=request.split, splits=request.splits, fold=request.fold)


def _supply(
    request: LoadRequest, store: StoreOptions, supply: _Supply[_Supplied_co]
) -> _Supplied_co:
    """Convert, and take what was converted; again where it is gone by then."""
    _check_split(request, store)
    convert = partial(
        convert_checked,
        request.configs,
        store.path,
        keys=request.converted_keys,
        keys_padded=request.converted_padded,
        aliases=request.aliases,
        dtypes=request.dtypes,
        names=request.converted_keys.difference(request.keys),
        executor=store.executor,
        splits=request.splits,
        needs_splits=request.needs_splits,
        step_bytes=STEP_BYTES,
        progress=store.progress,
        lock_timeout=store.lock_timeout,
        check=supply.check,
    )
    for attempt in range(MAX_ATTEMPTS):
        recreate = store.recreate and attempt == 0
        try:
            conversion = convert(recreate=recreate)
        except MissingKeyError as error:
            raise _placed(error, request) from None
        found = supply.take(conversion, recreate=recreate)
        if found is not None:
            return found
    message = (
        f"other processes keep converting other files into {os.fspath(store.path)!r}; "
        "give each job a store of its own"
    )
    raise StoreLockedError(message)


def _check_split(request: LoadRequest, store: StoreOptions) -> None:
    """Raise a `SplitError` for a split that the store does not have, before hours of conversion."""
    try:
        known = recorded_splits(read_metadata(store.path))
    except MissingFileError:
        known = None
    splits = reconcile_splits(request.splits, known, path=store.path)
    check_named_split(request.split, splits, path=store.path)
    (splits or Splits()).ranges(ALL if request.split is None else request.split, request.fold)


def _with_way_out(error: MemmpyError) -> str:
    return f"{error}; load_root(skim=False) makes no skim"


def _placed(error: MissingKeyError, request: LoadRequest) -> MissingKeyError | CutError:
    """Return the error for a missing branch, with its place if only the cut asks for it."""
    if request.cut is not None and error.key not in request.named_keys:
        for key in keys_in(request.cut):
            if key.name == error.key:
                hint = missing_quotes(request.cut, key.name, texts=request.metadata_keys)
                return key.span.error(str(error), hint)
    return error
