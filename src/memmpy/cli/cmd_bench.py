"""``memmpy bench``: measure how fast a store and its skims load on this machine."""

from pathlib import Path

import click

__all__ = ["bench"]


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--batch-size", type=click.IntRange(1), default=1024, help="Entries per batch.")
@click.option("--threads", type=click.IntRange(0), help="Threads beside the main thread.")
def bench(*, path: Path, batch_size: int, threads: int | None) -> None:
    """Measure how fast a store or a skim at PATH loads.

    For a store, each of its skims is measured, too. Each measurement takes about a second. The
    column "of a copy" compares the rate with a plain copy of the same bytes; for small data it may
    exceed 100%.
    """
    from rich.console import Console

    from memmpy.report import measure_rates

    Console().print(measure_rates(path, batch_size=batch_size, num_threads=threads))
