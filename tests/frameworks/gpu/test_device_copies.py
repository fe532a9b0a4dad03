"""Copies of batches to a device: equal, ahead, and no memory reused before its copy is made.

There is no GPU here. `LateStream` copies as late as a GPU may: when somebody waits for a copy, or
at the end of the test. A block that is filled again too early would show in the batches.
"""

import gc
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

import hypothesis.extra.numpy as arrays_of
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from memmpy.errors import OptionError
from memmpy.frameworks.gpu import device_copies
from memmpy.frameworks.gpu.device_copies import batches_by, copies_to

torch = pytest.importorskip("torch")


class Ragged(NamedTuple):
    values: Any
    cu_seqlens: Any
    max_seqlen: int


class LateEvent:
    def __init__(self, stream: "LateStream", number: int) -> None:
        self.stream, self.number = stream, number

    def synchronize(self) -> None:
        self.stream.run(self.number)


class LateStream:
    """A stream that runs a copy only when it must, in the order of their submission."""

    def __init__(self) -> None:
        self.blocks: list[Any] = []  # sizes of all host memory
        self.num_submitted = self.num_done = 0
        self.received: list[int] = []
        self._copies: deque[tuple[Any, Any]] = deque()
        self._lock = threading.Lock()

    def host_memory(self, num_bytes: int) -> Any:
        self.blocks.append(num_bytes)
        return torch.full((num_bytes,), 255, dtype=torch.uint8)

    def copy(self, block: Any) -> tuple[Any, LateEvent]:
        memory = torch.full_like(block, 254)
        with self._lock:
            self._copies.append((block, memory))
            self.num_submitted += 1
            return memory, LateEvent(self, self.num_submitted)

    def receive(self, memory: Any, event: Any) -> None:  # a LateEvent
        self.received.append(event.number)

    def run(self, number: int) -> None:
        """Make all copies up to a number."""
        with self._lock:
            while self.num_done < number:
                block, memory = self._copies.popleft()
                memory.copy_(block)
                self.num_done += 1


class EagerStream(LateStream):
    """A stream that copies at once, into memory that it fills with rubbish after its last use."""

    def copy(self, block: Any) -> tuple[Any, LateEvent]:
        memory, event = super().copy(block)
        event.synchronize()
        return memory, event


def batch_of(number: int, size: int = 5) -> dict[str, Any]:
    """Return a batch with all kinds of values: rows of numbers, arrays, ragged lists, ints."""
    generator = np.random.default_rng(number)
    fields = [("pt", "f4"), ("run", "i8"), ("is_good", "?"), ("tag", "u1")]
    rows = np.zeros(size, np.dtype(fields, align=True))
    rows["pt"], rows["run"] = generator.normal(size=size), number * 1000 + np.arange(size)
    rows["is_good"], rows["tag"] = generator.random(size) < 0.5, number
    counts = generator.integers(0, 4, size)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return {
        "x": torch.from_numpy(generator.normal(size=(size, 3)).astype(np.float32)),
        **{key: torch.from_numpy(rows[key]) for key in rows.dtype.names or ()},
        "jets": Ragged(
            torch.from_numpy(generator.normal(size=(int(offsets[-1]), 2))),
            torch.from_numpy(offsets),
            int(counts.max(initial=0)),
        ),
        "pair": (torch.tensor(number), 7),
        "fold": number,
    }


