"""Measures how fast a store and its skims load on this machine."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from memmpy.dataset import Store
from memmpy.display import Renderable, Table, format_count, format_rate, format_share
from memmpy.errors import MissingFileError, OptionError
from memmpy.loaders import Explanation
from memmpy.skims import Skim, is_skim, list_skims
from memmpy.splits import ALL, SplitLoader
from memmpy.typing import PathLike

__all__ = ["bench_loader", "measure_rates"]

#: The number of lengths that a message shows if columns differ in length.
_NUM_LENGTHS = 3


@final
@dataclass(frozen=True, slots=True, repr=False)
class LoadingRates(Renderable):
    """The rates at which columns and skims load; prints as a table.

    Parameters
    ----------
    rates : tuple of (_BatchSource, Explanation)
        The measurements, one for each order of each source.
    batch_size : int
        Entries per batch.
    note : str
        Why columns are left out; empty if they are not.
    """

    rates: "tuple[tuple[_BatchSource, Explanation], ...]"
    batch_size: int
    note: str

    def to_dict(self) -> dict[str, Any]:
        """Return the rates as plain values, for JSON."""
        rates = [
            {
                "from": source.name,
                "keys": list(source.keys),
                "shuffle": one.shuffle,
                "num_entries": one.num_entries,
                "entry_bytes": one.entry_bytes,
                "share_in_memory": one.resident,
                "entries_per_second": one.measured_rate,
                "share_of_a_copy": one.share,
            }
            for source, one in self.rates
        ]
        return {"batch_size": self.batch_size, "rates": rates}

    def _blocks(self) -> list[Table]:
        names = [source.name for source, _ in self.rates]
        rows = [
            (name if name != before else "", one.shuffle, *_cells(one))
            for before, name, (_, one) in zip(["", *names], names, self.rates, strict=False)
        ]
        headings = ("from", "shuffle", "entries", "bytes each", "in memory", "rate", "of a copy")
        rule = "a copy copies the same bytes in order"
        caption = [
            f"entries per second, in batches of {self.batch_size:,}; {rule}",
            *dict.fromkeys(f"{source.name}: {', '.join(source.keys)}" for source, _ in self.rates),
            *[self.note] * bool(self.note),
        ]
        return [Table(headings, 2, [rows], "\n".join(caption))]


def measure_rates(path: PathLike, *, batch_size: int, num_threads: int | None) -> LoadingRates:
    """Measure the rates of the columns and of each skim of a store, or of one skim.

    Parameters
    ----------
    path : path-like
        A store or a skim.
    batch_size : int
        Entries per batch.
    num_threads : int or None
        Threads that gather batches ahead, beside the thread of the caller.

    Raises
    ------
    MissingFileError, CorruptStoreError
        If the path is no store or skim, has nothing to load, or is damaged.
    """
    sources, note = _find_sources(Path(path))
    rates = tuple(
        (source, loader.explain())
        for source in sources
        for loader in source.loaders(batch_size=batch_size, num_threads=num_threads)
    )
    return LoadingRates(rates, batch_size, note)


def bench_loader(path: PathLike, *, batch_size: int, num_threads: int | None) -> SplitLoader:
    """Return the shuffled batches of all entries of a skim, or of the columns of a store.

    Parameters
    ----------
    path, batch_size, num_threads
        See `measure_rates`. If the columns of a store differ in length, its only skim is used.

    Raises
    ------
    MissingFileError, CorruptStoreError
        See `measure_rates`.
    OptionError
        If the store has several skims instead of columns of one length.
    """
    sources, note = _find_sources(Path(path))
    if len(sources) > 1 and isinstance(sources[0].data, Skim):
        skims = ", ".join(str(source.data.path) for source in sources)
        raise OptionError(f"{note or 'no columns'}; give the path of a skim: {skims}")
    return SplitLoader(sources[0].data, batch_size, split=ALL, num_threads=num_threads)


@dataclass(frozen=True, slots=True)
class _BatchSource:
    """The columns of a store, or a skim, with a name for the table."""

    name: str
    keys: tuple[str, ...]
    data: Store | Skim

    def loaders(self, *, batch_size: int, num_threads: int | None) -> Iterator[SplitLoader]:
        for shuffle in ("blocks", "exact") if isinstance(self.data, Skim) else ("exact",):
            yield SplitLoader(
                self.data, batch_size, split=ALL, shuffle=shuffle, num_threads=num_threads
            )


def _find_sources(path: Path) -> tuple[list[_BatchSource], str]:
    """Return the columns and skims to load, and a note if the columns cannot be loaded.

    Raises
    ------
    MissingFileError
        If there are none.
    """
    if is_skim(path):
        return [_of_skim(Skim(path))], ""
    try:
        store = Store(path)
    except MissingFileError as error:
        message = str(error).replace("no store at", "no store or skim at", 1)
        raise MissingFileError(message) from None
    skims, _ = list_skims(path)
    sources = [_of_skim(skim) for skim in skims]
    lengths = {key: len(column) for key, column in store.items()}
    if len(set(lengths.values())) == 1:
        columns = _BatchSource(format_count(len(store), "column"), tuple(store), store)
        return [columns, *sources], ""
    note = _length_note(lengths) if lengths else ""
    if not sources:
        reason = f"{note}, and it has no skims" if note else "it has no columns and no skims"
        raise MissingFileError(f"nothing to load in {str(path)!r}: {reason}")
    return sources, note


def _of_skim(skim: Skim) -> _BatchSource:
    keys = tuple(key for key in (*skim.fields, *skim.lists) if key != "_index")
    return _BatchSource(f"skim {skim.path.name}", keys, skim)


def _length_note(lengths: Mapping[str, int]) -> str:
    """Return the note that columns differ in length, with an example of each length."""
    keys: dict[int, str] = {}
    for key, length in lengths.items():
        keys.setdefault(length, key)
    examples = [f"{key}: {length:,}" for length, key in keys.items()]
    if len(examples) > _NUM_LENGTHS:
        examples[_NUM_LENGTHS:] = ["..."]
    return f"columns left out: they differ in length ({', '.join(examples)})"


def _cells(explanation: Explanation) -> tuple[str, ...]:
    return (
        f"{explanation.num_entries:,}",
        f"{explanation.entry_bytes:,.0f}",
        format_share(explanation.resident),
        f"{format_rate(explanation.measured_rate)}/s",
        "?" if explanation.share is None else format_share(explanation.share),
    )
