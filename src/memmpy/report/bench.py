"""How fast the batches of a store and of its skims come on this machine."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from memmpy.dataset import Store
from memmpy.display import Table, format_count, format_rate
from memmpy.errors import MissingFileError
from memmpy.loaders import Explanation
from memmpy.skims import Skim, is_skim, list_skims
from memmpy.splits import ALL, SplitLoader
from memmpy.typing import PathLike

__all__ = ["measure_rates"]

#: Lengths of columns that are shown where they differ.
_NUM_LENGTHS = 3


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
        If it is neither, there is nothing in it to load, or it is damaged.
    """
    data, left_out = _look(Path(path))
    if not data:
        there = f"{left_out}, and it has no skims" if left_out else "it has no columns and no skims"
        raise MissingFileError(f"nothing to load in {str(path)!r}: {there}")
    rows = []
    for one in data:
        name = one.name
        for loader in one.loaders(batch_size=batch_size, num_threads=num_threads):
            found = loader.explain()
            rows.append((name, found.shuffle, *_numbers(found)))
            name = ""
    headings = ("from", "shuffle", "entries", "bytes each", "in memory", "rate", "of a copy")
    caption = [
        f"entries a second, in batches of {batch_size:,}; a copy is that of the same bytes in order"
    ]
    caption += [f"{one.name}: {', '.join(one.keys)}" for one in data]
    return Table(headings, 2, [rows], "\n".join([*caption, left_out] if left_out else caption))


@dataclass(frozen=True, slots=True)
class _Data:
    """What is loaded, and what it is called."""

    name: str
    keys: list[str]
    source: Store | Skim

    def loaders(self, *, batch_size: int, num_threads: int | None) -> Iterator[SplitLoader]:
        for shuffle in ("blocks", "exact") if isinstance(self.source, Skim) else ("exact",):
            yield SplitLoader(
                self.source, batch_size, split=ALL, shuffle=shuffle, num_threads=num_threads
            )


def _look(path: Path) -> tuple[list[_Data], str]:
    """Return what can be loaded, and why columns cannot; nothing where they can, or are none."""
    if is_skim(path):
        return [_of_skim(Skim(path))], ""
    try:
        store = Store(path)
    except MissingFileError as error:
        raise MissingFileError(
            str(error).replace("no store at", "no store or skim at", 1)
        ) from None
    skims, _ = list_skims(path)
    found = [_of_skim(skim) for skim in skims]
    lengths = {key: len(column) for key, column in store.items()}
    if len(set(lengths.values())) == 1:
        found.insert(0, _Data(format_count(len(store), "column"), list(store), store))
        return found, ""
    return found, _why_not(lengths) if lengths else ""


def _of_skim(skim: Skim) -> _Data:
    keys = [key for key in (*skim.fields, *skim.lists) if key != "_index"]
    return _Data(f"skim {skim.path.name}", keys, skim)


def _why_not(lengths: Mapping[str, int]) -> str:
    """Say that columns differ in length, with a column of each of the first lengths."""
    keys: dict[int, str] = {}
    for key, length in lengths.items():
        keys.setdefault(length, key)
    shown = [f"{key}: {length:,}" for length, key in keys.items()]
    if len(shown) > _NUM_LENGTHS:
        shown[_NUM_LENGTHS:] = ["..."]
    return f"columns left out: they differ in length ({', '.join(shown)})"


def _numbers(found: Explanation) -> tuple[str, ...]:
    return (
        f"{found.num_entries:,}",
        f"{found.entry_bytes:,.0f}",
        f"{found.resident:.0%}",
        f"{format_rate(found.measured_rate)}/s",
        "?" if found.share is None else _percent(found.share),
    )


def _percent(share: float) -> str:
    return "<1%" if 0 < share < 0.01 else f"{share:.0%}"
