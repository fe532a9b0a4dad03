"""`training_set`: files to a training set in one call."""

import os
from collections.abc import Collection, Mapping
from typing import Any

from memmpy.conversion import RootFiles, list_configs
from memmpy.cuts import Constant
from memmpy.errors import OptionError, argument_hints
from memmpy.parallel import WorkOption, check_work
from memmpy.pipeline.recipe_file import is_recipe, read_recipe
from memmpy.pipeline.training_columns import training_set_of_files
from memmpy.splits import Splits, check_splits
from memmpy.training import (
    TRAINING_DEFAULTS,
    Inputs,
    Negative,
    Normalise,
    Reweight,
    TrainingRequest,
    TrainingSet,
)
from memmpy.typing import PathLike

__all__ = ["training_set"]


@argument_hints
def training_set(
    files: RootFiles,
    path: PathLike | None = None,
    *,
    inputs: Inputs | None = None,
    labels: Mapping[str, str] | None = None,
    others: str = "raise",
    weight: str | None = None,
    cut: str | None = None,
    aliases: Mapping[str, str] | None = None,
    constants: Mapping[str, Constant] | None = None,
    splits: Splits | None = None,
    spectators: Collection[str] = (),
    missing: float | Mapping[str, float] | None = None,
    fill: float | None = 0.0,
    scale: str | Mapping[str, str | None] | None = None,
    normalise: Normalise = "mean",
    negative: Negative = "keep",
    reweight: Reweight | None = None,
    dtype: Any = "float32",
    work: WorkOption = None,
) -> TrainingSet:
    """Convert files, and return what a network is trained on: inputs, labels, weights, spectators.

    The first call converts the branches that are needed into a store, and copies the events that
    pass the cut into a `Skim`, in random order. Later calls reuse both, and rebuild only what
    depends on a change. memmpy fits scaling, reweighting and factors of classes on the training
    split of each fold, and applies them while it loads batches.

    Parameters
    ----------
    files : RFileConfig or path-like, or a list of them
        The ROOT, Parquet or HDF5 files, with their trees and metadata. Paths may be patterns. Or a
        recipe, a path that ends in ``.toml``: then all other options but `path` and `work` stand in
        the recipe.
    path : path-like
        The directory of the store. memmpy creates it if it is missing. By default that of the
        recipe.
    inputs : mapping of str to list of str, or to Objects
        The arrays that a network gets, needed unless a recipe has them. A list of keys or
        expressions, one number for each event, gives shape (B, k). `Objects` gives lists: padded,
        of shape (B, n, k) with a mask ``"<name>_mask"``, or `Jagged`.
    labels : mapping of str to str, optional
        The cut of each class, in the order of the class numbers; the signal comes last. A batch
        then has ``"label"``, int64.
    others : {"raise", "drop", "keep"}, default "raise"
        What to do with an event that passes the cut and is in no class: refuse it, leave it out, or
        keep it with the label -1. An event in two classes is an error.
    weight : str, optional
        An expression, computed in float64: ``"genWeight * xsec * 11467 / sum_w"``. A batch then has
        its value as ``"weight_physics"``, float64, and ``"weight"``, float32, for the loss: times
        the factors of `normalise` and `reweight`.
    cut : str, optional
        The events to take, in the syntax of ROOT or of Python. All events by default.
    aliases : mapping of str to str, optional
        Names for expressions.
    constants : mapping of str to bool, number or str, optional
        Names for values.
    splits : Splits, optional
        The rule that assigns events to splits; the rule of the store by default, or else
        ``Splits()``. The store records it.
    spectators : collection of str
        Keys or aliases that a batch has too, unchanged, and that no network is trained on. Where a
        column and an alias have one name, it is the column.
    missing : number, or mapping of str to number, optional
        The number that means "not there", as NaN does: for all inputs, or by key. The float32 next
        to it means the same. The scaling leaves such values out, and a batch has `fill` in their
        place. An object of `Objects` is missing if all its values are.
    fill : float or None, default 0.0
        The value for what is missing and for padding, after scaling. None gives NaN.
    scale : str, or mapping of str to str, optional
        How inputs are scaled: ``"standard"`` (mean 0, standard deviation 1), ``"robust"`` (median
        and half of the distance from the 16th to the 84th percentile), ``"minmax"`` (from 0 to 1),
        or ``"log"`` (the logarithm, then standard). One for all, or by the name of an input or key.
    normalise : {"mean", "equal"}, mapping of str to float, or None, default "mean"
        The factors of the weights. ``"mean"``: one factor, so that the mean weight in train is 1.
        ``"equal"``: the classes have equal sums, and the mean is 1. A mapping gives the sums of
        classes in these proportions. None: the weights of physics.
    negative : {"keep", "abs", "drop", "raise"}, default "keep"
        What to do with negative weights in train: keep them, take the absolute value, give them
        the weight 0, or raise an error. The signed sum of each process stays. The weights of val
        and test stay as they are.
    reweight : Reweight, optional
        Factors that give all classes the same distribution of some variables.
    dtype : dtype-like, or mapping of str to dtype-like, default "float32"
        The dtype of all inputs, or of some: float16, float32 or float64.
    work : Work or concurrent.futures.Executor, optional
        The executor and its limits; see `Work`.

    Returns
    -------
    TrainingSet
        Prints as a table of processes, classes and splits.

    Raises
    ------
    OptionError, CutError
        If options contradict each other, or memmpy cannot read an expression; shows the place.
    MissingFileError, MissingKeyError, InputFileError
        If a file, a tree or a branch is missing or cannot be read; names the nearest.
    ColumnError
        If an event is in two classes, or in none; if a value cannot be an input.
    SplitError
        If the splits differ from those of the store, or no column names the events.
    ReadOnlyStoreError, StoreLockedError, DiskError
        If memmpy cannot write to the store. The store keeps its content.

    Examples
    --------
    >>> data = memmpy.training_set(
    ...     [
    ...         RFileConfig("ttH_*.root", metadata={"process": "ttH"}),
    ...         RFileConfig("ttbb_*.root", metadata={"process": "ttbb"}),
    ...     ],
    ...     "data.mmpy",
    ...     inputs={"event": ["met", "HT"], "jets": Objects(["jet_pt", "jet_eta"], length=8)},
    ...     labels={"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
    ...     weight="weight",
    ...     scale="standard",
    ...     normalise="equal",
    ... )
    >>> for batch in data.loader("train", batch_size=1024):
    ...     batch["event"], batch["jets"], batch["jets_mask"], batch["label"], batch["weight"]
    """
    options: dict[str, Any] = {
        "labels": labels,
        "others": others,
        "weight": weight,
        "cut": cut,
        "aliases": aliases,
        "constants": constants,
        "spectators": spectators,
        "missing": missing,
        "fill": fill,
        "scale": scale,
        "normalise": normalise,
        "negative": negative,
        "reweight": reweight,
        "dtype": dtype,
    }
    limits, splits = check_work(work), check_splits(splits)
    if is_recipe(files):
        for name, value in {**options, "inputs": inputs, "splits": splits}.items():
            default = TRAINING_DEFAULTS.get(name)
            if type(value) is not type(default) or value != default:
                message = f"{name}= stands in a recipe: change it in {os.fspath(files)!r}, or give "
                raise OptionError(f"{message}files and all options in Python")
        return read_recipe(files).training_set(path, work=limits, progress=None)
    if path is None or inputs is None:
        name = "path" if path is None else "inputs"
        raise OptionError(f"training_set needs {name}=, unless it is given a recipe, 'data.toml'")
    request = TrainingRequest(inputs, **options)
    return training_set_of_files(
        list_configs(files), {}, request, path, splits, limits, progress=None
    )
