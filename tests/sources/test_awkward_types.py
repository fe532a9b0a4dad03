"""Tests of the conversion between awkward forms, arrays and columns."""

import awkward as ak
import numpy as np
import pytest

from memmpy.sources import from_awkward


@pytest.mark.parametrize("kind", ["jagged", "nested"])
@pytest.mark.parametrize("offsets", [[0, 3, 2, 4], [0, 1, 2, 9]])
def test_lists_that_do_not_lie_in_their_content_are_refused(kind: str, offsets: list[int]) -> None:
    content = ak.contents.NumpyArray(np.arange(4.0))
    lists = ak.contents.ListOffsetArray(ak.index.Index64(np.array(offsets)), content)
    with pytest.raises(ValueError, match="its data is inconsistent"):
        from_awkward(ak.Array(lists), kind)
