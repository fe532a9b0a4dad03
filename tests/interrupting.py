"""Interrupts threads and executors at random moments, for as long as it is told to.

Run as a script, ``interrupting.py WHAT SECONDS``, for a hang must not take the tests with it.
"""

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from memmpy.parallel import prefetch, run_tasks, worker_pool


def add_one(number: int) -> int:
    return number + 1


def run_prefetch() -> None:
    tasks = (partial(add_one, number) for number in range(10**6))
    for _ in prefetch(tasks, num_threads=2, depth=4):
        pass


def run_default() -> None:
    with worker_pool(None) as pool:
        for _ in run_tasks(pool, add_one, lambda num: list(range(num))):
            pass


def run_given() -> None:
    with ThreadPoolExecutor(2) as threads, worker_pool(threads) as pool:
        for _ in run_tasks(pool, add_one, lambda num: list(range(num))):
            pass


RUNS: dict[str, Callable[[], None]] = {
    "prefetch": run_prefetch,
    "default": run_default,
    "given": run_given,
}


def interrupt_again(dropped: "sys.UnraisableHookArgs") -> None:
    """Send an interrupt again that Python dropped, as in the callback of a weak set."""
    if isinstance(dropped.exc_value, KeyboardInterrupt):
        threading.Timer(0.001, os.kill, (os.getpid(), signal.SIGINT)).start()
    else:
        sys.__unraisablehook__(dropped)


def main() -> None:
    sys.unraisablehook = interrupt_again
    run, seconds = RUNS[sys.argv[1]], float(sys.argv[2])
    end, num = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        delay = random.uniform(0.001, 0.015)
        timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
        try:
            timer.start()
            run()
        except KeyboardInterrupt:
            num += 1
    sys.stdout.write(str(num))


if __name__ == "__main__":
    main()
