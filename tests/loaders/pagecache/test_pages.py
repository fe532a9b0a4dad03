import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

from memmpy.loaders.pagecache.pages import release_pages

NUM_BYTES = 64 * mmap.PAGESIZE


def resident_bytes(path: Path) -> int:
    """Return how many bytes of the maps of a file count for this process."""
    total, is_ours = 0, False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        first, *others = line.split()
        if not first.endswith(":"):
            is_ours = bool(others) and others[-1] == str(path)
        elif first == "Rss:" and is_ours:
            total += 1024 * int(others[0])
    return total


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "bytes").write_bytes(bytes([7]) * NUM_BYTES)
    return tmp_path / "bytes"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the pages of a process")
def test_released_pages_do_not_count_and_come_back(path: Path) -> None:
    mapped = np.memmap(path, np.uint8, "r")
    view = mapped[1:].view(np.ndarray)
    assert view.sum(dtype=int) == 7 * (NUM_BYTES - 1)
    assert resident_bytes(path) == NUM_BYTES
    release_pages([view, np.arange(3)])
    assert resident_bytes(path) == 0
    assert view.sum(dtype=int) == 7 * (NUM_BYTES - 1)


@pytest.mark.parametrize("mode", ["c", "r+"])
def test_maps_that_may_be_written_to_keep_what_was_written(path: Path, mode: str) -> None:
    mapped = np.memmap(path, np.uint8, mode)  # type: ignore[call-overload]
    mapped[:] = 9
    release_pages([mapped])
    assert mapped.min() == 9