def assert_equal(batch: Any, expected: Any) -> None:
    if isinstance(expected, torch.Tensor):
        assert batch.dtype == expected.dtype
        assert batch.shape == expected.shape
        assert torch.equal(batch, expected)
    elif isinstance(expected, dict):
        assert list(batch) == list(expected)
        for key, value in expected.items():
            assert_equal(batch[key], value)
    elif isinstance(expected, list | tuple):
        assert type(batch) is type(expected)
        for one, other in zip(batch, expected, strict=True):
            assert_equal(one, other)
    else:
        assert type(batch) is type(expected)
        assert batch == expected


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copy each batch alone, as if it was large."""
    monkeypatch.setattr(device_copies, "_GROUP_BYTES", 1)


@pytest.mark.parametrize("num_ahead", [1, 2, 5])
@pytest.mark.parametrize("stream_class", [LateStream, EagerStream])
@pytest.mark.parametrize("group_bytes", [1, 1000, 1 << 20])
def test_the_copies_are_equal_in_order_and_no_block_is_filled_too_early(
    num_ahead: int,
    stream_class: type[LateStream],
    group_bytes: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device_copies, "_GROUP_BYTES", group_bytes)
    stream = stream_class()
    batches = [batch_of(number, size=1 + number % 7) for number in range(40)]
    copies = list(batches_by(stream, iter(batches), num_ahead=num_ahead))
    stream.run(stream.num_submitted)  # the work of the device that is left
    assert_equal(copies, batches)


@pytest.mark.usefixtures("one_by_one")
def test_the_late_stream_would_show_a_block_that_is_filled_too_early() -> None:
    class Careless(LateStream):
        def copy(self, block: Any) -> tuple[Any, LateEvent]:
            memory, _ = super().copy(block)
            return memory, LateEvent(self, 0)  # an event that is over at once

    stream = Careless()
    batches = [batch_of(number) for number in range(10)]
    copies = list(batches_by(stream, iter(batches), num_ahead=2))
    stream.run(stream.num_submitted)
    assert not torch.equal(copies[0]["x"], batches[0]["x"])


@pytest.mark.usefixtures("one_by_one")
def test_a_large_batch_is_one_copy_and_the_consumer_waits_for_each() -> None:
    stream = LateStream()
    list(batches_by(stream, (batch_of(number) for number in range(6)), num_ahead=2))
    assert stream.num_submitted == 6
    assert sorted(stream.received) == [1, 2, 3, 4, 5, 6]


def test_small_batches_share_a_copy_and_the_consumer_waits_before_each_batch() -> None:
    stream = LateStream()
    copies = list(batches_by(stream, (batch_of(number) for number in range(40)), num_ahead=2))
    assert [copy["fold"] for copy in copies] == list(range(40))
    assert stream.num_submitted == 3
    assert len(stream.received) == 40


def test_a_batch_that_looks_alike_and_lies_otherwise_is_placed_by_itself() -> None:
    rows = np.zeros(20, [("a", "i8"), ("b", "i8"), ("c", "i8")])
    rows["a"], rows["b"], rows["c"] = np.arange(20), 100 + np.arange(20), 200 + np.arange(20)
    pairs = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "a"), ("a", "b"), ("b", "b")]
    batches = [{"x": torch.from_numpy(rows[x]), "y": torch.from_numpy(rows[y])} for x, y in pairs]
    stream = LateStream()
    copies = list(batches_by(stream, batches, num_ahead=2))
    stream.run(stream.num_submitted)
    assert_equal(copies, batches)


@pytest.mark.usefixtures("one_by_one")
def test_a_ring_of_a_few_blocks_serves_all_batches_and_grows_with_them() -> None:
    stream = LateStream()
    sizes = [4, 4, 4, 4, 400, 4, 4, 400, 400, 400, 400, 400, 4, 400]
    batches = [{"x": torch.arange(float(size))} for size in sizes]
    copies = list(batches_by(stream, iter(batches), num_ahead=2))
    stream.run(stream.num_submitted)
    assert [len(copy["x"]) for copy in copies] == sizes
    assert len(stream.blocks) <= 3 + 3  # each of three grows once
    assert sorted(set(stream.blocks)) == [64, 1600]


def test_numbers_of_a_row_are_copied_at_once_and_keep_their_strides() -> None:
    rows = np.zeros(1000, [("a", "f4"), ("b", "f4"), ("c", "i8")])
    batch = {key: torch.from_numpy(rows[key]) for key in "abc"}
    (copy,) = batches_by(stream := LateStream(), [batch], num_ahead=2)
    assert {key: copy[key].stride() for key in "abc"} == {"a": (4,), "b": (4,), "c": (2,)}
    assert 16_000 <= stream.blocks[0] < 16_000 + 128


def test_one_number_of_wide_rows_becomes_contiguous() -> None:
    rows = np.zeros((1000, 50), np.float32)
    rows[:, 7] = np.arange(1000)
    (copy,) = batches_by(stream := LateStream(), [{"a": torch.from_numpy(rows[:, 7])}], num_ahead=2)
    stream.run(1)
    assert copy["a"].is_contiguous()
    assert copy["a"].tolist() == list(range(1000))
    assert stream.blocks[0] < 4_128


@given(
    st.lists(
        arrays_of.arrays(
            st.sampled_from(["f4", "f8", "i8", "i4", "i2", "u1", "?", "c16", "f2"]),
            arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
            elements={"allow_nan": False},
        ),
        max_size=5,
    ),
    st.integers(1, 3),
)
def test_any_arrays_arrive_as_they_were(arrays: list[Any], step: int) -> None:
    tensors = [torch.from_numpy(array) for array in arrays]
    views = [one[::step].transpose(0, -1) if one.ndim else one for one in tensors]
    batch = {str(number): one for number, one in enumerate([*tensors, *views])}
    (copy,) = batches_by(stream := LateStream(), [batch], num_ahead=1)
    stream.run(1)
    assert_equal(copy, batch)


def test_large_tensors_are_copied_by_torch_and_equal() -> None:
    rows = np.zeros(20_000, [("a", "f8"), ("b", "i8"), ("c", "i8")])
    for number, key in enumerate("abc"):
        rows[key] = np.arange(20_000) * (number + 1)
    batch = {key: torch.from_numpy(rows[key]) for key in "abc"}
    batch["x"] = torch.arange(300_000, dtype=torch.int16)
    (copy,) = batches_by(stream := LateStream(), [batch], num_ahead=1)
    stream.run(1)
    assert_equal(copy, batch)


def test_an_unaligned_number_arrives_as_it_was() -> None:
    memory = np.zeros(8 * 4 + 1, np.uint8)
    values = memory[1:].view(np.float64)
    values[:] = [1, 2, 3, 4]
    (copy,) = batches_by(stream := LateStream(), [{"x": torch.from_numpy(values)}], num_ahead=1)
    stream.run(1)
    assert copy["x"].tolist() == [1, 2, 3, 4]


@pytest.mark.usefixtures("one_by_one")
def test_the_copies_go_on_while_the_consumer_has_a_batch() -> None:
    stream, asked = LateStream(), []

    def batches() -> Iterator[dict[str, Any]]:
        for number in range(10):
            asked.append(number)
            yield {"x": torch.tensor([number])}

    with closing(batches_by(stream, batches(), num_ahead=3)) as copies:
        next(copies)
        assert asked == [0, 1, 2, 3]
        next(copies)
        assert asked == [0, 1, 2, 3, 4]


def test_an_error_of_the_source_is_raised_and_ends_the_copies() -> None:
    def batches() -> Iterator[dict[str, Any]]:
        yield from (batch_of(number) for number in range(5))
        raise OSError("the disk is gone")

    copies = batches_by(LateStream(), batches(), num_ahead=1)
    with pytest.raises(OSError, match="the disk is gone"):
        deque(copies)
    assert list(copies) == []


@pytest.mark.usefixtures("one_by_one")
def test_an_error_of_the_device_comes_in_place_of_its_batch_and_ends_the_thread() -> None:
    class Full(LateStream):
        def copy(self, block: Any) -> tuple[Any, LateEvent]:
            if len(block) > 5000:
                raise RuntimeError("out of memory")
            return super().copy(block)

    before = threading.active_count()
    sizes = [5, 5, 5, 5000, 5, 5, 5, 5, 5]
    batches = (batch_of(number, size) for number, size in enumerate(sizes))
    copies = batches_by(Full(), batches, num_ahead=2)
    assert [next(copies)["fold"] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(RuntimeError, match="out of memory"):
        next(copies)
    assert threading.active_count() == before


@pytest.mark.slow
def test_closing_early_ends_the_thread_and_the_source_and_frees_all_memory() -> None:
    ended = []

    def batches() -> Iterator[dict[str, Any]]:
        try:
            for number in range(100):
                yield batch_of(number)
        finally:
            ended.append(True)

    before = threading.active_count()
    stream = LateStream()
    stream_reference = weakref.ref(stream)
    copies = batches_by(stream, batches(), num_ahead=2)
    kept = next(copies)
    copies.close()
    assert threading.active_count() == before
    stream.run(stream.num_submitted)
    assert_equal(kept, batch_of(0))
    del copies, stream
    gc.collect()
    assert ended == [True]
    assert stream_reference() is None


@pytest.mark.slow
def test_an_interrupt_at_any_moment_hangs_nothing() -> None:
    command = [sys.executable, "-m", "tests.frameworks.interrupted_copies", "2"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert int(done.stdout) > 10


def test_batches_that_are_kept_stay_as_they_are_and_may_be_written() -> None:
    stream = EagerStream()
    copies = batches_by(stream, (batch_of(number) for number in range(8)), num_ahead=2)
    kept = [next(copies) for _ in range(3)]
    kept[1]["x"].zero_()
    list(copies)
    assert_equal(kept[0], batch_of(0))
    assert_equal(kept[2], batch_of(2))


def test_inference_mode_may_begin_and_end_between_batches() -> None:
    copies = batches_by(EagerStream(), (batch_of(number) for number in range(9)), num_ahead=1)
    with torch.inference_mode():
        assert_equal(next(copies), batch_of(0))
    weight = torch.ones(3, requires_grad=True)
    for number, batch in enumerate(copies, start=1):
        (batch["x"] @ weight).sum().backward()
        assert_equal(batch, batch_of(number))


def test_on_the_cpu_the_tensors_pass_unchanged() -> None:
    batch = batch_of(1)
    (copy,) = copies_to([batch], "cpu")
    assert all(copy[key] is value for key, value in batch.items())


@pytest.mark.parametrize("device", ["gpu", "meta", 1.5, "cuda:x"])
def test_a_wrong_device_is_named(device: object) -> None:
    with pytest.raises(OptionError, match=f"device must be 'cpu', 'cuda' .*got {device!r}"):
        copies_to([], device)


@pytest.mark.parametrize("num_ahead", [0, -1, 1.5, True])
def test_num_ahead_is_a_positive_integer(num_ahead: Any) -> None:
    with pytest.raises(OptionError, match="num_ahead must be an integer of at least 1"):
        copies_to([], "cpu", num_ahead=num_ahead)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("num_ahead", [1, 2, 4])
def test_on_a_gpu_the_copies_are_equal_while_the_gpu_is_busy(num_ahead: int) -> None:
    batches = [batch_of(number, size=1000 + number) for number in range(60)]
    slow = torch.ones(2000, 2000, device="cuda")
    sums = []
    for copy in copies_to(iter(batches), "cuda", num_ahead=num_ahead):
        slow = slow @ slow * 0  # work that is still going on when the next copies come
        sums.append(copy["x"].double().sum())
        assert_equal(copy["fold"], batches[len(sums) - 1]["fold"])
    expected = [batch["x"].double().sum().item() for batch in batches]
    assert [total.item() for total in sums] == pytest.approx(expected)
