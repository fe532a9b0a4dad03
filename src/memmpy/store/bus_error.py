"""Prints the name of the file when the OS ends the process because a mapped page is gone.

A page of a mapped file cannot be read once another program has cut the file off, or where the disk
fails. Then the OS sends SIGBUS, which ends the process. memmpy cannot prevent that, but a line on
stderr tells why.
"""

import ctypes
import os
import signal
import sys
from functools import lru_cache
from typing import Any

__all__ = ["name_lost_files"]

_SA_SIGINFO = 4
#: Where `siginfo_t` of 64-bit Linux has the code of the signal, and the address that it is about.
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
def name_lost_files() -> None:
    """Print the name of the file before SIGBUS ends the process; leaves other handlers alone."""
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_void_p) != 8:
        return
    libc = ctypes.CDLL(None)
    before = _SigAction()
    if libc.sigaction(signal.SIGBUS, None, ctypes.byref(before)) != 0 or before.handler:
        return
    action = _SigAction(ctypes.cast(_handle, ctypes.c_void_p).value, flags=_SA_SIGINFO)
    libc.sigaction(signal.SIGBUS, ctypes.byref(action), None)


def _print_file(number: int, info: int, _: Any) -> None:
    # The instruction is run again once this returns, and SIGBUS then ends the process.
    libc = ctypes.CDLL(None)
    libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
    libc.signal(number, None)
    if ctypes.c_int.from_address(info + _CODE_AT).value <= 0:  # a program has sent it
        os.kill(os.getpid(), number)
        return
    address = ctypes.c_uint64.from_address(info + _ADDRESS_AT).value
    message = (
        f"\nmemmpy: a part of {_file_at(address)} that this program has mapped is gone (SIGBUS): "
        "another program cut the file off or wrote over it, or the disk failed. Replace files of a "
        "store that is in use by mv, and never by cp; memmpy verify tells what is damaged.\n"
    )
    os.write(2, message.encode(errors="backslashreplace"))


#: Kept for as long as the process may call it.
_handle = _Handler(_print_file)


def _file_at(address: int) -> str:
    """Return the file that is mapped at an address."""
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
