"""How fast the batches of a store and of its skims come on this machine."""

from collections.abc import Iterator
from pathlib import Path

from memmpy.dataset import Store
from memmpy.errors import MissingFileError, OptionError
from memmpy.loaders import Explanation, SplitLoader
from memmpy.printing import Table, size_in_words
from memmpy.skims import Skim, list_skims
from memmpy.typing import PathLike

__all__ = ["measure_rates"]


def measure_rates(path: PathLike, *, batch_size: int, num_threads: int | None) -> Table:
    """Return a table of rates: of the columns of a store and of each of its skims, or of a skim.

    Parameters
    ----------
    path : path-like
        A store, or a skim.
    batch_size : int
        Entries in a batch.
    num_threads : int or None
        As `SplitLoader` takes it.

    Raises
    ------
    MissingFileError, CorruptStoreError
        If it is neither, or damaged.
    """
    rows = []
    for name, loader in _loaders(Path(path), batch_size=batch_size, num_threads=num_threads):
        found = loader.explain()
        rows.append((name, found.shuffle, *_numbers(found)))
    if not rows:
        raise OptionError(f"{str(path)!r} has neither columns of one length nor skims to load")
    headings = ("from", "shuffle", "entries", "bytes each", "in memory", "entries/s", "of limit")
    caption = "all entries, in batches; the limit is a copy of the same bytes in order"
    return Table(headings, 2, [rows], caption)


def _loaders(
    path: Path, *, batch_size: int, num_threads: int | None
) -> Iterator[tuple[str, SplitLoader]]:
    skims: list[Skim]
    try:
        store = Store(path)
    except MissingFileError:
        skims = [Skim(path)]
    else:
        lengths = {len(column) for column in store.values()}
        if len(lengths) == 1:
            loader = SplitLoader(store, batch_size, fractions=[1], num_threads=num_threads)
            yield f"{len(store)} columns", loader
        skims, _ = list_skims(path)
    for skim in skims:
        for shuffle in ("blocks", "exact"):
            loader = SplitLoader(
                skim, batch_size, fractions=[1], shuffle=shuffle, num_threads=num_threads
            )
            yield f"skim {skim.path.name}: {', '.join(_keys(skim))}", loader


def _keys(skim: Skim) -> list[str]:
    return [key for key in (*skim.fields, *skim.lists) if key != "_index"]


def _numbers(found: Explanation) -> tuple[str, ...]:
    return (
        f"{found.num_entries:,}",
        f"{found.entry_bytes:,.0f}",
        f"{found.resident:.0%} of {size_in_words(found.total_bytes)}",
        f"{found.measured_rate:,.3g}",
        f"{found.share:.0%}",
    )
