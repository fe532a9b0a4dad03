"""Measure a GPU beside its limits: copies to it, training steps, and batches gathered there.

usage: python benchmarks/gpu.py [--events 4000000] [--folder DIR] [--out FILE] [--cpu]

It takes under ten minutes. Events have 22 inputs of float32 (88 bytes), a label and a weight. The
limits are measured, too: a large copy from pinned memory, and a large copy on the GPU. All batches
must have the events of the loader, with equal sums. `--cpu` runs all of it on a few events without
a GPU, so that its rates mean nothing.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

import memmpy
from memmpy.frameworks.device_copies import batches_by, copies_to
from memmpy.frameworks.resident_rows import ResidentLoader

NUM_KEYS = 22
KEYS = [f"x{number}" for number in range(NUM_KEYS)]
#: Batches before the clock starts: threads, blocks and kernels are there by then.
NUM_WARM = 10


class AtOnce:
    """A copy that is over."""

    def synchronize(self) -> None:
        """Wait for nothing."""


class CpuStream:
    """The stream of `--cpu`: copies at once."""

    def host_memory(self, num_bytes: int) -> Any:
        """Return memory."""
        return torch.empty(num_bytes, dtype=torch.uint8)

    def copy(self, block: Any) -> tuple[Any, AtOnce]:
        """Return a copy."""
        return block.clone(), AtOnce()

    def receive(self, memory: Any, event: Any) -> None:
        """Wait for nothing."""


class Machine:
    """The device, and the sizes of what is measured on it."""

    def __init__(self, *, is_cpu: bool) -> None:
        self.is_cpu, self.device = is_cpu, "cpu" if is_cpu else "cuda"
        self.name = "CPU" if is_cpu else torch.cuda.get_device_name()
        self.num_steps = 5 if is_cpu else 200
        self.num_rounds = 1 if is_cpu else 5
        self.large = 1 << 20 if is_cpu else 1 << 30

    def synchronize(self) -> None:
        """Wait for the work of the device."""
        if not self.is_cpu:
            torch.cuda.synchronize()

    def copies(self, batches: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Copy batches to the device as `to_torch` does."""
        if self.is_cpu:
            return batches_by(CpuStream(), batches, num_ahead=2)
        return copies_to(batches, self.device)

    def seconds(self, work: Callable[[], object], num: int) -> float:
        """Return the seconds of one of `num` equal pieces of work, the best of three."""
        work()
        best = float("inf")
        for _ in range(3):
            self.synchronize()
            start = time.perf_counter()
            for _ in range(num):
                work()
            self.synchronize()
            best = min(best, (time.perf_counter() - start) / num)
        return best


def tensors_of(batch: Any) -> dict[str, Any]:
    """Return a batch of arrays as tensors that share their memory."""
    return {key: torch.from_numpy(values) for key, values in batch.items()}


def num_bytes(batch: dict[str, Any]) -> int:
    """Return the bytes of the tensors of a batch."""
    return sum(values.nbytes for values in batch.values())


def make_training_set(folder: Path, num_events: int) -> memmpy.TrainingSet:
    """Write events to a store, and return a training set of them."""
    random = np.random.default_rng(1)
    columns = {key: random.normal(1, 2, num_events).astype(np.float32) for key in KEYS}
    columns["event"] = np.arange(num_events)
    columns["is_signal"] = columns["x0"] > 1
    columns["w"] = random.normal(1, 0.1, num_events)
    for key, values in columns.items():
        with memmpy.WriteVector(folder / "data.mmpy", key) as column:
            column.extend(values)
    return memmpy.open(folder / "data.mmpy").training_set(
        inputs={"x": KEYS},
        labels={"background": "!is_signal", "signal": "is_signal"},
        weight="w",
        scale="standard",
        splits=memmpy.Splits(by=("event",)),
    )


