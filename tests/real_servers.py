"""Servers of other projects, run by the tests that find them here: XRootD's, and moto's of S3."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["S3Server", "XrootdServer", "running_s3", "running_xrootd"]

#: Who the server runs as where the tests run as root, which it refuses.
USER = "nobody"
#: Seconds in which a server must have started.
PATIENCE = 60.0


class XrootdServer:
    """A running XRootD server of a folder.

    Attributes
    ----------
    folder : Path
        What it serves.
    port : int
        Where it listens.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self._time = 1_700_000_000

    def url(self, name: str, *, port: int | None = None) -> str:
        """Return the URL of a file or pattern, perhaps through another port."""
        return f"root://127.0.0.1:{port or self.port}//{name}"

    def put(self, name: str, content: bytes) -> None:
        """Write a file that the server may read, a second later than the last one."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self._time += 1
        os.utime(path, (self._time, self._time))


@contextmanager
def running_xrootd() -> Iterator[XrootdServer]:
    """Run a server, or skip where it or its Python client is not installed."""
    program = shutil.which("xrootd")
    if program is None:
        pytest.skip("there is no XRootD server")
    pytest.importorskip("fsspec_xrootd")
    # In a short path, for it makes sockets there, and one that another user may enter.
    home = Path(tempfile.mkdtemp(prefix="xrd"))
    try:
        home.chmod(0o755)
        folder, own = home / "data", home / "own"
        folder.mkdir()
        own.mkdir()
        config = home / "xrootd.cfg"
        lines = ["xrd.port any", f"all.adminpath {own}", f"all.pidpath {own}"]
        lines += [f"oss.localroot {folder}", "all.export /"]
        config.write_text("\n".join(lines) + "\n")
        command = [program, "-c", str(config)]
        if os.getuid() == 0:
            shutil.chown(own, USER)
            command += ["-R", USER]
        log = home / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=own, stdout=output, stderr=output)
        try:
            yield XrootdServer(folder, _port_of(process, log))
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(home)


def _port_of(process: "subprocess.Popen[bytes]", log: Path) -> int:
    """Wait until a server has started, and return its port."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text(errors="replace").splitlines():
            words = line.split()
            if line.endswith(" initialization completed.") and ":" in words[-3]:
                return int(words[-3].rpartition(":")[2])
        time.sleep(0.05)
    raise RuntimeError(f"the XRootD server did not start:\n{log.read_text(errors='replace')}")


class S3Server:
    """A running server of S3, with one bucket.

    Attributes
    ----------
    port : int
        Where it listens.
    bucket : str
        The name of the bucket.
    """

    bucket = "events"

    def __init__(self, port: int, client: Any) -> None:
        self.port, self._client = port, client

    def url(self, name: str) -> str:
        """Return the URL of an object or a pattern."""
        return f"s3://{self.bucket}/{name}"

    def put(self, name: str, content: bytes) -> None:
        """Write an object."""
        self._client.put_object(Bucket=self.bucket, Key=name, Body=content)

    def presigned(self, name: str) -> str:
        """Return an address of the web at which an object can be read without credentials."""
        url = self._client.generate_presigned_url(
            "get_object", Params={"Bucket": self.bucket, "Key": name}
        )
        return str(url)


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """Run a server whose clients are told of it by the environment, or skip."""
    for name in ("moto", "flask", "s3fs", "boto3"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"there is no {name} to serve S3")
    import boto3
    from moto.server import ThreadedMotoServer

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        try:
            port = server.get_host_and_port()[1]
            patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
            client = boto3.client("s3")
            client.create_bucket(Bucket=S3Server.bucket)
            yield S3Server(port, client)
        finally:
            server.stop()
