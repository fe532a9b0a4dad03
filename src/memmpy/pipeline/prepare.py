"""Convert files, then give columns or a skim of exactly these files.

This holds even if another process converts others into the store meanwhile.
"""

import errno
import os
from dataclasses import dataclass
from typing import Protocol, TypeVar, final

from memmpy.columns import open_columns
from memmpy.conversion import Conversion, Plan, convert_request
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
from memmpy.parallel import Work
from memmpy.pipeline.load_request import LoadRequest
from memmpy.skims import Sizes, lay_out, make_skim
from memmpy.splits import Choice, choose_of_skim, reconcile_splits, recorded_splits
from memmpy.store import read_metadata
from memmpy.typing import PathLike

__all__ = ["StoreOptions", "supply_columns", "supply_skim"]

#: How often to convert again where another process converts other files into the store.
MAX_ATTEMPTS = 3

_Supplied_co = TypeVar("_Supplied_co", covariant=True)


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Where the store is, and how it is filled.

    Parameters
    ----------
    path : path-like
        The store.
    work : Work
        The executor and its limits.
    recreate : bool
        Whether to make all again.
    progress : bool or None
        Whether to show progress bars; None for on a terminal.
    """

    path: PathLike
    work: Work
    recreate: bool
    progress: bool | None


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
            snapshot = open_columns(self.store.path, sorted(conversion.target.origins))
        except (MissingKeyError, ColumnError):
            return None
        if not conversion.is_in(snapshot.metadata):
            return None
        matched = conversion.keys_of(request.keys)
        loaded = [*matched, *request.keys_padded, *request.masks, *request.metadata_keys]
        return choose_of_cut(
            snapshot,
            {key: snapshot.columns[key] for key in loaded},
            request.split_request,
            cut=request.cut,
            stored_as=request.stored_as,
            recreate=recreate,
        )


@final
@dataclass(frozen=True, slots=True)
class _Rows:
    """A skim of the columns."""

    request: LoadRequest
    store: StoreOptions

    def check(self, plan: Plan) -> None:
        lay_out(self.request.skim_request(plan.target.keys_of(self.request.keys)), plan.types)

    def take(self, conversion: Conversion, *, recreate: bool) -> Choice | None:
        request, store = self.request, self.store
        metadata = read_metadata(store.path)
        if not conversion.is_in(metadata):
            return None
        try:
            made = make_skim(
                store.path,
                request.skim_request(conversion.keys_of(request.keys)),
                store.work,
                splits=request.split_request.splits,
                recreate=recreate,
                progress=store.progress,
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
        if not made.is_current(metadata):
            return None
        return choose_of_skim(made, request.split_request)


def _supply(
    request: LoadRequest, store: StoreOptions, supply: _Supply[_Supplied_co]
) -> _Supplied_co:
    """Convert, and take what was converted; again where it is gone by then."""
    _check_split(request, store)
    for attempt in range(MAX_ATTEMPTS):
        recreate = store.recreate and attempt == 0
        try:
            conversion = convert_request(
                request.conversion_request(),
                store.path,
                store.work,
                recreate=recreate,
                progress=store.progress,
                check=supply.check,
            )
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
    splits = reconcile_splits(request.split_request.splits, known, path=store.path)
    request.split_request.check_named(splits, path=store.path)
    request.split_request.ranges(splits)


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
