"""Chunks of entries at random places that are not in memory."""

import mmap
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy import Jagged, SplitLoader, Splits, WriteVector, skim
from memmpy.loaders import column_gatherer, random_reads
from memmpy.loaders.chunk import ChunkArray, EntryChunk
from memmpy.loaders.pagecache import pages
from memmpy.loaders.pagecache.advice import MappedData, PageCache, ReadMode
from memmpy.loaders.pagecache.pages import Blocks, one_by_one
from memmpy.loaders.random_reads import RandomReads
from memmpy.order import GatherRequest, SequentialOrder
from memmpy.splits import split_chunks
from memmpy.typing import Entries

NUM, BATCH, CHUNK, FIRST = 200_000, 100, 16_384, 4_000
NORMAL, RANDOM, WILL_NEED = 0, 1, 3


class Order:
    """An order in which any member may follow any other; the gatherers below shuffle them."""

    is_scattered = True

    def __init__(self, num: int) -> None:
        self.requests = SequentialOrder(num).requests
        self.num = num

    def __len__(self) -> int:
        return self.num


class Files:
    """Gathers a column of numbers 0, 1, ... in a file, and records what is prefetched and taken."""

    chunk_rows, may_grow, entry_bytes, num_data = CHUNK, True, 8.0, NUM

    def __init__(
        self, folder: Path, *, memory: int | None, num_cold: int, num_threads: int = 1
    ) -> None:
        np.save(folder / "x.npy", np.arange(NUM))
        mapped = np.load(folder / "x.npy", mmap_mode="r")
        self.x = np.asarray(mapped)
        self.arrays, self.file_bytes = [self.x], float(self.x.nbytes)
        self.order = np.random.default_rng(0).permutation(NUM)
        self.prefetched: list[tuple[int, int]] = []
        self.advised: list[int] = []
        self.parts: list[Entries] = []
        self.num_cold = num_cold
        self.on_part: Callable[[], object] = lambda: None
        self.mapped = MappedData([mapped], [], page_cache=PageCache(self.advise, lambda: memory))
        self.reads = RandomReads(
            self, Order(NUM), chunk_rows=CHUNK, num_threads=num_threads, num_processes=1
        )

    def __len__(self) -> int:
        return NUM

    def advise(self, starts: Entries, num_bytes: Entries, advice: int, /) -> None:
        self.advised.append(advice)
        if advice == WILL_NEED:
            first = (starts - self.x.ctypes.data) // mmap.PAGESIZE
            counts = num_bytes // mmap.PAGESIZE
            self.prefetched += zip(first.tolist(), counts.tolist(), strict=True)

    def read_mode(self, *, is_scattered: bool) -> ReadMode:
        assert is_scattered
        self.num_cold -= 1
        return ReadMode(self.num_cold >= 0, False)

    def entries(self, request: GatherRequest) -> Entries:
        entries: Entries = self.order[request.start : request.stop]
        return entries

    def blocks(self, request: GatherRequest) -> Blocks:
        return one_by_one(self.entries(request))

    def gather(self, request: GatherRequest) -> EntryChunk:
        return self.chunk(self.entries(request))

    def take(self, entries: Entries) -> EntryChunk:
        self.parts.append(entries)
        self.on_part()
        return self.chunk(entries)

    def complete(self, chunk: EntryChunk) -> EntryChunk:
        return chunk

    def chunk(self, entries: Entries) -> EntryChunk:
        return EntryChunk(len(entries), [ChunkArray.of("x", self.x[entries])])

    def load(self, *, position: int = 0) -> list[Any]:
        """Return the numbers of each chunk."""
        plan = self.reads.plan(position, batch_size=BATCH)
        assert plan.begin == position
        return [task().arrays[0].array for task in plan.tasks]


def sizes_of(chunks: list[Any]) -> list[int]:
    return [len(chunk) for chunk in chunks]


@pytest.mark.parametrize("memory", [None, 1, 10 << 20, 1 << 30])
@pytest.mark.parametrize("num_cold", [0, 1, 4, 10**6])
@pytest.mark.parametrize("position", [0, 77_700, NUM - BATCH, NUM])
def test_entries_come_in_their_order(
    tmp_path: Path, memory: int | None, num_cold: int, position: int
) -> None:
    files = Files(tmp_path, memory=memory, num_cold=num_cold)
    chunks = files.load(position=position)
    assert np.array_equal(np.concatenate([[], *chunks]), files.order[position:])
    assert all(size % BATCH == 0 for size in sizes_of(chunks))
    for part in files.parts:
        assert (np.diff(part) > 0).all()


