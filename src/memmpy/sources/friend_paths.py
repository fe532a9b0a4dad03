"""Finds the friend files of an input file: their names, placeholders and folders."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from string import Formatter
from typing import Any

from memmpy.errors import MissingFileError, OptionError, nearest
from memmpy.sources.access.credentials import full_url, masked
from memmpy.sources.access.locations import State, Status, describe
from memmpy.sources.access.urls import is_url, target_of

__all__ = ["FriendFile", "check_friends", "find_friend", "name_of_friend"]

_PLACEHOLDERS = ("stem", "name", "parent", "parent.name")


@dataclass(frozen=True, slots=True)
class FriendFile:
    """A friend tree of an input file: entry i of one belongs to entry i of the other.

    Parameters
    ----------
    name : str
        The name of the friend: ``name.branch`` is one of its branches.
    tree : str
        The tree or table, as the user named it.
    path : str
        An absolute path, or a URL.
    state : State
        The state of the file when it was looked at.
    """

    name: str
    tree: str
    path: str
    state: State


def name_of_friend(key: str) -> tuple[str, str]:
    """Return the name of a friend and its tree: ``"scores = Events"`` gives both, as in ROOT."""
    name, equals, tree = key.partition("=")
    tree = (tree if equals else name).strip()
    return name.strip().strip("/") or tree, tree.strip("/") or tree


def check_friends(friends: Mapping[Any, Any]) -> dict[str, str | None]:
    """Return the friends of a configuration: key to path, or None for a tree of the same file.

    Raises
    ------
    OptionError
        If a key names no tree, two friends have one name, or a path has an unknown placeholder.
    """
    paths: dict[str, str | None] = {}
    keys: dict[str, str] = {}
    for key, option in friends.items():
        if not isinstance(key, str) or not all(name_of_friend(key)):
            raise OptionError(f"friends of an RFileConfig names trees, got {key!r}: {option!r}")
        if not isinstance(option, str | os.PathLike | None):
            expected = "a path such as 'friends/{stem}.root', or None for the same file"
            raise OptionError(f"friends[{key!r}] of an RFileConfig is {expected}, got {option!r}")
        name = name_of_friend(key)[0]
        if name in keys:
            message = f"the friends {keys[name]!r} and {key!r} have one name; write 'name = tree'"
            raise OptionError(f"{message} for one of them")
        keys[name] = key
        paths[key] = None if option is None else masked(os.fspath(option))
        if paths[key] is not None:
            _check_template(key, str(paths[key]))
    return paths


def find_friend(key: str, template: str | None, source: Status) -> FriendFile:
    """Return a friend of a file, as it is now.

    Parameters
    ----------
    key, template : str, and str or None
        An item of `check_friends`.
    source : Status
        The file that it belongs to.

    Raises
    ------
    MissingFileError
        If there is no such file. Names the nearest.
    InputFileError
        If a server does not answer.
    """
    name, tree = name_of_friend(key)
    if template is None:
        return FriendFile(name, tree, source.path, source.state)
    path = masked(_path_of(full_url(template), full_url(source.path)))
    try:
        status = describe(path)
    except MissingFileError as error:
        message = f"the friend {name!r} of {source.path!r} is missing: {error}"
        raise MissingFileError(message) from None
    return FriendFile(name, tree, status.path, status.state)


def _check_template(key: str, template: str) -> None:
    where = f"friends[{key!r}] of an RFileConfig"
    try:
        fields = [parsed[1:] for parsed in Formatter().parse(template) if parsed[1] is not None]
    except ValueError as error:
        message = f"{where}: {template!r} is no path: {error}; write {{{{ or }}}} for a brace"
        raise OptionError(message) from None
    for name, spec, conversion in fields:
        if name not in _PLACEHOLDERS or spec or conversion:
            known = ", ".join(f"{{{placeholder}}}" for placeholder in _PLACEHOLDERS)
            near = nearest(str(name), _PLACEHOLDERS)
            message = f"{where}: {template!r} has the placeholder {{{name}}}, the known ones are "
            raise OptionError(f"{message}{known}{near}")
    if re.search(r"[*?]", template) and not is_url(template):
        message = f"{where} is one file for each file, not a pattern, got {template!r}"
        raise OptionError(f"{message}; write '{{stem}}' for the name of the file")


def _path_of(template: str, source: str) -> str:
    """Return the path of a friend, relative to the folder of the file that it belongs to."""
    if not is_url(source):
        path = _filled(template, source)
        return path if _is_absolute(path) else os.path.join(os.path.dirname(source), path)  # noqa: PTH118, PTH120 - of text, as all paths of files
    before, target, after = target_of(source)
    address, has_query, query = target, "", ""
    if target.startswith(("http://", "https://")):
        address, has_query, query = target.partition("?")
    path = _filled(template, address)
    if _is_absolute(path):
        return path
    folder = address.rpartition("/")[0]
    while path.startswith("../"):
        folder, path = folder.rpartition("/")[0], path.removeprefix("../")
    return f"{before}{folder}/{path}{has_query}{query}{after}"


def _filled(template: str, source: str) -> str:
    folder, _, name = source.rpartition("/")
    fields = {
        "stem": PurePosixPath(name).stem,
        "name": name,
        "parent": folder,
        "parent.name": folder.rpartition("/")[2],
    }
    return "".join(
        text + ("" if field is None else fields[field])
        for text, field, _, _ in Formatter().parse(template)
    )


def _is_absolute(path: str) -> bool:
    return "://" in path or os.path.isabs(path)  # noqa: PTH117 - it may be a URL
