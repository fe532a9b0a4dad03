"""Threads that survive Ctrl-C, executors, and the cores and memory of this machine."""

from memmpy.parallel.executors import WorkerPool, run_tasks, worker_pool
from memmpy.parallel.machine import keep_freed_memory, memory_for_pages, num_cores, num_helpers
from memmpy.parallel.threads import (
    THREAD_NAME,
    SafeFuture,
    SafeThreadPool,
    count_interrupt,
    num_interrupts,
    prefetch,
    run_uninterrupted,
    start_thread,
)

__all__ = [
    "THREAD_NAME",
    "SafeFuture",
    "SafeThreadPool",
    "WorkerPool",
    "count_interrupt",
    "keep_freed_memory",
    "memory_for_pages",
    "num_cores",
    "num_helpers",
    "num_interrupts",
    "prefetch",
    "run_tasks",
    "run_uninterrupted",
    "start_thread",
    "worker_pool",
]
