"""Prints errors and warnings of memmpy, and usage errors, in one line."""

import errno
import os
import re
import shlex
import stat
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from memmpy.cli.option_words import in_options, option_names
from memmpy.cli.statuses import FAILED, INTERRUPTED, USAGE_ERROR
from memmpy.display import printable
from memmpy.errors import MemmpyError, MemmpyWarning, MissingKeyError, OptionError, nearest, warn_of

__all__ = ["errors_in_a_line", "warn_of_redirect", "warnings_in_a_line"]

#: Errors of stdout on a full or broken disk.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
#: What the shell takes for a file in ``njets>1`` and ``njets>=1``.
_NUMBER = re.compile(r"=?[+-]?\d*\.?\d+(e[+-]?\d+)?")
#: The options that choose keys of a store, and branches of files.
_CHOICES_OF_KEYS = ("--keys", "--like")
#: The advice for a name that is no key, but a file: the shell has replaced ``jet*`` by it.
_EXPANDED = "it is a file here: write patterns in quotes, or the shell puts names of files there"


@contextmanager
def errors_in_a_line() -> Iterator[None]:
    """Print an error of memmpy or of the usage, and end with its exit status."""
    try:
        yield
    except click.UsageError as error:
        if error.ctx is not None and type(error).__name__ == "NoArgsIsHelpError":  # of click 8.2
            click.echo(error.ctx.get_help())
            sys.exit()
        lines = [f"memmpy: {_usage_message(error)}"]
        if error.ctx is not None:
            lines.append(f"Try '{error.ctx.command_path} --help' for help.")
        click.echo(printable("\n".join(lines)), err=True)
        sys.exit(USAGE_ERROR)
    except MemmpyError as error:
        text = _in_words_of_the_verb(str(error))
        if isinstance(error, MissingKeyError) and Path(error.key).is_file():
            text += f"; {_EXPANDED}"
        click.echo(printable(f"memmpy: {text}"), err=True)
        sys.exit(USAGE_ERROR if isinstance(error, OptionError) else FAILED)
    except OSError as error:
        # Of a file, memmpy says more; click ends quietly if the reader of a pipe has gone.
        if error.filename is not None or error.errno not in _FULL:
            raise
        click.echo(f"memmpy: cannot write the output: {error.strerror}", err=True)
        # At its end, Python writes the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except KeyboardInterrupt:
        click.echo("\nAborted!", err=True)
        sys.exit(INTERRUPTED)


@contextmanager
def warnings_in_a_line() -> Iterator[None]:
    """Print each warning of memmpy once, without a line of Python code."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", MemmpyWarning)
        warnings.showwarning = partial(_show_warning, warnings.showwarning, set())
        yield


def warn_of_redirect() -> None:
    """Warn if stdout is a file whose name is a number: the shell has read a > of a cut."""
    try:
        status = os.fstat(sys.stdout.fileno())
        if not stat.S_ISREG(status.st_mode):
            return
        numbers = [path for path in Path().iterdir() if _NUMBER.fullmatch(path.name)]
        name = next(path.name for path in numbers if os.path.samestat(path.stat(), status))
    except (AttributeError, OSError, ValueError, StopIteration):  # stdout is no file, or closed
        return
    message = f"the output goes to the file {name!r}, because the shell read a > as a redirect; "
    warn_of([f"{message}write cuts in single quotes: 'njets > 1'"], MemmpyWarning)


def _usage_message(error: click.UsageError) -> str:
    options = [] if error.ctx is None else error.ctx.command.get_params(error.ctx)
    names = {n.lstrip("-"): n for option in options for n in option.opts if n.startswith("-")}
    choice = next((name for name in _CHOICES_OF_KEYS if name in names.values()), "")
    if isinstance(error, click.NoSuchOption):
        hint = nearest(error.option_name.lstrip("-"), names)
        for name, option in names.items():
            hint = hint.replace(f"'{name}'", f"'{option}'")
        if choice and error.option_name in {*_CHOICES_OF_KEYS, "-k", "-l"}:
            hint = f"; here {choice} chooses keys"
        return f"no option {error.option_name!r}{hint}"
    text = error.format_message().removesuffix(".")
    command = re.match(r"No such command '([^']*)'", text)
    if command and error.ctx is not None and isinstance(error.ctx.command, click.Group):
        known = error.ctx.command.list_commands(error.ctx)
        return f"no command {command[1]!r}{nearest(command[1], known)}"
    parameter = error.param if isinstance(error, click.BadParameter) else None
    kind = None if parameter is None else parameter.type
    if isinstance(kind, click.Choice) and (given := re.search(r"'([^']*)' is not one of", text)):
        text += nearest(given[1], map(str, kind.choices))
    if choice and (extra := re.match(r"Got unexpected extra arguments? \((.*)\)$", text)):
        words = extra[1].split()
        advice = f"to choose keys, write {choice} {shlex.quote(','.join(words))}"
        text += f"; {_EXPANDED if Path(words[0]).is_file() else advice}"
    text = re.sub(r"is not a valid integer( range)?$", "is not a whole number", text)
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]  # such as FILES


def _in_words_of_the_verb(message: str) -> str:
    """Return a message with the options of the verb that runs."""
    context = click.get_current_context(silent=True)
    command = None if context is None else context.command
    if isinstance(command, click.Group) and context is not None and context.invoked_subcommand:
        command = command.get_command(context, context.invoked_subcommand)
    return message if command is None else in_options(message, option_names(command))


def _show_warning(
    show_other: Callable[..., None],
    shown: set[str],
    message: Warning | str,
    category: type[Warning],
    *place: Any,
) -> None:
    if issubclass(category, MemmpyWarning):
        text = _in_words_of_the_verb(str(message))
        if text not in shown:
            shown.add(text)
            click.echo(printable(f"memmpy: warning: {text}"), err=True)
    else:
        show_other(message, category, *place)
