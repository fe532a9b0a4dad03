"""`to_xgboost`: the events of a loader as XGBoost reads them, a chunk at a time."""

from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from memmpy.checks import check_path
from memmpy.errors import OptionError, require
from memmpy.frameworks.feature_rows import FeatureRows
from memmpy.frameworks.framework_loader import check_loader
from memmpy.splits import SplitLoader
from memmpy.training import LABEL, WEIGHT
from memmpy.typing import PathLike

if TYPE_CHECKING:
    from xgboost import DataIter

__all__ = ["to_xgboost"]

#: Bytes of features that XGBoost gets at once: with all events in memory, and with a cache on disk.
_CHUNK_BYTES, _CACHED_BYTES = 1 << 24, 1 << 28


def to_xgboost(
    loader: SplitLoader,
    *,
    label: str | None = LABEL,
    weight: str | None = WEIGHT,
    negative: Literal["drop", "abs"] | None = None,
    cache_dir: PathLike | None = None,
) -> "DataIter":
    """Return an iterator for `xgboost.QuantileDMatrix` and `xgboost.ExtMemQuantileDMatrix`.

    XGBoost reads all events of the split a few times, in chunks of 16 MiB, and keeps only the bin
    of each number: 1 byte if no number is missing, else 4 bytes. The batch size and the order of
    the loader do not matter.

    Parameters
    ----------
    loader : SplitLoader
        The loader. Its training set should have ``fill=None``, so that missing values arrive as
        NaN. Scaling changes nothing for a BDT.
    label, weight : str or None, default "label" and "weight"
        Their keys in a batch. None leaves them out, and so does a loader without the default key.
        Other keys are features, for a loader without a training set.
    negative : "drop" or "abs", optional
        For events to evaluate on. XGBoost refuses negative weights. ``"drop"`` replaces them by 0,
        ``"abs"`` by their absolute value, and memmpy restores no sums. So XGBoost's metrics are
        those of other weights: too large wherever events of both signs should cancel. That is good
        enough to stop early; `TrainingSet.scores` judges with the signed weights. For training,
        use the `negative` of `training_set`, which keeps the sum of each process.
    cache_dir : path-like, optional
        A directory on a fast local disk for `xgboost.ExtMemQuantileDMatrix`, which keeps the bins
        in files there, and removes them with the matrix. Chunks are then of 256 MiB.

    Returns
    -------
    xgboost.DataIter
        Features, with their names, labels and weights. Objects are named ``jet_pt_0``, ``jet_pt_1``
        and so on.

    Raises
    ------
    MissingPackageError
        If XGBoost is not installed.
    OptionError
        If there are no events, or a BDT cannot read an input. When XGBoost reads the events: if
        weights are negative, or values are infinite.

    Warns
    -----
    LoaderWarning
        If missing values arrive as a number.

    Examples
    --------
    >>> train = xgboost.QuantileDMatrix(memmpy.to_xgboost(data.loader("train")))
    >>> val = memmpy.to_xgboost(data.loader("val"), negative="drop")
    >>> held_out = xgboost.QuantileDMatrix(val, ref=train)
    >>> booster = xgboost.train(options, train, evals=[(held_out, "val")])
    """
    loader = check_loader(loader, "to_xgboost")
    require("xgboost", what="to_xgboost", extra="xgboost")
    from memmpy.frameworks.xgboost_iterator import RowIterator

    cache_prefix = None
    if cache_dir is not None:
        directory = check_path(cache_dir)
        if not directory.is_dir():
            raise OptionError(f"cache_dir is no directory: {str(directory)!r}")
        cache_prefix = directory / f"xgboost-{uuid4().hex}"
    rows = FeatureRows(
        loader,
        function="to_xgboost",
        package="XGBoost",
        label=label,
        weight=weight,
        negative=negative,
        choices=("drop", "abs"),
    )
    num_bytes = _CHUNK_BYTES if cache_prefix is None else _CACHED_BYTES
    return RowIterator(rows, num_bytes=num_bytes, cache_prefix=cache_prefix)
