"""`Scaling`: the center and the width of each key of an input, fitted on training events."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final, get_args

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import nearest_choice
from memmpy.errors import OptionError, argument_hints, nearest
from memmpy.kernels import standardize
from memmpy.training.moments import Moments
from memmpy.typing import Array

__all__ = ["Method", "Scaling", "check_scale", "fit_scaling", "logarithms", "percentiles_of"]

Method: TypeAlias = Literal["standard", "robust", "minmax", "log"]
_METHODS = get_args(Method)
_PERCENTILES = (16, 50, 84)
#: Keys that a note names at most.
_MAX_NAMES = 5


@argument_hints
@final
@dataclass(frozen=True, slots=True)
class Scaling:
    """The scaling of one input: ``(value - center) / width`` for each of its keys.

    Attributes
    ----------
    keys : tuple of str
        The k keys of the input, in the order of its last axis.
    methods : tuple of str or None
        The method of each: ``"standard"`` (mean and standard deviation), ``"robust"`` (median, and
        half of the distance from the 16th to the 84th percentile), ``"minmax"`` (to 0 to 1),
        ``"log"`` (standard, of the natural logarithm), or None.
    center, width : float64 arrays of shape (k,)
        0 and 1 for keys without scaling.
    """

    keys: tuple[str, ...]
    methods: tuple[Method | None, ...]
    center: NDArray[np.float64]
    width: NDArray[np.float64]

    def scale(self, values: Array, *, fill: float | None, compiled: bool = False) -> None:
        """Scale float values of shape (..., k) in place, and replace NaN by `fill`.

        A value that has no logarithm becomes NaN first.
        """
        dtype = values.dtype
        if dtype == np.float16:  # which has no room for most factors
            wide = values.astype(np.float32)
            self.scale(wide, fill=fill, compiled=compiled)
            with np.errstate(over="ignore"):
                values[...] = wide
            return
        logarithms(values, self.methods)
        factors = (1.0 / self.width).astype(dtype)
        standardize(values, self.center.astype(dtype), factors, fill=fill, compiled=compiled)

    def parameters(self, size: int, *, fill: float | None) -> NDArray[np.float32]:
        """Return centers and factors of `size` values in float32, and 8 times the value for NaN."""
        repeats = size // len(self.keys)
        pair = self.center.astype(np.float32), (1.0 / self.width).astype(np.float32)
        fills = np.full(8, np.nan if fill is None else fill, np.float32)
        return np.concatenate([*(np.tile(values, repeats) for values in pair), fills])

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "keys": list(self.keys),
            "methods": list(self.methods),
            "center": self.center.tolist(),
            "width": self.width.tolist(),
        }


def check_scale(
    scale: object, inputs: Mapping[str, Sequence[str]]
) -> dict[str, tuple[Method | None, ...]]:
    """Return the method of each key of each input from the option ``scale=``.

    Parameters
    ----------
    scale : str, mapping of str to str, or None
        One method for all inputs, or methods by the name of an input or of a key. A key goes before
        its input.
    inputs : mapping of str to sequence of str
        The keys of each input.

    Raises
    ------
    OptionError
        If a method is unknown, or a name is none of the inputs and keys.
    """
    if not isinstance(scale, Mapping):
        method = _method(scale)
        return {name: (method,) * len(keys) for name, keys in inputs.items()}
    names = [*inputs, *(key for keys in inputs.values() for key in keys)]
    for name in scale:
        if name not in names:
            hint = nearest(str(name), names)
            raise OptionError(f"scale names {name!r}, which is no input and no key{hint}")
    methods = {name: _method(method) for name, method in scale.items()}
    return {
        name: tuple(methods.get(key, methods.get(name)) for key in keys)
        for name, keys in inputs.items()
    }


def _method(given: object) -> Method | None:
    if given is None or (isinstance(given, str) and given in _METHODS):
        return given  # type: ignore[return-value]
    message = f"scale takes {', '.join(map(repr, _METHODS))} or None, got {given!r}"
    raise OptionError(message + nearest_choice(given, _METHODS))


def logarithms(values: Array, methods: Sequence[Method | None]) -> None:
    """Replace the columns of the method ``"log"`` by their logarithms, in place.

    A value that has none, as it is not positive, becomes NaN.
    """
    for i, method in enumerate(methods):
        if method == "log":
            column = values[..., i]
            with np.errstate(all="ignore"):
                column[~(column > 0)] = np.nan
                np.log(column, out=column)


def percentiles_of(values: Array, methods: Sequence[Method | None]) -> NDArray[np.float64]:
    """Return the percentiles of the finite values that the method ``"robust"`` needs.

    Parameters
    ----------
    values : array of shape (n, k)
        The first training values.
    methods : sequence of str or None
        The method of each key.

    Returns
    -------
    float64 array of shape (3, k)
        The 16th, 50th and 84th percentile; 0, 0 and 2 without values, NaN for other methods.
    """
    percentiles = np.full((len(_PERCENTILES), len(methods)), np.nan)
    for i, method in enumerate(methods):
        if method == "robust":
            column = values[:, i]
            finite = column[np.isfinite(column)].astype(np.float64)
            percentiles[:, i] = 0, 0, 2
            if finite.size:
                with np.errstate(over="ignore", invalid="ignore"):
                    percentiles[:, i] = np.percentile(finite, _PERCENTILES)
    return percentiles


def fit_scaling(
    keys: tuple[str, ...],
    methods: tuple[Method | None, ...],
    moments: Moments,
    percentiles: NDArray[np.float64] | None,
) -> tuple[Scaling, list[str]]:
    """Return the scaling of an input, and why keys are not divided by their width.

    Parameters
    ----------
    keys, methods : tuple
        See `Scaling`.
    moments : Moments
        The moments of all training values; of logarithms for the method ``"log"``.
    percentiles : float64 array of shape (3, k), or None
        Those of `percentiles_of`; None where no key needs them.
    """
    center, width = np.zeros(len(keys)), np.ones(len(keys))
    for i, method in enumerate(methods):
        if method in {"standard", "log"}:
            center[i], width[i] = moments.centers[i], moments.widths[i]
        elif method == "minmax":
            with np.errstate(over="ignore"):
                center[i], width[i] = moments.least[i], moments.greatest[i] - moments.least[i]
        elif method == "robust":
            assert percentiles is not None
            low, center[i], high = percentiles[:, i]
            with np.errstate(over="ignore", invalid="ignore"):
                width[i] = (high - low) / 2
    notes = list(_notes(keys, methods, moments, width))
    is_usable = np.isfinite(center) & np.isfinite(width) & (width > 0)
    center = np.where(np.isfinite(center), center, 0.0)
    width = np.where(is_usable, width, 1.0)
    return Scaling(keys, methods, center, width), notes


def _notes(
    keys: Sequence[str],
    methods: Sequence[Method | None],
    moments: Moments,
    width: NDArray[np.float64],
) -> Iterator[str]:
    by_reason: dict[tuple[str, str], list[str]] = {}
    for i, (key, method) in enumerate(zip(keys, methods, strict=True)):
        reason = None if method is None else _reason(method, moments, width, i)
        if reason is not None:
            by_reason.setdefault(reason, []).append(key)
    for reason, group in by_reason.items():
        names = ", ".join(map(repr, group[:_MAX_NAMES]))
        more = f" and {len(group) - _MAX_NAMES:,} more keys" if len(group) > _MAX_NAMES else ""
        yield f"{names}{more} {reason[len(group) > 1]}"


def _reason(
    method: Method, moments: Moments, width: NDArray[np.float64], number: int
) -> tuple[str, str] | None:
    """Return why a key, or several, are not divided by their width; None if they are."""
    if not moments.counts[number]:
        what = f"no {'positive' if method == 'log' else 'finite'} value in the training split"
    elif not np.isfinite(width[number]):
        what = "values that are too large to square or subtract"
    elif width[number] > 0:
        return None
    elif moments.widths[number] == 0:
        return "is constant in the training split", "are constant in the training split"
    else:
        what = "one value from 16 to 84 % in the training split"
    return f"has {what}", f"have {what}"
