"""Threads that survive Ctrl-C, executors, and the cores and memory of this machine."""

from memmpy.parallel.executors import WorkerPool, run_all, run_tasks, worker_pool
from memmpy.parallel.machine import (
    check_threads,
    keep_freed_memory,
    memory_for_pages,
    num_cores,
    num_helpers,
)
from memmpy.parallel.process_rank import RankOption, check_rank
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
from memmpy.parallel.work import Work, WorkOption, check_work

__all__ = [
    "THREAD_NAME",
    "RankOption",
    "SafeFuture",
    "SafeThreadPool",
    "Work",
    "WorkOption",
    "WorkerPool",
    "check_rank",
    "check_threads",
    "check_work",
    "count_interrupt",
    "keep_freed_memory",
    "memory_for_pages",
    "num_cores",
    "num_helpers",
    "num_interrupts",
    "prefetch",
    "run_all",
    "run_tasks",
    "run_uninterrupted",
    "start_thread",
    "worker_pool",
]