def limits(machine: Machine) -> dict[str, float]:
    """Return the rates of large copies, in bytes a second."""
    block = torch.empty(machine.large // 8, dtype=torch.uint8, pin_memory=not machine.is_cpu)
    target = torch.empty_like(block, device=machine.device)
    to_device = machine.seconds(lambda: target.copy_(block, non_blocking=True), 8)
    some = torch.ones(machine.large // 8, dtype=torch.int64, device=machine.device)
    other = torch.empty_like(some)
    on_device = machine.seconds(lambda: other.copy_(some), 8)
    assert other.equal(some)
    return {"to_device": block.nbytes / to_device, "memory": 2 * some.nbytes / on_device}


def copy_rates(machine: Machine, data: memmpy.TrainingSet) -> dict[str, float]:
    """Return the rate of `copies_to` for batches in memory, by the size of the batch."""
    rates = {}
    for size in (1_000, 10_000, 100_000):
        loader = data.loader("train", batch_size=size)
        # Copies: a batch that is kept keeps its whole chunk.
        batches = [tensors_of(batch) for batch in islice(loader, 8)]
        num = 3 * machine.num_steps
        copies = machine.copies(islice(cycle(batches), num + NUM_WARM))
        for batch in islice(copies, NUM_WARM):
            last = batch
        machine.synchronize()
        start = time.perf_counter()
        total = 0
        for batch in copies:
            total += num_bytes(batch)
            last = batch
        machine.synchronize()
        rates[f"{size:,}"] = total / (time.perf_counter() - start)
        expected = batches[(num + NUM_WARM - 1) % len(batches)]
        assert all(torch.equal(last[key].cpu(), values) for key, values in expected.items())
    return rates


def loader_rates(machine: Machine, data: memmpy.TrainingSet) -> dict[str, dict[str, float]]:
    """Return events a second that a loader hands out, alone and copied, by size of the batch."""
    rates: dict[str, dict[str, float]] = {}
    for size in (1_000, 10_000):
        loader = data.loader("train", batch_size=size)
        sources: dict[str, Callable[[], Iterable[Any]]] = {
            "alone": lambda loader=loader: loader.batches(0),
            "copied": lambda loader=loader: machine.copies(map(tensors_of, loader.batches(0))),
        }
        rates[f"{size:,}"] = {}
        for name, source in sources.items():

            def epoch(source: Callable[[], Iterable[Any]] = source) -> None:
                for _ in source():
                    pass

            seconds = machine.seconds(epoch, 1)
            rates[f"{size:,}"][name] = loader.num_entries / seconds
    return rates


class Training:
    """A small network, its optimiser, and a step of both."""

    def __init__(self, machine: Machine) -> None:
        torch.manual_seed(1)
        layers = [torch.nn.Linear(NUM_KEYS, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256)]
        layers += [torch.nn.ReLU(), torch.nn.Linear(256, 1)]
        self.network = torch.nn.Sequential(*layers).to(machine.device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), fused=not machine.is_cpu)

    def step(self, batch: dict[str, Any]) -> None:
        """Train on a batch."""
        output = self.network(batch["x"]).squeeze(1)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            output, batch["label"].float(), weight=batch["weight"]
        )
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()


def step_ratios(machine: Machine, data: memmpy.TrainingSet) -> dict[str, dict[str, float]]:
    """Return how long a step takes with a loader, relative to one on a batch that is there."""
    ratios: dict[str, dict[str, float]] = {}
    for size in (1_000, 10_000):
        loader = data.loader("train", batch_size=size)
        resident = ResidentLoader(loader, machine.device, tensors_of=tensors_of)
        training = Training(machine)
        synthetic = {key: values.clone() for key, values in next(iter(resident)).items()}
        sources: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
            "synthetic": lambda batch=synthetic: cycle([batch]),
            "copied": lambda loader=loader: machine.copies(
                tensors_of(batch) for epoch in count() for batch in loader.batches(epoch)
            ),
            "resident": lambda resident=resident: (
                batch for epoch in count() for batch in resident.batches(epoch)
            ),
        }
        seconds: dict[str, list[float]] = {name: [] for name in sources}
        for _ in range(machine.num_rounds):
            for name, source in sources.items():
                batches = source()
                for batch in islice(batches, NUM_WARM):
                    training.step(batch)
                machine.synchronize()
                start = time.perf_counter()
                for batch in islice(batches, machine.num_steps):
                    training.step(batch)
                machine.synchronize()
                seconds[name].append((time.perf_counter() - start) / machine.num_steps)
                if name != "synthetic":
                    batches.close()  # type: ignore[attr-defined]
        ratios[f"{size:,}"] = {
            name: statistics.median(
                own / base for own, base in zip(values, seconds["synthetic"], strict=True)
            )
            for name, values in seconds.items()
        }
        ratios[f"{size:,}"]["synthetic_seconds"] = statistics.median(seconds["synthetic"])
    return ratios


