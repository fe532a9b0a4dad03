"""`TomlDocument`: the values of a TOML file, and errors that name the line of a key."""

import re
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from memmpy.errors import (
    CutError,
    InputFileError,
    MemmpyError,
    MissingFileError,
    MissingKeyError,
    OptionError,
    RootFileError,
    UnreadableError,
    nearest,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Keys", "TomlDocument", "read_toml"]

#: The keys that lead to a value: names of tables, and numbers in an array of tables.
Keys: TypeAlias = tuple[str | int, ...]

#: Errors that are made of a message alone, and may be about a value.
_PLACED = {InputFileError, MissingFileError, OptionError, RootFileError}
_NAME = r"(?:[\w-]+|\"[^\"]*\"|'[^']*')"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(rf"\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*=(?!=)")


@dataclass(frozen=True, slots=True)
class TomlDocument:
    """The values of a TOML file, with the lines of its keys.

    Parameters
    ----------
    path : Path
        The file.
    values : mapping of str to Any
        The top level.
    lines : mapping of Keys to int
        The line of each table, and of each key that begins a line, counted from 1.
    """

    path: Path
    values: Mapping[str, Any]
    lines: Mapping[Keys, int]

    def error(self, keys: Keys, message: str) -> OptionError:
        """Return the error for a value."""
        return OptionError(f"{self._place(keys)}: {message}")

    def value(self, keys: Keys) -> Any:
        """Return the value that keys lead to."""
        value: Any = self.values
        for key in keys:
            value = value[key]
        return value

    def table(self, keys: Keys, value: object, example: str) -> dict[str, Any]:
        """Return a value that must be a table."""
        if isinstance(value, dict):
            return value
        name = ".".join(map(str, keys))
        raise self.error(keys, f"{name} is a table, such as {example}; got {value!r}")

    def check_names(
        self,
        keys: Keys,
        title: str,
        known: Collection[str],
        homes: Mapping[str, Collection[str]],
    ) -> None:
        """Raise an `OptionError` for a name that a table does not have.

        Parameters
        ----------
        keys : Keys
            The table; empty for the top level.
        title : str
            Its name in messages.
        known : collection of str
            The names that it may have.
        homes : mapping of str to collection of str
            Other tables, and the names that they may have.
        """
        for name in self.value(keys):
            if name in known:
                continue
            hint = nearest(name, known)
            others = [table for table, own in homes.items() if name in own]
            if others and not hint:
                hint = f"; it belongs in {' or '.join(others)}"
            if not hint:
                hint = f"; it may have {', '.join(map(repr, known))}"
            raise self.error((*keys, name), f"{title} has no {name!r}{hint}")

    @contextmanager
    def errors_at(self, keys: Keys) -> Iterator[None]:
        """Add the place to an error about values of a table, or what they name.

        It is the line of the expression or the column, or of the value that the message quotes.
        """
        try:
            yield
        except MemmpyError as error:
            placed = self._with_place(keys, error)
            if placed is None:
                raise
            raise placed from None

    def _with_place(self, keys: Keys, error: MemmpyError) -> MemmpyError | None:
        """Return an error with its place; None for an error that is not about the document."""
        if isinstance(error, CutError | MissingKeyError):
            text = error.text if isinstance(error, CutError) else error.key
            where = self._find_text(keys, text)
        elif type(error) in _PLACED:
            where = self._find_name(keys, str(error))
        else:
            return None
        if not where and not isinstance(error, OptionError):
            return None
        place = self._place(where)
        if isinstance(error, CutError):
            message = f"{place}: {error.message}"
            return CutError(message, error.text, error.start, error.stop, error.hint)
        if isinstance(error, MissingKeyError):
            return MissingKeyError(f"{place}: {error}", error.key)
        return type(error)(f"{place}: {error}")

    def _place(self, keys: Keys) -> str:
        for stop in range(len(keys), 0, -1):
            lines = [line for own, line in self.lines.items() if own[:stop] == keys[:stop]]
            if lines:
                return f"{self.path}, line {min(lines)}"
        return str(self.path)

    def _find_text(self, keys: Keys, text: str) -> Keys:
        """Return the keys of a text below a table, or of a text that contains it as a word.

        Those of the table if there is none.
        """
        word = re.compile(rf"(?<!\w){re.escape(text)}(?!\w)")
        below = _walk(keys, self.value(keys))
        texts = {own: one for own, one in below if isinstance(one, str) and word.search(one)}
        return next((own for own, one in texts.items() if one == text), next(iter(texts), keys))

    def _find_name(self, keys: Keys, message: str) -> Keys:
        """Return the keys of the value below a table that a message is about.

        It begins with the name of an option, or has the name or the text of a value in quotes.
        """
        message = message.partition("; nearest")[0]
        options = [(*keys, name) for name in re.findall(r"\w+", message)]
        names = dict(_walk(keys, self.value(keys)))
        if options and options[0] in names:
            keys = options[0]
        below = [(own, value) for own, value in names.items() if own[: len(keys)] == keys]
        for quoted in re.findall(r"'([^']*)'", message):
            places = [own for own, value in below if quoted in (own[-1], value)]
            if places:  # several have a table in common
                prefixes = (places[0][:stop] for stop in range(len(places[0]), -1, -1))
                return next(one for one in prefixes if all(p[: len(one)] == one for p in places))
        return keys if keys in names else next((own for own in options if own in names), keys)


def read_toml(path: Path) -> TomlDocument:
    """Return the content of a TOML file.

    Raises
    ------
    MissingFileError, UnreadableError
        If it is missing or cannot be read; names the nearest.
    OptionError
        If it is not TOML; names the line.
    """
    try:
        text = path.read_bytes().decode()
        values = tomllib.loads(text)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        known = [other.name for other in path.parent.glob("*.toml") if other.is_file()]
        message = f"no such file: {str(path)!r}{nearest(path.name, known)}"
        raise MissingFileError(message) from None
    except OSError as error:
        raise UnreadableError(f"cannot read {str(path)!r}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise OptionError(f"{str(path)!r} is not TOML: {error}") from None
    return TomlDocument(path, values, _lines_of(text))


def _lines_of(text: str) -> dict[Keys, int]:
    """Return the lines of tables, and of keys that begin a line.

    A line of a text of several lines may look like one, too; no value has its keys.
    """
    lines: dict[Keys, int] = {}
    table: Keys = ()
    nums: dict[Keys, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if match := _HEADER.fullmatch(line):
            table = ()
            for name in _names(match[2]):
                table = (*table, name)
                if table in nums and table != _names(match[2]):
                    table = (*table, nums[table])
            if match[1] == "[[":
                nums[table] = nums.get(table, -1) + 1
                table = (*table, nums[table])
            lines.setdefault(table, number)
        elif match := _KEY.match(line):
            lines.setdefault((*table, *_names(match[1])), number)
    return lines


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip("\"'") for name in re.findall(_NAME, text))


def _walk(keys: Keys, value: object) -> Iterator[tuple[Keys, object]]:
    """Yield the keys and the value of all that is below a value."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, one in items:
        yield (*keys, key), one
        yield from _walk((*keys, key), one)
