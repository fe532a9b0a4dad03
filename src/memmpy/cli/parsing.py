"""Parses the words of a command line into arguments of Python."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from memmpy.conversion import Number, RFileConfig
    from memmpy.cuts import Constant
    from memmpy.dataset import BinsOption
    from memmpy.splits import By, Splits

__all__ = [
    "FileOptions",
    "join_aliases",
    "parse_bins",
    "parse_configs",
    "parse_fills",
    "parse_keys",
    "parse_names",
    "parse_pads",
    "parse_pairs",
    "parse_splits",
    "path_of_key",
    "split_at_commas",
]


@dataclass(frozen=True, slots=True)
class FileOptions:
    """The options that name files and what their events share, as typed.

    Parameters
    ----------
    files : tuple of str
        Paths, patterns and URLs; or a recipe.
    tree, metadata, number, total, missing, entry_start, entry_stop
        The values for `files`, or in place of those of the recipe.
    """

    files: tuple[str, ...]
    tree: tuple[str, ...]
    metadata: tuple[str, ...]
    number: tuple[str, ...]
    total: tuple[str, ...]
    missing: tuple[str, ...]
    entry_start: int | None
    entry_stop: int | None


def split_at_commas(texts: Iterable[str]) -> list[str]:
    """Return the words between commas. A comma in brackets separates nothing: ``min(a, b)``."""
    words = []
    for text in texts:
        depth, word = 0, ""
        for character in text:
            depth += (character in "([{") - (character in ")]}")
            if character == "," and depth <= 0:
                words.append(word)
                word = ""
            else:
                word += character
        words.append(word)
    return [word.strip() for word in words if word.strip()]


def parse_keys(texts: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Return the keys of ``--keys a,b,new=branch``, and the branches of renamed keys.

    Raises
    ------
    click.UsageError
        If a key has two branches.
    """
    branches: dict[str, str] = {}
    for word in split_at_commas(texts):
        key, branch = _split_rename(word) if "=" in word else (word, word)
        if branches.setdefault(key, branch) != branch:
            message = f"--keys gives {key!r} two branches, {branches[key]!r} and {branch!r}"
            raise click.UsageError(message)
    return list(branches), {key: name for key, name in branches.items() if key != name}


def parse_pads(texts: Iterable[str]) -> tuple[dict[str, tuple[int, Any]], dict[str, str]]:
    """Return the padded keys of ``--pad key:length:fill``, and the branches of renamed keys.

    Raises
    ------
    click.UsageError
        If a text does not have three parts, or a key occurs twice.
    """
    padded: dict[str, tuple[int, Any]] = {}
    aliases: dict[str, str] = {}
    for word in split_at_commas(texts):
        try:
            key, length, fill = word.rsplit(":", 2)
            padding = int(length), _number(fill)
        except ValueError:
            message = f"--pad takes key:length:fill, such as jet_pt:22:nan, got {word!r}"
            raise click.UsageError(message) from None
        if "=" in key:
            key, branch = _split_rename(key)
            aliases[key] = branch
        if padded.setdefault(key, padding) is not padding:
            raise click.UsageError(f"--pad names {key!r} twice")
    return padded, aliases


