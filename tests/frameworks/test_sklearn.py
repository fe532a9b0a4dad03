from pathlib import Path

import numpy as np
import pytest

import memmpy
from tests.frameworks.tree_events import make_events

linear_model = pytest.importorskip("sklearn.linear_model")

BATCH_SIZE = 100


@pytest.mark.slow
def test_partial_fit_on_batches_is_that_on_slices_of_arrays(tmp_path: Path) -> None:
    events = make_events(tmp_path / "data.mmpy", 4000)
    data = events.training_set(scale="standard", fill=0.0, negative="drop", normalise="equal")
    train, test = data.loader("train", batch_size=BATCH_SIZE), data.loader("test")
    by_batch = linear_model.SGDClassifier(loss="log_loss", random_state=0)
    by_slice = linear_model.SGDClassifier(loss="log_loss", random_state=0)

    scaling = data.fit().scaling
    center = np.concatenate([scaling["flat"].center, np.tile(scaling["jets"].center, 2)])
    width = np.concatenate([scaling["flat"].width, np.tile(scaling["jets"].width, 2)])
    arrays = np.nan_to_num((events.features - center) / width)
    labels = events.columns["is_signal"].astype(int)
    for _ in range(3):
        for batch in train:
            features = memmpy.feature_matrix(batch, train)
            weights = batch["weight"]
            by_batch.partial_fit(features, batch["label"], classes=[0, 1], sample_weight=weights)
            rows = batch["_index"]
            by_slice.partial_fit(arrays[rows], labels[rows], classes=[0, 1], sample_weight=weights)
    np.testing.assert_allclose(by_batch.coef_, by_slice.coef_, rtol=1e-3, atol=1e-4)

    scores = data.scores()
    for batch in test:
        scores.add(batch, by_batch.decision_function(memmpy.feature_matrix(batch, test)))
    assert scores.auc() > 0.7
    other, all_at_once = data.scores(), test.take(np.arange(test.split_size))
    other.add(all_at_once, by_slice.decision_function(arrays[all_at_once["_index"]]))
    assert scores.auc() == pytest.approx(other.auc(), abs=2e-3)
