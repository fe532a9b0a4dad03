"""Tests of `headspace`: who waits for whom, with steps and loaders that sleep."""

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy import (
    SimpleLoader,
    Skim,
    SplitLoader,
    WriteVector,
    headspace,
    load_memmaps,
    skim,
    to_torch,
)
from memmpy.errors import OptionError
from memmpy.frameworks.framework_loader import FrameworkLoader
from memmpy.report import Headspace
from memmpy.typing import Batch


class SlowBatches:
    """Five batches of ten entries, each of which takes some time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __len__(self) -> int:
        return 5

    def __iter__(self) -> Iterator[Any]:
        for _ in range(5):
            time.sleep(self.seconds)
            yield np.zeros(10), np.ones(10)


class SlowFramework(FrameworkLoader[Batch]):
    """A loader of a framework that takes some time for a batch."""

    def convert(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            time.sleep(0.005)
            yield batch


def nothing(batch: object) -> None:
    """Do nothing: the fastest step."""


def numbers(num: int = 1000, batch_size: int = 100, **options: Any) -> SplitLoader:
    return SplitLoader({"x": np.arange(float(num))}, batch_size, **options)


@pytest.mark.slow
def test_a_slow_step_is_no_bottleneck_of_loading() -> None:
    space = headspace(numbers(), lambda batch: time.sleep(0.02), seconds=0.9)
    assert space.verdict.endswith(" of training: loading is not your bottleneck")
    assert space.advice == ()
    assert space.loading_seconds < space.step_seconds / 2
    assert 0.2 <= space.step_seconds < 2
    assert space.waiting < 0.5


def test_a_slow_loader_is_the_bottleneck() -> None:
    space = headspace(SlowBatches(0.01), nothing, seconds=0.2)
    assert ": loading is your bottleneck; try more threads or workers" in space.verdict
    assert space.loading_seconds >= 0.05
    assert space.step_seconds < space.loading_seconds / 2
    assert space.waiting > 0.5
    assert space.num_entries == 50


def test_the_loader_stays_where_it_is() -> None:
    loader = numbers(seed=3)
    passes = iter(loader)
    next(passes)
    state = loader.state_dict()
    headspace(loader, lambda batch: time.sleep(0.001), seconds=0.03)
    assert loader.state_dict() == state
    expected = [batch["x"].tolist() for batch in numbers(seed=3)][1:]
    assert [batch["x"].tolist() for batch in passes] == expected


def test_the_last_short_batch_is_left_out() -> None:
    sizes = set()

    def step(batch: Batch) -> None:
        time.sleep(0.001)
        sizes.add(len(batch["x"]))

    headspace(numbers(250), step, seconds=0.1)
    assert sizes == {100}


@pytest.mark.slow
def test_the_first_calls_of_a_step_do_not_count() -> None:
    ends: list[float] = []

    def step(batch: Batch) -> None:
        time.sleep(0.01 if ends else 1)
        ends.append(time.perf_counter())

    space = headspace(numbers(), step, seconds=0.9)
    assert space.step_seconds < 10 * 0.1
    assert ends[-1] - ends[0] > 0.55  # more than one round, which takes 0.3 s


@pytest.mark.parametrize("num", [1, 70])
def test_a_single_batch_is_enough(num: int) -> None:
    space = headspace(numbers(num), lambda batch: time.sleep(0.001), seconds=0.03)
    assert (space.num_batches, space.num_entries) == (1, num)
    assert space.step_seconds >= 0.001  # it sleeps that long


@pytest.mark.parametrize(("drop_last", "num"), [(False, 250), (True, 200)])
def test_the_entries_are_those_of_an_epoch(drop_last: bool, num: int) -> None:
    loader = numbers(250, drop_last=drop_last)
    assert headspace(loader, lambda _: time.sleep(0.001), seconds=0.03).num_entries == num


def test_entries_of_other_loaders_come_from_a_batch() -> None:
    simple = SimpleLoader({"x": np.arange(300)}, 100)
    assert headspace(simple, lambda _: time.sleep(0.001), seconds=0.03).num_entries == 300
    assert headspace([{}, {}], lambda _: time.sleep(0.001), seconds=0.03).num_entries is None
    space = headspace([7, 8], lambda _: time.sleep(0.001), seconds=0.03)
    assert space.num_entries is None
    assert "?" in repr(space)


def test_an_error_of_the_step_passes_and_ends_the_threads() -> None:
    calls: list[object] = []

    def fail(batch: object) -> None:
        calls.append(batch)
        if len(calls) > 20:
            raise ZeroDivisionError("of the step")

    before = threading.active_count()
    with pytest.raises(ZeroDivisionError, match="of the step"):
        headspace(numbers(100_000, num_threads=2), fail, seconds=0.2)
    assert threading.active_count() == before


def test_an_error_of_the_loader_passes() -> None:
    def batches() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError("of the loader")

    class Broken(SlowBatches):
        def __iter__(self) -> Iterator[Any]:
            return batches()

    with pytest.raises(ZeroDivisionError, match="of the loader"):
        headspace(Broken(0), nothing, seconds=0.1)


def test_a_loader_without_batches_says_so() -> None:
    with pytest.raises(OptionError, match=r"the loader has no batches: SplitLoader\(all entries"):
        headspace(numbers(0), nothing)
    with pytest.raises(OptionError, match="no batches: SplitLoader"):
        headspace(numbers(50, drop_last=True), nothing)


@pytest.mark.parametrize("loader", [5, None, (i for i in range(3)), object])
def test_what_has_no_length_is_no_loader(loader: object) -> None:
    with pytest.raises(OptionError, match=r"headspace takes batches that have a length, such as"):
        headspace(loader, nothing)


def test_an_iterator_that_ends_is_no_loader() -> None:
    class Once:
        left = 3

        def __len__(self) -> int:
            return 3

        def __iter__(self) -> Iterator[int]:
            return self

        def __next__(self) -> int:
            self.left -= 1
            if self.left < 0:
                raise StopIteration
            return self.left

    with pytest.raises(OptionError, match=r"length of 3, but yields no batches: give an iterable"):
        headspace(Once(), nothing, seconds=0.1)


def test_a_step_must_be_a_function() -> None:
    with pytest.raises(OptionError, match="step must be a function that takes a batch, got 'step'"):
        headspace(numbers(), "step")  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "1", None, True])
def test_seconds_must_be_a_number_above_0(seconds: Any) -> None:
    with pytest.raises(OptionError, match="seconds must be a number above 0, got"):
        headspace(numbers(), nothing, seconds=seconds)


def space_of(loading: float, step: float, both: float, **fields: Any) -> Headspace:
    return Headspace(
        100, 5000, loading_seconds=loading, step_seconds=step, total_seconds=both, **fields
    )


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [
        ((0.15, 12, 12.1), ": loading is not your bottleneck"),
        ((0.15, 12, 14), ": loading is not your bottleneck"),  # too little to cause this
        ((11, 12, 13), ": loading is not your bottleneck"),
        ((12, 0.15, 12.1), ": loading is your bottleneck; buy a disk"),
        ((6, 12, 17), ", but 17 s of both together: loading slows the training down; buy a disk"),
    ],
)
def test_the_verdict_is_one_sentence(seconds: tuple[float, float, float], verdict: str) -> None:
    space = space_of(*seconds, advice=("buy a disk",))
    loading, step = (f"{one:.2g} s" for one in seconds[:2])
    assert space.verdict == f"an epoch takes {loading} of loading and {step} of training{verdict}"


def test_a_headspace_prints_its_numbers_and_its_verdict() -> None:
    space = space_of(1, 4, 5)
    table, waiting, verdict = repr(space).split("\n\n")
    cells = [line.split()[-4:] for line in table.splitlines()[2:]]
    assert cells == [
        ["1", "s", "100", "5,000"],
        ["4", "s", "25", "1,250"],
        ["5", "s", "20", "1,000"],
    ]
    assert waiting == "the step waits 20.0 % of the time"
    assert verdict == space.verdict
    assert space._repr_html_().endswith(f"<p>{space.verdict}</p></div>")
    told = space.to_dict()
    assert told["waiting"] == pytest.approx(0.2)
    assert (told["num_batches"], told["total_seconds"], told["verdict"]) == (100, 5, space.verdict)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with WriteVector(path=tmp_path / "s", key="x") as column:
        column.extend(np.arange(5000.0))
    return tmp_path / "s"


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["memmpy.report.headspace"], "num_cores", lambda: 8)


@pytest.mark.slow
@pytest.mark.usefixtures("eight_cores")
def test_the_advice_for_columns_is_a_skim_and_threads(store: Path) -> None:
    space = headspace(SplitLoader(load_memmaps(store), 32, num_threads=0), nothing, seconds=0.1)
    skim_of_keys = "a skim of the keys that you train on"
    assert space.advice == (f"try {skim_of_keys} or num_threads=7 or a batch_size above 32",)


@pytest.mark.slow
@pytest.mark.usefixtures("eight_cores")
def test_no_advice_is_given_for_what_is_so_already(store: Path) -> None:
    skim(store, keys=["x"], progress=False)
    rows = Skim(next((store / "skims").glob("*/")))
    assert headspace(SplitLoader(rows, 2048, num_threads=7), nothing, seconds=0.1).advice == ()


@pytest.mark.slow
def test_a_slow_conversion_is_told_from_loading() -> None:
    space = headspace(SlowFramework(numbers()), nothing, seconds=0.1)
    assert len(space.advice) == 1
    assert space.advice[0].endswith(" of it is loading, and the rest is SlowFramework")


@pytest.mark.slow
def test_what_jax_computes_is_waited_for() -> None:
    pytest.importorskip("jax")
    waits: list[object] = []

    class Promise:
        def block_until_ready(self) -> None:
            time.sleep(0.01)
            waits.append(self)

    space = headspace(numbers(), lambda batch: Promise(), seconds=0.1)
    assert len(waits) >= 4
    assert space.num_entries == 1000


@pytest.mark.slow
def test_cuda_is_waited_for_where_torch_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    waits: list[int] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waits.append(1))
    headspace(numbers(), lambda batch: time.sleep(0.001), seconds=0.03)
    assert waits == []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    headspace(numbers(), lambda batch: time.sleep(0.001), seconds=0.03)
    assert len(waits) >= 4


@pytest.mark.slow
def test_tensors_are_measured_as_a_loader_of_torch_gives_them() -> None:
    pytest.importorskip("torch")
    batches = to_torch(numbers(250))
    kinds: set[str] = set()

    def step(batch: dict[str, Any]) -> None:
        time.sleep(0.02)
        kinds.update(type(values).__name__ for values in batch.values())

    space = headspace(batches, step, seconds=0.9)
    assert kinds == {"Tensor"}
    assert (space.num_batches, space.num_entries) == (3, 250)
    assert "not your bottleneck" in space.verdict
    assert (batches.epoch, batches.state_dict()["position"]) == (0, 0)


@pytest.mark.slow
def test_a_dataloader_of_torch_is_a_loader() -> None:
    torch = pytest.importorskip("torch")
    loader = torch.utils.data.DataLoader(torch.arange(100.0), batch_size=10)
    space = headspace(loader, lambda batch: time.sleep(0.02), seconds=0.9)
    assert (space.num_batches, space.num_entries) == (10, 100)
    assert "not your bottleneck" in space.verdict
