"""Threads that survive Ctrl-C, executors, and the cores and memory of this machine."""

from memmpy.parallel.executors import Crew, outcomes, workers
from memmpy.parallel.machine import keep_freed_memory, memory_for_pages, num_cores, num_helpers
from memmpy.parallel.threads import (
    THREAD_NAME,
    Call,
    Threads,
    count_interrupt,
    num_interrupts,
    prefetch,
    run_apart,
    start_thread,
)

__all__ = [
    "THREAD_NAME",
    "Call",
    "Crew",
    "Threads",
    "count_interrupt",
    "keep_freed_memory",
    "memory_for_pages",
    "num_cores",
    "num_helpers",
    "num_interrupts",
    "outcomes",
    "prefetch",
    "run_apart",
    "start_thread",
    "workers",
]
