"""The input files of a conversion: `RFileConfig`, checked, and the files that it names."""

import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

import numpy as np

from memmpy.checks import is_pattern
from memmpy.conversion.planning.totals import parse_total
from memmpy.display import fields_html
from memmpy.errors import OptionError, argument_hints, nearest
from memmpy.parallel import prefetch
from memmpy.sources import (
    Fill,
    FriendFile,
    Status,
    check_friends,
    find,
    find_friend,
    format_fill,
    masked,
    match_trees,
    objects_of_file,
)
from memmpy.typing import PathLike

__all__ = [
    "Input",
    "Number",
    "RFileConfig",
    "RootFiles",
    "list_configs",
    "list_inputs",
    "metadata_names",
]

#: In a text of the metadata, the name of the tree.
_TREE = "{tree}"
#: Files that are searched for at a time; a search mostly waits for a disk or a server.
_NUM_SEARCHES = 16


#: A number of the metadata.
Number: TypeAlias = bool | int | float


@argument_hints
@dataclass(frozen=True)
class RFileConfig:
    """A file, or the files of a pattern, with the tree to read and the metadata of its events.

    Parameters
    ----------
    path : path-like
        A file, or a pattern such as ``"ttbb/*.root"`` or ``"data/**/*.root"``. memmpy sorts the
        files of a pattern by name. A path may be a URL: ``"root://server//path/*.root"``,
        ``"https://..."``, ``"s3://..."``; memmpy uses credentials in it, and never shows them.
        memmpy detects Parquet and HDF5 files from their content.
    tree : str, or list of str, optional
        A TTree or RNTuple, with its directories (``"analysis/nominal"``). To read an older cycle,
        name it (``"Events;1"``). In an HDF5 file, a group or a compound dataset. Not needed if the
        file has only one. A pattern (``"syst_*"``) or a list of names and patterns takes several
        trees of each file.
    metadata : mapping of str to text or number
        Values that all events of the file share, such as ``{"process": "ttbb", "xsec": 1.23}``.
        In a text, ``{tree}`` stands for the name of the tree: ``{"variation": "{tree}"}``.
        All files of one conversion need the same names of texts. A file may lack a number: its
        events have NaN. Or it has a branch of this name, which must be in the keys: then the
        number stands in for the branch in files without it, as in ``{"genWeight": 1.0}``.
    entry_start : int
        The first entry of the tree to take.
    entry_stop : int, optional
        One more than the last entry to take; by default the end of the tree. A tree may be shorter.
    missing : mapping of str to number or text, optional
        For each branch, the value that replaces missing values (nulls of Parquet): ``{"run": -1}``.
        With any value, such as ``[]``, missing lists become empty. None keeps missing values, in a
        nested column. Floats need no value: they become NaN. All files of one conversion need the
        same values.
    friends : mapping of str to path-like or None, optional
        Friend trees, whose entries belong to those of `tree`, one to one. A key is the name of the
        tree in its file, a value is the path of the file: ``{"scores": "friends/{stem}.root"}``.
        None stands for the same file. A path is relative to the folder of the file, and may contain
        ``{stem}``, ``{name}``, ``{parent}`` (the folder of the file) and ``{parent.name}``. As in
        ROOT, ``"a = scores"`` names the tree ``scores`` ``a``. memmpy looks a branch up in the tree
        first, then in the friends in order; ``scores.x`` is the branch ``x`` of ``scores``.
    totals : mapping of str to str, optional
        Names of sums over a whole sample before any cut: ``{"sum_w": "Runs:genEventSumw"}`` sums
        an expression, in the language of cuts, over all entries of a tree; ``"cutflow[1]"`` or
        ``"cutflow['all']"`` adds a bin of a histogram. memmpy sums over all files with the same
        texts in `metadata` but for ``variation``, each file once. All their events have the sum
        as a float64. `entry_start` and `entry_stop` do not matter.

    Raises
    ------
    OptionError
        If an argument has a wrong type, or the entries are no range.
    CutError
        If memmpy cannot read the expression of a total.
    """

    path: PathLike
    tree: str | Sequence[str] | None = None
    metadata: Mapping[str, str | Number] = field(default_factory=dict)
    entry_start: int = 0
    entry_stop: int | None = None
    missing: Mapping[str, Any] = field(default_factory=dict)
    friends: Mapping[str, PathLike | None] = field(default_factory=dict)
    totals: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.path, str):
            object.__setattr__(self, "path", masked(self.path))
        _check(self)
        # The caller may change the dict for the next file.
        metadata = {name: _plain(value) for name, value in self.metadata.items()}
        for name, value in metadata.items():
            _check_metadata(name, value, os.fspath(self.path))
        object.__setattr__(self, "metadata", metadata)
        object.__setattr__(self, "totals", dict(self.totals))
        fills = {branch: _fill(branch, fill) for branch, fill in self.missing.items()}
        object.__setattr__(self, "missing", fills)
        object.__setattr__(self, "friends", check_friends(self.friends))

    def _repr_html_(self) -> str:
        return fields_html(self)


