"""Columns that the user writes beside files belong to the events of these files, in order."""

import os
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import memmpy
from memmpy import (
    RFileConfig,
    Splits,
    WriteJagged,
    WriteNested,
    WriteShaped,
    WriteText,
    WriteVector,
    convert,
    load_memmaps,
    plan_conversion,
    read_vector,
)
from memmpy.errors import ColumnError, CutError
from memmpy.store import Transaction, read_metadata

MakeFile = Callable[..., Path]
#: A file by its number, and the entries of it that are taken.
Taken = tuple[int, int, int | None]

#: Entries of the files of `pool`: two have the same number, and one has none.
LENGTHS = (5, 5, 3, 8, 0)
STALE = (
    r"column 'score' (of|in) .* is stale: it was written for the events of other files than those "
    "that fill the store now; write it again, or convert those files again, in their order"
)


def lists(gid: NDArray[np.int64]) -> Any:
    return ak.unflatten(np.repeat(gid, gid % 3), gid % 3)


#: For each kind, its writer, and the values of events by their numbers.
KINDS: dict[str, tuple[Any, Callable[[NDArray[np.int64]], Any]]] = {
    "vector": (WriteVector, lambda gid: gid * 1.0),
    "jagged": (WriteJagged, lambda gid: [np.full(i % 3, i) for i in gid]),
    "shaped": (WriteShaped, lambda gid: [np.full((i % 3, 2), i) for i in gid]),
    "text": (WriteText, lambda gid: [str(i) for i in gid]),
    "nested": (WriteNested, lambda gid: ak.zip({"id": lists(gid)})),
}
#: What a writer must be told where there may be no events.
OPTIONS: dict[str, dict[str, Any]] = {
    "vector": {"dtype": np.float64},
    "jagged": {"dtype": np.int64},
    "shaped": {"dtype": np.int64},
    "text": {},
    "nested": {"type": "var * {id: int64}"},
}


def write_own(store: Path, key: str, kind: str, gid: NDArray[np.int64]) -> None:
    make, values = KINDS[kind]
    column: Any
    with make(store, key, **OPTIONS[kind]) as column:
        column.extend(values(gid))


def plain(column: Any) -> list[Any]:
    """Return entries as plain Python."""
    if hasattr(column, "to_awkward"):
        found: list[Any] = column.to_awkward().to_list()
        return found
    return [entry.tolist() if hasattr(entry, "tolist") else entry for entry in column]


def expected(kind: str, gid: NDArray[np.int64]) -> list[Any]:
    return plain(KINDS[kind][1](gid))


def write_root(path: Path, first: int, num: int) -> Path:
    with uproot.recreate(path) as file:
        tree = file.mktree("tree", {"gid": np.int64, "more": np.int64})
        if num:
            gid = np.arange(first, first + num)
            tree.extend({"gid": gid, "more": -gid})
    return path


def write_parquet(path: Path, first: int, num: int) -> Path:
    gid = np.arange(first, first + num)
    pq.write_table(pa.table({"gid": gid, "more": -gid}), path)
    return path


def write_hdf5(path: Path, first: int, num: int) -> Path:
    gid = np.arange(first, first + num)
    with h5py.File(path, "w") as file:
        file["gid"], file["more"] = gid, -gid
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two files of four events each."""
    return [write_root(tmp_path / f"{i}.root", 4 * i, 4) for i in range(2)]


@pytest.fixture
def store(files: list[Path], tmp_path: Path) -> Path:
    """A store of both, with a score of each event that is its number."""
    path = tmp_path / "s"
    convert(files, path, keys={"gid"})
    with WriteVector(path, "score") as column:
        column.extend(read_vector(path, "gid") * 1.0)
    return path


def check_right(store: Path) -> None:
    """Check that the score is there, and each event's own."""
    columns: Any = load_memmaps(store)
    assert columns["score"].tolist() == columns["gid"].tolist()