@pytest.mark.parametrize(("num_threads", "num_chunks"), [(0, 3 + 2), (1, 6 + 4), (3, 8 + 8)])
def test_chunks_grow_to_what_memory_holds(
    tmp_path: Path, num_threads: int, num_chunks: int
) -> None:
    files = Files(tmp_path, memory=10 << 20, num_cold=10**6, num_threads=num_threads)
    sizes = sizes_of(files.load())
    # Half of 10 MiB, for those in memory and two orders in each thread, of 8 + 32 bytes each.
    most = (10 << 19) // num_chunks // 40
    # A small chunk has a part of nearly all pages, so that the next may have what there is.
    assert sizes[: num_threads + 1] == [FIRST] * (num_threads + 1)
    assert set(sizes[num_threads + 1 : -1]) == {most // BATCH * BATCH}


def test_chunks_stay_small_where_memory_is_unknown(tmp_path: Path) -> None:
    unknown = Files(tmp_path, memory=None, num_cold=10**6)
    assert set(sizes_of(unknown.load())) == {FIRST}


class Zeros:
    """Gathers nothing of a file of zeros, and records how many entries are asked for."""

    chunk_rows, arrays = CHUNK, ()

    def __init__(
        self, mapped: Any, *, memory: int, may_grow: bool, entry_bytes: int | None
    ) -> None:
        self.num_data, self.may_grow, self.file_bytes = len(mapped), may_grow, float(mapped.nbytes)
        self.entry_bytes = float(mapped.shape[1] if entry_bytes is None else entry_bytes)
        page_cache = PageCache(lambda *_: None, lambda: memory)
        self.mapped = MappedData([mapped], [], page_cache=page_cache)
        self.sizes: list[int] = []

    def __len__(self) -> int:
        return self.num_data

    def read_mode(self, *, is_scattered: bool) -> ReadMode:
        return ReadMode(is_scattered, False)

    def entries(self, request: GatherRequest) -> Entries:
        self.sizes.append(request.stop - request.start)
        return np.arange(request.start, request.start + 1)

    def blocks(self, request: GatherRequest) -> Blocks:
        return one_by_one(self.entries(request))

    def gather(self, request: GatherRequest) -> EntryChunk:
        return self.take(self.entries(request))

    def take(self, entries: Entries) -> EntryChunk:
        return EntryChunk(len(entries), [])

    def complete(self, chunk: EntryChunk) -> EntryChunk:
        return chunk


def planned_sizes(
    folder: Path,
    *,
    num: int,
    item_bytes: int,
    memory: int,
    may_grow: bool = True,
    entry_bytes: int | None = None,
) -> list[int]:
    """Return the sizes of chunks of a file of zeros, which nobody reads."""
    with (folder / "x").open("wb") as file:
        file.truncate(num * item_bytes)
    mapped = np.memmap(folder / "x", np.uint8, "r", shape=(num, item_bytes))
    zeros = Zeros(mapped, memory=memory, may_grow=may_grow, entry_bytes=entry_bytes)
    reads = RandomReads(zeros, Order(num), chunk_rows=CHUNK, num_threads=0, num_processes=1)
    for task in reads.plan(0, batch_size=1).tasks:
        task()
    return zeros.sizes


def test_chunks_grow_where_their_pages_are_a_fifth_of_the_files(tmp_path: Path) -> None:
    num, item_bytes = 1 << 19, 1 << 10
    # Of 2^17 pages; half of the memory holds five chunks of entries of 1 KiB and 32 bytes.
    for share, grows in ((0.19, False), (0.21, True)):
        most = share * num * item_bytes / mmap.PAGESIZE
        memory = round(2 * 5 * most * (item_bytes + 32))
        sizes = planned_sizes(tmp_path, num=num, item_bytes=item_bytes, memory=memory)
        assert max(sizes) == (int(most) if grows else 4_096), share


def test_chunks_have_a_bound_whatever_the_memory(tmp_path: Path) -> None:
    sizes = planned_sizes(tmp_path, num=1 << 20, item_bytes=1 << 10, memory=1 << 60)
    most = (256 << 20) // (1024 + 32)
    assert sizes[:4] == [4_096, 16_384, 65_536, min(262_144, most)]
    assert max(sizes) == most


@pytest.mark.parametrize(
    ("num", "sizes"),
    # 4,096 entries of 64 bytes read 16 MiB at most: of 32 MiB, that is half.
    [(1 << 19, [4_096, (1 << 19) - 4_096]), ((1 << 19) + 64, [4_096, 16_384, (1 << 19) - 20_416])],
)
def test_where_a_chunk_reads_half_of_the_files_the_next_has_what_memory_holds(
    tmp_path: Path, num: int, sizes: list[int]
) -> None:
    assert planned_sizes(tmp_path, num=num, item_bytes=64, memory=1 << 60) == sizes


@pytest.mark.parametrize("entry_bytes", [1, 1 << 20])
def test_entries_with_pages_of_their_own_are_read_in_small_chunks(
    tmp_path: Path, entry_bytes: int
) -> None:
    few = planned_sizes(
        tmp_path, num=1 << 16, item_bytes=mmap.PAGESIZE, memory=1 << 40, entry_bytes=entry_bytes
    )
    assert set(few) == {4_096}
    many = planned_sizes(
        tmp_path, num=1 << 16, item_bytes=64, memory=1 << 40, entry_bytes=entry_bytes
    )
    most = (256 << 20) // (entry_bytes + 32)
    assert max(many) == max(4_096, min(most, (1 << 16) - 4_096))


def test_chunks_stay_small_where_they_may_not_grow(tmp_path: Path) -> None:
    sizes = planned_sizes(tmp_path, num=1 << 16, item_bytes=64, memory=1 << 40, may_grow=False)
    assert set(sizes) == {4_096}


def test_a_chunk_reads_each_page_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    files = Files(tmp_path, memory=10 << 20, num_cold=10**6)
    tasks = files.reads.plan(0, batch_size=BATCH).tasks
    for _ in range(5):
        next(tasks)()
        files.prefetched.clear()
    num = len(next(tasks)().arrays[0].array)
    pages = [page for first, num in files.prefetched for page in range(first, first + num)]
    assert pages == sorted(set(pages))
    assert len(pages) > 0.9 * NUM * 8 / mmap.PAGESIZE
    assert len(files.prefetched) < 10 < num


def test_once_all_is_in_memory_nothing_is_prefetched(tmp_path: Path) -> None:
    files = Files(tmp_path, memory=1 << 30, num_cold=3)
    chunks = files.load()
    # One look decides whether there is anything to do, and one is before each chunk.
    assert sizes_of(chunks)[:2] == [FIRST, FIRST]
    assert sum(map(len, files.parts)) == FIRST + FIRST
    assert set(sizes_of(chunks)[2:-1]) == {CHUNK // BATCH * BATCH}


def test_files_that_do_not_fit_are_prefetched_to_the_end(tmp_path: Path) -> None:
    files = Files(tmp_path, memory=NUM, num_cold=1)
    files.load()
    assert sum(map(len, files.parts)) == NUM


def test_a_chunk_of_a_finished_epoch_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random_reads, "_PART_BYTES", 1 << 18)  # all are seven
    files = Files(tmp_path, memory=1 << 30, num_cold=10**6)
    plan = files.reads.plan(0, batch_size=NUM)
    task = next(plan.tasks)
    with ExitStack() as stack:
        stack.enter_context(plan.meanwhile)
        files.on_part = stack.close
        with pytest.raises(InterruptedError):
            task()
    assert len(files.parts) == 1


@pytest.mark.parametrize(("num_threads", "num_ahead"), [(0, 6), (1, 3), (7, 1)])
def test_a_chunk_is_read_in_parts_with_some_prefetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_threads: int, num_ahead: int
) -> None:
    monkeypatch.setattr(random_reads, "_PART_BYTES", 1 << 17)  # all are twelve
    monkeypatch.setattr(random_reads, "AHEAD_BYTES", 6 << 17)
    files = Files(tmp_path, memory=1 << 30, num_cold=10**6, num_threads=num_threads)
    num_prefetched: list[int] = []
    files.on_part = lambda: num_prefetched.append(len(files.prefetched))
    next(files.reads.plan(0, batch_size=NUM).tasks)()
    assert [len(part) for part in files.parts] == [16_667] * 11 + [16_663]
    # Pages of a part are a single run.
    assert num_prefetched[:2] == [num_ahead + 1, num_ahead + 2]


