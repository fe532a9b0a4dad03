"""`RowIterator`: hands rows to XGBoost, which reads them several times."""

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, final

import numpy as np
import xgboost

from memmpy.errors import OptionError
from memmpy.frameworks.feature_rows import FeatureChunk, FeatureRows, chunk_rows

__all__ = ["RowIterator"]


@final
class RowIterator(xgboost.DataIter):  # type: ignore[misc]  # XGBoost is not type-checked
    """Hands rows to XGBoost, which reads them two to four times, in the same order.

    XGBoost raises an error if a later pass has no rows, and crashes if it has others than the first
    one. So an error or Ctrl-C in the first pass ends all passes, and a later one ends none.

    Parameters
    ----------
    rows : FeatureRows
        The rows.
    num_bytes : int
        Bytes of features to hand over at once.
    cache_prefix : Path or None
        Where the names of the files of XGBoost begin; None for all in memory.
    """

    def __init__(self, rows: FeatureRows, *, num_bytes: int, cache_prefix: Path | None) -> None:
        super().__init__(cache_prefix=None if cache_prefix is None else str(cache_prefix))
        self._rows, self._chunk_rows = rows, chunk_rows(len(rows.names), num_bytes)
        self._interrupts = _InterruptCounter()
        self._is_read_by_xgboost = False
        self._error: Exception | None = None
        self._start = self._num_passes = 0
        self._is_dense, self._is_stopped = True, False

    def get_callbacks(self, enable_categorical: bool) -> Any:
        """Return what XGBoost calls; it begins to read the rows."""
        self._is_read_by_xgboost, self._num_passes = True, 0
        self._is_dense, self._is_stopped = True, False
        self._interrupts.hold()
        return super().get_callbacks(enable_categorical)

    def reset(self) -> None:
        """Begin a pass."""
        self._start, self._num_passes = 0, self._num_passes + 1

    def next(self, input_data: Callable[..., None]) -> bool:
        """Hand over the next rows; return whether there were any."""
        if self._num_passes <= 1 and self._interrupts.num:
            self._is_stopped = True
        if self._is_stopped:
            return False
        start, stop = self._start, min(self._start + self._chunk_rows, len(self._rows))
        if start == stop:
            return False
        chunk = self._chunk(start, stop)
        self._start = stop
        columns = {"label": chunk.labels, "weight": chunk.weights}
        given = {name: values for name, values in columns.items() if values is not None}
        input_data(data=chunk.features, feature_names=self._rows.names, **given)
        return True

    def reraise(self) -> None:
        """Raise what came while XGBoost read the rows."""
        error, self._error, self._is_read_by_xgboost = self._error, None, False
        num_interrupts = self._interrupts.release()
        if error is not None or num_interrupts:
            self._remove_cache()
        try:
            super().reraise()
            if error is not None:
                raise error
        finally:
            if num_interrupts:
                signal.raise_signal(signal.SIGINT)

    def _remove_cache(self) -> None:
        """Remove the files of a matrix that is whole, but that XGBoost then drops for an error."""
        if self.cache_prefix is not None:
            prefix = Path(self.cache_prefix)
            for path in prefix.parent.glob(f"{prefix.name}*"):
                path.unlink(missing_ok=True)

    def _chunk(self, start: int, stop: int) -> FeatureChunk:
        """Return rows; if they cannot be read in a later pass, others of the same shape."""
        if self._error is None:
            try:
                return self._read(start, stop)
            except Exception as error:
                if self._num_passes <= 1 or not self._is_read_by_xgboost:
                    raise
                self._error = error
        value = 0.0 if self._is_dense else np.nan
        shape = stop - start, len(self._rows.names)
        return FeatureChunk(np.full(shape, value, np.float32), None, None)

    def _read(self, start: int, stop: int) -> FeatureChunk:
        chunk = self._rows.chunk(start, stop)
        if self._num_passes <= 1:
            infinite = np.isinf(chunk.features).any(axis=0)
            if infinite.any():
                name = self._rows.names[int(infinite.argmax())]
                message = f"to_xgboost: {name!r} has infinities, which XGBoost refuses"
                raise OptionError(f"{message}: cut these events, or compute the input without them")
            self._is_dense = self._is_dense and not np.isnan(chunk.features).any()
        return chunk


class _InterruptCounter:
    """Ctrl-C while XGBoost runs, to be raised later: Python drops it between calls from C++."""

    def __init__(self) -> None:
        self.num = 0
        self._handler: Any = None  # as `signal.signal` has it

    def hold(self) -> None:
        """Count interrupts from now on, if this is the main thread, which gets them."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and self._handler is None and callable(signal.getsignal(signal.SIGINT)):
            self.num, self._handler = 0, signal.signal(signal.SIGINT, self._count)

    def release(self) -> int:
        """Let interrupts raise again, and return how many came."""
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
        num, self.num, self._handler = self.num, 0, None
        return num

    def _count(self, _number: int, frame: FrameType | None) -> None:
        while frame is not None and not _makes_matrix(frame):
            frame = frame.f_back
        if frame is not None:
            self.num += 1
        else:  # XGBoost raised an error before it read any row
            self.release()
            signal.raise_signal(signal.SIGINT)


def _makes_matrix(frame: FrameType) -> bool:
    return frame.f_code.co_name == "_init" and frame.f_globals.get("__name__") == "xgboost.core"
