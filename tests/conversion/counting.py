"""A filesystem of fsspec that counts the bytes read of local files: ``counting:///path``."""

import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

__all__ = ["CountingFileSystem", "url_of"]


class CountingFileSystem(LocalFileSystem):  # type: ignore[misc]
    """Local files, of which it knows how many bytes were asked for, by name."""

    protocol = "counting"
    num_bytes: ClassVar[Counter[str]] = Counter()
    _lock = threading.Lock()

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        return str(os.fspath(path)).removeprefix("counting://")

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **options: Any
    ) -> bytes:
        data: bytes = LocalFileSystem().cat_file(self._strip_protocol(path), start, end, **options)
        self.count(path, len(data))
        return data

    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        return _CountedFile(LocalFileSystem().open(self._strip_protocol(path), mode), path)

    @classmethod
    def count(cls, path: str, num: int) -> None:
        with cls._lock:
            cls.num_bytes[Path(path).name] += num


class _CountedFile:
    def __init__(self, file: Any, path: str) -> None:
        self._file, self._path = file, path

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._file.read(size)
        CountingFileSystem.count(self._path, len(data))
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> "_CountedFile":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


def url_of(path: Path) -> str:
    """Return the URL of a local file."""
    return f"counting://{path}"


fsspec.register_implementation("counting", CountingFileSystem, clobber=True)
