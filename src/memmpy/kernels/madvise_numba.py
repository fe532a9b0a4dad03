"""What tells the kernel about many runs of pages, without the lock of Python's meanwhile."""

from typing import Any

import numpy as np
from numba.core import types

from memmpy.kernels.jit import kernel, run_kernel
from memmpy.typing import Entries

__all__ = ["advise"]

#: Of the C library, which every process has loaded. Any: what Numba calls is no Python function.
_madvise: Any = types.ExternalFunction(
    "madvise", types.int32(types.uint64, types.uint64, types.int32)
)


def advise(starts: Entries, num_bytes: Entries, advice: int, /) -> None:
    """Tell the kernel about runs of pages, which must be mapped: see `Advise`.

    It is advice: where the kernel does not know it, or does not follow it, nothing happens.
    """
    run_kernel(_advise, starts, num_bytes, np.int32(advice))


@kernel
def _advise(starts: Entries, num_bytes: Entries, advice: np.int32) -> None:
    for i in range(len(starts)):
        _madvise(np.uint64(starts[i]), np.uint64(num_bytes[i]), advice)
