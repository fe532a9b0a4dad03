"""Arrays of one length an entry are lists, too."""

import numpy as np
import pytest

from memmpy.columns import Jagged
from memmpy.columns.fixed import as_lists


@pytest.mark.parametrize("shape", [(3, 4), (3, 0), (0, 4), (0, 0), (5, 2, 3), (5, 2, 0)])
def test_entries_are_lists_of_one_length(shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    found = as_lists(values)
    content = values.reshape(shape[0] * shape[1], *shape[2:])
    assert found == Jagged(content, np.arange(shape[0] + 1) * shape[1])
    assert len(found) == shape[0]


def test_memory_is_shared() -> None:
    values = np.zeros((3, 2))
    assert np.shares_memory(as_lists(values).content, values)
