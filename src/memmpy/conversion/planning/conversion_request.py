"""The request of a conversion: its options, checked, with the columns that splits need."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from memmpy.checks import check_mapping
from memmpy.conversion.planning.config import Input, RootFiles, list_inputs, metadata_names
from memmpy.conversion.planning.key_patterns import (
    ColumnSpecs,
    check_some_key,
    make_specs,
    split_renames,
)
from memmpy.conversion.planning.split_columns import Policy, find_policy
from memmpy.splits import SplitRequest, Splits
from memmpy.store import Metadata
from memmpy.typing import PathLike

__all__ = ["ConversionRequest", "check_conversion"]


@dataclass(frozen=True, slots=True)
class ConversionRequest:
    """The options of a conversion, checked.

    Parameters
    ----------
    inputs : list of Input
        The files.
    keys : collection of str, or mapping of str to str
        Columns to keep as they are: keys, patterns, or new names of branches.
    keys_padded : mapping of str to (int, number)
        Columns to pad.
    aliases : mapping of str to str
        Names for branches or expressions.
    dtypes : mapping of str to dtype-like
        The dtypes in which keys are stored.
    split_request : SplitRequest
        The splits that the store must have.
    names : frozenset of str
        Keys that are no patterns even where they look like one.
    optional : frozenset of str
        Keys that are names of numbers: they are left out where no file has such a branch.

    Raises
    ------
    OptionError, CutError
        If the options contradict each other, as far as this is known without the files.
    """

    inputs: list[Input]
    keys: Collection[str] | Mapping[str, str]
    keys_padded: Mapping[str, tuple[int, Any]]
    aliases: Mapping[str, str]
    dtypes: Mapping[str, Any]
    split_request: SplitRequest
    names: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.specs()

    def specs(self, more: Policy | None = None) -> ColumnSpecs:
        """Return the specs of the columns, with the columns that splits need, too."""
        keys, aliases = split_renames(self.keys, self.aliases)
        names = self.names
        names_of_metadata, some = metadata_names(self.inputs)
        if more is not None and more.keys:
            keys, aliases = {*keys, *more.keys}, {**more.aliases, **aliases}
            names = names.union(more.keys)
        specs = make_specs(
            keys,
            keys_padded=self.keys_padded,
            aliases=aliases,
            dtypes=self.dtypes,
            reserved=[name for name in names_of_metadata if name not in some],
            names=names,
            missing=self.inputs[0].missing,
        )
        return replace(specs, optional=self.optional)

    def policy(self, metadata: Metadata, *, path: PathLike) -> Policy:
        """Return the splits of the store, and the columns that they need."""
        return find_policy(
            self.inputs,
            metadata,
            self.split_request.splits,
            asks_for_split=self.split_request.needs_splits,
            named={*self.keys, *self.keys_padded},
            path=path,
        )


def check_conversion(
    root_files: RootFiles,
    keys: Collection[str] | Mapping[str, str],
    *,
    keys_padded: Mapping[str, tuple[int, Any]] | None,
    aliases: Mapping[str, str] | None,
    dtype: Mapping[str, Any] | None,
    splits: Splits | None,
) -> ConversionRequest:
    """Return the checked options of `convert` and `plan_conversion`."""
    request = ConversionRequest(
        list_inputs(root_files),
        keys,
        check_mapping("keys_padded", keys_padded),
        check_mapping("aliases", aliases),
        check_mapping("dtype", dtype),
        SplitRequest(splits=splits),
    )
    check_some_key(request.keys, request.keys_padded)
    return request
