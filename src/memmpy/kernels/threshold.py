"""Decides whether the data is large enough for Numba to be worth its import.

Callers that know the total size decide once and pass ``compiled`` down, which is always obeyed.
"""

from functools import cache

from memmpy.parallel import run_uninterrupted

__all__ = ["BYTES_MOVED", "ITEMS_REDUCED", "VALUES_BINNED", "is_worth_compiling"]

#: The least bytes that are moved or unpacked for which kernels pay: NumPy takes about as long for
#: them as the import of Numba takes.
BYTES_MOVED = 1 << 22
#: The least items of lists that are reduced for which kernels pay.
ITEMS_REDUCED = 50_000_000
#: The least values that are filled into bins for which kernels pay.
VALUES_BINNED = 20_000_000


def is_worth_compiling(num: int, *, least: int) -> bool:
    """Return whether kernels pay for a job, and Numba is not switched off.

    Parameters
    ----------
    num : int
        The size of the whole job.
    least : int
        The least size for which kernels pay: `BYTES_MOVED`, `ITEMS_REDUCED` or `VALUES_BINNED`.

    Notes
    -----
    The first call for a large job imports Numba, on a thread that Ctrl-C does not reach. The
    environment variable ``NUMBA_DISABLE_JIT`` switches Numba off: then no job is large enough.

    Examples
    --------
    >>> is_worth_compiling(1000, least=BYTES_MOVED)
    False
    """
    if num < least:
        return False
    is_known = _is_enabled.cache_info().currsize > 0
    return _is_enabled() if is_known else run_uninterrupted(_is_enabled)


@cache
def _is_enabled() -> bool:
    """Import Numba; it takes half a second and does not survive an interrupt."""
    from memmpy.kernels.jit import ENABLED

    return ENABLED
