"""Processes that run code as ``python -c`` does, forked from one that has imported memmpy.

Importing it and what reads ROOT files takes most of the second that a process of a test takes.
The code does not see a fresh interpreter: tests of imports, of kernels and of the environment start
one of their own.
"""

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import CodeType
from typing import IO

import memmpy

__all__ = ["ForkServer", "Forked"]

#: What is imported before the first fork, with all public names of memmpy.
PRELOADED = ("awkward", "uproot", "tests.conversion.everything", "tests.skims.stores")
ROOT = Path(__file__).parents[1]


class Forked:
    """A process that runs some code; a `subprocess.Popen` with what the tests use of it.

    Parameters
    ----------
    stdin, stdout, stderr : text file
        The ends of its pipes that are not its own.
    status : int
        A file descriptor that gives its number, and its exit code when it has ended.
    """

    def __init__(self, stdin: IO[str], stdout: IO[str], stderr: IO[str], status: int) -> None:
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self._status = status
        self.returncode: int | None = None
        self.pid = self._read_status()

    def _read_status(self) -> int:
        number: int
        (number,) = struct.unpack("i", os.read(self._status, 4))
        return number

    def kill(self) -> None:
        """Kill it, if it has not ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def poll(self, timeout: float = 0) -> int | None:
        """Return its exit code if it ends within some seconds: a negative one is a signal."""
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            self.returncode = self._read_status()
            os.close(self._status)
        return self.returncode

    def communicate(self, text: str = "", timeout: float = 300) -> tuple[str, str]:
        """Write to its stdin, and return what it writes to stdout and stderr until it ends."""
        said: dict[IO[str], str] = {}

        def read(file: IO[str]) -> None:
            said[file] = file.read()
            file.close()

        readers = [
            threading.Thread(target=read, args=[file]) for file in (self.stdout, self.stderr)
        ]
        for reader in readers:
            reader.start()
        with suppress(BrokenPipeError):  # it has ended
            self.stdin.write(text)
            self.stdin.close()
        for reader in readers:
            reader.join(timeout)
            if reader.is_alive():
                self.kill()
                raise subprocess.TimeoutExpired("forked code", timeout)
        self.poll(timeout)
        return said[self.stdout], said[self.stderr]


class ForkServer:
    """Starts code in processes of its own, while it is not closed."""

    def __init__(self) -> None:
        self._socket, other = socket.socketpair()
        # The threads of OpenBLAS are ready for a fork.
        options = ["-W", "ignore:This process (pid=:DeprecationWarning"]
        command = [sys.executable, *options, "-m", "tests.forking", str(other.fileno())]
        self._server = subprocess.Popen(command, cwd=ROOT, pass_fds=[other.fileno()])
        other.close()

    def start(self, code: str, *words: object) -> Forked:
        """Start Python code in another process; its words are ``sys.argv``, its output is text."""
        theirs, ours = [], []
        for is_read_by_us in (False, True, True, True):
            reader, writer = os.pipe()
            theirs.append(writer if is_read_by_us else reader)
            ours.append(reader if is_read_by_us else writer)
        message = json.dumps([textwrap.dedent(code), *map(str, words)]).encode()
        socket.send_fds(self._socket, [len(message).to_bytes(8, "little")], theirs)
        self._socket.sendall(message)
        for file in theirs:
            os.close(file)
        stdin, stdout, stderr = (
            os.fdopen(file, mode) for file, mode in zip(ours[:3], "wrr", strict=True)
        )
        return Forked(stdin, stdout, stderr, ours[3])

    def run(self, code: str, *words: object) -> str:
        """Run Python code in another process and return what it prints."""
        process = self.start(code, *words)
        out, error = process.communicate()
        assert process.returncode == 0, error
        return out.strip()

    def close(self) -> None:
        """End the server."""
        self._socket.close()
        self._server.wait()


def _serve(connection: socket.socket) -> CodeType:
    """Fork for each code that is asked for; return in the child, with the code."""
    for module in PRELOADED:
        import_module(module)
    for name in memmpy.__all__:
        getattr(memmpy, name)
    assert threading.active_count() == 1
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those who ask
    while True:
        size, files, _, _ = socket.recv_fds(connection, 8, 4)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not size:
            os._exit(0)
        message = bytearray()
        while len(message) < int.from_bytes(size, "little"):
            message += connection.recv(1 << 16)
        if os.fork() == 0:
            connection.close()
            return _become(files, *json.loads(message))
        for file in files:
            os.close(file)


def _become(files: list[int], code: str, *words: str) -> CodeType:
    """Return in a child of this process, which stays to tell how that ends."""
    status = files.pop()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    child = os.fork()
    if child:
        for number in range(3):
            os.close(number)
        os.write(status, struct.pack("i", child))
        _, ended = os.waitpid(child, 0)
        os.write(status, struct.pack("i", os.waitstatus_to_exitcode(ended)))
        os._exit(0)
    os.close(status)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["-c", *words]
    return compile(code, "<string>", "exec")


if __name__ == "__main__":
    exec(_serve(socket.socket(fileno=int(sys.argv[1]))), {"__name__": "__main__"})  # noqa: S102 - as `python -c`
