"""Compiles, caches and calls the Numba kernels; copies bytes.

Kernels over bytes take raw addresses, as uint64, so that each has one signature: for arrays Numba
compiles a version for each dtype, layout and writability. Nothing checks an address, so the Python
functions before them check all sizes, and hold the arrays while a kernel runs.

Numba caches a compiled kernel until the kernel's own file changes; it does not look at this one.
"""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import config, njit
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from memmpy.kernels.jit_notice import JitNotice
from memmpy.parallel import run_uninterrupted

__all__ = [
    "ENABLED",
    "address_of",
    "advise",
    "copy_bytes",
    "inlined",
    "inlined_sum",
    "kernel",
    "load_int64",
    "move_1",
    "move_2",
    "move_4",
    "move_8",
    "move_32",
    "prefetch",
    "run_kernel",
    "scale_floats",
    "trailing_zeros",
]

Function = TypeVar("Function", bound=Callable[..., Any])
Result = TypeVar("Result")
Intrinsic = tuple[Any, Callable[..., Any]]

#: False if NUMBA_DISABLE_JIT is set, for debugging: Python itself could not run the kernels.
#: Checked only by `memmpy.kernels.threshold`; ``compiled=True`` is always obeyed.
ENABLED = not config.DISABLE_JIT

#: A function that kernels call.
inlined: Callable[[Function], Function] = njit(nogil=True)

#: A function that kernels call, and that adds in any order, so that LLVM adds several values at a
#: time. NaN and infinity keep their meaning.
inlined_sum: Callable[[Function], Function] = njit(nogil=True, fastmath={"reassoc"})

_BYTE_POINTER = ir.IntType(8).as_pointer()

#: Kernels that were called before, and the lock of a first call, which the main thread never holds.
_called: set[Callable[..., Any]] = set()
_first_call = threading.Lock()
os.register_at_fork(
    before=_first_call.acquire,
    after_in_parent=_first_call.release,
    after_in_child=_first_call.release,
)
_notice = JitNotice()
_notice.register()


def kernel(function: Function) -> Function:
    """Compile a function at its first call for each dtype, and cache it on disk if possible."""
    try:
        compiled: Function = njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no cache directory can be written to
        compiled = inlined(function)
        _notice.are_kept = False
    _notice.kernels.add(compiled)
    return compiled


def run_kernel(
    function: Callable[..., Result], *arguments: Any, owners: Iterable[object] = ()
) -> Result:
    """Call a kernel that may be called twice.

    The first call loads or compiles it: on a thread that is not the main one, as Numba does not
    survive an interrupt, and one at a time, as it changes its tables of types while others look
    into them.

    Parameters
    ----------
    function : callable
        The kernel.
    *arguments
        Its arguments.
    owners : iterable
        The arrays whose addresses are among the arguments. A first call goes on when the caller is
        interrupted, and holds them until it ends.
    """
    if function in _called:
        return _run(function, *arguments)
    return run_uninterrupted(partial(_run_first, function, arguments, owners))


def _run_first(
    function: Callable[..., Result], arguments: Sequence[Any], _owners: Iterable[object]
) -> Result:
    with _first_call:
        result = _run(function, *arguments)
        _called.add(function)
    return result


def _run(function: Callable[..., Result], *arguments: Any) -> Result:
    try:
        return function(*arguments)
    except OSError:
        # It is compiled but could not be cached: a disk or a quota is full.
        return function(*arguments)


def address_of(array: NDArray[Any]) -> np.uint64:
    """Return where the items of an array begin; it must outlive the use of that."""
    address: np.uint64 = np.uint64(array.ctypes.data)
    return address


def _pointer(builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, kind.as_pointer())


def _load_int64(_: Any, _address: Any) -> Intrinsic:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.load(_pointer(builder, arguments[0], ir.IntType(64)), align=1)

    return types.int64(types.uint64), generate


def _moving(kind: Any) -> Callable[[Any, Any, Any], Intrinsic]:
    def move(_: Any, _destination: Any, _source: Any) -> Intrinsic:
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            item = builder.load(_pointer(builder, arguments[1], kind), align=1)
            builder.store(item, _pointer(builder, arguments[0], kind), align=1)
            return context.get_dummy_value()

        return types.void(types.uint64, types.uint64), generate

    return move


