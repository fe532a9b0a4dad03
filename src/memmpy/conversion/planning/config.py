"""What a user says about files of events, checked."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from memmpy.errors import OptionError
from memmpy.parallel import prefetch
from memmpy.sources import Fill, Status, find, format_fill, masked
from memmpy.typing import PathLike

__all__ = ["Input", "RFileConfig", "RootFiles", "list_configs", "list_inputs"]

#: Files that are looked for at a time: most of it is waiting for a disk or a server.
_NUM_LOOKING = 16


@dataclass(frozen=True)
class RFileConfig:
    """One file, or several by a pattern, with the tree to read and what is known of it.

    Parameters
    ----------
    path : path-like
        A file, or a pattern such as ``"ttbb/*.root"`` or ``"data/**/*.root"``. Files of a pattern
        are taken in the order of their names. May be a URL: ``"root://server//path/*.root"``,
        ``"https://..."``, ``"s3://..."``; credentials in it are used, and shown nowhere. Parquet
        and HDF5 files are known by their content.
    tree : str, optional
        A TTree or RNTuple, with its directories (``"analysis/nominal"``) and, where an older one is
        meant, its cycle (``"Events;1"``). Of an HDF5 file, a group or a compound dataset. Not
        needed where the file has one only.
    metadata : mapping of str to str
        What belongs to all events of the file, such as ``{"process": "ttbb"}``. All files of one
        conversion need the same names.
    entry_start : int
        The first entry of the tree to take.
    entry_stop : int, optional
        One more than the last entry to take; all that follow where not given. A tree may be
        shorter.
    missing : mapping of str to number or text, optional
        By branch, what stands for a missing value (a null of Parquet): ``{"run": -1}``. Missing
        lists become empty, also with ``[]``. With None, what is missing stays so, in a nested
        column. Floats need none: they become NaN. All files of one conversion need the same.

    Raises
    ------
    OptionError
        If one of them is of another type, or the entries make no range.
    """

    path: PathLike
    tree: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    entry_start: int = 0
    entry_stop: int | None = None
    missing: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.path, str):
            object.__setattr__(self, "path", masked(self.path))
        _check(self)
        # The caller may go on to fill the same dict for the next file.
        object.__setattr__(self, "metadata", dict(self.metadata))
        fills = {branch: _fill(branch, given) for branch, given in self.missing.items()}
        object.__setattr__(self, "missing", fills)


#: What `convert` and `load_root` take: one file or pattern, or several, with or without a tree.
RootFiles: TypeAlias = RFileConfig | PathLike | Iterable[RFileConfig | PathLike]


@dataclass(frozen=True, slots=True)
class Input:
    """One existing file, as it is now, and what the user said of it.

    Parameters
    ----------
    status : Status
        Path, size, time of change.
    tree : str or None
        What to read of it; None for the only one.
    metadata : mapping of str to str
        What belongs to all its events.
    tree_start, tree_stop : int, and int or None
        The entries of the tree to take; None for all that follow.
    missing : mapping of str to Fill
        By branch, what stands for a missing value.
    """

    status: Status
    tree: str | None
    metadata: Mapping[str, str]
    tree_start: int
    tree_stop: int | None
    missing: Mapping[str, Fill]

    @property
    def path(self) -> str:
        """An absolute path, or a URL."""
        return self.status.path


def list_inputs(root_files: RootFiles) -> list[Input]:
    """Return the files that a configuration names, in its order.

    Raises
    ------
    MissingFileError
        If a file is not there, or a pattern matches none.
    OptionError
        If the files differ in the names of their metadata or in `missing`, or what they say is no
        text.
    """
    configs = list_configs(root_files)
    asked = [partial(find, os.fspath(config.path)) for config in configs]
    found = prefetch(asked, num_threads=_NUM_LOOKING, depth=len(asked))
    inputs = [
        _input(c, status) for c, several in zip(configs, found, strict=True) for status in several
    ]
    _check_agreement(inputs)
    return inputs


def list_configs(root_files: RootFiles) -> list[RFileConfig]:
    """Return what was given for files as a list of configurations."""
    configs = [_config(given) for given in _listed(root_files)]
    if not configs:
        raise OptionError("no ROOT files were given")
    return configs


def _listed(root_files: RootFiles) -> Iterable[RFileConfig | PathLike]:
    if isinstance(root_files, RFileConfig | str | os.PathLike):
        return [root_files]
    if not isinstance(root_files, Iterable):
        raise OptionError(f"root_files takes RFileConfig or paths, got {root_files!r}")
    return root_files


def _config(given: RFileConfig | PathLike) -> RFileConfig:
    if isinstance(given, RFileConfig):
        return given
    if isinstance(given, str | os.PathLike):
        return RFileConfig(given)
    raise OptionError(f"root_files takes RFileConfig or paths, got {given!r}")


def _check(config: RFileConfig) -> None:
    given: tuple[tuple[str, object, Any, str], ...] = (
        ("path", config.path, str | os.PathLike, "a path or a pattern"),
        ("tree", config.tree, str | None, "the name of a tree"),
        ("metadata", config.metadata, Mapping, "a dict of texts"),
        ("missing", config.missing, Mapping, "a dict of branches, each with a value"),
    )
    for name, value, kind, expected in given:
        if not isinstance(value, kind):
            message = f"{name} of an RFileConfig is {expected}, got {value!r}"
            if name == "tree" and isinstance(value, Mapping):
                message += f"; write metadata={value!r}"
            raise OptionError(message)
    stop = config.entry_stop
    entries = [config.entry_start, config.entry_start if stop is None else stop]
    if any(type(entry) is not int for entry in entries) or not 0 <= entries[0] <= entries[1]:
        message = f"entry_start and entry_stop are entries, 0 <= start <= stop, got {config!r}"
        raise OptionError(message)


def _input(config: RFileConfig, status: Status) -> Input:
    tree = None if config.tree is None else config.tree.strip("/")
    entries = config.entry_start, config.entry_stop
    return Input(status, tree, dict(config.metadata), *entries, config.missing)


def _fill(branch: str, given: Any) -> Fill:
    """Return what stands for the missing values of a branch, as plain Python."""
    if not isinstance(branch, str):
        raise OptionError(f"missing of an RFileConfig names branches, got {branch!r}: {given!r}")
    value = given.item() if isinstance(given, np.generic) else given
    if isinstance(value, list | tuple) and not value:
        return ()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    message = "missing of an RFileConfig maps a branch to a number, a text, [] or None, got "
    raise OptionError(f"{message}{branch!r}: {given!r}")


def _check_agreement(inputs: list[Input]) -> None:
    first = inputs[0]
    for found in inputs:
        items: Iterable[tuple[object, object]] = found.metadata.items()
        for name, text in items:
            if name == "_index":
                raise OptionError(f"metadata of {found.path!r}: '_index' is taken; rename it")
            if not isinstance(name, str) or not isinstance(text, str):
                message = f"metadata of {found.path!r} is text, got {name!r}: {text!r}; "
                raise OptionError(message + f"write {str(text)!r}")
        if found.metadata.keys() != first.metadata.keys():
            message = (
                f"all files need the same metadata: {first.path!r} has "
                f"{sorted(first.metadata)}, {found.path!r} has {sorted(found.metadata)}"
            )
            raise OptionError(message)
        if repr(sorted(found.missing.items())) != repr(sorted(first.missing.items())):
            message = (
                f"all files of one conversion need the same missing: {first.path!r} has "
                f"{_as_dict(first.missing)}, {found.path!r} has {_as_dict(found.missing)}"
            )
            raise OptionError(message)


def _as_dict(missing: Mapping[str, Fill]) -> str:
    return "{" + ", ".join(f"{name!r}: {format_fill(fill)}" for name, fill in missing.items()) + "}"
