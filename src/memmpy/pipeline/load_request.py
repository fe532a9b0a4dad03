"""`LoadRequest`: the arguments of `load_root`, checked before any file is opened."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from memmpy.checks import check_key
from memmpy.columns import check_keys
from memmpy.conversion import (
    ConversionRequest,
    RFileConfig,
    check_names,
    check_one_key,
    check_some_key,
    list_inputs,
    metadata_names,
    names_in,
    split_renames,
)
from memmpy.cuts import Constant, Node, check_alias_names, keys_of, read_cut, rename_keys
from memmpy.errors import OptionError, nearest
from memmpy.jagged import check_padding, mask_of
from memmpy.skims import SkimRequest, check_groups, check_request
from memmpy.sources import match
from memmpy.splits import SplitRequest, check_split

__all__ = ["LoadRequest"]

#: The column that a cut uses instead of a padded key: its values as the files have them.
UNPADDED = "{}__unpadded"


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """The content of the batches, and the columns to convert for it.

    The parameters are those of `load_root`, without its defaults.

    Parameters
    ----------
    configs : sequence of RFileConfig
        The files.
    keys : collection of str, or mapping of str to str
        The unpadded keys of the batches, or patterns of them.
    keys_padded : mapping of str to (int, number)
        The padded keys of the batches.
    groups : mapping of str to sequence of str, or None
        The groups of a skim; None to load columns.
    cut_text : str or None
        The cut; None for all events.
    aliases : mapping of str to str
        Names for branches or expressions.
    constants : mapping of str to bool, number or str
        Names for values in the cut.
    dtype : dtype-like, or mapping of str to dtype-like, or None
        The dtype of all groups, or of some keys and groups.
    split_request : SplitRequest
        The split.

    Attributes
    ----------
    metadata_keys : tuple of str
        The names of the metadata and of totals.
    named_keys : frozenset of str
        The columns that the user names outside of the cut.
    cut : Node or None
        The cut on columns and metadata; None for all entries.
    stored_as : mapping of str to str
        Keys of the cut whose columns have another name in the store: the cut uses the values of
        the files, without padding and its dtype.
    converted_keys : frozenset of str
        The columns to convert without padding, or patterns of them.
    converted_padded : mapping of str to (int, number)
        The columns that the conversion pads. A skim pads its keys itself.
    dtypes : mapping of str to dtype-like
        The dtypes of keys.
    group_dtype : dtype-like, or mapping of str to dtype-like, or None
        The dtype of all groups, or of some.

    Raises
    ------
    OptionError, CutError
        If the arguments are wrong, as far as this is known without the files.
    """

    configs: Sequence[RFileConfig]
    keys: Collection[str] | Mapping[str, str]
    keys_padded: Mapping[str, tuple[int, Any]]
    groups: Mapping[str, Sequence[str]] | None
    cut_text: str | None
    aliases: Mapping[str, str]
    constants: Mapping[str, Constant]
    dtype: Any  # whatever the user gave
    split_request: SplitRequest
    metadata_keys: tuple[str, ...] = field(init=False)
    named_keys: frozenset[str] = field(init=False)
    cut: Node | None = field(init=False)
    stored_as: Mapping[str, str] = field(init=False)
    converted_keys: frozenset[str] = field(init=False)
    converted_padded: Mapping[str, tuple[int, Any]] = field(init=False)
    dtypes: Mapping[str, Any] = field(init=False)
    group_dtype: Any = field(init=False)

    def __post_init__(self) -> None:
        (metadata_keys, some), keys_padded = metadata_names(self.configs), self.keys_padded
        keys, aliases = split_renames(self.keys, self.aliases)
        check_keys(keys)
        groups = None if self.groups is None else check_groups(self.groups)
        group_keys = [key for members in (groups or {}).values() for key in members]
        extra_keys = [key for key in group_keys if key not in {*keys_padded, *metadata_keys}]
        shared = [key for key in metadata_keys if key not in some]
        check_some_key([*keys, *extra_keys], keys_padded)
        check_names([*keys, *extra_keys], keys_padded=keys_padded, aliases=aliases, reserved=shared)
        for use, named in (("padded", keys_padded), ("in a group", extra_keys)):
            check_one_key([key for key in named if key not in aliases], use)
        for key, padding in keys_padded.items():
            check_padding(key, padding)
        cut = None
        if self.cut_text is not None:
            cut = _read_cut(self.cut_text, aliases, self.constants, metadata_keys)
        _check_split(self.split_request)
        cut_keys = frozenset[str]() if cut is None else keys_of(cut)
        named_keys = frozenset([*keys, *keys_padded, *group_keys])
        padded = keys_padded if groups is None else {}
        masks = {mask_of(key): key for key in padded}
        all_keys = {*named_keys, *masks, *cut_keys}
        group_dtype, dtypes = _divide_dtype(self.dtype, keys=all_keys, groups=groups)
        # For a skim the columns are still lists, and only a dtype changes their values.
        altered_keys = set(keys_padded) if groups is None else set(keys_padded) & dtypes.keys()
        stored_as = {key: UNPADDED.format(key) for key in sorted(cut_keys & altered_keys)}
        for name in sorted({*stored_as.values()} & {*named_keys, *aliases, *metadata_keys}):
            raise OptionError(f"{name!r} is reserved for the cut of load_root; take another name")
        _check_masks(masks, {*keys, *padded, *cut_keys, *aliases, *metadata_keys})
        converted_keys = {*named_keys, *masks, *(cut_keys - stored_as.keys()), *stored_as.values()}
        derived = {
            "keys": tuple(sorted(set(keys))),
            "groups": groups,
            "aliases": {**aliases, **{name: key for key, name in stored_as.items()}},
            "metadata_keys": tuple(metadata_keys),
            "named_keys": named_keys,
            "cut": cut,
            "stored_as": stored_as,
            # A number that only some files have may be a key, and a branch of the others.
            "converted_keys": frozenset(
                converted_keys - {*padded, *(set(metadata_keys) - set(keys))}
            ),
            "converted_padded": padded,
            "dtypes": dtypes,
            "group_dtype": group_dtype,
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        if groups is not None:
            self.skim_request(keys)

    def conversion_request(self) -> ConversionRequest:
        """Return the columns to convert."""
        return ConversionRequest(
            list_inputs(self.configs),
            self.converted_keys,
            self.converted_padded,
            self.aliases,
            self.dtypes,
            self.split_request,
            names=self.converted_keys.difference(self.keys),
        )

    @property
    def text_keys(self) -> list[str]:
        """The names of the metadata that are texts."""
        return [name for name, value in self.configs[0].metadata.items() if isinstance(value, str)]

    @property
    def masks(self) -> list[str]:
        """The masks of padded columns; a skim makes its masks itself."""
        return [mask_of(key) for key in self.converted_padded]

    def skim_request(self, keys: Collection[str]) -> SkimRequest:
        """Return the content of the skim, with `keys` as the unpadded keys."""
        assert self.groups is not None
        request = check_request(
            keys={*keys, *self.metadata_keys} - self.keys_padded.keys(),
            # Sorted, so that the order of the arguments does not make another skim.
            keys_padded=dict(sorted(self.keys_padded.items())),
            groups=self.groups,
            cut=None,
            aliases=None,
            constants=None,
            dtype=self.group_dtype,
        )
        return replace(
            request, cut=None if self.cut is None else rename_keys(self.cut, self.stored_as)
        )


def _divide_dtype(
    dtype: Any, *, keys: Collection[str], groups: Collection[str] | None
) -> tuple[Any, dict[str, Any]]:
    """Return the dtype of all groups or of some, and the dtypes of keys."""
    if not isinstance(dtype, Mapping):
        if dtype is not None and not groups:
            why = "there are none" if groups is not None else "skim=False makes none"
            message = f"one dtype is for all groups, and {why}; name keys: "
            raise OptionError(f"{message}dtype={{'jet_pt': 'float16'}}")
        return dtype, {}
    names = groups or ()
    for name in dtype:
        check_key(name, name="a name in dtype")
        if name in names and name in keys:
            message = f"dtype names {name!r}, which is a key and a group; "
            raise OptionError(f"{message}take another name for the group")
        if name not in names and not any(match(key, [name]) for key in keys):
            hint = nearest(name, [*keys, *names])
            raise OptionError(f"dtype names {name!r}, which is no key and no group{hint}")
    of_groups = {name: value for name, value in dtype.items() if name in names}
    return of_groups, {
        name: value for name, value in dtype.items() if name not in names and value is not None
    }


def _check_split(request: SplitRequest) -> None:
    """Raise an error before hours of conversion, if the splits of the call lack the split."""
    request.check_named(request.splits)
    if request.split is not None:
        check_split(request.split)
        if request.splits is not None:
            request.ranges(request.splits)


def _read_cut(
    tcut: str,
    aliases: Mapping[str, str],
    constants: Mapping[str, Constant],
    metadata_keys: Iterable[str],
) -> Node:
    """Return the cut on columns. It contains the aliases that use metadata or constants."""
    check_alias_names(aliases, constants)
    in_cut: dict[str, str] = {}
    while True:
        names = {*metadata_keys, *constants, *in_cut}
        more = {
            n: text for n, text in aliases.items() if n not in in_cut and names & names_in(text)
        }
        if not more:
            return read_cut(tcut, aliases=in_cut, constants=constants)
        in_cut |= more


def _check_masks(masks: Mapping[str, str], names: Collection[str]) -> None:
    """Raise an `OptionError` if the name of a mask is taken."""
    for name in sorted(masks.keys() & set(names)):
        key, other = masks[name], f"{masks[name]}_padded"
        message = f"{name!r} names the mask of the padded key {key!r}, and something else, too; "
        message += f"pad {key!r} under another name: "
        raise OptionError(
            f"{message}keys_padded={{{other!r}: ...}}, aliases={{{other!r}: {key!r}}}"
        )
