"""What a user says about ROOT files, checked."""

import glob
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from memmpy.errors import MissingFileError, OptionError, UnreadableError
from memmpy.typing import PathLike

__all__ = ["Input", "RFileConfig", "RootFiles", "list_configs", "list_inputs"]


@dataclass(frozen=True)
class RFileConfig:
    """One ROOT file, or several by a pattern, with the tree to read and what is known of it.

    Parameters
    ----------
    path : path-like
        A file, or a pattern such as ``"ttbb/*.root"`` or ``"data/**/*.root"``. Files of a pattern
        are taken in the order of their names.
    tree : str, optional
        A TTree or RNTuple, with its directories (``"analysis/nominal"``) and, where an older one is
        meant, its cycle (``"Events;1"``). Not needed where the file has one only.
    metadata : mapping of str to str
        What belongs to all events of the file, such as ``{"process": "ttbb"}``. All files of one
        conversion need the same names.
    """

    path: PathLike
    tree: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


#: What `convert` and `load_root` take: one file or pattern, or several, with or without a tree.
RootFiles: TypeAlias = RFileConfig | PathLike | Iterable[RFileConfig | PathLike]


@dataclass(frozen=True, slots=True)
class Input:
    """One existing file: absolute path, size, time of change, and what the user said of it."""

    path: str
    size: int
    mtime_ns: int
    tree: str | None
    metadata: Mapping[str, str]


def list_inputs(root_files: RootFiles) -> list[Input]:
    """Return the files that a configuration names, in its order.

    Raises
    ------
    MissingFileError
        If a file is not there, or a pattern matches none.
    OptionError
        If the files differ in the names of their metadata, or what they say is no text.
    """
    inputs = [found for config in list_configs(root_files) for found in _find(config)]
    _check_metadata(inputs)
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


def _find(config: RFileConfig) -> list[Input]:
    given: tuple[tuple[object, Any], ...] = (
        (config.path, str | os.PathLike),
        (config.tree, str | None),
        (config.metadata, Mapping),
    )
    if not all(isinstance(value, kind) for value, kind in given):
        message = f"RFileConfig takes a path, a tree and a dict of texts, got {config!r}"
        raise OptionError(message)
    pattern = os.fspath(config.path)
    if "://" in pattern:
        message = f"{pattern!r}: only files of a mounted file system can be read; copy or mount it"
        raise OptionError(message)
    paths = [pattern] if _exists(Path(pattern)) else sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path.glob refuses absolute patterns
    if not paths:
        what = "no file matches" if glob.has_magic(pattern) else "no such file:"
        raise MissingFileError(f"{what} {pattern!r}")
    tree = None if config.tree is None else config.tree.strip("/")
    return [_input(Path(path), tree, config.metadata) for path in paths]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        message = f"cannot look for {str(path)!r}: {error.strerror}"
        raise UnreadableError(message) from error


def _input(path: Path, tree: str | None, metadata: Mapping[str, str]) -> Input:
    if path.is_dir():
        message = f"{str(path)!r} is a directory, not a file; write {str(path / '*.root')!r}"
        raise MissingFileError(message)
    if not path.is_file():
        raise MissingFileError(f"{str(path)!r} is not a regular file")
    status = path.stat()
    return Input(str(path.resolve()), status.st_size, status.st_mtime_ns, tree, dict(metadata))


def _check_metadata(inputs: list[Input]) -> None:
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
