"""`RowSequence`: rows as LightGBM reads them, one by one to choose bins, then in slices."""

from typing import Any, final

import lightgbm
import numpy as np
from numpy.typing import NDArray

from memmpy.frameworks.feature_rows import FeatureRows
from memmpy.jagged import resolve

__all__ = ["RowSequence"]

#: Rows that are read at once where one is asked for.
_NUM_ROWS = 4096


@final
class RowSequence(lightgbm.Sequence):  # type: ignore[misc]  # LightGBM is not type-checked
    """Rows of features.

    To choose bins, LightGBM asks for up to 200,000 rows one by one, at ascending indices. It takes
    them in float64 only. So the rows around the last one are kept in float64.

    Parameters
    ----------
    rows : FeatureRows
        The rows.
    batch_size : int
        How many rows LightGBM asks for at once.
    """

    def __init__(self, rows: FeatureRows, batch_size: int) -> None:
        self._rows = rows
        self.batch_size: int = batch_size
        #: The first position of the rows that are kept, and these.
        self._kept: tuple[int, NDArray[np.float64]] = 0, np.empty((0, len(rows.names)))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """Return a float64 row of shape (features,), or float32 rows of shape (n, features)."""
        resolved = resolve(index, len(self))
        if isinstance(resolved, int):
            return self._row(resolved)
        if isinstance(resolved, slice):
            resolved = np.arange(resolved.start, resolved.stop)
        if not len(resolved):
            return np.empty((0, len(self._rows.names)), np.float32)
        return self._rows.features(resolved)

    def _row(self, position: int) -> NDArray[np.float64]:
        start, kept = self._kept
        if not start <= position < start + len(kept):
            start = position - position % _NUM_ROWS
            stop = min(start + _NUM_ROWS, len(self))
            kept = self._rows.features(np.arange(start, stop)).astype(np.float64)
            self._kept = start, kept
        row: NDArray[np.float64] = kept[position - start]
        return row
