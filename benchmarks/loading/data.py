"""The data sets that every loader reads, as plain `.npy` files in a folder.

usage: python benchmarks/loading/data.py --data flat --events 2000000 --folder DIR [--cut]

The first half of the events has label 0 and the second half label 1, so that a bad shuffle shows.
`event` counts the events, so that each can be found again in what a loader delivers. With a cut,
there is one more column that no batch has, of which `CUT` lets 30% of the events pass.
"""

import argparse
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEATURES = tuple(f"x{i}" for i in range(20))
JETS = ("jet_pt", "jet_eta", "jet_phi", "jet_e")
MAX_JETS = 22
MEAN_JETS = 6
KINDS = ("flat", "padded", "jagged")
#: The column of the cut, spread evenly from 0 to 1; what passes, in words and as a number.
QUALITY, PASSING = "quality", 0.3
CUT = f"{QUALITY} < {PASSING}"
#: Bumped whenever the same arguments make other numbers.
VERSION = 1
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """The columns of a data set, memory-mapped; those in `lists` hold all items in a row."""

    columns: Mapping[str, NDArray[np.generic]]
    lists: tuple[str, ...]
    #: Where the items of each event begin, and one more; empty where there are no lists.
    offsets: NDArray[np.int64]
    #: What the cut looks at; none where all events are wanted.
    quality: NDArray[np.float32] | None = None

    @property
    def num_events(self) -> int:
        """Number of events."""
        return len(self.columns["event"])

    @property
    def num_bytes(self) -> int:
        """Bytes of all columns."""
        return sum(column.nbytes for column in self.columns.values()) + self.offsets.nbytes

    @property
    def entries(self) -> NDArray[np.int64]:
        """Events that pass the cut, in order."""
        if self.quality is None:
            return np.arange(self.num_events)
        return np.flatnonzero(self.quality < PASSING)

    def passing(self) -> "Source":
        """Return the events that pass the cut, in memory; itself where there is none."""
        if self.quality is None:
            return self
        entries = self.entries
        items = offsets = self.offsets
        if self.lists:
            items, offsets = items_of(self.offsets, entries)
        columns = {
            key: column[items if key in self.lists else entries]
            for key, column in self.columns.items()
        }
        return Source(columns, self.lists, offsets)

    def part(self, start: int, stop: int) -> "Source":
        """Return the events from `start` to `stop`, as views."""
        offsets = self.offsets[start : stop + 1]
        items = slice(offsets[0], offsets[-1]) if len(offsets) else slice(0)
        columns = {
            key: column[items] if key in self.lists else column[start:stop]
            for key, column in self.columns.items()
        }
        quality = None if self.quality is None else self.quality[start:stop]
        return Source(
            columns, self.lists, offsets - offsets[0] if len(offsets) else offsets, quality
        )


def columns_of(data: str) -> tuple[str, ...]:
    """Return the names of all columns of a data set."""
    return (FEATURES if data == "flat" else JETS) + ("label", "event")


def lists_of(data: str) -> tuple[str, ...]:
    """Return the names of the columns that hold lists."""
    return JETS if data == "jagged" else ()


def items_of(
    offsets: NDArray[np.int64], entries: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions of the items of entries, and the offsets of what they make."""
    starts = np.asarray(offsets[entries])
    counts = offsets[entries + 1] - starts
    ends = np.cumsum(counts)
    positions = np.repeat(starts - ends + counts, counts) + np.arange(ends[-1])
    return positions, np.concatenate([np.zeros(1, np.int64), ends])


def folder_of(folder: Path, *, data: str, num_events: int, has_cut: bool) -> Path:
    """Return where a data set of so many events lies."""
    return folder / f"{data}{'_cut' * has_cut}_{num_events}_v{VERSION}"


def open_source(folder: Path, data: str) -> Source:
    """Return the columns of a data set that `make` wrote."""

    def column(key: str) -> NDArray[np.generic]:
        return np.load(folder / f"{key}.npy", mmap_mode="r")

    offsets = column("offsets") if data == "jagged" else np.zeros(0, np.int64)
    quality: Any = column(QUALITY) if (folder / f"{QUALITY}.npy").exists() else None
    return Source({key: column(key) for key in columns_of(data)}, lists_of(data), offsets, quality)


def make(folder: Path, *, data: str, num_events: int, has_cut: bool = False) -> Path:
    """Write a data set, unless it is there, and return its folder."""
    made = folder_of(folder, data=data, num_events=num_events, has_cut=has_cut)
    if made.exists():
        return made
    aside = made.with_name(f"{made.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    shape: tuple[int, ...] = (num_events,)
    if data == "padded":
        shape = (num_events, MAX_JETS)
    if data == "jagged":
        counts = np.random.default_rng(0).poisson(MEAN_JETS, num_events)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        np.save(aside / "offsets.npy", offsets)
        shape = (int(offsets[-1]),)
    for number, key in enumerate(columns_of(data)[:-2], 1):
        _write_normal(aside / f"{key}.npy", shape, np.random.default_rng(number))
    event = np.arange(num_events, dtype=np.int64)
    np.save(aside / "event.npy", event)
    if has_cut:
        quality = np.random.default_rng(1000).random(num_events, np.float32)
        np.save(aside / f"{QUALITY}.npy", quality)
    np.save(aside / "label.npy", (event >= num_events // 2).astype(np.int32))
    aside.rename(made)
    return made


def _write_normal(path: Path, shape: tuple[int, ...], generator: np.random.Generator) -> None:
    column = np.lib.format.open_memmap(path, "w+", np.float32, shape)
    for start in range(0, shape[0], _CHUNK):
        part = column[start : start + _CHUNK]
        part[:] = generator.standard_normal(part.shape, np.float32)
    column.flush()


def main() -> None:
    """Write a data set."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", choices=KINDS, default="flat")
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--cut", action="store_true", help="with the column of the cut")
    options = parser.parse_args()
    print(make(options.folder, data=options.data, num_events=options.events, has_cut=options.cut))


if __name__ == "__main__":
    main()
