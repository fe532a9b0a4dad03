"""Numbers of classes, also of the events that are in none."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["NO_CLASS", "NO_CLASS_NAME", "rows_of_classes"]

#: The label of an event that is in no class, and the name of such events in tables.
NO_CLASS, NO_CLASS_NAME = -1, "no class"


def rows_of_classes(labels: NDArray[np.integer], num_classes: int) -> NDArray[np.int64]:
    """Return the rows of labels in an array with one row for each class, and a last for none."""
    return np.where(labels < 0, num_classes, labels)