def test_the_os_reads_around_no_page_until_the_epoch_ends(tmp_path: Path) -> None:
    files = Files(tmp_path, memory=1 << 30, num_cold=10**6)
    plan = files.reads.plan(0, batch_size=BATCH)
    with plan.meanwhile:
        tasks = list(plan.tasks)
        assert files.advised == [RANDOM]
        for task in tasks:
            task()
        assert NORMAL not in files.advised
    assert files.advised[-1] == NORMAL


class Squares:
    """A column that computes what it gives out, of a type of its own that cannot be joined."""

    def __init__(self) -> None:
        self.num_prefetched: list[int] = []

    def __len__(self) -> int:
        return NUM

    def __getitem__(self, entries: Any) -> list[int]:
        numbers = np.arange(NUM)[entries]
        self.num_prefetched.append(len(numbers))
        return [int(number) ** 2 for number in numbers]


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all maps of files be read ahead, as parts of a few entries, in much memory."""

    def os_page_cache(*, compiled: bool) -> PageCache:
        return PageCache(lambda *_: None, lambda: 1 << 40)

    monkeypatch.setattr(column_gatherer, "os_page_cache", os_page_cache)
    monkeypatch.setattr(column_gatherer, "is_worth_compiling", lambda *_, **__: True)
    monkeypatch.setattr(pages, "_is_in_memory", lambda *_: False)
    monkeypatch.setattr(random_reads, "_PART_BYTES", 1 << 14)


def mapped(folder: Path, key: str, array: Any) -> Any:
    """Return the array in a read-only map of a file."""
    (folder / key).write_bytes(array.tobytes())
    held = np.memmap(folder / key, array.dtype, "r", shape=array.shape)
    return np.ndarray(array.shape, array.dtype, held)  # its metadata, which a map drops


@pytest.mark.slow
@pytest.mark.usefixtures("cold")
def test_columns_of_any_kind_are_handed_out_beside(tmp_path: Path) -> None:
    squares = Squares()
    data: Any = {
        "x": mapped(tmp_path, "x", np.arange(NUM)),
        "squares": squares,
        "y": mapped(tmp_path, "y", np.arange(NUM, dtype=np.float32)),
    }
    seen = []
    for batch in SplitLoader(data, 1000):
        assert list(batch) == ["x", "y", "squares", "_index"]
        assert batch["squares"] == [value**2 for value in batch["x"].tolist()]
        assert np.array_equal(batch["x"], batch["_index"])
        seen += batch["x"].tolist()
    assert sorted(seen) == list(range(NUM))
    # Nobody knows how much memory they take: they are asked for a few at a time.
    assert max(squares.num_prefetched) == (16 << 20) // (2 * mmap.PAGESIZE) // 1000 * 1000


@pytest.mark.parametrize(
    "dtype",
    [
        np.dtype(">f4"),
        np.dtype("<f4", metadata={"unit": "GeV"}),
        np.dtype("S5"),
        np.dtype("M8[s]"),
        np.dtype({"names": ["a", "b"], "formats": [">f4", "<i8"], "offsets": [4, 16]}),
    ],
)
@pytest.mark.usefixtures("cold")
def test_values_keep_their_dtype(tmp_path: Path, dtype: Any) -> None:
    values = np.zeros(NUM, dtype)
    fields = [values] if dtype.names is None else [values[name] for name in dtype.names]
    for field in fields:
        field[:] = (np.arange(NUM) % 10_000).astype(field.dtype)
    lists = Jagged.trusted(mapped(tmp_path, "lists", values), np.arange(NUM + 1))
    data: Any = {"x": mapped(tmp_path, "x", values), "lists": lists}
    loader = SplitLoader(data, 1000)
    for batch in loader:
        expected = values[batch["_index"]]
        for found in (batch["x"], batch["lists"].content):
            assert found.dtype == dtype
            assert found.dtype.metadata == dtype.metadata
            assert found.dtype.itemsize == dtype.itemsize
            assert np.array_equal(found, expected)


@pytest.mark.usefixtures("cold")
def test_lists_of_a_type_that_does_not_tell_its_bytes(tmp_path: Path) -> None:
    class Lists:
        def __init__(self) -> None:
            self.content = mapped(tmp_path, "content", np.arange(NUM))
            self.offsets = np.arange(NUM + 1)

        def __len__(self) -> int:
            return NUM

        def __getitem__(self, entries: Any) -> Jagged:
            found: Jagged = Jagged.trusted(self.content, self.offsets)[entries]
            return found

    data: Any = {"lists": Lists()}
    for batch in SplitLoader(data, 1000):
        assert np.array_equal(batch["lists"].content, batch["_index"])


def skim_of(folder: Path) -> Any:
    """Return a skim of 800,000 rows of 16 bytes: a number, and its entry."""
    with WriteVector(path=folder / "store", key="x") as column:
        column.extend(np.arange(4 * NUM))
    return skim(folder / "store", keys=["x"], progress=False)


@pytest.mark.slow
@pytest.mark.parametrize("is_skim", [True, False])
@pytest.mark.usefixtures("cold")
def test_ranks_share_the_memory_for_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_skim: bool
) -> None:
    page_cache = PageCache(lambda *_: None, lambda: 10 << 20)
    monkeypatch.setattr(column_gatherer, "os_page_cache", lambda **_: page_cache)
    monkeypatch.setattr(split_chunks, "os_page_cache", lambda **_: page_cache)
    sizes: list[list[int]] = []
    gather = RandomReads._gather_sorted

    def record(reads: RandomReads, request: GatherRequest) -> EntryChunk:
        sizes[-1].append(request.stop - request.start)
        return gather(reads, request)

    monkeypatch.setattr(RandomReads, "_gather_sorted", record)
    data: Any = skim_of(tmp_path) if is_skim else {"x": mapped(tmp_path, "x", np.arange(4 * NUM))}
    for world_size in (1, 4):
        sizes.append([])
        options: Any = {"world_size": world_size, "num_threads": 0}
        list(SplitLoader(data, 100, shuffle="exact", **options))
    one, four = map(max, sizes)
    most = (5 << 20) // 5 // (48 if is_skim else 40)
    assert one == most // 100 * 100
    assert four == most // 4 // 100 * 100


def goes_on_in_passes(loader: SplitLoader, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Return whether an epoch does so when, after its first chunk, all is in memory."""
    tasks: Any = loader._chunks.plan(seed=0, epoch=0, position=0, batch_size=1000).tasks
    assert next(tasks).func.__name__ == "_gather_sorted"
    with monkeypatch.context() as warm:
        warm.setattr(pages, "_is_in_memory", lambda *_: True)
        return bool(next(tasks).func.__name__ == "_gather_sorted")


