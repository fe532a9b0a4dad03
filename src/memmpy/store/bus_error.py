"""Prints the name of the file when SIGBUS ends the process because a mapped page is lost.

If another program truncates a mapped file, or the disk fails, its pages cannot be read. Then the OS
ends the process with SIGBUS. memmpy cannot prevent that, but prints the reason to stderr.
"""

import ctypes
import os
import signal
import sys
from functools import lru_cache
from typing import Any

__all__ = ["report_bus_errors"]

_SA_SIGINFO = 4
#: Offsets of the code and of the address in `siginfo_t` on 64-bit Linux.
_CODE_AT, _ADDRESS_AT = 8, 16

_Handler = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


class _SigAction(ctypes.Structure):
    """``struct sigaction`` of glibc."""

    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_ulong * 16),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


@lru_cache(maxsize=1)
def report_bus_errors() -> None:
    """Print the name of the file before SIGBUS ends the process, unless there is a handler."""
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_void_p) != 8:
        return
    libc = ctypes.CDLL(None)
    before = _SigAction()
    if libc.sigaction(signal.SIGBUS, None, ctypes.byref(before)) != 0 or before.handler:
        return
    action = _SigAction(ctypes.cast(_handle, ctypes.c_void_p).value, flags=_SA_SIGINFO)
    libc.sigaction(signal.SIGBUS, ctypes.byref(action), None)


def _print_file(number: int, info: int, _: Any) -> None:
    # After the return, the CPU repeats the instruction, and SIGBUS ends the process.
    libc = ctypes.CDLL(None)
    libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
    libc.signal(number, None)
    if ctypes.c_int.from_address(info + _CODE_AT).value <= 0:  # another program sent the signal
        os.kill(os.getpid(), number)
        return
    address = ctypes.c_uint64.from_address(info + _ADDRESS_AT).value
    message = (
        f"\nmemmpy: cannot read a mapped part of {_file_at(address)} any more (SIGBUS): another "
        "program truncated or overwrote the file, or the disk failed. Replace files of a store in "
        "use with mv, never with cp; memmpy verify lists damaged files.\n"
    )
    os.write(2, message.encode(errors="backslashreplace"))


#: Kept alive, since the OS may call it at any time.
_handle = _Handler(_print_file)


def _file_at(address: int) -> str:
    """Return the name of the file that is mapped at an address."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:  # noqa: PTH123
            for line in maps:
                places, *_, name = line.rstrip("\n").split(maxsplit=5)
                start, stop = (int(place, 16) for place in places.split("-"))
                if start <= address < stop and name.startswith("/"):
                    return repr(name)
    except (OSError, ValueError):
        pass
    return "a file"
