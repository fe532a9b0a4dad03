"""`RowFit`: scales and fills the inputs of gathered rows, and computes their weights."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import RowField
from memmpy.loaders import Lists
from memmpy.training.label_columns import BIN, PHYSICS, WEIGHT
from memmpy.training.scaling import Scaling
from memmpy.training.weight_factors import WeightFactors
from memmpy.typing import Array

__all__ = ["RowFit"]

#: The least bytes of an input that a kernel scales while it copies it: 8 float32.
_MIN_BYTES = 32


@final
@dataclass(frozen=True, slots=True)
class RowFit:
    """Scales the inputs of gathered rows in place, fills what is missing, and adds the weights.

    Attributes
    ----------
    scalings : mapping of str to Scaling
        By input.
    fill : float or None
        The value for what is missing; None keeps NaN.
    factors : WeightFactors or None
        None for batches without weights.
    incomplete : collection of str
        The inputs that may lack values.
    """

    scalings: Mapping[str, Scaling]
    fill: float | None
    factors: WeightFactors | None
    incomplete: Collection[str] = ()

    @property
    def hidden(self) -> Collection[str]:
        """The bins of events."""
        return (BIN,)

    def parameters_of(self, name: str, field: RowField) -> NDArray[np.float32] | None:
        """Return how a kernel scales a field; see `RowTransform`."""
        scaling = self.scalings.get(name)
        is_fit = field.dtype == np.float32 and field.nbytes >= _MIN_BYTES
        if scaling is None or not is_fit or "log" in scaling.methods:
            return None
        return scaling.parameters(prod(field.shape), fill=self.fill)

    def __call__(
        self,
        rows: Mapping[str, Array],
        lists: Mapping[str, Lists],
        *,
        scaled: Collection[str],
        compiled: bool,
    ) -> Mapping[str, Array]:
        """Scale rows and lists in place, and return their weights."""
        for name, scaling in self.scalings.items():
            if name not in scaled:
                values: Any = rows[name] if name in rows else lists[name][0]
                scaling.scale(values, fill=self.fill, compiled=compiled)
        if self.factors is None or PHYSICS not in rows:
            return {}
        return {WEIGHT: self.factors.weights_of(rows, compiled=compiled)}