def parse_pairs(texts: Iterable[str], *, option: str, example: str) -> dict[str, str]:
    """Return the names and texts of ``name=text``.

    Raises
    ------
    click.UsageError
        If a text has no ``=``, or a name occurs twice.
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


def parse_names(
    alias: Iterable[str], constant: Iterable[str]
) -> "tuple[dict[str, str], dict[str, Constant]]":
    """Return the names of ``--alias name=expression`` and ``--constant name=value``.

    A constant is a number if it reads as one, or a bool if it is true or false. All else, and all
    words in quotes, are texts. See `parse_pairs` for the errors.
    """
    aliases = parse_pairs(alias, option="--alias", example="'is_hard=met > 100'")
    constants = parse_pairs(constant, option="--constant", example="limit=6")
    return aliases, {name: _constant(value) for name, value in constants.items()}


def parse_bins(text: str) -> "BinsOption":
    """Return the bins of ``--bins``: ``auto``, ``50``, ``50,0,500``, or edges in brackets.

    Raises
    ------
    click.UsageError
        If the text is something else.
    """
    words = [word.strip() for word in text.strip().strip("[]").split(",")]
    if words == ["auto"]:
        return "auto"
    try:
        numbers = [_number(word) for word in words]
    except ValueError:
        example = "such as 50, 50,0,500 or [0,20,50,200]"
        raise click.UsageError(f"--bins takes numbers, {example}, got {text!r}") from None
    bins: Any = numbers  # checked where it is used
    if not text.strip().startswith("["):
        bins = {1: numbers[0], 3: tuple(numbers)}.get(len(numbers), numbers)
    return bins  # type: ignore[no-any-return]


def path_of_key(output: str, key: str, *, num_keys: int) -> str:
    """Return the file of a key, whose name stands for ``{key}`` in ``-o``.

    Raises
    ------
    click.UsageError
        If several keys would be written to one file.
    """
    if num_keys > 1 and "{key}" not in output:
        message = f"-o names one file for {num_keys} keys; write {{key}} in it"
        raise click.UsageError(f"{message}, such as -o 'plots/{{key}}.png'")
    return output.replace("{key}", key.replace("/", "_"))


def parse_fills(texts: Iterable[str]) -> dict[str, Any]:
    """Return the replacements for missing values of ``--missing branch=value``.

    See `parse_names` for numbers and texts; ``[]`` is an empty list, and ``none`` keeps missing
    values.
    """
    pairs = parse_pairs(texts, option="--missing", example="run=-1")
    return {branch: _fill(value) for branch, value in pairs.items()}


def parse_splits(
    by: Iterable[str], num_folds: int | None, val: float | None, split_seed: int | None
) -> "Splits | None":
    """Return the splits of ``--by``, ``--num-folds``, ``--val`` and ``--split-seed``, if any."""
    from memmpy.splits import Splits

    if val is not None and num_folds is None:
        raise click.UsageError("--val is the share of a fold that validates: give --num-folds, too")
    names = split_at_commas(by)
    if not names and num_folds is None and val is None and split_seed is None:
        return None
    columns: By = "file" if names == ["file"] else tuple(names) or None
    return Splits(columns, num_folds=num_folds, val=val, seed=split_seed or 0)


def join_aliases(named: Mapping[str, str], renamed: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the aliases of ``--alias``, and the branches of renamed keys.

    Raises
    ------
    click.UsageError
        If a name has two meanings.
    """
    aliases = dict(named)
    for branches in renamed:
        for name in sorted(aliases.keys() & branches):
            message = f"{name!r} is defined twice, as {aliases[name]!r} and {branches[name]!r}"
            raise click.UsageError(message)
        aliases |= branches
    return aliases


def parse_configs(
    options: FileOptions, configs: "Iterable[RFileConfig] | None" = None
) -> "list[RFileConfig]":
    """Return the configurations of FILES; or those of a recipe, changed by the options.

    Raises
    ------
    click.UsageError, OptionError
        If there are no files, or an option cannot be read.
    """
    from memmpy.conversion import RFileConfig

    if configs is None:
        if not options.files:
            raise click.UsageError("name FILES, or a recipe such as data.toml")
        configs = map(RFileConfig, options.files)
    metadata = _parse_metadata(options.metadata, options.number)
    missing = parse_fills(options.missing)
    totals = parse_pairs(options.total, option="--total", example="sum_w=Runs:genEventSumw")
    start, stop = options.entry_start, options.entry_stop
    return [
        replace(
            config,
            tree=options.tree or config.tree,
            metadata={**config.metadata, **metadata},
            missing={**config.missing, **missing},
            totals={**config.totals, **totals},
            entry_start=config.entry_start if start is None else start,
            entry_stop=config.entry_stop if stop is None else stop,
        )
        for config in configs
    ]


def _parse_metadata(metadata: Iterable[str], number: Iterable[str]) -> "dict[str, str | Number]":
    """Return the texts of ``--metadata name=text`` and the numbers of ``--number name=value``."""
    values: dict[str, str | Number] = {
        **parse_pairs(metadata, option="--metadata", example="process=ttH")
    }
    for name, text in parse_pairs(number, option="--number", example="xsec=1.23").items():
        value = _constant(text)
        if not isinstance(value, bool | int | float):
            raise click.UsageError(f"--number takes name=number, such as xsec=1.23, got {text!r}")
        if name in values:
            raise click.UsageError(f"--metadata and --number both name {name!r}")
        values[name] = value
    return values


def _fill(text: str) -> Any:
    if text == "[]":
        return []
    return None if text.lower() == "none" else _constant(text)


def _constant(text: str) -> "Constant":
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
        raise click.UsageError(f"{text} is too large for a float64; write inf for infinity")
    return number


def _split_rename(word: str) -> tuple[str, str]:
    key, _, branch = (part.strip() for part in word.partition("="))
    if not key or not branch:
        raise click.UsageError(f"new=branch renames a branch, got {word!r}")
    return key, branch