class TestOtherFiles:
    def test_other_order_makes_it_stale(self, files: list[Path], store: Path) -> None:
        convert(files[::-1], store, keys={"gid"})
        assert "score" not in load_memmaps(store)
        assert "score" not in memmpy.open(store)
        with pytest.raises(ColumnError, match=STALE):
            read_vector(store, "score")
        with pytest.raises(ColumnError, match=STALE):
            memmpy.open(store)["score"]
        with pytest.raises(CutError, match=STALE):
            memmpy.compute_cut_batched(store, "score > 1")

    def test_other_files_of_the_same_length_make_it_stale(
        self, store: Path, tmp_path: Path
    ) -> None:
        convert(write_root(tmp_path / "other.root", 100, 8), store, keys={"gid"})
        with pytest.raises(ColumnError, match=STALE):
            read_vector(store, "score")

    def test_another_range_makes_it_stale(self, files: list[Path], store: Path) -> None:
        convert(RFileConfig(files[0], entry_stop=2), store, keys={"gid"})
        write_own(store, "score", "vector", np.arange(2))
        check_right(store)
        convert(RFileConfig(files[0], entry_start=2), store, keys={"gid"})
        with pytest.raises(ColumnError, match=STALE):
            read_vector(store, "score")

    def test_another_tree_makes_it_stale(self, tmp_path: Path) -> None:
        with uproot.recreate(tmp_path / "two.root") as file:
            for i, name in enumerate(("one", "two")):
                file.mktree(name, {"gid": np.int64}).extend({"gid": np.arange(4) + 4 * i})
        convert(RFileConfig(tmp_path / "two.root", "one"), tmp_path / "s", keys={"gid"})
        write_own(tmp_path / "s", "score", "vector", np.arange(4))
        convert(RFileConfig(tmp_path / "two.root", "two"), tmp_path / "s", keys={"gid"})
        with pytest.raises(ColumnError, match=STALE):
            read_vector(tmp_path / "s", "score")

    def test_another_content_under_one_name_makes_it_stale(
        self, files: list[Path], store: Path
    ) -> None:
        write_root(files[0], 100, 4)
        convert(files, store, keys={"gid"})
        with pytest.raises(ColumnError, match=STALE):
            read_vector(store, "score")

    def test_the_report_names_it_with_the_way_out(self, files: list[Path], store: Path) -> None:
        plan = plan_conversion(files[::-1], store, keys={"gid"})
        assert (plan.stale, plan.stale_own) == ((), ("score",))
        text = " ".join(str(convert(files[::-1], store, keys={"gid"})).split())
        assert (
            "stale score: written for the events of other files; write again, or convert those "
            "files again, in their order" in text
        )

    def test_it_is_current_again_under_the_former_files(
        self, files: list[Path], store: Path
    ) -> None:
        convert(files[::-1], store, keys={"gid"})
        plan = plan_conversion(files, store, keys={"gid"})
        assert plan.stale_own == ()
        convert(files, store, keys={"gid"})
        check_right(store)

    def test_written_again_it_belongs_to_the_files_of_now(
        self, files: list[Path], store: Path
    ) -> None:
        convert(files[::-1], store, keys={"gid"})
        write_own(store, "score", "vector", np.array(read_vector(store, "gid")))
        check_right(store)
        convert(files, store, keys={"gid"})
        with pytest.raises(ColumnError, match=STALE):
            read_vector(store, "score")

    def test_a_loader_of_all_columns_leaves_it_out(self, files: list[Path], store: Path) -> None:
        convert(files[::-1], store, keys={"gid"})
        batch = next(iter(memmpy.open(store).loader(batch_size=8)))
        assert set(batch) == {"gid", "_index"}


