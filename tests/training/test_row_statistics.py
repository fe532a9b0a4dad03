import numpy as np
import pytest

from memmpy.training.row_statistics import Cells
from tests.training.samples import NUM_FOLDS, Sample


def test_cells_divide_the_rows_and_make_up_each_split(sample: Sample) -> None:
    data = sample.training_set()
    cells = Cells.of(data.skim, data.splits, range(NUM_FOLDS))
    assert cells.edges[0] == 0
    assert cells.edges[-1] == len(data.skim)
    assert list(cells.edges) == sorted(set(cells.edges))
    entries = np.asarray(data.skim.rows["_index"])
    for fold in range(NUM_FOLDS):
        for split in ("train", "val", "test"):
            rows = [
                row
                for cell in cells.members[split, fold]
                for row in range(cells.edges[cell], cells.edges[cell + 1])
            ]
            expected = np.flatnonzero(sample.is_in(split, fold))
            np.testing.assert_array_equal(np.sort(entries[rows]), expected)


@pytest.mark.filterwarnings("ignore:no entry of:memmpy.errors.ConversionWarning")
def test_no_rows_have_no_cells(sample: Sample) -> None:
    data = sample.training_set(cut="met > 1e8")
    cells = Cells.of(data.skim, data.splits, range(NUM_FOLDS))
    assert cells.edges == (0,)
    assert set(cells.members.values()) == {()}