def gather_rates(machine: Machine, data: memmpy.TrainingSet) -> dict[str, float]:
    """Return rates of gathering on the device, in bytes read and written, and rows a second."""
    loader = data.loader("train", batch_size=100_000)
    resident = ResidentLoader(loader, machine.device, tensors_of=tensors_of)
    (rows,) = [one.words for one in resident._rows if one.row_bytes == 4 * NUM_KEYS]
    places = torch.randperm(len(rows), device=machine.device)
    gathered = rows.index_select(0, places)
    assert torch.equal(gathered[0], rows[places[0]])
    assert torch.equal(gathered.sum(0), rows.sum(0))
    per_row = 2 * rows.shape[1] * rows.element_size()
    whole = machine.seconds(lambda: rows.index_select(0, places), 20)
    part = places[:100_000]
    batch_seconds = machine.seconds(lambda: rows.index_select(0, part), 100)

    def epoch() -> None:
        for _ in resident.batches(1):
            pass

    epoch_seconds = machine.seconds(epoch, 3)
    index, total, num = 0, 0.0, 0
    for batch in resident.batches(1):
        index += int(batch["_index"].sum())
        total += float(batch["x"].double().sum())
        num += len(batch["x"])
    batches = list(loader.batches(1))
    assert num == loader.num_entries
    assert index == sum(int(batch["_index"].sum()) for batch in batches)
    expected = sum(float(batch["x"].sum(dtype=np.float64)) for batch in batches)
    assert abs(total - expected) < 1e-6 * num
    return {
        "gather": per_row * len(rows) / whole,
        "gather_rows_at_100k": len(part) / batch_seconds,
        "loader_rows_at_100k": num / epoch_seconds,
        "resident_bytes": float(resident.nbytes),
    }


def layout_rates(machine: Machine) -> dict[str, float]:
    """Return rates of gathering rows by their size and alignment, in bytes read and written."""
    rates = {}
    num = machine.large // 1024
    places = torch.randperm(num, device=machine.device)
    for num_words, first in ((11, 0), (12, 0), (12, 1), (16, 0), (16, 1), (64, 0), (64, 1)):
        memory = torch.arange(first + num * num_words, device=machine.device)
        rows = memory[first:].view(num, num_words)
        gathered = rows.index_select(0, places)
        assert torch.equal(gathered[:, 0], places * num_words + first)
        seconds = machine.seconds(lambda rows=rows: rows.index_select(0, places), 20)
        where = "16" if first == 0 else "8"
        rates[f"{8 * num_words} bytes from {where} on"] = 2 * gathered.nbytes / seconds
    return rates


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=4_000_000)
    parser.add_argument("--folder", type=Path, help="where the store is made, and kept")
    parser.add_argument("--out", type=Path, help="a file for the answers as JSON")
    parser.add_argument("--cpu", action="store_true", help="no GPU, and 20,000 events")
    options = parser.parse_args()
    if not options.cpu and not torch.cuda.is_available():
        sys.exit(f"gpu.py needs a GPU, and PyTorch {torch.__version__} finds none; --cpu tries it")
    start = time.perf_counter()
    machine = Machine(is_cpu=options.cpu)
    with tempfile.TemporaryDirectory(prefix="gpu_") as temporary:
        folder = options.folder or Path(temporary)
        data = make_training_set(folder, 20_000 if options.cpu else options.events)
        limit = limits(machine)
        copies = copy_rates(machine, data)
        loading = loader_rates(machine, data)
        steps = step_ratios(machine, data)
        gather = gather_rates(machine, data)
        layouts = layout_rates(machine)
    answers = {
        "device": machine.name,
        "torch": torch.__version__,
        "limits": limit,
        "copies": copies,
        "loading": loading,
        "steps": steps,
        "gather": gather,
        "layouts": layouts,
        "seconds": time.perf_counter() - start,
    }
    rows = [
        (f"copied in batches of {size}", rate / limit["to_device"], ">= 0.8", "of a pinned copy")
        for size, rate in copies.items()
    ]
    for size, ratio in steps.items():
        for name in ("copied", "resident"):
            words = f"step of {size} with {name} batches"
            rows.append((words, ratio[name], "<= 1.05", "of the step alone"))
    share = gather["gather"] / limit["memory"]
    rows.append(("gather of rows of 88 bytes", share, ">= 0.5", "of a copy on the device"))
    for name in ("gather", "loader"):
        rate = gather[f"{name}_rows_at_100k"] / 1e6
        rows.append((f"resident {name} in batches of 100,000", rate, ">= 100", "M rows/s"))
    print(
        f"{machine.name}: pinned copies {limit['to_device'] / 1e9:.1f} GB/s, memory "
        f"{limit['memory'] / 1e9:.0f} GB/s (read and written)"
    )
    for words, value, bar, unit in rows:
        print(f"{words:<42} {value:8.2f} {unit:<24} {bar}")
    for size, rate in loading.items():
        words = f"loader in batches of {size}, copied"
        print(f"{words:<42} {rate['copied'] / rate['alone']:8.2f} of the loader alone")
    for layout, rate in layouts.items():
        words = f"gather of rows of {layout}"
        print(f"{words:<42} {rate / limit['memory']:8.2f} of a copy on the device")
    print(json.dumps(answers))
    if options.out is not None:
        options.out.write_text(json.dumps(answers, indent=1))


if __name__ == "__main__":
    main()
