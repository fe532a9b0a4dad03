"""What is typed for keys, lengths and files, as the values that `convert` takes."""

import json
import math
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from memmpy.conversion import RFileConfig, names_in
from memmpy.cuts import Constant
from memmpy.errors import MissingFileError, OptionError, nearest
from memmpy.splits import By, Splits

__all__ = [
    "configs_of",
    "fills_of",
    "joined",
    "keys_of",
    "names_of",
    "pads_of",
    "pairs_of",
    "splits_of",
    "words_of",
]

_FIELDS = {
    "path": str,
    "tree": str,
    "metadata": dict,
    "entry_start": int,
    "entry_stop": int,
    "missing": dict,
}
_EXAMPLE = '[{"path": "ttH_*.root", "tree": "nominal", "metadata": {"process": "ttH"}}]'


def words_of(texts: Iterable[str]) -> list[str]:
    """Return what stands between commas; a comma in brackets is none: ``min(a, b)``."""
    words = []
    for text in texts:
        depth, word = 0, ""
        for sign in text:
            depth += (sign in "([{") - (sign in ")]}")
            if sign == "," and depth <= 0:
                words.append(word)
                word = ""
            else:
                word += sign
        words.append(word)
    return [word.strip() for word in words if word.strip()]


def keys_of(texts: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Return the keys of ``a,b,new=branch``, and the aliases of those that are renamed.

    Raises
    ------
    click.UsageError
        If one key is given two branches.
    """
    branches: dict[str, str] = {}
    for word in words_of(texts):
        key, branch = _divided(word) if "=" in word else (word, word)
        if branches.setdefault(key, branch) != branch:
            message = f"--keys gives {key!r} two branches, {branches[key]!r} and {branch!r}"
            raise click.UsageError(message)
    return list(branches), {key: name for key, name in branches.items() if key != name}


def pads_of(texts: Iterable[str]) -> tuple[dict[str, tuple[int, Any]], dict[str, str]]:
    """Return the padded keys of ``key:length:fill``, and the aliases of ``new=branch:...``.

    Raises
    ------
    click.UsageError
        If a text has not these three parts, or stands twice.
    """
    padded: dict[str, tuple[int, Any]] = {}
    aliases: dict[str, str] = {}
    for word in words_of(texts):
        try:
            key, length, fill = word.rsplit(":", 2)
            padding = int(length), _number(fill)
        except ValueError:
            message = f"--pad takes key:length:fill, such as jet_pt:22:nan, got {word!r}"
            raise click.UsageError(message) from None
        if "=" in key:
            key, branch = _divided(key)
            aliases[key] = branch
        if padded.setdefault(key, padding) is not padding:
            raise click.UsageError(f"--pad names {key!r} twice")
    return padded, aliases


def pairs_of(texts: Iterable[str], *, option: str, example: str) -> dict[str, str]:
    """Return names and texts of ``name=text``.

    Raises
    ------
    click.UsageError
        If there is no ``=``, or a name stands twice.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not sign or not name or not value:
            raise click.UsageError(f"{option} takes name=value, such as {example}, got {text!r}")
        if name in pairs:
            raise click.UsageError(f"{option} names {name!r} twice")
        pairs[name] = value
    return pairs


def names_of(
    alias: Iterable[str], constant: Iterable[str]
) -> tuple[dict[str, str], dict[str, Constant]]:
    """Return the names of ``--alias name=expression`` and ``--constant name=value``.

    What reads as a number is one, true and false are booleans, and all else is a text; so is what
    stands in quotes. See `pairs_of`.
    """
    aliases = pairs_of(alias, option="--alias", example="'is_hard=met > 100'")
    constants = pairs_of(constant, option="--constant", example="limit=6")
    return aliases, {name: _constant(value) for name, value in constants.items()}


def fills_of(texts: Iterable[str]) -> dict[str, Any]:
    """Return branches and what stands for their missing values, of ``--missing branch=value``.

    See `names_of` for numbers and texts; ``[]`` is an empty list, and ``none`` keeps what is
    missing.
    """
    pairs = pairs_of(texts, option="--missing", example="run=-1")
    return {branch: _fill(value) for branch, value in pairs.items()}


def splits_of(
    by: Iterable[str], num_folds: int | None, val: float | None, split_seed: int | None
) -> Splits | None:
    """Return the splits of ``--by``, ``--num-folds``, ``--val`` and ``--split-seed``, if any."""
    names = words_of(by)
    if not names and num_folds is None and val is None and split_seed is None:
        return None
    given: By = "file" if names == ["file"] else tuple(names) or None
    return Splits(given, num_folds=num_folds, val=val, seed=0 if split_seed is None else split_seed)


def joined(
    named: Mapping[str, str], renamed: Iterable[Mapping[str, str]], *, keys: Collection[str]
) -> dict[str, str]:
    """Return the aliases of ``--alias``, and of keys that are renamed.

    Raises
    ------
    click.UsageError, CutError
        If a name stands for two things, if nothing uses what ``--alias`` names, or it cannot be
        understood.
    """
    aliases = dict(named)
    for others in renamed:
        for name in sorted(aliases.keys() & others):
            raise click.UsageError(
                f"{name!r} is {aliases[name]!r} and {others[name]!r}; say it once"
            )
        aliases |= others
    used = {*keys}.union(*map(names_in, aliases.values()))
    for name in sorted(named.keys() - used):
        raise click.UsageError(f"the alias {name!r} is not asked for; add it to --keys or --pad")
    return aliases


def configs_of(
    files: Iterable[str],
    config: Path | None,
    tree: str | None,
    metadata: Iterable[str],
    entry_start: int,
    entry_stop: int | None,
    missing: Iterable[str],
) -> list[RFileConfig]:
    """Return FILES, or the groups of files that a JSON file lists.

    Parameters
    ----------
    files : iterable of str
        Paths, patterns and URLs.
    config : Path or None
        A list of objects of ``path``, and where needed ``tree``, ``metadata``, ``entry_start``,
        ``entry_stop`` and ``missing``, instead of `files`.
    tree, metadata, entry_start, entry_stop, missing
        What counts for files, and for groups that do not say it.

    Raises
    ------
    click.UsageError, MissingFileError, OptionError
        If both are given or none, or the file is not there, or not such a list.
    """
    if bool(files) == (config is not None):
        raise click.UsageError("name FILES, or a file that lists them with --config")
    given: dict[str, Any] = {
        "tree": tree,
        "metadata": pairs_of(metadata, option="--metadata", example="process=ttH"),
        "entry_start": entry_start,
        "entry_stop": entry_stop,
        "missing": fills_of(missing),
    }
    groups = [{"path": file} for file in files] if config is None else _read_groups(config)
    for group in groups:
        for name in ("metadata", "missing"):
            group[name] = given[name] | group.get(name, {})
    return [RFileConfig(**{**given, **group}) for group in groups]


def _read_groups(path: Path) -> list[dict[str, Any]]:
    """Return the groups of files that a JSON file lists.

    Raises
    ------
    MissingFileError, OptionError
        If it is not there, or not such a list.
    """
    try:
        groups = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise MissingFileError(f"no such file: {str(path)!r}") from None
    except OSError as error:
        raise OptionError(f"cannot read {str(path)!r}: {error.strerror}") from None
    except ValueError as error:
        raise OptionError(f"{str(path)!r} is not JSON: {error}") from None
    if not isinstance(groups, list) or not groups:
        raise OptionError(f"{str(path)!r} is a list of groups of files, such as {_EXAMPLE}")
    for i, group in enumerate(groups):
        _check_group(group, f"group {i + 1} of {str(path)!r}")
    return groups


def _check_group(group: object, where: str) -> None:
    if not isinstance(group, dict) or "path" not in group:
        raise OptionError(f"{where} names no path; write it as in {_EXAMPLE}")
    for name, value in group.items():
        if name not in _FIELDS:
            known = ", ".join(_FIELDS)
            hint = nearest(name, _FIELDS)
            raise OptionError(f"{where} has {name!r}, which is none of {known}{hint}")
        if type(value) is not _FIELDS[name]:
            raise OptionError(f"{where}: {name} cannot be {value!r}; write it as in {_EXAMPLE}")


def _fill(text: str) -> Any:
    if text == "[]":
        return []
    return None if text.lower() == "none" else _constant(text)


def _constant(text: str) -> Constant:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    try:
        return _number(text)
    except ValueError:
        return text


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if math.isinf(number) and "inf" not in text.lower():
        raise click.UsageError(f"{text} is more than a float64 holds; write inf if that is meant")
    return number


def _divided(word: str) -> tuple[str, str]:
    key, _, branch = (part.strip() for part in word.partition("="))
    if not key or not branch:
        raise click.UsageError(f"a key is renamed as new=branch, got {word!r}")
    return key, branch
