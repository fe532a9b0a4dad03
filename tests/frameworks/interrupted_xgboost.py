"""Interrupts XGBoost while it reads rows, and raises errors there. Run as a script: it may crash.

``interrupted_xgboost.py STORE`` writes the store.
"""

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xgboost

from memmpy.frameworks.feature_rows import FeatureRows
from memmpy.frameworks.xgboost_iterator import RowIterator

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.frameworks.tree_events import TreeEvents, make_events

NUM_CHUNKS = 7


class TroubledRows:
    """Rows that do something when one of their chunks is read."""

    def __init__(self, rows: FeatureRows, number: int, trouble: Callable[[], None]) -> None:
        self.names, self._rows = rows.names, rows
        self._number, self._trouble = number, trouble

    def __len__(self) -> int:
        return len(self._rows)

    def chunk(self, start: int, stop: int) -> Any:
        """Return rows."""
        self._number -= 1
        if self._number == 0:
            self._trouble()
        return self._rows.chunk(start, stop)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def fail() -> None:
    raise OSError("the disk is gone")


def iterator_of(events: TreeEvents, cache_prefix: Path | None, *trouble: Any) -> RowIterator:
    rows = FeatureRows(
        events.training_set(missing=None, negative="drop").loader("train"),
        function="to_xgboost",
        package="XGBoost",
        label="label",
        weight="weight",
        negative=None,
        choices=(),
    )
    num_bytes = 4 * len(rows.names) * -(-len(rows) // NUM_CHUNKS)
    given: Any = TroubledRows(rows, *trouble) if trouble else rows
    return RowIterator(given, num_bytes=num_bytes, cache_prefix=cache_prefix)


def main() -> None:
    path = Path(sys.argv[1])
    events = make_events(path, 2_000)
    sound = xgboost.QuantileDMatrix(iterator_of(events, None))
    for number in (1, 3, NUM_CHUNKS + 1, 2 * NUM_CHUNKS, 2 * NUM_CHUNKS + 3, 3 * NUM_CHUNKS + 4):
        for trouble, expected in ((interrupt, KeyboardInterrupt), (fail, OSError)):
            for kind in ("plain", "ref", "cached"):
                prefix = path.parent / "cache" if kind == "cached" else None
                iterator = iterator_of(events, prefix, number, trouble)
                is_read = number <= NUM_CHUNKS * (4 if kind == "plain" else 3)
                try:
                    if kind == "cached":
                        xgboost.ExtMemQuantileDMatrix(iterator)
                    else:
                        xgboost.QuantileDMatrix(iterator, ref=sound if kind == "ref" else None)
                except expected:
                    assert is_read
                else:
                    assert not is_read, (number, trouble, kind)
                assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    gc.collect()
    assert [*path.parent.glob("cache*")] == []
    refused: list[dict[str, Any]] = [{"cache_prefix": path}, {"cache_prefix": None, "ref": 1}]
    for options in refused:
        try:  # which XGBoost refuses after it has asked for what it calls
            prefix = options.pop("cache_prefix")
            xgboost.QuantileDMatrix(iterator_of(events, prefix), **options)
        except (ValueError, AttributeError):
            pass
        else:
            raise AssertionError(options)
        try:
            interrupt()
            time.sleep(10)
        except KeyboardInterrupt:
            continue
        raise AssertionError(options)
    kept: list[Any] = []  # Python ignores what is raised while it deletes objects
    for delay in range(40):  # at any moment, also while C++ runs
        timer = threading.Timer(delay * 5e-4, interrupt)
        kept.append(iterator_of(events, None))
        try:
            timer.start()
            kept.append(xgboost.QuantileDMatrix(kept[-1]))
            time.sleep(10)  # it came late, and ends this
        except KeyboardInterrupt:
            continue
        raise AssertionError(delay)
    sys.stdout.write("all as expected\n")


if __name__ == "__main__":
    main()
