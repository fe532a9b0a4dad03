"""``memmpy bench``: how fast the batches of a store come on this machine."""

from pathlib import Path

import click

__all__ = ["bench"]


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--batch-size", type=click.IntRange(1), default=1024, help="Entries in a batch.")
@click.option(
    "--threads",
    type=click.IntRange(0),
    help="Threads that gather beside the main one.",
)
def bench(*, path: Path, batch_size: int, threads: int | None) -> None:
    """Measure how fast shuffled batches come from a store and its skims, or from a skim.

    Each takes about a second. "of a copy" compares the rate with that at which the same bytes are
    copied in order; for small data it may be more than all of it.
    """
    from rich.console import Console

    from memmpy.report import measure_rates

    Console().print(measure_rates(path, batch_size=batch_size, num_threads=threads))
