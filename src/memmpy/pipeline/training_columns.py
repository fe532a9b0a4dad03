"""Converts the columns that a training set needs, and makes the training set."""

import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any

from memmpy.checks import check_mapping
from memmpy.columns import check_keys
from memmpy.conversion import (
    ConversionRequest,
    Input,
    RFileConfig,
    check_aliases,
    check_some_key,
    convert_request,
    list_inputs,
    make_specs,
    metadata_names,
    split_renames,
)
from memmpy.errors import MissingFileError, MissingKeyError, StoreLockedError
from memmpy.parallel import Work
from memmpy.sources import NullRules, open_files
from memmpy.splits import SplitRequest, Splits, reconcile_splits, recorded_splits
from memmpy.store import read_metadata
from memmpy.training import TrainingRequest, TrainingSet, make_training_set
from memmpy.typing import PathLike

__all__ = ["check_columns", "columns_request", "training_set_of_files"]

#: The number of conversions, if other processes keep converting other files into the store.
_MAX_ATTEMPTS = 3


def check_columns(
    configs: Sequence[RFileConfig], columns: Mapping[str, Any], training: TrainingRequest | None
) -> None:
    """Check the columns of a conversion as far as possible without its files.

    Parameters
    ----------
    configs : sequence of RFileConfig
        The files.
    columns : mapping of str to Any
        The options of `convert` that name columns: keys, keys_padded, aliases and dtype.
    training : TrainingRequest or None
        The training set, whose columns are needed, too.

    Raises
    ------
    OptionError, CutError
        If the options contradict each other, or memmpy cannot read an alias.
    """
    keys, padded, aliases, dtypes = _options(columns)
    names, some = metadata_names(configs)
    needed = _needed(training, names, some, made={*keys, *padded})
    check_aliases(aliases, [*keys, *padded, *needed])
    make_specs(
        {*keys, *needed},
        keys_padded=padded,
        aliases=aliases,
        dtypes=dtypes,
        reserved=[name for name in names if name not in some],
        names=needed,
        missing={},
    )


def columns_request(
    configs: Sequence[RFileConfig],
    columns: Mapping[str, Any],
    training: TrainingRequest | None,
    splits: Splits | None,
) -> ConversionRequest:
    """Return the request of a conversion; see `check_columns` for the parameters."""
    keys, padded, aliases, dtypes = _options(columns)
    names, some = metadata_names(configs)
    inputs = list_inputs(configs)
    made = {*keys, *padded}
    if training is not None:
        training = training.with_columns([*names, *made])
        if training.spectator_aliases:
            branches = _branches_in(inputs[0], training.spectator_aliases)
            training = training.with_columns([*names, *made, *branches])
    needed = _needed(training, names, some, made=made)
    if training is None:
        check_some_key(keys, padded)
        check_aliases(aliases, [*made, *(() if splits is None else splits.keys)])
    return ConversionRequest(
        inputs,
        sorted({*keys, *needed}),
        padded,
        aliases,
        dtypes,
        SplitRequest(None if training is None else "train", splits),
        names=needed,
        optional=frozenset(some),
    )


def training_set_of_files(
    configs: Sequence[RFileConfig],
    columns: Mapping[str, Any],
    request: TrainingRequest,
    path: PathLike,
    splits: Splits | None,
    work: Work,
    *,
    progress: bool | None,
) -> TrainingSet:
    """Return the training set of files, or without files that of a store.

    Raises
    ------
    StoreLockedError
        If other processes keep converting other files into the store.
    """
    if not configs:
        return make_training_set(path, request, work, splits, progress=progress)
    with suppress(MissingFileError):  # before hours of conversion
        reconcile_splits(splits, recorded_splits(read_metadata(path)), path=path)
    conversion_request = columns_request(configs, columns, request, splits)
    for _ in range(_MAX_ATTEMPTS):
        try:
            conversion = convert_request(
                conversion_request, path, work, recreate=False, progress=progress, check=None
            )
        except MissingKeyError as error:
            raise _with_quotes(error, configs) from None
        data = make_training_set(path, request, work, splits, progress=progress)
        metadata = read_metadata(path)
        if conversion.is_in(metadata) and data.skim.is_current(metadata):
            return data
    message = f"other processes keep converting other files into {os.fspath(path)!r}; "
    raise StoreLockedError(f"{message}give each job a store of its own")


def _with_quotes(error: MissingKeyError, configs: Sequence[RFileConfig]) -> MissingKeyError:
    """Return the error for a missing branch; says so if a text lacks its quotes."""
    if error.key not in {value for config in configs for value in config.metadata.values()}:
        return error
    return MissingKeyError(f"{error}; a text is written in quotes: {error.key!r}", error.key)


def _options(
    columns: Mapping[str, Any],
) -> tuple[Collection[str], Mapping[str, Any], Mapping[str, str], Mapping[str, Any]]:
    """Return keys, padded keys, aliases and dtypes."""
    padded, aliases, dtypes = (
        check_mapping(name, columns.get(name)) for name in ("keys_padded", "aliases", "dtype")
    )
    keys, aliases = split_renames(columns.get("keys", ()), aliases)
    check_keys(keys)
    return keys, padded, aliases, dtypes


def _needed(
    training: TrainingRequest | None,
    names: Collection[str],
    some: Collection[str],
    *,
    made: Collection[str],
) -> frozenset[str]:
    """Return the keys that a training set needs beside those that are converted anyway."""
    if training is None:
        return frozenset()
    # A number that only some configs have may stand in for a branch of the others.
    return training.used_keys - {*names}.difference(some) - {*made}


def _branches_in(file_input: Input, names: Collection[str]) -> list[str]:
    """Return those of some names that are branches of a file."""
    path, tree, state = file_input.path, file_input.tree, file_input.status.state
    with (
        closing(open_files),
        open_files.open(path, tree, state, NullRules(), file_input.friends) as file,
    ):
        return [name for name in names if file.has_branch(name)]
