"""A small HTTP server of a folder, that counts what it serves and fails when it is told to."""

import html
import re
import shutil
import socket
import ssl
import subprocess
import threading
from base64 import b64decode
from collections.abc import Iterable
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

__all__ = ["Certificate", "RangeServer", "make_certificate"]


class RangeServer:
    """Serves a folder on the loopback while it is entered: ranges, ETags, HEAD, listings.

    Attributes
    ----------
    num_requests, num_bytes : int
        Requests that came in, and bytes of bodies that went out. May be set back.
    drop_every : int
        Each so many-th body is cut in its middle; 0 for none.
    fail_next : int
        So many further requests are answered `fail_status`.
    fail_status : int
        503 unless it is set.
    token : str
        What each request must bring as ``?token=`` or as ``user:token@``, else it is answered 403;
        empty for none.
    serves_ranges : bool
        Set it to False for a server that sends whole files.
    says_size : bool
        Set it to False for a server that says no length.
    """

    def __init__(self, folder: Path, *, certificate: "Certificate | None" = None) -> None:
        self.folder = folder
        self.num_requests = self.num_bytes = self.num_bodies = 0
        self.drop_every = self.fail_next = 0
        self.fail_status = int(HTTPStatus.SERVICE_UNAVAILABLE)
        self.token = ""
        self.serves_ranges = self.says_size = True
        self.lock = threading.Lock()
        self._scheme = "https" if certificate else "http"
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.files = self
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        # It looks so often whether it is to stop.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    def url(self, name: str = "", *, user: str = "") -> str:
        """Return the URL of a file or pattern in the folder, for a user such as ``me:secret@``."""
        return f"{self._scheme}://{user}127.0.0.1:{self.port}/{quote(name, safe='/*?[]=&')}"

    def __enter__(self) -> "RangeServer":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()


class Certificate:
    """Files of a certificate for the loopback, and of its key."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.certificate, self.key = certificate, key


def make_certificate(folder: Path) -> Certificate:
    """Return a certificate signed by itself, or skip the test where there is no openssl."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("there is no openssl to make a certificate")
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    command = [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-keyout", str(made.key), "-out", str(made.certificate), "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return made


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them
    files: RangeServer

    def __init__(self, *args: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.files.lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self.files.lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that clients keep for later."""
        with self.files.lock:
            for request in self._open:
                with suppress(OSError):  # the client was first
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_HEAD(self) -> None:
        self._answer(has_body=False)

    def do_GET(self) -> None:
        self._answer(has_body=True)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answer(self, *, has_body: bool) -> None:
        files = self.server.files
        with files.lock:
            files.num_requests += 1
            fails = files.fail_next > 0
            files.fail_next -= fails
        path = files.folder / unquote(urlsplit(self.path).path).lstrip("/")
        user = b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        brought = (*parse_qs(urlsplit(self.path).query).get("token", ()), user.partition(":")[2])
        if files.token and files.token not in brought:
            self._send(HTTPStatus.FORBIDDEN, b"a token is missing", has_body=has_body)
        elif fails:
            self._send(files.fail_status, b"told to fail", has_body=has_body)
        elif path.is_dir():
            listing = _listing(path.iterdir()).encode()
            self._send(HTTPStatus.OK, listing, has_body=has_body, kind="text/html")
        elif not path.is_file():
            self._send(HTTPStatus.NOT_FOUND, b"not here", has_body=has_body)
        else:
            self._send_file(path, has_body=has_body)

    def _send_file(self, path: Path, *, has_body: bool) -> None:
        files = self.server.files
        status = path.stat()
        headers = {
            "ETag": f'"{status.st_mtime_ns:x}-{status.st_size:x}"',
            "Last-Modified": formatdate(status.st_mtime, usegmt=True),
        }
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not found or not files.serves_ranges:
            self._send(HTTPStatus.OK, path.read_bytes(), has_body=has_body, headers=headers)
            return
        start, last = int(found[1]), min(int(found[2] or status.st_size), status.st_size - 1)
        headers["Content-Range"] = f"bytes {start}-{last}/{status.st_size}"
        if start > last:
            headers["Content-Range"] = f"bytes */{status.st_size}"
            wrong = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
            self._send(wrong, b"", has_body=has_body, headers=headers)
            return
        with path.open("rb") as file:
            file.seek(start)
            content = file.read(last + 1 - start)
        self._send(HTTPStatus.PARTIAL_CONTENT, content, has_body=has_body, headers=headers)

    def _send(
        self,
        status: int,
        content: bytes,
        *,
        has_body: bool,
        kind: str = "application/octet-stream",
        headers: dict[str, str] | None = None,
    ) -> None:
        files = self.server.files
        is_cut = False
        if has_body:
            with files.lock:
                files.num_bodies += 1
                is_cut = bool(files.drop_every) and files.num_bodies % files.drop_every == 0
                content_sent = content[: len(content) // 2] if is_cut else content
                files.num_bytes += len(content_sent)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if files.says_size:
            self.send_header("Content-Length", str(len(content)))
        else:
            self.send_header("Connection", "close")
        if files.serves_ranges:
            self.send_header("Accept-Ranges", "bytes")
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        if has_body:
            self.wfile.write(content_sent)
        self.close_connection = self.close_connection or is_cut or not files.says_size


def _listing(paths: Iterable[Path]) -> str:
    """Return a page as servers of folders show it."""
    names = [f"{path.name}/" if path.is_dir() else path.name for path in sorted(paths)]
    links = [f'<li><a href="{quote(name)}">{html.escape(name)}</a></li>' for name in names]
    return f"<html><body><ul>{''.join(links)}</ul></body></html>"
