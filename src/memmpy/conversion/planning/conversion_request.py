"""What a user asks of a conversion: checked, with the columns that splits need besides."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from memmpy.conversion.planning.config import Input, RootFiles, list_inputs
from memmpy.conversion.planning.key_patterns import Recipes, make_recipes, split_renames
from memmpy.conversion.planning.split_columns import Policy, policy_of
from memmpy.errors import OptionError
from memmpy.splits import Splits
from memmpy.store import Metadata
from memmpy.typing import PathLike

__all__ = ["ConversionRequest", "check_conversion"]


@dataclass(frozen=True, slots=True)
class ConversionRequest:
    """What a user asked for, checked.

    Parameters
    ----------
    inputs : list of Input
        The files.
    keys, keys_padded, aliases, dtypes, step_bytes
        As `convert` takes them.
    names : frozenset of str
        Keys that are no patterns even where they look like one.
    splits : Splits or None
        Those that the call names.
    needs_splits : bool
        Whether it needs some, also where it names none.
    """

    inputs: list[Input]
    keys: Collection[str] | Mapping[str, str]
    keys_padded: Mapping[str, tuple[int, Any]]
    aliases: Mapping[str, str]
    dtypes: Mapping[str, Any]
    step_bytes: int
    names: frozenset[str]
    splits: Splits | None
    needs_splits: bool

    def recipes(self, more: Policy | None = None) -> Recipes:
        """Return how the columns are made, with those that splits need besides."""
        keys, aliases = split_renames(self.keys, self.aliases)
        names = self.names
        if more is not None and more.keys:
            keys, aliases = {*keys, *more.keys}, {**more.aliases, **aliases}
            names = names.union(more.keys)
        return make_recipes(
            keys,
            keys_padded=self.keys_padded,
            aliases=aliases,
            dtypes=self.dtypes,
            reserved=self.inputs[0].metadata,
            names=names,
            missing=self.inputs[0].missing,
        )

    def policy(self, metadata: Metadata, *, path: PathLike) -> Policy:
        """Return the splits of the store, and the columns that they need."""
        return policy_of(
            self.inputs,
            metadata,
            self.splits,
            asks_for_split=self.needs_splits,
            named={*self.keys, *self.keys_padded},
            path=path,
        )


def check_conversion(
    root_files: RootFiles,
    keys: Collection[str] | Mapping[str, str],
    keys_padded: Mapping[str, tuple[int, Any]] | None,
    aliases: Mapping[str, str] | None,
    dtypes: Mapping[str, Any] | None,
    step_bytes: int,
    *,
    names: frozenset[str],
    splits: Splits | None,
    needs_splits: bool,
) -> ConversionRequest:
    """Return what the arguments of `convert` ask for, checked as far as that goes without files.

    Raises
    ------
    MissingFileError
        If a file is not there.
    OptionError, CutError
        If they make no sense.
    """
    if type(step_bytes) is not int or step_bytes < 1:
        raise OptionError(f"step_bytes is a number of bytes, got {step_bytes!r}")
    asked = ConversionRequest(
        list_inputs(root_files),
        keys,
        keys_padded or {},
        aliases or {},
        dtypes or {},
        step_bytes,
        names,
        splits,
        needs_splits,
    )
    asked.recipes()  # raises for wrong options, before a file is opened
    return asked
