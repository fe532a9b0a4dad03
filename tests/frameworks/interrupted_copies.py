"""Interrupts copies to a device at random moments: ``-m tests.frameworks.interrupted_copies 2``.

A hang must not take the tests with it, so they run this in a process of its own.
"""

import os
import random
import signal
import sys
import threading
import time
from typing import Any

import numpy as np
import torch

from memmpy import SplitLoader
from memmpy.frameworks.device_copies import batches_by
from memmpy.frameworks.resident_rows import ResidentLoader
from tests.interrupting import interrupt_again

LOADER = SplitLoader({"x": np.arange(5000), "y": np.ones((5000, 3))}, 10, num_threads=2)


class Event:
    def synchronize(self) -> None:
        pass


class Stream:
    def host_memory(self, num_bytes: int) -> Any:
        return torch.empty(num_bytes, dtype=torch.uint8)

    def copy(self, block: Any) -> tuple[Any, Event]:
        return block.clone(), Event()

    def receive(self, memory: Any, event: Any) -> None:
        pass


def tensors_of(batch: dict[str, Any]) -> dict[str, Any]:
    return {key: torch.from_numpy(values) for key, values in batch.items()}


def run(epoch: int) -> None:
    """Copy an epoch, gather one, and check both."""
    numbers = []
    for batch in batches_by(Stream(), map(tensors_of, LOADER.batches(epoch)), num_ahead=2):
        numbers += batch["x"].tolist()
    assert sorted(numbers) == list(range(5000))
    resident = ResidentLoader(LOADER, "cpu", tensors_of=tensors_of)
    assert [x for batch in resident.batches(epoch) for x in batch["x"].tolist()] == numbers


def main() -> None:
    sys.unraisablehook = interrupt_again
    run(0)
    end, num = time.monotonic() + float(sys.argv[1]), 0
    while time.monotonic() < end:
        timer = threading.Timer(random.uniform(0.001, 0.05), os.kill, (os.getpid(), signal.SIGINT))
        try:
            timer.start()
            while True:
                run(num)
        except KeyboardInterrupt:
            num += 1
    run(num)
    sys.stdout.write(str(num))


if __name__ == "__main__":
    main()
