"""Pages that are read ahead of their use, and dropped after it."""

import mmap
import os
import threading
from collections.abc import Callable
from contextlib import closing
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from memmpy import Jagged, Shuffle, SplitLoader, Splits, WriteVector, skim
from memmpy.loaders.chunk import EntryChunk
from memmpy.loaders.epoch import EpochChunks, chunks_of_columns, load_batches
from memmpy.loaders.pagecache.advice import MappedData, PageCache, ReadMode, os_page_cache
from memmpy.loaders.pagecache.pages import in_memory, page_ranges
from memmpy.loaders.readahead import ReadAhead
from memmpy.loaders.row_gatherer import RowGatherer
from memmpy.loaders.shuffle import ShuffleChoice
from memmpy.order import ChosenEntries, EveryEntry, Subset
from memmpy.parallel import THREAD_NAME
from tests.processes import run_python

NUM, PAGE = 20_000, mmap.PAGESIZE
NORMAL, RANDOM, WILL_NEED, PAGE_OUT = 0, 1, 3, 21
KINDS = pytest.mark.parametrize("kind", ["none", "exact", "blocks"])


class Recorder:
    """Records the advice that is given."""

    def __init__(self) -> None:
        self.given: list[tuple[int, set[int]]] = []
        self.lock = threading.Lock()

    def __call__(self, starts: Any, num_bytes: Any, advice: int, /) -> None:
        pages = {
            page
            for start, size in zip(starts.tolist(), num_bytes.tolist(), strict=True)
            for page in range(start // PAGE, (start + size) // PAGE)
        }
        with self.lock:
            self.given.append((advice, pages))

    def pages(self, advice: int) -> set[int]:
        return set().union(*(pages for kind, pages in self.given if kind == advice))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("paging") / "s"
    with WriteVector(path=path, key="x") as column:
        column.extend(np.arange(NUM * 10, dtype=np.float32).reshape(NUM, 10))
    with WriteVector(path=path, key="n") as column:
        column.extend(np.arange(NUM))
    splits = Splits(by=("n",), num_folds=3)
    return skim(path, keys=["x", "n"], splits=splits, progress=False)


class WithLists:
    """A skim, with lists in maps beside it."""

    def __init__(self, rows: Any, folder: Path) -> None:
        self.rows, self.tickets, self.fields = rows.rows, rows.tickets, rows.fields
        self.path, self.ticket_rule = rows.path, rows.ticket_rule
        self.multiplicities = rows.multiplicities
        counts = np.arange(len(rows)) % 7
        offsets = np.append(0, np.cumsum(counts))
        np.save(folder / "content.npy", np.arange(offsets[-1], dtype=np.float32))
        np.save(folder / "offsets.npy", offsets)
        content, offsets = (
            np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("content", "offsets")
        )
        self.lists = {"lists": (content, offsets)}


@pytest.fixture
def packed(rows: Any, tmp_path: Path) -> WithLists:
    return WithLists(rows, tmp_path)


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system say that nothing is in memory."""

    def preadv(*_: Any) -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "preadv", preadv)


def row_chunks(
    packed: Any,
    *,
    kind: Any,
    advise: Any,
    ranges: list[range] | None = None,
    memory: int | None = None,
    num_threads: int = 2,
) -> EpochChunks:
    gatherer = RowGatherer(
        packed,
        [range(NUM)] if ranges is None else ranges,
        compiled=True,
        num_threads=num_threads,
        page_cache=PageCache(advise, lambda: memory),
    )
    return EpochChunks(gatherer, ShuffleChoice(kind, 16, 8, ""), num_threads=num_threads)


def mapped_data(columns: Any, lists: Any = (), *, advise: Any = None) -> MappedData:
    return MappedData(columns, lists, page_cache=PageCache(advise or Recorder(), lambda: None))


def load(chunks: EpochChunks, *, position: int = 0, num_threads: int = 2) -> list[Any]:
    options: dict[str, Any] = {"seed": 7, "epoch": 0, "batch_size": 100, "drop_last": False}
    found = load_batches(chunks, num_threads=num_threads, position=position, **options)
    return [
        (batch["_index"].tolist(), batch["x"].tobytes(), batch["lists"].content.tobytes())
        for batch in found
    ]


def pages_of(array: NDArray[Any], start: int, stop: int) -> set[int]:
    """Return the pages of the items start..stop-1."""
    size = array.nbytes // len(array)
    first, last = array.ctypes.data + start * size, array.ctypes.data + stop * size
    return set(range(first // PAGE, -(-last // PAGE)) if start < stop else ())


def pages_of_rows(packed: WithLists, ranges: list[range]) -> set[int]:
    content, offsets = packed.lists["lists"]
    found: set[int] = set()
    for part in ranges:
        found |= pages_of(packed.rows, part.start, part.stop)
        found |= pages_of(offsets, part.start, part.stop + 1)
        found |= pages_of(content, int(offsets[part.start]), int(offsets[part.stop]))
    return found


@KINDS
@pytest.mark.parametrize("num_threads", [0, 1, 2, 5])
@pytest.mark.parametrize("memory", [None, 1])
@pytest.mark.usefixtures("cold")
def test_batches_are_the_same_with_advice(
    packed: WithLists, kind: Any, num_threads: int, memory: int | None
) -> None:
    expected = load(row_chunks(packed, kind=kind, advise=None))
    chunks = row_chunks(
        packed,
        kind=kind,
        advise=os_page_cache(compiled=True).advise or Recorder(),
        memory=memory,
        num_threads=num_threads,
    )
    assert load(chunks, num_threads=num_threads) == expected


@KINDS
@pytest.mark.usefixtures("cold")
def test_an_epoch_that_is_read_ahead_goes_on_from_any_batch(packed: WithLists, kind: Any) -> None:
    chunks = row_chunks(packed, kind=kind, advise=Recorder(), memory=1)
    whole = load(chunks)
    for position in (100, 7_300, 19_900, 20_000):
        assert load(chunks, position=position) == whole[position // 100 :]


@KINDS
@pytest.mark.usefixtures("cold")
def test_the_pages_of_the_rows_are_prefetched(packed: WithLists, kind: Any) -> None:
    ranges = [range(3_001, 5_017), range(12_000, 12_100)]
    recorder = Recorder()
    load(row_chunks(packed, kind=kind, advise=recorder, ranges=ranges))
    assert recorder.pages(WILL_NEED) == pages_of_rows(packed, ranges)
    assert recorder.pages(PAGE_OUT) == set()


@pytest.mark.parametrize(
    "options", [{"split": "train", "fold": 1}, {"split": "all", "rank": 1, "world_size": 3}]
)
@KINDS
@pytest.mark.usefixtures("cold")
def test_folds_and_ranks_are_the_same_with_advice(
    rows: Any, monkeypatch: pytest.MonkeyPatch, kind: Any, options: dict[str, Any]
) -> None:
    from memmpy.splits import split_chunks

    def run(advise: Any) -> list[bytes]:
        monkeypatch.setattr(
            split_chunks, "os_page_cache", lambda *, compiled: PageCache(advise, lambda: None)
        )
        shuffle = False if kind == "none" else kind
        loader = SplitLoader(rows, 100, shuffle=Shuffle(shuffle, 16, 8), **options)
        return [batch["_index"].tobytes() + batch["x"].tobytes() for batch in loader]

    recorder = Recorder()
    assert run(recorder) == run(None)
    assert recorder.pages(WILL_NEED)


@KINDS
@pytest.mark.usefixtures("cold")
def test_pages_are_prefetched_before_they_are_dropped(packed: WithLists, kind: Any) -> None:
    recorder = Recorder()
    load(row_chunks(packed, kind=kind, advise=recorder, memory=1, num_threads=0), num_threads=0)
    asked: set[int] = set()
    for advice, pages in recorder.given:
        if advice == WILL_NEED:
            asked |= pages
        elif advice == PAGE_OUT:
            assert pages <= asked


def test_pages_are_dropped_only_where_data_is_much_more_than_memory(
    packed: WithLists, cold: None
) -> None:
    num_bytes, _ = mapped_data([packed.rows], packed.lists.values()).measure([range(NUM)])
    for memory, is_dropped in ((None, False), (num_bytes, False), (num_bytes // 3, True)):
        chunks = row_chunks(packed, kind="blocks", advise=Recorder(), memory=memory)
        assert chunks.read_mode() == ReadMode(True, is_dropped)


def test_parts_behind_are_dropped_when_they_are_done(tmp_path: Path) -> None:
    events: list[tuple[str, int]] = []

    class PartRecorder(Recorder):
        def __call__(self, starts: Any, num_bytes: Any, advice: int, /) -> None:
            kinds = {WILL_NEED: "prefetch", PAGE_OUT: "drop"}
            if advice in kinds:
                events.append((kinds[advice], int(starts[0] - first) // PAGE))

    (tmp_path / "bytes").write_bytes(bytes(16 * PAGE))
    mapped = np.memmap(tmp_path / "bytes", np.uint8, "r")
    first = mapped.ctypes.data
    data = mapped_data([mapped], advise=PartRecorder())

    class Parts:
        """Gathers parts of a page each."""

        mapped = data

        def blocks(self, part: int, /) -> Any:
            return np.array([part * PAGE]), np.array([1])

        def gather(self, part: int, /) -> EntryChunk:
            events.append(("gather", part))
            return EntryChunk(0, [])

    ahead: ReadAhead[int] = ReadAhead(Parts(), num_ahead=2, num_behind=3)
    for task in ahead.tasks(range(8)):
        task()
    for part in range(8):
        assert events.count(("prefetch", part)) == events.count(("gather", part)) == 1
        assert events.index(("prefetch", part)) < events.index(("gather", part))
        if part >= 2:
            assert events.index(("prefetch", part)) < events.index(("gather", part - 1))
    assert [part for kind, part in events if kind == "drop"] == [0, 1, 2, 3, 4]
    for part in range(5):
        assert events.index(("gather", part + 3)) < events.index(("drop", part))


def test_nothing_is_prefetched_if_all_is_in_memory(packed: WithLists) -> None:
    recorder = Recorder()
    load(row_chunks(packed, kind="blocks", advise=recorder))
    assert recorder.given == []


@KINDS
@pytest.mark.usefixtures("cold")
def test_arrays_that_are_no_map_get_no_advice(packed: WithLists, kind: Any) -> None:
    packed.rows = np.array(packed.rows)
    content, offsets = packed.lists["lists"]
    packed.lists = {"lists": (np.array(content), np.array(offsets))}
    recorder = Recorder()
    assert load(row_chunks(packed, kind=kind, advise=recorder, memory=1))
    assert recorder.given == []


def test_maps_that_may_be_written_to_are_left_alone(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(10_000))
    for mode in ("c", "r+"):
        mapped = np.load(tmp_path / "x.npy", mmap_mode=mode)
        data = mapped_data([mapped])
        assert data.read_mode([range(10_000)], is_scattered=False) == ReadMode(False, False)


@pytest.mark.usefixtures("cold")
def test_systems_without_advice_load_as_they_do(
    packed: WithLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(mmap, "MADV_WILLNEED")
    assert os_page_cache(compiled=True).advise is None
    chunks = row_chunks(packed, kind="exact", advise=os_page_cache(compiled=True).advise)
    assert chunks.read_mode() == ReadMode(False, False)
    assert len(load(chunks)) == NUM / 100


def test_systems_that_cannot_tell_take_all_to_be_in_memory(
    rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "RWF_NOWAIT")
    assert in_memory(rows.rows, start=0, stop=rows.rows.nbytes, num_samples=4) == 1


@KINDS
@pytest.mark.usefixtures("cold")
def test_read_ahead_is_as_it_was_after_an_epoch_that_was_left(packed: WithLists, kind: Any) -> None:
    recorder = Recorder()
    chunks = row_chunks(packed, kind=kind, advise=recorder, memory=1)
    options: dict[str, Any] = {"batch_size": 10, "drop_last": False, "num_threads": 3}
    with closing(load_batches(chunks, seed=0, epoch=0, position=0, **options)) as batches:
        assert len(list(islice(batches, 3))) == 3
    advised = [advice for advice, _ in recorder.given if advice in {NORMAL, RANDOM}]
    assert advised == 3 * [RANDOM] + 3 * [NORMAL]
    num_given = len(recorder.given)
    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith(THREAD_NAME) for name in names)
    assert len(recorder.given) == num_given


def test_a_few_pages_between_two_are_prefetched_but_not_dropped(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(bytes(40 * PAGE))
    mapped = np.memmap(tmp_path / "bytes", np.uint8, "r")
    recorder = Recorder()
    data = mapped_data([mapped], advise=recorder)
    first, wanted = mapped.ctypes.data // PAGE, np.array([0, 5, 11, 30])
    data.prefetch((wanted * PAGE, np.ones(4, np.int64)))
    assert recorder.pages(WILL_NEED) == {first + page for page in (*range(6), 11, 30)}
    data.drop((wanted * PAGE, np.ones(4, np.int64)))
    assert recorder.pages(PAGE_OUT) == set((first + wanted).tolist())


def test_an_interrupt_while_advice_is_given_leaves_no_map_at_random(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(bytes(PAGE))
    mapped = np.memmap(tmp_path / "bytes", np.uint8, "r")
    recorder = Recorder()

    def interrupted(starts: Any, num_bytes: Any, advice: int, /) -> None:
        recorder(starts, num_bytes, advice)
        if advice == RANDOM:
            raise KeyboardInterrupt

    data = mapped_data([mapped], advise=interrupted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), data.random_access():
            pass
    assert [advice for advice, _ in recorder.given] == [RANDOM, NORMAL, RANDOM, NORMAL]


@given(
    st.integers(0, 3 * PAGE),
    st.integers(1, 3 * PAGE),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 5)), max_size=20),
    st.integers(0, 5),
)
def test_ranges_of_pages_are_those_of_each_block_and_a_few_between(
    address: int, item_bytes: int, blocks: list[tuple[int, int]], max_between: int
) -> None:
    numbers = np.array(blocks, np.int64).reshape(-1, 2)
    pair = numbers[:, 0], numbers[:, 1]
    starts, sizes = page_ranges(address, item_bytes, pair, max_between=max_between)
    expected = {
        page
        for start, count in blocks
        if count
        for page in range(
            (address + start * item_bytes) // PAGE,
            -(-(address + (start + count) * item_bytes) // PAGE),
        )
    }
    for first, last in pairwise(sorted(expected)):
        if last - first - 1 <= max_between:
            expected |= set(range(first, last))
    found = [
        page
        for start, size in zip(starts.tolist(), sizes.tolist(), strict=True)
        for page in range(start // PAGE, (start + size) // PAGE)
    ]
    assert found == sorted(expected)
    assert (starts[1:] > (starts + sizes)[:-1] + max_between * PAGE).all()


@pytest.mark.skipif(
    os_page_cache(compiled=True).advise is None, reason="the system takes no advice"
)
def test_prefetched_pages_come_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(bytes(64 * PAGE))
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    mapped = np.memmap(path, np.uint8, "r")
    if in_memory(mapped, start=0, stop=len(mapped), num_samples=1) > 0:
        pytest.skip("the file system keeps all in memory")
    data = mapped_data([mapped], advise=os_page_cache(compiled=True).advise)
    blocks = np.array([0]), np.array([16 * PAGE])
    with data.random_access():
        data.prefetch(blocks)
        assert mapped[: 16 * PAGE].max() == 0  # waits until they are there
        assert in_memory(mapped, start=0, stop=16 * PAGE, num_samples=64) == 1
        assert in_memory(mapped, start=16 * PAGE, stop=64 * PAGE, num_samples=8) < 1
    data.drop(blocks)
    assert in_memory(mapped, start=0, stop=16 * PAGE, num_samples=8) < 1
    assert mapped.max() == 0


def test_to_look_whether_data_is_in_memory_does_not_make_it_seem_so(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    with path.open("wb") as file:
        file.write(bytes(4096 * PAGE))
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    mapped = np.memmap(path, np.uint8, "r")
    shares = [in_memory(mapped, start=0, stop=len(mapped), num_samples=16) for _ in range(5)]
    if shares[0] == 1:
        pytest.skip("the file system keeps all in memory, or cannot tell")
    assert max(shares) < 1


@pytest.mark.slow
@pytest.mark.usefixtures("cold")
def test_an_explanation_says_how_data_is_read(rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from memmpy.splits import split_chunks

    recorder: Callable[..., None] = Recorder()
    monkeypatch.setattr(
        split_chunks, "os_page_cache", lambda *, compiled: PageCache(recorder, lambda: 1000)
    )
    found = SplitLoader(rows, 100, split="all", shuffle="blocks").explain()
    assert (found.is_ahead, found.is_dropped) == (True, True)
    assert "read-ahead" in str(found)
    assert "dropped after use: data is much larger than memory" in str(found)


@pytest.fixture
def columns(tmp_path: Path) -> dict[str, Any]:
    """Columns in maps: numbers, arrays and lists."""
    counts = np.arange(NUM) % 7
    offsets = np.append(0, np.cumsum(counts))
    arrays: dict[str, Any] = {
        "x": np.arange(NUM * 10, dtype=np.float32).reshape(NUM, 10),
        "n": np.arange(NUM),
        "content": np.arange(offsets[-1], dtype=np.float32),
        "offsets": offsets,
    }
    for key, array in arrays.items():
        np.save(tmp_path / f"{key}.npy", array)
    maps = {key: np.load(tmp_path / f"{key}.npy", mmap_mode="r") for key in arrays}
    lists = Jagged.trusted(np.asarray(maps["content"]), np.asarray(maps["offsets"]))
    return {"x": np.asarray(maps["x"]), "n": np.asarray(maps["n"]), "lists": lists}


def column_chunks(
    columns: Any, *, is_shuffled: bool, advise: Any, memory: int | None = None, num: int = NUM
) -> EpochChunks:
    is_chosen = (np.arange(NUM) >= 100) & (np.arange(NUM) < 100 + num)
    return chunks_of_columns(
        columns,
        ChosenEntries(Subset([is_chosen], num=NUM), None) if num < NUM else EveryEntry(NUM),
        is_shuffled=is_shuffled,
        num_threads=2,
        page_cache=PageCache(advise, lambda: memory),
    )


@pytest.mark.parametrize("is_shuffled", [True, False])
@pytest.mark.parametrize("memory", [None, 1])
@pytest.mark.usefixtures("cold")
def test_columns_are_the_same_with_advice(
    columns: Any, is_shuffled: bool, memory: int | None
) -> None:
    expected = load(column_chunks(columns, is_shuffled=is_shuffled, advise=None))
    for advise in (os_page_cache(compiled=True).advise, Recorder()):
        chunks = column_chunks(columns, is_shuffled=is_shuffled, advise=advise, memory=memory)
        assert load(chunks) == expected
        assert load(chunks, position=7_300) == expected[73:]


@pytest.mark.parametrize("is_shuffled", [True, False])
@pytest.mark.usefixtures("cold")
def test_the_pages_of_the_entries_of_columns_are_prefetched(
    columns: Any, is_shuffled: bool
) -> None:
    recorder = Recorder()
    load(column_chunks(columns, is_shuffled=is_shuffled, advise=recorder, memory=1, num=3_000))
    lists = columns["lists"]
    wanted = pages_of(columns["x"], 100, 3_100) | pages_of(columns["n"], 100, 3_100)
    wanted |= pages_of(lists.offsets, 100, 3_101)
    wanted |= pages_of(lists.content, int(lists.offsets[100]), int(lists.offsets[3_100]))
    assert recorder.pages(WILL_NEED) == wanted
    assert recorder.pages(PAGE_OUT) == set()


@pytest.mark.parametrize("is_shuffled", [True, False])
@pytest.mark.usefixtures("cold")
def test_columns_are_dropped_behind_where_they_are_read_in_order(
    columns: Any, is_shuffled: bool
) -> None:
    chunks = column_chunks(columns, is_shuffled=is_shuffled, advise=Recorder(), memory=1)
    assert chunks.read_mode() == ReadMode(True, not is_shuffled)


def test_columns_in_memory_get_no_advice(columns: Any) -> None:
    recorder = Recorder()
    chunks = column_chunks(columns, is_shuffled=True, advise=recorder)
    assert chunks.read_mode() == ReadMode(False, False)
    load(chunks)
    assert recorder.given == []


@KINDS
@pytest.mark.usefixtures("cold")
def test_a_map_is_read_at_random_until_its_last_epoch_ends(packed: WithLists, kind: Any) -> None:
    recorder = Recorder()
    chunks = row_chunks(packed, kind=kind, advise=recorder)
    options: dict[str, Any] = {"batch_size": 10, "drop_last": False, "num_threads": 0}
    first = load_batches(chunks, seed=0, epoch=0, position=0, **options)
    second = load_batches(chunks, seed=1, epoch=0, position=0, **options)
    with closing(second):
        with closing(first):
            next(first)
            next(second)
        assert NORMAL not in [advice for advice, _ in recorder.given]
    assert [advice for advice, _ in recorder.given].count(NORMAL) == 3


@pytest.mark.slow
@pytest.mark.skipif(
    os_page_cache(compiled=True).advise is None, reason="the system takes no advice"
)
def test_an_epoch_that_is_left_when_the_program_ends_says_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1 << 16, 128)))
    run_python(f"""if True:
        import os
        import numpy as np
        from memmpy import SplitLoader

        def preadv(*_):
            raise BlockingIOError

        os.preadv = preadv
        loader = SplitLoader({{"x": np.load({str(tmp_path / "x.npy")!r}, mmap_mode="r")}})
        assert loader._chunks.read_mode().is_ahead
        left = iter(loader)
        next(left)
    """)
