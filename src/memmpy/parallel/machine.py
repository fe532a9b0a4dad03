"""The cores and the memory that this process may use."""

import os
from pathlib import Path

import numpy as np

from memmpy.checks import check_integer
from memmpy.errors import OptionError

__all__ = ["check_threads", "keep_freed_memory", "memory_for_pages", "num_cores", "num_helpers"]

#: Threads of one task, including the caller's: more do not read memory any faster.
_MAX_THREADS = 8
#: What a user may ask for. No process has this many cores.
_MOST_THREADS = 4096
#: The largest block that one step allocates and the next step can reuse.
_KEPT_BYTES = 1 << 24


def num_cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def num_helpers() -> int:
    """Return the number of threads to use besides the caller's, at least 1."""
    return max(1, min(num_cores(), _MAX_THREADS) - 1)


def check_threads(num_threads: int | None) -> int:
    """Return the threads beside the caller's that a user asks for; `num_helpers` where None."""
    if num_threads is None:
        return num_helpers()
    num_threads = check_integer("num_threads", num_threads, minimum=0)
    if num_threads > _MOST_THREADS:
        raise OptionError(f"num_threads must be at most {_MOST_THREADS:,}, got {num_threads:,}")
    return num_threads


def memory_for_pages() -> int | None:
    """Return about how many bytes of files the OS can keep in memory now; None if unknown.

    The memory that Linux reports as available, limited by the control groups of the process. The
    pages of files that a group already holds count as available.
    """
    free = [_available(), *map(_left, _groups())]
    return min((num for num in free if num is not None), default=None)


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    sizes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(sizes[0]) * 1024 if sizes else None


def _groups() -> list[tuple[Path, str, str]]:
    """Return the control groups of the process, as folder, name of limit and name of use."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    groups = []
    for line in lines:
        _, controllers, place = line.split(":", 2)
        if not controllers:
            root, limit, use = Path("/sys/fs/cgroup"), "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            root = Path("/sys/fs/cgroup/memory")
            limit, use = "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        own = root / place.lstrip("/")
        groups += [(path, limit, use) for path in (own, *own.parents) if path.is_relative_to(root)]
    return groups


def _left(group: tuple[Path, str, str]) -> int | None:
    """Return the bytes that a control group has left, with its pages of files; None if no limit."""
    folder, limit_name, use_name = group
    try:
        limit = (folder / limit_name).read_text().strip()
        use = int((folder / use_name).read_text())
        stat = (folder / "memory.stat").read_text().split()
    except (OSError, ValueError):
        return None
    if not limit.isdigit():
        return None
    of_files = dict(zip(stat[::2], stat[1::2], strict=True))
    pages = int(of_files.get("file", of_files.get("cache", 0)))
    return max(0, int(limit) - use + pages)


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next allocation.

    By default, glibc returns the memory of a thread to the OS after each step and then faults it in
    again, page by page, which takes longer than the step itself. Once a larger block was freed,
    glibc keeps blocks up to that size.
    """
    np.empty(_KEPT_BYTES, np.uint8)