class TestSameFiles:
    @pytest.mark.parametrize(
        ("suffix", "write"),
        [("root", write_root), ("parquet", write_parquet), ("h5", write_hdf5)],
    )
    def test_more_keys_leave_it_current(
        self, suffix: str, write: Callable[[Path, int, int], Path], tmp_path: Path
    ) -> None:
        files = [write(tmp_path / f"{i}.{suffix}", 4 * i, 4) for i in range(2)]
        convert(files, tmp_path / "s", keys={"gid"})
        write_own(tmp_path / "s", "score", "vector", np.arange(8))
        done = convert(files, tmp_path / "s", keys={"gid", "more"})
        assert set(done.read) == {str(path) for path in files}
        assert set(load_memmaps(tmp_path / "s")) == {"gid", "more", "score"}
        convert(files, tmp_path / "s", keys={"gid"}, recreate=True)
        check_right(tmp_path / "s")

    def test_files_that_are_touched_or_moved_leave_it_current(
        self, files: list[Path], store: Path, tmp_path: Path
    ) -> None:
        os.utime(files[0], ns=(0, 1))
        convert(files, store, keys={"gid"})
        check_right(store)
        copy = tmp_path / "copy.root"
        shutil.copy(files[0], copy)
        convert([copy, files[1]], store, keys={"gid"})
        check_right(store)

    def test_other_metadata_leave_it_current(self, files: list[Path], store: Path) -> None:
        configs = [RFileConfig(file, metadata={"process": file.stem}) for file in files]
        convert(configs, store, keys={"gid"})
        check_right(store)

    def test_a_file_without_entries_leaves_it_current(
        self, files: list[Path], store: Path, tmp_path: Path
    ) -> None:
        empty = write_root(tmp_path / "empty.root", 0, 0)
        convert([files[0], empty, files[1]], store, keys={"gid"})
        check_right(store)


class TestWhatBelongsToNoFiles:
    def test_a_column_of_another_length_is_never_stale(
        self, files: list[Path], store: Path
    ) -> None:
        with WriteVector(store, "edges") as column:
            column.extend([0.0, 1.0, 2.0])
        convert(files[::-1], store, keys={"gid"})
        assert read_vector(store, "edges").tolist() == [0.0, 1.0, 2.0]
        assert read_metadata(store).columns["edges"].events is None

    def test_a_column_written_before_files_fill_the_store_is_never_stale(
        self, files: list[Path], tmp_path: Path
    ) -> None:
        write_own(tmp_path / "s", "score", "vector", np.arange(8))
        convert(files, tmp_path / "s", keys={"gid"})
        convert(files[::-1], tmp_path / "s", keys={"gid"})
        assert read_vector(tmp_path / "s", "score").tolist() == list(range(8))

    def test_columns_that_memmpy_makes_record_no_events(
        self, files: list[Path], store: Path
    ) -> None:
        memmpy.open(store).add("twice", "gid * 2")
        columns = read_metadata(store).columns
        assert (columns["gid"].events, columns["twice"].events) == (None, None)


