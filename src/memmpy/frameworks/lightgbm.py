"""`to_lightgbm`: the events of a loader as a dataset that LightGBM reads a chunk at a time."""

from typing import TYPE_CHECKING, Literal

from memmpy.errors import OptionError, require
from memmpy.frameworks.feature_rows import FeatureRows, chunk_rows
from memmpy.frameworks.framework_loader import check_loader
from memmpy.splits import SplitLoader
from memmpy.training import LABEL, WEIGHT

if TYPE_CHECKING:
    from lightgbm import Dataset

__all__ = ["to_lightgbm"]

#: Bytes of features that LightGBM gets at once.
_CHUNK_BYTES = 1 << 24


def to_lightgbm(
    loader: SplitLoader,
    *,
    reference: "Dataset | None" = None,
    label: str | None = LABEL,
    weight: str | None = WEIGHT,
    negative: Literal["drop", "abs", "keep"] | None = None,
) -> "Dataset":
    """Return the events of a loader as a `lightgbm.Dataset`.

    LightGBM reads the inputs when it needs them, in chunks of 16 MiB, and keeps only the bin of
    each number, usually one byte. memmpy reads labels and weights now: 8 bytes per event. The batch
    size and the order of the loader do not matter.

    Parameters
    ----------
    loader : SplitLoader
        The loader. Its training set should have ``fill=None``, so that missing values arrive as
        NaN. Scaling changes nothing for a BDT.
    reference : lightgbm.Dataset, optional
        The dataset of the training split, for that of another split: both need the same bins.
    label, weight : str or None, default "label" and "weight"
        Their keys in a batch. None leaves them out, and so does a loader without the default key.
        Other keys are features, for a loader without a training set.
    negative : "drop", "abs" or "keep", optional
        What to do with negative weights; by default they are an error. ``"drop"`` replaces them by
        0, ``"abs"`` by their absolute value, and memmpy restores no sums: see `to_xgboost`. For
        training, use the `negative` of `training_set`, which keeps the sum of each process.
        ``"keep"`` leaves them, though LightGBM advises against it: leaves with a sum near 0 get
        arbitrary values.

    Returns
    -------
    lightgbm.Dataset
        Not constructed yet, so `lightgbm.train` still sets its options, such as ``max_bin``. Its
        `data` is a `lightgbm.Sequence`.

    Raises
    ------
    MissingPackageError
        If LightGBM is not installed.
    OptionError
        If there are no events, weights are negative, or a BDT cannot read an input; if `reference`
        is no dataset.

    Warns
    -----
    LoaderWarning
        If missing values arrive as a number.

    Examples
    --------
    >>> train = memmpy.to_lightgbm(data.loader("train"))
    >>> val = memmpy.to_lightgbm(data.loader("val"), reference=train, negative="drop")
    >>> booster = lightgbm.train({"objective": "binary"}, train, valid_sets=[val])
    """
    loader = check_loader(loader, "to_lightgbm")
    lightgbm = require("lightgbm", what="to_lightgbm", extra="lightgbm")
    from memmpy.frameworks.lightgbm_sequence import RowSequence

    if reference is not None and not isinstance(reference, lightgbm.Dataset):
        message = "reference must be the lightgbm.Dataset of the training split"
        raise OptionError(f"{message}, as to_lightgbm returns it, got {type(reference).__name__}")
    rows = FeatureRows(
        loader,
        function="to_lightgbm",
        package="LightGBM",
        label=label,
        weight=weight,
        negative=negative,
        choices=("drop", "abs", "keep"),
    )
    num = chunk_rows(len(rows.names), _CHUNK_BYTES)
    labels, weights = rows.labels_and_weights(num)
    return lightgbm.Dataset(
        RowSequence(rows, num),
        label=labels,
        weight=weights,
        reference=reference,
        feature_name=[*rows.names],
    )