def _scale(
    _: Any, _destination: Any, _source: Any, _centers: Any, _factors: Any, _fill: Any
) -> Intrinsic:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        kind = ir.VectorType(ir.FloatType(), 8)
        places = [_pointer(builder, address, kind) for address in arguments]
        value, center, factor, fill = (builder.load(place, align=1) for place in places[1:])
        scaled = builder.fmul(builder.fsub(value, center), factor)
        is_nan = builder.fcmp_unordered("uno", scaled, scaled)
        builder.store(builder.select(is_nan, fill, scaled), places[0], align=1)
        return context.get_dummy_value()

    return types.void(*[types.uint64] * 5), generate


def _prefetch(_: Any, _address: Any) -> Intrinsic:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word = ir.IntType(32)
        signature = ir.FunctionType(ir.VoidType(), [_BYTE_POINTER, word, word, word])
        function = builder.module.declare_intrinsic("llvm.prefetch", (_BYTE_POINTER,), signature)
        pointer = _pointer(builder, arguments[0], ir.IntType(8))
        # To be read (0) and to stay in all caches (3), as data (1).
        builder.call(function, [pointer, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(types.uint64), generate


def _trailing_zeros(_: Any, _word: Any) -> Intrinsic:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.uint64(types.uint64), generate


#: The C library's `madvise`, which every process has loaded. Any: Numba calls no Python function.
_madvise: Any = types.ExternalFunction(
    "madvise", types.int32(types.uint64, types.uint64, types.int32)
)

#: Load a number from any address.
load_int64: Callable[[np.uint64], np.int64] = intrinsic(_load_int64)

#: The place of the lowest bit that is set, of a word that is not 0.
trailing_zeros: Callable[[np.uint64], np.uint64] = intrinsic(_trailing_zeros)

#: Move 1, 2, ... bytes to one address from another, both of any alignment.
move_1: Callable[[np.uint64, np.uint64], None] = intrinsic(_moving(ir.IntType(8)))
move_2: Callable[[np.uint64, np.uint64], None] = intrinsic(_moving(ir.IntType(16)))
move_4: Callable[[np.uint64, np.uint64], None] = intrinsic(_moving(ir.IntType(32)))
move_8: Callable[[np.uint64, np.uint64], None] = intrinsic(_moving(ir.IntType(64)))
move_32: Callable[[np.uint64, np.uint64], None] = intrinsic(
    _moving(ir.VectorType(ir.IntType(64), 4))
)

#: Move 8 float32 to one address from another: ``(value - center) * factor``, or where that is NaN
#: the fill. The other addresses are those of 8 centers, 8 factors and 8 fills.
scale_32: Callable[[np.uint64, np.uint64, np.uint64, np.uint64, np.uint64], None] = intrinsic(
    _scale
)

#: Prefetch the cache line of an address; a wrong address is no error.
prefetch: Callable[[np.uint64], None] = intrinsic(_prefetch)


@inlined
def copy_bytes(destination: np.uint64, source: np.uint64, size: np.uint64) -> None:
    """Copy a few bytes, in the widest moves; the last overlaps the one before."""
    at = np.uint64(0)
    if size >= np.uint64(32):
        last = size - np.uint64(32)
        while at < last:
            move_32(destination + at, source + at)
            at += np.uint64(32)
        move_32(destination + last, source + last)
    elif size >= np.uint64(8):
        last = size - np.uint64(8)
        while at < last:
            move_8(destination + at, source + at)
            at += np.uint64(8)
        move_8(destination + last, source + last)
    else:
        while at < size:
            move_1(destination + at, source + at)
            at += np.uint64(1)


@inlined
def scale_floats(
    destination: np.uint64, source: np.uint64, size: np.uint64, parameters: np.uint64
) -> None:
    """Move `size` bytes of float32, 32 or more, and scale them, 8 numbers at a time.

    The last 8 overlap those before, unless the size is a multiple of 32. At `parameters` lie the
    centers, then the factors, then 8 fills.
    """
    at, factors = np.uint64(0), parameters + size
    fill, last = factors + size, size - np.uint64(32)
    while at < last:
        scale_32(destination + at, source + at, parameters + at, factors + at, fill)
        at += np.uint64(32)
    scale_32(destination + last, source + last, parameters + last, factors + last, fill)


def advise(starts: NDArray[np.int64], num_bytes: NDArray[np.int64], advice: int, /) -> None:
    """Call madvise on runs of mapped pages, without holding the GIL.

    The OS may ignore it, also where it does not know the advice.
    """
    run_kernel(_advise, starts, num_bytes, np.int32(advice))


@kernel
def _advise(starts: NDArray[np.int64], num_bytes: NDArray[np.int64], advice: np.int32) -> None:
    for i in range(len(starts)):
        _madvise(np.uint64(starts[i]), np.uint64(num_bytes[i]), advice)
