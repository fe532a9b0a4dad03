"""Windows of entries at random places that are not in memory."""

import mmap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy import SplitLoader
from memmpy.loaders.batching import Values, Window
from memmpy.loaders.paging import Pager, Reading, System
from memmpy.loaders.scattered import Scattered
from memmpy.typing import Entries

NUM, BATCH, WINDOW, FIRST = 200_000, 100, 16_384, 4_000
WILL_NEED = 3


class Files:
    """A column of numbers 0, 1, ... in a file, of which it is known what is asked for and taken."""

    def __init__(self, folder: Path, *, memory: int | None, num_cold: int) -> None:
        np.save(folder / "x.npy", np.arange(NUM))
        mapped = np.load(folder / "x.npy", mmap_mode="r")
        self.x = np.asarray(mapped)
        self.order = np.random.default_rng(0).permutation(NUM)
        self.asked: list[tuple[int, int]] = []
        self.parts: list[Entries] = []
        self.num_cold = num_cold
        pager = Pager([mapped], [], system=System(self.advise, lambda: memory))
        self.scattered = Scattered(
            pager,
            self.reading,
            lambda start, stop: self.window(self.order[start:stop]),
            lambda start, stop: self.order[start:stop],
            self.gather_at,
            window_rows=WINDOW,
            entry_bytes=8,
            total_bytes=8 * NUM,
            num_threads=1,
            compiled=False,
        )

    def advise(self, starts: Entries, num_bytes: Entries, advice: int, /) -> None:
        if advice == WILL_NEED:
            first = (starts - self.x.ctypes.data) // mmap.PAGESIZE
            self.asked += zip(first.tolist(), (num_bytes // mmap.PAGESIZE).tolist(), strict=True)

    def reading(self) -> Reading:
        self.num_cold -= 1
        return Reading(self.num_cold >= 0, False)

    def window(self, entries: Entries) -> Window:
        return Window(len(entries), [Values.of("x", self.x[entries])])

    def gather_at(self, entries: Entries) -> Window:
        self.parts.append(entries)
        return self.window(entries)

    def load(self, *, position: int = 0) -> list[Any]:
        """Return the numbers of each window."""
        tasks = self.scattered.tasks(NUM, position=position, batch_size=BATCH)
        return [task().values[0].whole for task in tasks]


def sizes_of(windows: list[Any]) -> list[int]:
    return [len(window) for window in windows]


@pytest.mark.parametrize("memory", [None, 1, 10 << 20, 1 << 30])
@pytest.mark.parametrize("num_cold", [0, 1, 4, 10**6])
@pytest.mark.parametrize("position", [0, 77_700, NUM - BATCH, NUM])
def test_entries_come_in_their_order(
    tmp_path: Path, memory: int | None, num_cold: int, position: int
) -> None:
    files = Files(tmp_path, memory=memory, num_cold=num_cold)
    windows = files.load(position=position)
    assert np.array_equal(np.concatenate([[], *windows]), files.order[position:])
    assert all(size % BATCH == 0 for size in sizes_of(windows))
    for part in files.parts:
        assert (np.diff(part) > 0).all()


def test_windows_grow_to_what_memory_holds(tmp_path: Path) -> None:
    files = Files(tmp_path, memory=10 << 20, num_cold=10**6)
    sizes = sizes_of(files.load())
    # Half of 10 MiB, for six windows and two orders in each of two threads, of 8 + 32 bytes each.
    most = (10 << 19) // 10 // 40 // BATCH * BATCH
    assert sizes[:3] == [FIRST, 8_100, most]
    assert set(sizes[2:-1]) == {most}


def test_windows_stay_small_where_nothing_is_won_by_more(tmp_path: Path) -> None:
    few_bytes = Files(tmp_path, memory=1, num_cold=10**6)
    assert set(sizes_of(few_bytes.load())) == {FIRST}
    unknown = Files(tmp_path, memory=None, num_cold=10**6)
    assert set(sizes_of(unknown.load())) == {FIRST}


def test_entries_of_pages_of_their_own_are_read_in_small_windows(tmp_path: Path) -> None:
    with (tmp_path / "x.npy").open("wb") as file:
        file.truncate(1000 * mmap.PAGESIZE)
    mapped = np.memmap(tmp_path / "x.npy", np.uint8, "r", shape=(1000, mmap.PAGESIZE))
    pager = Pager([mapped], [], system=System(lambda *_: None, lambda: 1 << 30))
    scattered = Scattered(
        pager,
        lambda: Reading(True, False),
        lambda start, stop: Window(stop - start, []),
        np.arange,
        lambda entries: Window(len(entries), []),
        window_rows=100,
        entry_bytes=mmap.PAGESIZE,
        total_bytes=1000 * mmap.PAGESIZE,
        num_threads=1,
        compiled=False,
    )
    tasks = list(scattered.tasks(1000, position=0, batch_size=10))
    assert len(tasks) == 10


def test_a_window_reads_each_page_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    files = Files(tmp_path, memory=10 << 20, num_cold=10**6)
    tasks = files.scattered.tasks(NUM, position=0, batch_size=BATCH)
    for _ in range(3):
        next(tasks)()
        files.asked.clear()
    num = len(next(tasks)().values[0].whole)
    pages = [page for first, num in files.asked for page in range(first, first + num)]
    assert pages == sorted(set(pages))
    assert len(pages) > 0.9 * NUM * 8 / mmap.PAGESIZE
    assert len(files.asked) < 10 < num


def test_from_then_on_that_all_is_in_memory_nothing_is_asked(tmp_path: Path) -> None:
    files = Files(tmp_path, memory=1 << 30, num_cold=4)
    windows = files.load()
    # One look decides whether there is anything to do, and one is before each window.
    assert sizes_of(windows)[:3] == [FIRST, 8_100, 16_300]
    assert sum(map(len, files.parts)) == FIRST + 8_100 + 16_300
    assert set(sizes_of(windows)[3:-1]) == {WINDOW // BATCH * BATCH}


def test_what_does_not_fit_is_asked_for_to_the_end(tmp_path: Path) -> None:
    files = Files(tmp_path, memory=NUM, num_cold=1)
    files.load()
    assert sum(map(len, files.parts)) == NUM


class Squares:
    """A column that computes what it gives out, of a type of its own that cannot be joined."""

    def __len__(self) -> int:
        return NUM

    def __getitem__(self, entries: Any) -> list[int]:
        return [int(entry) ** 2 for entry in np.arange(NUM)[entries]]


def test_columns_of_any_kind_are_handed_out_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from memmpy.loaders import columns

    np.save(tmp_path / "x.npy", np.arange(NUM))
    asked: list[int] = []

    def system_of(*, compiled: bool) -> System:
        return System(lambda _starts, _sizes, advice: asked.append(advice), lambda: 1)

    monkeypatch.setattr(columns, "system_of", system_of)
    monkeypatch.setattr(columns, "is_worth_compiling", lambda *_, **__: True)
    monkeypatch.setattr("memmpy.loaders.pages._is_in_memory", lambda *_: False)
    data: Any = {"x": np.load(tmp_path / "x.npy", mmap_mode="r"), "squares": Squares()}
    seen = []
    for batch in SplitLoader(data, 1000, fractions=(1.0,)):
        assert batch["squares"] == [value**2 for value in batch["x"].tolist()]
        assert np.array_equal(batch["x"], batch["_index"])
        seen += batch["x"].tolist()
    assert WILL_NEED in asked
    assert sorted(seen) == list(range(NUM))
