"""Checks the options of a training set, each on its own, and normalises them."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from memmpy.checks import check_choice, is_number
from memmpy.columns import check_keys
from memmpy.errors import OptionError, nearest
from memmpy.loaders import ClassSampling, SamplingOption, check_sampling
from memmpy.skims import Objects
from memmpy.training.reweight import Reweight

__all__ = [
    "Inputs",
    "Negative",
    "Normalise",
    "check_class_sampling",
    "check_dtypes",
    "check_fill",
    "check_inputs",
    "check_labels",
    "check_missing",
    "check_no_event_number",
    "check_normalise",
    "check_reweight",
    "check_spectators",
    "check_weight",
    "keys_of_input",
]

Inputs: TypeAlias = Mapping[str, Sequence[str] | Objects]
Negative: TypeAlias = Literal["keep", "abs", "drop", "raise"]
Normalise: TypeAlias = Literal["mean", "equal"] | Mapping[str, float] | None
#: The last parts of the names of event numbers.
_EVENT_NUMBERS = frozenset({"eventNumber", "event"})


def check_inputs(inputs: object) -> dict[str, Any]:
    """Return `inputs` if it is a mapping of names that is not empty; names as str of Python."""
    if not isinstance(inputs, Mapping) or not inputs:
        message = "inputs is a mapping of name to keys, such as {'event': ['met', 'HT']}"
        raise OptionError(f"{message}; got {inputs!r}")
    for name in inputs:
        if not isinstance(name, str) or not name:
            raise OptionError(f"the name of an input is a text, got {name!r}")
    return {str.__str__(name): given for name, given in inputs.items()}


def keys_of_input(name: str, given: Any) -> tuple[str, ...]:
    """Return the keys of an input, each once."""
    if isinstance(given, Objects):
        return tuple(given.keys)
    is_list = isinstance(given, Sequence) and not isinstance(given, str | bytes)
    if not is_list or not given or not all(isinstance(key, str) for key in given):
        message = f"the input {name!r} is a list of keys or expressions, or Objects; got {given!r}"
        raise OptionError(message)
    twice = sorted({key for key in given if list(given).count(key) > 1})
    if twice:
        raise OptionError(f"the input {name!r} has {twice[0]!r} twice")
    return tuple(map(str.__str__, given))


def check_labels(labels: Mapping[Any, Any], others: object) -> None:
    """Check a mapping of class to cut, and what happens to other events."""
    check_choice("others", others, ("raise", "drop", "keep"))
    for name, text in labels.items():
        if not isinstance(name, str) or not name or not isinstance(text, str):
            message = (
                "labels is a mapping of class to cut, such as {'signal': \"process == 'ttH'\"}"
            )
            raise OptionError(f"{message}; got {name!r}: {text!r}")


def check_weight(weight: object) -> None:
    """Check that a weight is an expression or None."""
    if weight is not None and not (isinstance(weight, str) and weight.strip()):
        message = "weight is an expression, such as 'genWeight * xsec / sum_w'"
        raise OptionError(f"{message}; got {weight!r}")


def check_fill(fill: object) -> float | None:
    """Return a fill as a float of Python; None keeps NaN."""
    if fill is None or is_number(fill):
        return None if fill is None else float(fill)
    raise OptionError(f"fill is a number, or None to keep NaN; got {fill!r}")


def check_normalise(normalise: Normalise, classes: tuple[str, ...]) -> Normalise:
    """Return the option `normalise`; shares as floats of Python."""
    if normalise is None or (isinstance(normalise, str) and normalise in ("mean", "equal")):
        return normalise
    if not isinstance(normalise, Mapping):
        message = "normalise is 'mean', 'equal', None, or a mapping of class to share"
        hint = nearest(str(normalise), ("mean", "equal"))
        raise OptionError(f"{message}; got {normalise!r}{hint}")
    names = classes or ("all",)
    shares: Mapping[Any, Any] = normalise
    for name, share in shares.items():
        if name not in names:
            raise OptionError(f"normalise names {name!r}, no class{nearest(str(name), names)}")
        if not is_number(share) or not 0 < share < float("inf"):
            raise OptionError(f"normalise has a positive number for each class, got {share!r}")
    if left_out := [name for name in names if name not in normalise]:
        raise OptionError(f"normalise needs all classes, and lacks {left_out[0]!r}")
    return {name: float(share) for name, share in normalise.items()}


def check_reweight(reweight: object, classes: tuple[str, ...]) -> None:
    """Check a reweighting, and that its target is a class."""
    if not isinstance(reweight, Reweight):
        message = "reweight is a memmpy.Reweight, such as Reweight({'pt': [0, 50, 100]}, flat=True)"
        raise OptionError(f"{message}; got {reweight!r}")
    if reweight.to is not None and reweight.to not in classes:
        hint = nearest(reweight.to, classes)
        raise OptionError(f"reweight names the class {reweight.to!r}, which labels lacks{hint}")


def check_spectators(given: Collection[str]) -> tuple[str, ...]:
    """Return the spectators, each once; those of a set in the order of their names."""
    if isinstance(given, str | bytes):
        raise OptionError(f"spectators is a list of keys, got the text {given!r}")
    check_keys(given)
    names = map(str.__str__, given)
    return tuple(sorted(names) if isinstance(given, set | frozenset) else dict.fromkeys(names))


def check_missing(missing: Any, names: Collection[str]) -> float | dict[str, float] | None:
    """Return the option `missing` with floats of Python, if its keys are inputs."""
    numbers = missing.values() if isinstance(missing, Mapping) else [missing]
    for number in numbers:
        if number is not None and not is_number(number):
            message = "missing is a number that means 'not there', or a mapping of key to number"
            raise OptionError(f"{message}; got {missing!r}")
    if not isinstance(missing, Mapping):
        # NaN is missing anyway.
        return None if missing is None or math.isnan(missing) else float(missing)
    for key in missing:
        if key not in names:
            hint = nearest(str(key), names)
            raise OptionError(f"missing names {key!r}, which no input has{hint}")
    numbers_by_key = {str.__str__(key): float(n) for key, n in missing.items() if n is not None}
    return {key: number for key, number in numbers_by_key.items() if not math.isnan(number)}


def check_class_sampling(
    sampling: SamplingOption, classes: tuple[str, ...], normalise: Normalise
) -> ClassSampling | None:
    """Return the sampling of classes, which `normalise` must not balance, too."""
    shares = check_sampling(sampling)
    if shares is None:
        return None
    if not classes:
        raise OptionError("sampling= takes shares of classes, and there are no labels")
    if normalise not in (None, "mean"):
        message = f"sampling= and normalise={normalise!r} would both balance the classes; "
        raise OptionError(f"{message}take normalise='mean' or None beside sampling=")
    return ClassSampling(shares, classes)


def check_no_event_number(key: str) -> None:
    """Refuse an event number as an input."""
    if key.rpartition(".")[2] in _EVENT_NUMBERS:
        message = (
            f"{key!r} is the number of an event: a network would learn events by heart, and as "
            "float32 it is rounded; name it in spectators="
        )
        raise OptionError(message)


def check_dtypes(
    dtype: Any, groups: Collection[str], fill: float | None
) -> dict[str, np.dtype[Any]]:
    """Return the dtype of each input, if it can hold the fill."""
    by_name = dtype if isinstance(dtype, Mapping) else dict.fromkeys(groups, dtype)
    for name in by_name:
        if name not in groups:
            hint = nearest(str(name), groups)
            raise OptionError(f"dtype names {name!r}, which is no input{hint}")
    dtypes = {}
    for name in groups:
        given = by_name.get(name, "float32")
        try:
            dtypes[name] = np.dtype(given).newbyteorder("<")
        except (TypeError, ValueError) as error:
            raise OptionError(f"the input {name!r} cannot have the dtype {given!r}") from error
        if given is None or dtypes[name].kind != "f" or dtypes[name].itemsize > 8:
            message = f"the input {name!r} holds float16, float32 or float64, not {given!r}"
            raise OptionError(message)
        if fill is not None and np.isfinite(fill) and abs(fill) > float(np.finfo(dtypes[name]).max):
            message = f"the input {name!r} cannot be filled with {fill:g}: it holds {dtypes[name]}"
            raise OptionError(message)
    return dtypes
