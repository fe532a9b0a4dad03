"""``memmpy bench``: measure how fast a store and its skims load on this machine."""

import importlib.util
import sys
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from memmpy.cli.options import json_option, path_argument
from memmpy.cli.recipes import find_store
from memmpy.cli.results import print_result
from memmpy.errors import InputFileError, MissingFileError, OptionError, nearest

__all__ = ["bench"]


@click.command()
@path_argument
@click.option("--batch-size", type=click.IntRange(1), default=1024, help="Entries per batch.")
@click.option("--threads", type=click.IntRange(0), help="Threads beside the main thread.")
@click.option(
    "--torch",
    metavar="SCRIPT:STEP",
    help="Measure the function STEP of a script, such as train.py:step, with PyTorch.",
)
@click.option("--device", help="With --torch: the device of the batches, such as cuda.")
@json_option
def bench(
    *,
    path: str,
    batch_size: int,
    threads: int | None,
    torch: str | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Measure how fast a store or a skim at PATH loads.

    For a store, each of its skims is measured, too. Each measurement takes about a second. The
    column "of a copy" compares the rate with a plain copy of the same bytes; for small data it may
    exceed 100 %.

    With --torch, memmpy measures instead whether a training waits for its batches. It runs the
    script, except what stands under `if __name__ == "__main__":`, and calls STEP with batches:
    dicts of key to tensor. They come from the skim at PATH, or the columns of the store.
    """
    from memmpy.report import measure_rates

    store = find_store(path).path
    if torch is not None:
        if as_json:
            raise click.UsageError("--json is for rates, and not for --torch")
        _bench_step(store, torch, batch_size=batch_size, num_threads=threads, device=device)
    elif device is not None:
        raise click.UsageError("--device needs --torch")
    else:
        rates = measure_rates(store, batch_size=batch_size, num_threads=threads)
        print_result(rates, as_json=as_json)


def _bench_step(
    path: Path, step: str, *, batch_size: int, num_threads: int | None, device: str | None
) -> None:
    from rich.console import Console

    from memmpy.frameworks import to_torch
    from memmpy.report import bench_loader, headspace

    loader = bench_loader(path, batch_size=batch_size, num_threads=num_threads)
    batches = to_torch(loader, device=device)
    console = Console()
    console.print(headspace(batches, _load_step(step)))
    console.print(f"from {loader!r}", markup=False, highlight=False, soft_wrap=True)


def _load_step(text: str) -> Callable[[Any], object]:
    """Return the function that a user names, such as ``train.py:step``."""
    script, _, name = text.rpartition(":")
    if not script or not name:
        message = "--torch takes a script and a function, such as train.py:step"
        raise OptionError(f"{message}, got {text!r}")
    file = Path(script).absolute()
    if not file.is_file():
        raise MissingFileError(f"no such file: {script!r}")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise OptionError(f"the name of a Python script ends in .py, got {script!r}")
    if file.stem in sys.modules:
        message = f"{script!r} has the name of a module that is in use"
        raise OptionError(f"{message}: give the script another name")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # where pickle looks up its classes
    sys.path.insert(0, str(file.parent))  # as Python does for a script
    with _traceback_of(file):
        spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        names = [key for key, value in vars(module).items() if callable(value)]
        raise OptionError(f"no function {name!r} in {script!r}{nearest(name, names)}")

    def step(batch: Any) -> object:
        with _traceback_of(file):
            return function(batch)

    return step


@contextmanager
def _traceback_of(file: Path) -> Generator[None, None, None]:
    """Print the traceback of an error of a script, without the lines that called the script."""
    try:
        yield
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a script may raise anything
        inner = error.__traceback__
        while inner is not None and inner.tb_frame.f_code.co_filename != str(file):
            inner = inner.tb_next
        click.echo("".join(traceback.format_exception(type(error), error, inner)), err=True)
        message = f"{file.name} failed: {type(error).__name__}: {error}"
        if isinstance(error, SystemExit):
            message = (
                f"{file.name} ended itself: move what shall not run here under "
                '`if __name__ == "__main__":`'
            )
        raise InputFileError(message) from None
