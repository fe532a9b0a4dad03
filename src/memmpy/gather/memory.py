"""How the C library treats memory that threads take and free again and again."""

import numpy as np

__all__ = ["keep_freed_memory"]

#: What a step takes at once, at most, of memory that the next step takes again.
KEPT_BYTES = 1 << 24


def keep_freed_memory() -> None:
    """Let the C library keep what threads free for what they take next.

    glibc's gives a thread's memory back to the kernel after each step, and so faults it in again
    page by page, for longer than the step computes. Once a larger block has been freed it keeps
    blocks up to that size.
    """
    np.empty(KEPT_BYTES, np.uint8)