#: Input files of `convert` and `load_root`: one file or pattern, or several.
RootFiles: TypeAlias = RFileConfig | PathLike | Iterable[RFileConfig | PathLike]


@dataclass(frozen=True, slots=True)
class Input:
    """One existing file as it is now, with its configuration.

    Parameters
    ----------
    status : Status
        Path, size, time of change.
    tree : str or None
        The tree to read; None for the only one.
    metadata : mapping of str to str
        Texts that all its events share.
    tree_start, tree_stop : int, and int or None
        The entries of the tree to take; None for all that follow.
    missing : mapping of str to Fill
        By branch, the fill for missing values.
    friends : tuple of FriendFile
        The friend trees, in the order in which branches are looked up.
    numbers : mapping of str to bool, int or float
        Numbers that all its events share.
    totals : mapping of str to str
        By name, the definitions of totals.
    """

    status: Status
    tree: str | None
    metadata: Mapping[str, str]
    tree_start: int
    tree_stop: int | None
    missing: Mapping[str, Fill]
    friends: tuple[FriendFile, ...] = ()
    numbers: Mapping[str, Number] = field(default_factory=dict)
    totals: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """An absolute path, or a URL."""
        return self.status.path


def list_inputs(root_files: RootFiles) -> list[Input]:
    """Return the files that a configuration names, in its order.

    Raises
    ------
    MissingFileError
        If a file or a friend is not there, or a pattern matches none.
    OptionError
        If the files differ in the names of their metadata or in `missing`, or metadata are no text.
    """
    configs = list_configs(root_files)
    searches = [partial(find, os.fspath(config.path)) for config in configs]
    files = prefetch(searches, num_threads=_NUM_SEARCHES, depth=len(searches))
    found = [(c, status) for c, several in zip(configs, files, strict=True) for status in several]
    looks = [
        partial(find_friend, key, path, status)
        for config, status in found
        for key, path in check_friends(config.friends).items()
    ]
    friends = prefetch(looks, num_threads=_NUM_SEARCHES, depth=len(looks)) if looks else iter(())
    trees = prefetch(
        [partial(_trees_of, config, status) for config, status in found],
        num_threads=_NUM_SEARCHES,
        depth=len(found),
    )
    inputs = []
    for (config, status), names in zip(found, trees, strict=True):
        own = tuple(islice(friends, len(config.friends)))
        inputs += [_input(config, status, own, tree) for tree in names]
    _check_agreement(inputs)
    return inputs


def metadata_names(files: Sequence[Input | RFileConfig]) -> tuple[list[str], list[str]]:
    """Return the names of metadata and totals, and those of numbers that only some files have.

    Such a number may stand in for a branch, and then its name is a key like any other.
    """
    of_files: list[dict[str, object]] = [
        {**file.metadata, **(file.numbers if isinstance(file, Input) else {})} for file in files
    ]
    names = list(dict.fromkeys(name for metadata in of_files for name in metadata))
    some = [name for name in names if any(name not in metadata for metadata in of_files)]
    totals = dict.fromkeys(name for file in files for name in file.totals)
    return [*names, *totals], some


def list_configs(root_files: RootFiles) -> list[RFileConfig]:
    """Return `root_files` as a list of configurations."""
    configs = [_config(file) for file in _listed(root_files)]
    if not configs:
        raise OptionError("no ROOT files were given")
    return configs


def _listed(root_files: RootFiles) -> Iterable[RFileConfig | PathLike]:
    if isinstance(root_files, RFileConfig | str | os.PathLike):
        return [root_files]
    if not isinstance(root_files, Iterable):
        raise OptionError(f"root_files takes RFileConfig or paths, got {root_files!r}")
    return root_files


def _config(file: RFileConfig | PathLike) -> RFileConfig:
    if isinstance(file, RFileConfig):
        return file
    if isinstance(file, str | os.PathLike):
        return RFileConfig(file)
    raise OptionError(f"root_files takes RFileConfig or paths, got {file!r}")


def _check(config: RFileConfig) -> None:
    arguments: tuple[tuple[str, object, Any, str], ...] = (
        ("path", config.path, str | os.PathLike, "a path or a pattern"),
        ("tree", config.tree, str | list | tuple | None, "the name of a tree, or a list of names"),
        ("metadata", config.metadata, Mapping, "a dict of texts and numbers"),
        ("missing", config.missing, Mapping, "a dict of branches, each with a value"),
        ("friends", config.friends, Mapping, "a dict of trees, each with the path of its file"),
        ("totals", config.totals, Mapping, "a dict of names, each with a tree and an expression"),
    )
    for name, value, kind, expected in arguments:
        if not isinstance(value, kind):
            message = f"{name} of an RFileConfig is {expected}, got {value!r}"
            if name == "tree" and isinstance(value, Mapping):
                message += f"; write metadata={value!r}"
            raise OptionError(message)
    stop = config.entry_stop
    entries = [config.entry_start, config.entry_start if stop is None else stop]
    if any(type(entry) is not int for entry in entries) or not 0 <= entries[0] <= entries[1]:
        message = "entry_start and entry_stop are entries, 0 <= start <= stop, got "
        raise OptionError(f"{message}{config.entry_start!r} and {stop!r}")
    for name, text in config.totals.items():
        parse_total(name, text)
    trees = config.tree
    if isinstance(trees, list | tuple) and not (trees and all(isinstance(t, str) for t in trees)):
        raise OptionError(f"tree of an RFileConfig is a list of at least one name, got {trees!r}")


