"""Servers that say nothing, take no connection, stop in the middle, or are slow."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

__all__ = ["Relay", "deaf_port", "full_port"]

#: Seconds between two pieces of a slow answer.
PAUSE = 0.05


@contextmanager
def full_port() -> Iterator[int]:
    """Give a port to which no connection is made: its queue is full, and packets are dropped."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        try:
            yield listening.getsockname()[1]
        finally:
            for one in waiting:
                one.close()


@contextmanager
def deaf_port() -> Iterator[int]:
    """Give a port to which connections are made, and where nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listening:
        yield listening.getsockname()[1]


class Relay:
    """Stands before a server of this machine while it is entered.

    Parameters
    ----------
    port : int
        That of the server.

    Attributes
    ----------
    port : int
        Where it listens itself.
    num_bytes : int
        What the server has answered so far.
    stops_at : int or None
        It passes no more answers on, on no connection, once `num_bytes` is so much.
    rate : int or None
        Bytes of answers a second, on each connection.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.num_bytes = 0
        self.stops_at: int | None = None
        self.rate: int | None = None
        self._ends = threading.Event()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> "Relay":
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.break_off()
        for thread in self._threads:
            thread.join()
        for one in (self._listening, *self._open):
            one.close()

    def break_off(self) -> None:
        """End all connections, and take no more, as a server that dies."""
        self._ends.set()
        for one in (self._listening, *self._open):
            with suppress(OSError):  # the other side was first
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._ends.is_set():
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server))
            self._open += [client, server]
            for do in (self._ask, self._answer):
                thread = threading.Thread(target=do, args=(client, server))
                self._threads.append(thread)
                thread.start()
            if self._ends.is_set():
                self.break_off()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while content := client.recv(1 << 16):
                server.sendall(content)
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while content := server.recv(1 << 14):
                self.num_bytes += len(content)
                while self.stops_at is not None and self.num_bytes > self.stops_at:
                    if self._ends.wait(PAUSE):
                        return
                size = len(content) if self.rate is None else max(1, int(self.rate * PAUSE))
                for at in range(0, len(content), size):
                    client.sendall(content[at : at + size])
                    if self.rate is not None and self._ends.wait(PAUSE):
                        return
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
