"""Every executor writes the same bytes, even if workers die."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import (
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from pathlib import Path
from typing import Any, TypeVar

import awkward as ak
import numpy as np
import pytest
import uproot

import memmpy
from memmpy import Work, convert
from memmpy.errors import InputFileError, OptionError
from tests.conftest import CLIPS
from tests.conversion.dying import DyingExecutor
from tests.conversion.everything import (
    STEPS,
    arguments_of,
    check_clean,
    contents,
    of_tree,
    options_with,
    write_file,
    write_files,
)

pytestmark = CLIPS

T = TypeVar("T")
KINDS = ["tree", "tuple"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of all kinds, and the stores ``tree`` and ``tuple`` that threads made of them."""
    path = tmp_path_factory.mktemp("files")
    write_files(path)
    for kind in KINDS:
        files, options = arguments_of(kind, path)
        convert(files, path / kind, **options)
    return path


def check_same(kind: str, folder: Path, store: Path, executor: Executor) -> None:
    """Convert with an executor, and check that the store has the same bytes and checksums."""
    files, options = arguments_of(kind, folder)
    convert(files, store, **options_with(executor, options))
    expected, found = contents(folder / kind), contents(store)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    check_clean(store)


class CountingExecutor(Executor):
    """Does the tasks at once, one after the other, and counts them."""

    num = 0

    def submit(self, do: Callable[..., T], /, *arguments: Any, **options: Any) -> Future[T]:
        self.num += 1
        future: Future[T] = Future()
        future.set_result(do(*arguments, **options))
        return future


class CancellingExecutor(CountingExecutor):
    """Gives every third task back cancelled."""

    def submit(self, do: Callable[..., T], /, *arguments: Any, **options: Any) -> Future[T]:
        future = super().submit(do, *arguments, **options)
        if self.num % 3:
            return future
        cancelled: Future[T] = Future()
        if self.num % 2:
            cancelled.cancel()  # and nobody is told, as when a thread pool is shut down
        else:
            cancelled.set_exception(CancelledError())
        return cancelled


class RaisingExecutor(CountingExecutor):
    """Takes some tasks, then no more."""

    def __init__(self, error: Exception, num: int) -> None:
        self._error, self._max = error, num

    def submit(self, do: Callable[..., T], /, *arguments: Any, **options: Any) -> Future[T]:
        if self.num == self._max:
            raise self._error
        return super().submit(do, *arguments, **options)


class StoppingExecutor(Executor):
    """A thread pool that somebody shuts down in the middle, with what waits in it."""

    def __init__(self, num: int) -> None:
        self._pool, self._left = ThreadPoolExecutor(1), num
        self._blocked = threading.Event()

    def submit(self, do: Callable[..., T], /, *arguments: Any, **options: Any) -> Future[T]:
        self._left -= 1
        if self._left == 0:
            self._pool.submit(self._blocked.wait)
            future = self._pool.submit(do, *arguments, **options)
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._blocked.set()
            return future
        return self._pool.submit(do, *arguments, **options)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_columns_are_what_uproot_reads(kind: str, folder: Path) -> None:
    paths = [folder / f"{kind}_{name}.root" for name in STEPS if STEPS[name]]
    columns = memmpy.load_memmaps(folder / kind)
    whole = ak.concatenate([uproot.open(path)["tree"].arrays() for path in paths])
    for key in set(whole.fields) & set(columns):
        column: Any = columns[key]
        if isinstance(column, np.ndarray):
            assert np.array_equal(column, whole[key].to_numpy())
        elif hasattr(column, "to_awkward"):
            assert ak.array_equal(column.to_awkward(), whole[key])
        else:
            assert list(column) == whole[key].to_list()