class TestWhatIsMadeOfIt:
    def test_a_computed_column_is_stale_with_it_and_says_why(
        self, files: list[Path], store: Path
    ) -> None:
        memmpy.open(store).add("twice", "score * 2")
        memmpy.open(store).add("four", "twice * 2")
        convert(files[::-1], store, keys={"gid"})
        assert set(memmpy.open(store)) == {"gid"}
        message = (
            "column 'four' of .* is stale: it was computed from 'twice', which is stale: it was "
            "computed from 'score', which is stale: it was written for the events of other files"
        )
        with pytest.raises(ColumnError, match=message):
            read_vector(store, "four")
        convert(files, store, keys={"gid"})
        gid = read_vector(store, "gid")
        assert read_vector(store, "four").tolist() == (gid * 4).tolist()

    def test_a_cached_cut_on_it_is_outdated_with_it(self, files: list[Path], store: Path) -> None:
        first = memmpy.compute_cut_batched(store, "score > 5").tolist()
        assert [record.is_current for record in memmpy.open(store).cuts] == [True]
        convert(files[::-1], store, keys={"gid"})
        assert [record.is_current for record in memmpy.open(store).cuts] == [False]
        write_own(store, "score", "vector", np.array(read_vector(store, "gid")))
        second = memmpy.compute_cut_batched(store, "score > 5").tolist()
        assert (first, second) == ([6, 7], [2, 3])

    def test_a_skim_of_it_is_outdated_with_it(self, files: list[Path], store: Path) -> None:
        def make() -> memmpy.Skim:
            return memmpy.skim(store, keys=["score"], splits=Splits(by=("id",)))

        with WriteVector(store, "id") as column:
            column.extend(np.arange(8))
        skim = make()
        assert skim.is_current(read_metadata(store))
        convert(files[::-1], store, keys={"gid"})
        assert not skim.is_current(read_metadata(store))
        assert [found.path for found in memmpy.open(store).skims.outdated] == [skim.path]
        with pytest.raises(ColumnError, match="is stale: it was written for the events of other"):
            make()
        convert(files, store, keys={"gid"})
        assert skim.is_current(read_metadata(store))

    def test_it_cannot_split_other_files(self, files: list[Path], store: Path) -> None:
        with WriteVector(store, "id") as column:
            column.extend(np.arange(8))
        convert(files[::-1], store, keys={"gid"})
        with pytest.raises(ColumnError, match=r"column 'id'.*is stale: it was written for the"):
            memmpy.open(store).loader("train", splits=Splits(by=("id",)))