def _plain(value: Any) -> Any:
    """Return a value of the metadata as a value of Python."""
    if isinstance(value, np.generic):
        return value.item()
    return value


def _trees_of(config: RFileConfig, status: Status) -> list[str | None]:
    """Return the names of the trees of a file that a configuration asks for; None for the only one.

    Raises
    ------
    InputFileError
        If a pattern matches no tree, or the file cannot be read.
    """
    if config.tree is None:
        return [None]
    given = [config.tree] if isinstance(config.tree, str) else config.tree
    is_any = any(map(is_pattern, given))
    objects = objects_of_file(status.path, status.state, details=False)[1] if is_any else []
    return [*match_trees(status.path, objects, given)]


def _input(
    config: RFileConfig, status: Status, friends: tuple[FriendFile, ...], tree: str | None
) -> Input:
    entries = config.entry_start, config.entry_stop
    texts: dict[str, str] = {}
    numbers: dict[str, Number] = {}
    for name, value in config.metadata.items():
        if isinstance(value, str):
            for field_name in re.findall(r"{\w+}", value.replace(_TREE, "")):
                if nearest(field_name, [_TREE]):
                    message = f"metadata of {status.path!r}: {name!r} has {field_name}"
                    raise OptionError(f"{message}; nearest: {_TREE}, which is the name of the tree")
            if _TREE in value and tree is None:
                message = f"metadata of {status.path!r}: {name!r} is {value!r}; give tree="
                raise OptionError(f"{message}, whose name stands in the place of {_TREE}")
            texts[name] = value.replace(_TREE, tree or "")
        else:
            numbers[name] = value
    return Input(
        status,
        tree,
        texts,
        *entries,
        config.missing,
        friends,
        numbers=numbers,
        totals=config.totals,
    )


def _check_metadata(name: object, value: object, path: str) -> None:
    """Check a text, or a number that a column of int64, float64 or bool holds, and its name."""
    if not isinstance(name, str) or not name:
        raise OptionError(f"a name in the metadata of {path!r} is a text, got {name!r}: {value!r}")
    if isinstance(value, str):
        return
    if not isinstance(value, bool | int | float):
        message = f"metadata of {path!r} are texts and numbers, got {name!r}: {value!r}; "
        raise OptionError(message + f"write {str(value)!r}")
    if isinstance(value, float) and not math.isfinite(value):
        message = f"metadata of {path!r}: {name!r} is {value}; leave {name!r} out where it is "
        raise OptionError(f"{message}unknown, and its events have NaN")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise OptionError(f"metadata of {path!r}: {name!r} is {value}, which int64 does not hold")


def _fill(branch: str, option: Any) -> Fill:
    """Return the fill for missing values of a branch, as a value of Python."""
    if not isinstance(branch, str):
        raise OptionError(f"missing of an RFileConfig names branches, got {branch!r}: {option!r}")
    value = option.item() if isinstance(option, np.generic) else option
    if isinstance(value, list | tuple) and not value:
        return ()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    message = "missing of an RFileConfig maps a branch to a number, a text, [] or None, got "
    raise OptionError(f"{message}{branch!r}: {option!r}")


def _check_agreement(inputs: list[Input]) -> None:
    first = inputs[0]
    texts = {name: one for one in reversed(inputs) for name in one.metadata}
    numbers = {name: one for one in reversed(inputs) for name in one.numbers}
    for one in inputs:
        names = [*one.metadata, *one.numbers, *one.totals]
        if "_index" in names:
            raise OptionError(f"metadata of {one.path!r}: '_index' is taken; rename it")
        for name in one.totals:
            if other := texts.get(name) or numbers.get(name):
                message = f"{name!r} is a total of {one.path!r} and a name of the metadata of "
                raise OptionError(f"{message}{other.path!r}; rename one of them")
        for name in one.numbers:
            if name in texts:
                message = f"{name!r} is a text in the metadata of {texts[name].path!r} and a "
                raise OptionError(f"{message}number in that of {one.path!r}; make them agree")
        for name in sorted(one.metadata.keys() ^ first.metadata.keys()):
            has, lacks = (one, first) if name in one.metadata else (first, one)
            message = f"all files need the same metadata: {lacks.path!r} has no {name!r}, which "
            raise OptionError(f"{message}{has.path!r} has; give it metadata={{{name!r}: ...}}")
        if repr(sorted(one.missing.items())) != repr(sorted(first.missing.items())):
            message = (
                f"all files of one conversion need the same missing: {first.path!r} has "
                f"{_as_dict(first.missing)}, {one.path!r} has {_as_dict(one.missing)}"
            )
            raise OptionError(message)


def _as_dict(missing: Mapping[str, Fill]) -> str:
    return "{" + ", ".join(f"{name!r}: {format_fill(fill)}" for name, fill in missing.items()) + "}"
