"""The peak memory of a process with its children."""

import threading
from contextlib import suppress
from pathlib import Path

POLL_SECONDS = 0.05


class Memory:
    """The most memory that a process and all its children have held at a time.

    The proportional set size: a page that several processes map counts once, with the pages of
    files that they map. Beside it, that without the pages of files.
    """

    def __init__(self, process: int) -> None:
        self.peak = self.peak_private = 0.0
        self._process = process
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(POLL_SECONDS):
            sizes = [_pss(process) for process in _tree_of(self._process)]
            self.peak = max(self.peak, sum(size for size, _ in sizes))
            self.peak_private = max(self.peak_private, sum(private for _, private in sizes))


def _tree_of(process: int) -> list[int]:
    found = [process]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):  # it has ended
                found += map(int, children.read_text().split())
    return found


def _pss(process: int) -> tuple[float, float]:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    sizes = dict(line.split(":", 1) for line in lines[1:])
    pss, of_files = (float(sizes[name].split()[0]) * 1024 for name in ("Pss", "Pss_File"))
    return pss, pss - of_files