@pytest.mark.slow
def test_columns_that_are_made_of_branches_are_what_awkward_makes(folder: Path) -> None:
    paths = [folder / f"tree_{name}.root" for name in STEPS if STEPS[name]]
    columns: Any = memmpy.load_memmaps(folder / "tree")
    whole = ak.concatenate([uproot.open(path)["tree"].arrays() for path in paths])
    padded = ak.fill_none(ak.pad_none(whole.jets, 2, clip=True), -1)
    assert np.array_equal(columns["padded"], padded.to_numpy())
    assert ak.array_equal(columns["heavy"].to_awkward(), whole.jets)
    twice = whole.weight + whole.number * whole.huge.to_numpy().astype(np.float64)
    assert np.allclose(columns["twice"], twice.to_numpy(), rtol=1e-12)


@pytest.mark.slow
def test_there_are_dozens_of_tasks(folder: Path, tmp_path: Path) -> None:
    for kind in KINDS:
        files, options = arguments_of(kind, folder)
        executor = CountingExecutor()
        convert(files, tmp_path / kind, **options_with(executor, options))
        assert executor.num > 48


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num", [1, 8])
def test_threads_make_the_same_bytes(num: int, kind: str, folder: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(num) as threads:
        check_same(kind, folder, tmp_path / "s", threads)


@pytest.mark.slow_together
@pytest.mark.parametrize("step_bytes", [1, 20_000, 1 << 30])
@pytest.mark.parametrize("kind", KINDS)
def test_steps_of_any_size_make_the_same_bytes(
    step_bytes: int, kind: str, folder: Path, tmp_path: Path
) -> None:
    files, options = arguments_of(kind, folder)
    convert(files, tmp_path / "s", **{**options, "work": Work(step_bytes=step_bytes)})
    assert contents(tmp_path / "s") == contents(folder / kind)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_make_the_same_bytes(method: str, folder: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as processes:
        for kind in KINDS:
            check_same(kind, folder, tmp_path / kind, processes)


@pytest.mark.slow
@pytest.mark.parametrize("num", [2, 20, 60])
def test_a_killed_process_of_a_pool_does_not_matter(num: int, folder: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(2, mp_context=context) as processes:
        dying = DyingExecutor(processes, tmp_path / "killed", num)
        check_same("tree", folder, tmp_path / "s", dying)
    assert (tmp_path / "killed").exists()


def test_an_executor_that_is_shut_down_does_not_matter(folder: Path, tmp_path: Path) -> None:
    threads = ThreadPoolExecutor(1)
    threads.shutdown()
    check_same("tree", folder, tmp_path / "s", threads)


def test_an_executor_that_is_shut_down_in_the_middle_does_not_matter(
    folder: Path, tmp_path: Path
) -> None:
    check_same("tree", folder, tmp_path / "s", StoppingExecutor(20))


@pytest.mark.slow_together
@pytest.mark.parametrize("num", [0, 5, 30])
@pytest.mark.parametrize("error", [RuntimeError("no more"), OSError("the connection is closed")])
def test_an_executor_that_takes_no_more_does_not_matter(
    error: Exception, num: int, folder: Path, tmp_path: Path
) -> None:
    check_same("tree", folder, tmp_path / "s", RaisingExecutor(error, num))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_cancelled_tasks_are_done_again(kind: str, folder: Path, tmp_path: Path) -> None:
    check_same(kind, folder, tmp_path / "s", CancellingExecutor())


@pytest.mark.slow
def test_a_file_that_is_replaced_meanwhile_does_not_mix(tmp_path: Path) -> None:
    """A process that opens it late must not read other events than the others did."""

    def make(name: str, first: int) -> Path:
        steps = [of_tree(first + 40 * i, 40) for i in range(6)]
        write_file(tmp_path / name, "tree", steps)
        return tmp_path / name

    file = make("a.root", 0)
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(1, mp_context=context) as processes:

        class Replacing(CountingExecutor):
            """Replaces the file after some tasks, and lets a new process do the others."""

            def submit(self, do: Callable[..., T], /, *arguments: Any, **options: Any) -> Future[T]:
                if self.num < 4:
                    return super().submit(do, *arguments, **options)
                if self.num == 4:
                    make("b.root", 1000).replace(file)
                self.num += 1
                return processes.submit(do, *arguments, **options)

        with pytest.raises(InputFileError, match=r"a\.root' has changed while it was converted"):
            convert(file, tmp_path / "s", keys={"number"}, work=Work(Replacing(), step_bytes=100))
    convert(file, tmp_path / "s", keys={"number"}, work=Work(step_bytes=100))
    assert np.array_equal(memmpy.read_vector(tmp_path / "s", "number"), np.arange(1000, 1240))
    check_clean(tmp_path / "s")


def test_a_file_that_is_written_over_meanwhile_does_not_mix(tmp_path: Path) -> None:
    """Who has it open reads the new bytes through the old handle."""
    for name, first in (("a.root", 0), ("b.root", 1000)):
        write_file(tmp_path / name, "tree", [of_tree(first + 40 * i, 40) for i in range(6)])
    file = tmp_path / "a.root"

    class WritingOver(CountingExecutor):
        def submit(self, do: Callable[..., T], /, *arguments: Any, **options: Any) -> Future[T]:
            if self.num == 4:
                file.write_bytes((tmp_path / "b.root").read_bytes())
            return super().submit(do, *arguments, **options)

    with pytest.raises(InputFileError, match=r"a\.root' has changed while it was converted"):
        convert(file, tmp_path / "s", keys={"number"}, work=Work(WritingOver(), step_bytes=100))
    convert(file, tmp_path / "s", keys={"number"}, work=Work(step_bytes=100))
    assert np.array_equal(memmpy.read_vector(tmp_path / "s", "number"), np.arange(1000, 1240))


@pytest.mark.parametrize(
    "executor",
    [4, "threads", ThreadPoolExecutor, object()],
    ids=["number", "text", "class", "object"],
)
def test_what_is_no_executor_is_refused(executor: Any, folder: Path, tmp_path: Path) -> None:
    files, options = arguments_of("tree", folder)
    message = r"work must be a Work or a concurrent\.futures\.Executor, got"
    with pytest.raises(OptionError, match=message):
        convert(files, tmp_path / "s", **{**options, "work": executor})
    with pytest.raises(OptionError, match=message):
        Work(executor)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Return a Dask client of two processes and a scheduler that talk over TCP."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=2,
            processes=True,
            protocol="tcp",
            dashboard_address=None,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


class TestDask:
    @pytest.mark.slow
    @pytest.mark.parametrize("kind", KINDS)
    def test_it_makes_the_same_bytes(
        self, kind: str, client: Any, folder: Path, tmp_path: Path
    ) -> None:
        check_same(kind, folder, tmp_path / "s", client.get_executor())

    @pytest.mark.slow
    def test_what_it_did_before_is_not_taken_for_done(
        self, client: Any, folder: Path, tmp_path: Path
    ) -> None:
        files, options = arguments_of("tree", folder)
        kept = []

        class KeepingExecutor(Executor):
            """Keeps all futures: Dask then remembers what came of equal calls."""

            def submit(self, do: Callable[..., T], /, *arguments: Any) -> Future[T]:  # type: ignore[override]
                future = client.submit(do, *arguments)
                kept.append(future)
                return client.get_executor()._wrap_future(future)  # type: ignore[no-any-return]

        for _ in range(2):
            options |= {"work": Work(KeepingExecutor(), step_bytes=3000)}
            convert(files, tmp_path / "s", recreate=True, **options)
            assert contents(tmp_path / "s") == contents(folder / "tree")
            check_clean(tmp_path / "s")

    @pytest.mark.slow
    @pytest.mark.parametrize("num", [2, 30])
    def test_a_killed_worker_does_not_matter(
        self, num: int, client: Any, folder: Path, tmp_path: Path
    ) -> None:
        dying = DyingExecutor(client.get_executor(), tmp_path / "killed", num)
        check_same("tree", folder, tmp_path / "s", dying)
        assert (tmp_path / "killed").exists()

    @pytest.mark.slow
    def test_a_client_itself_is_refused(self, client: Any, folder: Path, tmp_path: Path) -> None:
        files, options = arguments_of("tree", folder)
        with pytest.raises(OptionError, match=r"give client\.get_executor\(\)"):
            convert(files, tmp_path / "s", **{**options, "work": client})