@pytest.mark.parametrize("is_skim", [True, False])
@pytest.mark.usefixtures("cold")
def test_files_that_fit_are_neither_dropped_nor_prefetched_again_by_any_rank(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_skim: bool
) -> None:
    row_bytes = 16 if is_skim else 8
    page_cache = PageCache(lambda *_: None, lambda: 4 * NUM * row_bytes * 5 // 4)
    monkeypatch.setattr(column_gatherer, "os_page_cache", lambda **_: page_cache)
    monkeypatch.setattr(split_chunks, "os_page_cache", lambda **_: page_cache)
    data: Any = skim_of(tmp_path) if is_skim else {"x": mapped(tmp_path, "x", np.arange(4 * NUM))}
    for world_size in (1, 4):
        options: Any = {"world_size": world_size}
        in_order = SplitLoader(data, 1000, shuffle=False, **options)
        assert in_order._chunks.read_mode() == ReadMode(True, False)
        exact = SplitLoader(data, 1000, shuffle="exact", **options)
        assert not goes_on_in_passes(exact, monkeypatch)


@pytest.mark.usefixtures("cold")
def test_a_split_that_fits_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page_cache = PageCache(lambda *_: None, lambda: NUM * 16)
    monkeypatch.setattr(split_chunks, "os_page_cache", lambda **_: page_cache)
    for fraction, fits in ((0.2, True), (0.3, False)):
        splits = Splits(fractions={"train": fraction, "val": 1 - fraction})
        skim = skim_of(tmp_path / str(fraction))
        loader = SplitLoader(skim, 1000, split="train", splits=splits, shuffle="exact")
        assert goes_on_in_passes(loader, monkeypatch) is not fits
