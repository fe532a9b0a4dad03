"""What this process may use of the machine: cores and memory."""

import os
from pathlib import Path

import numpy as np

from memmpy.checks import check_integer

__all__ = ["check_threads", "keep_freed_memory", "memory_for_pages", "num_cores", "num_helpers"]

#: Threads of one task, the caller's among them: memory has no more to give to more.
_MAX_THREADS = 8
#: What a step takes at once, at most, of memory that the next step takes again.
_KEPT_BYTES = 1 << 24


def num_cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def num_helpers() -> int:
    """Return how many threads to use beside the caller's, which works, too: 1 at least."""
    return max(1, min(num_cores(), _MAX_THREADS) - 1)


def check_threads(num_threads: int | None) -> int:
    """Return the threads beside the caller's that a user asks for; `num_helpers` where None."""
    if num_threads is None:
        return num_helpers()
    return check_integer("num_threads", num_threads, minimum=0)


def memory_for_pages() -> int | None:
    """Return about how many bytes of files the kernel can keep in memory now; None if unknown.

    What Linux says is available, and no more than what is left of the limits of the control groups
    that the process is in (what they have of files already counts as left).
    """
    free = [_available(), *map(_left, _groups())]
    return min((num for num in free if num is not None), default=None)


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def _groups() -> list[tuple[Path, str, str]]:
    """Return the control groups from the process's own up: folder, name of limit, name of use."""
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
    """Return what a control group may take still, with what it has of files; None if no limit."""
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
    """Let the C library keep what threads free for what they take next.

    glibc's gives a thread's memory back to the kernel after each step, and so faults it in again
    page by page, for longer than the step computes. Once a larger block has been freed it keeps
    blocks up to that size.
    """
    np.empty(_KEPT_BYTES, np.uint8)
