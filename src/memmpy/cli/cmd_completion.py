"""``memmpy completion``: print the script that completes words in a shell."""

import os
from pathlib import Path

import click

__all__ = ["completion"]

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS), required=False)
def completion(*, shell: str | None) -> None:
    """Print the script that completes commands and options in SHELL.

    SHELL is the shell that runs, if it is not given. To install the script, add it to the file that
    your shell reads at its start:

    \b
      echo 'eval "$(memmpy completion bash)"' >> ~/.bashrc
      echo 'eval "$(memmpy completion zsh)"' >> ~/.zshrc
      memmpy completion fish > ~/.config/fish/completions/memmpy.fish
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with \b
    from click.shell_completion import get_completion_class

    name = shell or Path(os.environ.get("SHELL", "")).name
    kind = get_completion_class(name)
    if name not in _SHELLS or kind is None:
        raise click.UsageError(f"name the shell: {', '.join(_SHELLS)}")
    group = click.get_current_context().find_root().command
    click.echo(kind(group, {}, "memmpy", "_MEMMPY_COMPLETE").source())
