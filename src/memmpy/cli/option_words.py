"""Translates the arguments of Python that a message names into the options of a verb."""

import ast
import re
import shlex
from collections.abc import Mapping
from typing import Any

import click

__all__ = ["in_options", "option_names"]

#: Arguments whose option has another name.
_OTHER_NAMES = {
    "aliases": "alias",
    "constants": "constant",
    "cut_constants": "constant",
    "groups": "group",
    "keys_padded": "pad",
    "num_events": "events",
    "num_threads": "threads",
    "splits": "by",
    "totals": "total",
}
#: The begin of a message about a file of options, whose words are those of Python.
_IN_FILE = re.compile(r"group \d+ of |[^ ]+\.toml\b")
#: Calls of Python that a message advises; they stay.
_CALL = re.compile(
    r"((?:memmpy\.open\(\.\.\.\)|store)\.\w+\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))"
)
#: Values of Python whose arguments are options: ``splits=Splits(by=...)``.
_VALUE = re.compile(
    r"(?:\bsplits=)?(?:\bmemmpy\.)?\b(?:RFileConfig|Splits)\((?:\.\.\., )?((?:[^()]|\([^()]*\))*)\)"
)
#: An argument with its value, or without one: ``tree=``, ``recreate=True``, ``dtype={'x': 'f4'}``.
_ARGUMENT = re.compile(
    r"(?<![\w.'\"{/-])([a-z_]+)=(?!=)(\{[^{}]*\}|\([^()]*\)|'[^']*'|\.\.\.|-?[\w.]+\b|)"
)
#: The item of an argument: ``dtype['x']``.
_ITEM = re.compile(r"(?<![\w.'\"])([a-z_]+)\['([^']*)'\]")
#: An argument as the subject of a sentence.
_SUBJECT = re.compile(r"^([a-z_]+)(?= (?:has|is|maps|must|names|needs|takes) )")
#: An argument with an underscore, which is no word of English.
_SNAKE = re.compile(r"(?<![\w.'\"/-])([a-z]+(?:_[a-z]+)+)(?![\w='\"/(])")


def option_names(command: click.Command) -> dict[str, str]:
    """Return the option of each argument of Python that a verb has, such as ``--tree``."""
    if isinstance(command, click.Group):  # such as plot, whose verbs are hist and so on
        return {k: v for verb in command.commands.values() for k, v in option_names(verb).items()}
    own = {option.name: max(option.opts, key=len) for option in command.params if option.name}
    names = {name: text for name, text in own.items() if text.startswith("--")}
    return names | {name: names[option] for name, option in _OTHER_NAMES.items() if option in names}


def in_options(message: str, names: Mapping[str, str]) -> str:
    """Return a message of memmpy in the words of the command line.

    Parameters
    ----------
    message : str
        The message. A cut and the carets below it stay as they are, and so do messages about a file
        of options.
    names : mapping of str to str
        See `option_names`.

    Examples
    --------
    >>> in_options("give one as tree=", {"tree": "--tree"})
    'give one as --tree'
    >>> in_options("choose one: dtype={'jets': 'float32'}", {"dtype": "--dtype"})
    'choose one: --dtype jets=float32'
    """
    if _IN_FILE.match(message):
        return message
    lines = message.split("\n")
    carets = [i for i, line in enumerate(lines) if line.strip(" ^") == "" != line]
    kept = {*carets, *(i - 1 for i in carets)}
    return "\n".join(
        line if i in kept else _in_options(line, names) for i, line in enumerate(lines)
    )


def _in_options(line: str, names: Mapping[str, str]) -> str:
    def name(match: re.Match[str]) -> str:
        return names.get(match[1], match[0])

    def item(match: re.Match[str]) -> str:
        return f"{names[match[1]]} {match[2]}" if match[1] in names else match[0]

    def argument(match: re.Match[str]) -> str:
        return _words(names[match[1]], match[2]) if match[1] in names else match[0]

    def arguments(match: re.Match[str]) -> str:
        return match[1].removesuffix(", ...") if "by" in names else match[0]

    parts = _CALL.split(line.replace(" of an RFileConfig", ""))
    for i, text in enumerate(parts[::2]):
        words = _ARGUMENT.sub(argument, _VALUE.sub(arguments, text))
        parts[2 * i] = _SNAKE.sub(name, _SUBJECT.sub(name, _ITEM.sub(item, words)))
    return "".join(parts)


def _words(option: str, text: str) -> str:
    """Return an option with a value that Python writes as `text`."""
    if text in {"", "...", "True"}:
        return option
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):  # such as a dict that goes on with ...
        return f"{option} {text}"
    if isinstance(value, Mapping):
        return " ".join(f"{option} {_item(key, item)}" for key, item in value.items())
    if isinstance(value, tuple):
        return f"{option} {shlex.quote(','.join(map(str, value)))}"
    return f"{option} {shlex.quote(str(value))}"


def _item(key: str, value: Any) -> str:
    """Return an item of a dict as an option takes it: of padding, the length and the fill."""
    if isinstance(value, tuple):
        return ":".join([key, *("FILL" if part is ... else str(part) for part in value)])
    return f"{key}=..." if value is ... else shlex.quote(f"{key}={value}")
