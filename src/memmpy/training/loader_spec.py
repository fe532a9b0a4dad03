"""Turns the options of a loader of a training set into the specification of a `SplitLoader`."""

from memmpy.loaders import LoaderOptions, SamplingOption
from memmpy.skims import Skim
from memmpy.splits import LoaderSpec, SplitRequest, check_split, resolve_skim_split
from memmpy.training.fit import Fit
from memmpy.training.label_columns import LABEL, PHYSICS, WEIGHT
from memmpy.training.option_checks import check_class_sampling
from memmpy.training.training_request import TrainingRequest

__all__ = ["loader_spec"]


def loader_spec(
    skim: Skim,
    request: TrainingRequest,
    split: SplitRequest,
    options: LoaderOptions,
    *,
    sampling: SamplingOption,
    fit: Fit,
    is_fitted_here: bool,
) -> LoaderSpec:
    """Return the specification of a loader of one split, scaled and weighted by a fit.

    Parameters
    ----------
    skim : Skim
        The rows.
    request : TrainingRequest
        The content of the training set.
    split : SplitRequest
        The split and the fold.
    options : LoaderOptions
        The batches and their order.
    sampling : Sampling, mapping or None
        The shares of classes.
    fit : Fit
        The fit of the fold.
    is_fitted_here : bool
        Whether the fit comes from these rows: then negative weights in train are treated.

    Raises
    ------
    SplitError, OptionError
        If there is no such split or fold, or an option is invalid.
    """
    split_data = resolve_skim_split(skim, split)
    is_train = is_fitted_here and check_split(split_data.split) == 0
    classes = request.classes if LABEL in skim.fields else ()
    return LoaderSpec(
        split_data,
        options,
        fit.row_fit(is_train=is_train, incomplete=_incomplete_inputs(skim, request)),
        sampling=check_class_sampling(sampling, classes, request.normalise),
        weight_keys=(WEIGHT, PHYSICS) if PHYSICS in skim.fields else (),
        fit_options=request.fit_options,
        inputs=request.keys,
    )


def _incomplete_inputs(skim: Skim, request: TrainingRequest) -> set[str]:
    """Return the inputs with a value that is missing, or with padding."""
    content, counts = request.skim_request(), skim.counts
    return {
        name
        for name, keys in content.groups.items()
        if any(key in content.padded or counts[key].num_nan for key in keys)
    }