class TestWriters:
    def test_columns_of_one_transaction_each_record_the_events(
        self, files: list[Path], store: Path
    ) -> None:
        with Transaction(store) as transaction:
            for key, values in {"a": np.arange(8), "b": np.arange(8), "c": np.arange(3)}.items():
                with WriteVector(store, key, transaction=transaction) as column:
                    column.extend(values)
        assert read_metadata(store).current_keys() == ["gid", "score", "a", "b", "c"]
        convert(files[::-1], store, keys={"gid"})
        assert read_metadata(store).current_keys() == ["gid", "c"]

    def test_an_aborted_transaction_leaves_the_store_as_it_was(self, store: Path) -> None:
        before, names = read_metadata(store), {file.name for file in store.iterdir()}

        def write() -> None:
            with Transaction(store) as transaction:
                with WriteVector(store, "score", transaction=transaction) as column:
                    column.extend(-np.arange(8.0))
                raise RuntimeError("no more")

        with pytest.raises(RuntimeError, match="no more"):
            write()
        assert read_metadata(store) == before
        assert {file.name for file in store.iterdir()} == names
        check_right(store)

    def test_a_column_is_of_the_files_that_filled_the_store_when_its_block_began(
        self, files: list[Path], store: Path
    ) -> None:
        done = threading.Event()

        def swap() -> None:
            convert(files[::-1], store, keys={"gid"})
            done.set()

        with WriteVector(store, "late") as column:
            column.extend(read_vector(store, "gid") * 1.0)
            other = threading.Thread(target=swap)
            other.start()
            # Threads share the lock and commit one after the other.
            assert done.wait(60)
        other.join()
        assert "late" not in load_memmaps(store)
        convert(files, store, keys={"gid"})
        assert read_vector(store, "late").tolist() == list(range(8))

    def test_two_writers_at_once_both_record_the_events(
        self, files: list[Path], store: Path
    ) -> None:
        barrier = threading.Barrier(2)

        def write(key: str) -> None:
            with WriteVector(store, key) as column:
                barrier.wait(60)
                column.extend(np.arange(8))

        threads = [threading.Thread(target=write, args=(key,)) for key in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert read_metadata(store).current_keys()[:2] == ["gid", "score"]
        assert set(load_memmaps(store)) == {"gid", "score", "a", "b"}
        convert(files[::-1], store, keys={"gid"})
        assert set(load_memmaps(store)) == {"gid"}


@dataclass
class World:
    """A store, the files that fill it, and the lists for which the user wrote columns."""

    pool: list[Path]
    copies: list[Path]
    store: Path
    taken: list[Taken] = field(default_factory=list)
    written: dict[str, tuple[str, list[Taken]]] = field(default_factory=dict)

    def events(self, taken: Sequence[Taken]) -> list[Taken]:
        """Return files that have entries in their range, with its true end."""
        filled = [(i, start, min(stop or 99, LENGTHS[i])) for i, start, stop in taken]
        return [(i, start, stop) for i, start, stop in filled if start < stop]

    def gid(self) -> NDArray[np.int64]:
        """Return the numbers of the events that fill the store."""
        ranges = [np.arange(a, b) + 100 * i for i, a, b in self.events(self.taken)]
        return np.concatenate([np.zeros(0, np.int64), *ranges])

    def convert(self, taken: list[Taken], keys: set[str], *, from_copies: bool) -> None:
        paths = self.copies if from_copies else self.pool
        configs = [RFileConfig(paths[i], entry_start=a, entry_stop=b) for i, a, b in taken]
        convert(configs, self.store, keys=keys, progress=False)
        self.taken = taken

    def check(self) -> None:
        """Check that each column that is loaded has each event's own values, and none is lost."""
        columns = load_memmaps(self.store)
        gid = self.gid()
        assert plain(columns["gid"]) == gid.tolist()
        now = self.events(self.taken)
        for key, (kind, taken) in self.written.items():
            assert (key in columns) == (self.events(taken) == now)
            if key in columns:
                assert plain(columns[key]) == expected(kind, gid)


@st.composite
def lists_of_files(draw: st.DrawFn) -> list[Taken]:
    """Return files in any order, of some of which a range is taken."""
    numbers = draw(st.permutations(range(len(LENGTHS))))
    taken: list[Taken] = []
    for i in numbers[: draw(st.integers(1, len(LENGTHS)))]:
        start = min(draw(st.sampled_from([0, 0, 0, 1])), LENGTHS[i])
        taken.append((i, start, draw(st.sampled_from([None, None, None, 2, 4]))))
    return taken


CONVERT = st.tuples(
    st.just("convert"), lists_of_files(), st.sampled_from([{"gid"}, {"gid", "more"}]), st.booleans()
)
BACK = st.tuples(st.just("back"), st.integers(0, 5))
WRITE = st.tuples(st.just("write"), st.sampled_from("xyz"), st.sampled_from([*KINDS]))
TOUCH = st.tuples(st.just("touch"), st.sampled_from(range(len(LENGTHS))))


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], list[Path]]:
    folder = tmp_path_factory.mktemp("pool")
    files = [write_root(folder / f"{i}.root", 100 * i, num) for i, num in enumerate(LENGTHS)]
    return files, [Path(shutil.copy(file, folder / f"copy_{file.name}")) for file in files]


@pytest.mark.slow
@settings(max_examples=40)
@given(first=lists_of_files(), steps=st.lists(CONVERT | BACK | WRITE | TOUCH, max_size=8))
def test_what_is_loaded_always_belongs_to_the_event(
    first: list[Taken],
    steps: list[Any],
    pool: tuple[list[Path], list[Path]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    world = World(*pool, tmp_path_factory.mktemp("random") / "s")
    world.convert(first, {"gid"}, from_copies=False)
    lists = [first]
    for what, *args in steps:
        if what == "convert":
            lists.append(args[0])
            world.convert(args[0], args[1], from_copies=args[2])
        elif what == "back":
            world.convert(lists[args[0] % len(lists)], {"gid"}, from_copies=False)
        elif what == "write":
            write_own(world.store, args[0], args[1], world.gid())
            world.written[args[0]] = (args[1], world.taken)
        else:
            os.utime(world.pool[args[0]])
        world.check()
