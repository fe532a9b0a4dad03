"""A classifier that learns labels of pure noise by heart tells nothing out of fold."""

from pathlib import Path

import numpy as np

import memmpy
from memmpy import RFileConfig, Splits
from tests.splits.files import write_file

NUM = 8000


def nearest_labels(x: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return the label of the nearest neighbour in x."""
    order = np.argsort(x)
    x, labels = x[order], labels[order]
    right = np.clip(np.searchsorted(x, asked), 1, len(x) - 1)
    is_left = abs(x[right - 1] - asked) < abs(x[right] - asked)
    return np.asarray(labels[np.where(is_left, right - 1, right)])


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    num = labels.sum()
    ranked = ranks[labels == 1].sum() - num * (num + 1) / 2
    return float(ranked / (num * (len(labels) - num)))


def test_variations_of_an_event_give_nothing_away(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    label, x = (random.random(NUM) < 0.5).astype(np.int32), random.random(NUM)
    base: dict[str, np.ndarray] = {
        "event": random.permutation(NUM).astype(np.uint64),
        "label": label,
    }
    shifts = {"nominal": 0, "JES_up": 1, "JES_down": -1}
    file = write_file(
        tmp_path / "a.root", {t: {**base, "x": x + s * 1e-6} for t, s in shifts.items()}
    )
    files = [RFileConfig(file, tree, {"variation": tree}) for tree in shifts]
    splits = Splits(by=("event",), num_folds=5)
    keys = {"label", "x"}
    memmpy.convert(files, tmp_path / "s", keys=keys, splits=splits, progress=False)
    store = memmpy.open(tmp_path / "s")
    scores, labels, entries = [], [], []
    for fold in range(5):
        train, test = (
            {
                key: np.concatenate([batch[key] for batch in loader.batches(0)])
                for key in ("x", "label", "_index")
            }
            for split in ("train", "test")
            for loader in [store.loader(split, keys=keys, fold=fold, batch_size=4096)]
        )
        scores.append(nearest_labels(train["x"], train["label"], test["x"]))
        labels.append(test["label"])
        entries.append(test["_index"])
    assert np.sort(np.concatenate(entries)).tolist() == list(range(3 * NUM))
    assert abs(auc(np.concatenate(scores), np.concatenate(labels)) - 0.5) < 0.03
