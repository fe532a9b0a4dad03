"""Whether a job is so large that importing Numba and loading kernels pays.

Who knows the whole job asks once, and hands the answer down as ``compiled``: what takes that does
what it says.
"""

from functools import cache

from memmpy.parallel import run_uninterrupted

__all__ = ["BYTES_MOVED", "ITEMS_REDUCED", "is_worth_compiling"]

#: From where it pays to compile for bytes that are moved or unpacked, and for items of lists that
#: are reduced: NumPy takes about as long for so many as Numba takes to be imported.
BYTES_MOVED, ITEMS_REDUCED = 1 << 22, 50_000_000


def is_worth_compiling(num: int, *, least: int) -> bool:
    """Say whether kernels pay for a job, and Numba is not switched off.

    Parameters
    ----------
    num : int
        The size of the whole job.
    least : int
        From where kernels pay: `BYTES_MOVED` or `ITEMS_REDUCED`.
    """
    if num < least:
        return False
    is_known = _is_enabled.cache_info().currsize > 0
    return _is_enabled() if is_known else run_uninterrupted(_is_enabled)


@cache
def _is_enabled() -> bool:
    """Import Numba, which takes half a second and would not survive an interrupt."""
    from memmpy.kernels.jit import ENABLED

    return ENABLED
