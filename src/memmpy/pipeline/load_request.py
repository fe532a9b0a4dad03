"""What a user asks of `load_root`: checked, and worked out, as far as that goes without files."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from memmpy.columns import check_keys
from memmpy.conversion import RFileConfig, check_names, check_one_key, names_in, split_renames
from memmpy.cuts import Constant, Node, check_alias_names, keys_of, read_cut, rename_keys
from memmpy.errors import OptionError, SplitError
from memmpy.jagged import check_padding, mask_of
from memmpy.skims import SkimRequest, check_groups, check_request
from memmpy.splits import Splits, asks_for_split, check_split, check_splits

__all__ = ["LoadRequest", "check_load_request"]

#: The column that a cut takes where batches hold a padded key otherwise than the files.
UNPADDED = "{}__unpadded"


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """What batches shall hold, and what has to be converted for that.

    Parameters
    ----------
    configs : sequence of RFileConfig
        The files.
    metadata_keys : tuple of str
        The names of the metadata, which all files have.
    keys : tuple of str
        What batches hold as it is; may be patterns.
    keys_padded : mapping of str to (int, number)
        What batches hold padded.
    groups : mapping of str to tuple of str, or None
        The groups of a skim; None where columns are loaded.
    dtype : dtype-like, or mapping of str to dtype-like, or None
        The dtype of the groups.
    named_keys : frozenset of str
        The columns that the user named outside of the cut.
    cut : Node or None
        The cut on columns and metadata; None for all entries.
    stored_as : mapping of str to str
        Keys of the cut whose columns have another name in the store. A cut is on what the files
        hold: it sees no padding, and no dtype that came with it.
    splits : Splits or None
        Those that the call names; None for those of the store.
    split : str or int, or None
        Which of them, as the user named it; None for all events of a store without splits.
    fold : int or None
        Which fold.
    converted_keys : frozenset of str
        The columns to convert as they are; may be patterns.
    converted_padded : mapping of str to (int, number)
        The columns to pad when they are converted. A skim is padded when it is made.
    aliases, dtypes : mapping
        As `convert` takes them.
    """

    configs: Sequence[RFileConfig]
    metadata_keys: tuple[str, ...]
    keys: tuple[str, ...]
    keys_padded: Mapping[str, tuple[int, Any]]
    groups: Mapping[str, tuple[str, ...]] | None
    dtype: Any  # whatever the user gave: `check_request` checks it
    named_keys: frozenset[str]
    cut: Node | None
    stored_as: Mapping[str, str]
    splits: Splits | None
    split: str | int | None
    fold: int | None
    converted_keys: frozenset[str]
    converted_padded: Mapping[str, tuple[int, Any]]
    aliases: Mapping[str, str]
    dtypes: Mapping[str, Any] | None

    @property
    def needs_splits(self) -> bool:
        """Whether the call splits the events, and not only hands out all of them."""
        return asks_for_split(self.splits, self.split)

    @property
    def masks(self) -> list[str]:
        """The masks of padded keys, where columns are loaded; a skim has its own."""
        return [mask_of(key) for key in self.converted_padded]

    def skim_request(self, keys: Collection[str]) -> SkimRequest:
        """Return what the skim shall hold, of which `keys` are handed out as they are."""
        assert self.groups is not None
        request = check_request(
            keys={*keys, *self.metadata_keys} - self.keys_padded.keys(),
            # In an order of its own, so that one skim is found however it is asked for.
            keys_padded=dict(sorted(self.keys_padded.items())),
            groups=self.groups,
            cut=None,
            aliases=None,
            constants=None,
            dtype=self.dtype,
        )
        cut = None if self.cut is None else rename_keys(self.cut, self.stored_as)
        return replace(request, cut=cut)


def check_load_request(
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
    splits: Splits | None,
    split: str | int | None,
    fold: int | None,
) -> LoadRequest:
    """Return what the arguments of `load_root` ask for; `groups` is None where it makes no skim.

    Raises
    ------
    OptionError, CutError
        If they make no sense, as far as that can be known without the files.
    """
    metadata_keys = tuple(configs[0].metadata)
    keys, aliases = split_renames(keys, aliases)
    check_keys(keys)
    checked = None if groups is None else check_groups(groups)
    grouped = [key for members in (checked or {}).values() for key in members]
    more = [key for key in grouped if key not in keys_padded and key not in metadata_keys]
    check_names([*keys, *more], keys_padded=keys_padded, aliases=aliases, reserved=metadata_keys)
    for use, named in (("padded", keys_padded), ("in a group", more)):
        check_one_key([key for key in named if key not in aliases], use)
    for key, padding in keys_padded.items():
        check_padding(key, padding)
    cut = None
    if tcut is not None:
        cut = _read_cut(tcut, aliases=aliases, constants=constants, metadata_keys=metadata_keys)
    given = check_splits(splits)
    _check_split(given, split, fold)
    in_cut = frozenset[str]() if cut is None else keys_of(cut)
    cast = set(dtypes) if isinstance(dtypes, Mapping) else set()
    # Columns of a skim are lists still, which a dtype has cast.
    changed = set(keys_padded) if checked is None else set(keys_padded) & cast
    stored_as = {key: UNPADDED.format(key) for key in sorted(in_cut & changed)}
    named_keys = frozenset([*keys, *keys_padded, *grouped])
    for name in sorted({*stored_as.values()} & {*named_keys, *aliases, *metadata_keys}):
        raise OptionError(f"{name!r} is what load_root keeps for the cut; take another name")
    padded = keys_padded if checked is None else {}
    masks = {mask_of(key): key for key in padded}
    _check_masks(masks, {*keys, *padded, *in_cut, *aliases, *metadata_keys})
    converted_keys = {*named_keys, *masks, *(in_cut - stored_as.keys()), *stored_as.values()}
    request = LoadRequest(
        configs=configs,
        metadata_keys=metadata_keys,
        keys=tuple(sorted(set(keys))),
        keys_padded=keys_padded,
        groups=checked,
        dtype=dtype,
        named_keys=named_keys,
        cut=cut,
        stored_as=stored_as,
        splits=given,
        split=split,
        fold=fold,
        converted_keys=frozenset(converted_keys - {*padded, *metadata_keys}),
        converted_padded=padded,
        aliases={**aliases, **{name: key for key, name in stored_as.items()}},
        dtypes=dtypes,
    )
    if checked is not None:
        request.skim_request(keys)
    return request


def _check_split(splits: Splits | None, split: str | int | None, fold: int | None) -> None:
    """Raise an error for a split that no splits have, before hours of conversion."""
    if split is None and splits is not None:
        raise SplitError(f"{splits} was given: say which split to load, such as split='train'")
    if split is not None:
        check_split(split)
        if splits is not None:
            splits.ranges(split, fold)


def _read_cut(
    tcut: str,
    *,
    aliases: Mapping[str, str],
    constants: Mapping[str, Constant],
    metadata_keys: Iterable[str],
) -> Node:
    """Return the cut on columns, into which go the aliases that no file can give."""
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
    """Raise an `OptionError` if the mask of a padded key would have the name of something else."""
    for name in sorted(masks.keys() & set(names)):
        key, other = masks[name], f"{masks[name]}_padded"
        message = f"{name!r} is the mask of the padded key {key!r}, which comes unasked, and is "
        message += f"named otherwise, too; pad {key!r} under another name: "
        raise OptionError(
            f"{message}keys_padded={{{other!r}: ...}}, aliases={{{other!r}: {key!r}}}"
        )
