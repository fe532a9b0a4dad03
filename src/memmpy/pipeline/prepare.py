"""Converts files, and returns the columns of exactly these files, or a skim of them.

This holds even if another process converts other files into the store at the same time.
"""

import errno
import os
from dataclasses import dataclass, replace
from functools import partial

from memmpy.columns import open_columns
from memmpy.conversion import Conversion, ConversionPlan, convert_request
from memmpy.cuts import keys_in, missing_quotes
from memmpy.dataset import resolve_cut_split
from memmpy.errors import (
    ColumnError,
    CutError,
    DiskError,
    MemmpyError,
    MissingFileError,
    MissingKeyError,
    ReadOnlyStoreError,
    StoreLockedError,
    nearest,
)
from memmpy.parallel import Work
from memmpy.pipeline.load_request import LoadRequest
from memmpy.skims import Sizes, lay_out, make_skim
from memmpy.splits import SplitData, reconcile_splits, recorded_splits, resolve_skim_split
from memmpy.store import read_metadata
from memmpy.typing import PathLike

__all__ = ["StoreOptions", "prepare_split"]

#: The number of conversions, if other processes keep converting other files into the store.
MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """The store of `load_root`, and how memmpy fills it.

    Parameters
    ----------
    path : path-like
        The store.
    work : Work
        The executor and its limits.
    recreate : bool
        Whether to rebuild everything.
    progress : bool or None
        Whether to show progress bars; None shows them on a terminal.
    """

    path: PathLike
    work: Work
    recreate: bool
    progress: bool | None


def prepare_split(request: LoadRequest, store: StoreOptions) -> SplitData:
    """Return the split of columns or of a skim that a request asks for.

    Converts and skims what is missing or stale in the store.
    """
    _check_split(request, store)
    split_of = _split_of_columns if request.groups is None else _split_of_skim
    for attempt in range(MAX_ATTEMPTS):
        options = store if attempt == 0 else replace(store, recreate=False)
        try:
            conversion = convert_request(
                request.conversion_request(),
                store.path,
                store.work,
                recreate=options.recreate,
                progress=store.progress,
                check=partial(_check_skim, request),
            )
        except MissingKeyError as error:
            raise _locate(error, request) from None
        split_data = split_of(request, options, conversion)
        if split_data is not None:
            return split_data
    message = (
        f"other processes keep converting other files into {os.fspath(store.path)!r}; "
        "give each job a store of its own"
    )
    raise StoreLockedError(message)


def _check_split(request: LoadRequest, store: StoreOptions) -> None:
    """Raise a `SplitError` before hours of conversion, if the store does not have the split."""
    try:
        known = recorded_splits(read_metadata(store.path))
    except MissingFileError:
        known = None
    splits = reconcile_splits(request.split_request.splits, known, path=store.path)
    request.split_request.check_named(splits, path=store.path)
    request.split_request.ranges(splits)


def _check_skim(request: LoadRequest, plan: ConversionPlan) -> None:
    """Raise an error before hours of conversion, if a skim cannot hold the planned columns."""
    if request.groups is not None:
        lay_out(request.skim_request(plan.target.keys_of(request.keys)), plan.types)


def _split_of_columns(
    request: LoadRequest, store: StoreOptions, conversion: Conversion
) -> SplitData | None:
    """Return the split of the columns; None if another process has replaced them."""
    try:
        snapshot = open_columns(store.path, sorted(conversion.target.origins))
    except (MissingKeyError, ColumnError):
        return None
    if not conversion.is_in(snapshot.metadata):
        return None
    keys = conversion.keys_of(request.keys)
    keys = [*keys, *request.keys_padded, *request.masks, *request.metadata_keys]
    return resolve_cut_split(
        snapshot,
        {key: snapshot.columns[key] for key in keys},
        request.split_request,
        cut=request.cut,
        stored_as=request.stored_as,
        recreate=store.recreate,
    )


def _split_of_skim(
    request: LoadRequest, store: StoreOptions, conversion: Conversion
) -> SplitData | None:
    """Return the split of a skim; None if another process has replaced the columns."""
    metadata = read_metadata(store.path)
    if not conversion.is_in(metadata):
        return None
    try:
        skim = make_skim(
            store.path,
            request.skim_request(conversion.keys_of(request.keys)),
            store.work,
            splits=request.split_request.splits,
            recreate=store.recreate,
            progress=store.progress,
            sizes=Sizes(),
        )
    except ReadOnlyStoreError as error:
        raise ReadOnlyStoreError(_advise_no_skim(error)) from error
    except DiskError as error:
        raise DiskError(_advise_no_skim(error), error.errno or errno.EIO) from error
    except MemmpyError:
        if conversion.is_in(read_metadata(store.path)):
            raise
        return None
    return resolve_skim_split(skim, request.split_request) if skim.is_current(metadata) else None


def _advise_no_skim(error: MemmpyError) -> str:
    """Return the message of an error with the way out."""
    return f"{error}; load_root(skim=False) makes no skim"


def _locate(error: MissingKeyError, request: LoadRequest) -> MissingKeyError | CutError:
    """Return the error for a missing branch; if only the cut uses it, with its place there."""
    if request.cut is not None and error.key not in request.named_keys:
        for key in keys_in(request.cut):
            if key.name == error.key:
                hint = missing_quotes(request.cut, key.name, texts=request.text_keys)
                near = nearest(key.name, request.constants)
                near = near.replace("nearest:", "nearest of the constants:")
                return key.span.error(f"{error}{near}", hint)
    return error
