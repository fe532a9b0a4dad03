"""Tests of scores that are read back from friend trees."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

import memmpy
from memmpy import Splits
from memmpy.errors import InputFileError, MissingFileError, OptionError, SplitError
from memmpy.training import Scores
from tests.training.samples import Sample
from tests.training.scoring.scored import Events


def scored(sample: Sample, num_scores: int, **options: Any) -> tuple[memmpy.TrainingSet, Scores]:
    """Return a training set, and scores that are random numbers of its entries."""
    data = sample.training_set(**options)
    values = np.random.default_rng(0).random((data.num_entries, num_scores)).astype(np.float32)
    scores = data.scores()
    for fold in range(5):
        for batch in data.loader("test", fold=fold):
            scores.add(batch, values[batch["_index"]], fold)
    return data, scores


@pytest.mark.parametrize("num_scores", [1, 2])
def test_scores_that_were_written_are_read_back(
    sample: Sample, num_scores: int, tmp_path: Path
) -> None:
    data, scores = scored(sample, num_scores, cut="njets > 1")
    scores.write_friend(tmp_path / "friends")
    again = data.scores()
    again.read_friend(str(tmp_path / "friends"))
    for name in ("entries", "values", "labels", "weights", "folds"):
        np.testing.assert_array_equal(getattr(again, name), getattr(scores, name))
    assert again.auc() == scores.auc()
    with pytest.raises(SplitError, match="have a score already"):
        again.read_friend(tmp_path / "friends")


def test_some_scores_are_read_back_too(sample: Sample, tmp_path: Path) -> None:
    data = sample.training_set()
    scores = data.scores()
    for batch in data.loader("test", fold=3):
        scores.add(batch, batch["label"] / 2, 3)
    scores.write_friend(tmp_path / "friends")
    again = data.scores()
    again.read_friend(tmp_path / "friends")
    np.testing.assert_array_equal(again.entries, scores.entries)
    np.testing.assert_array_equal(again.values, scores.values)


def test_scores_of_events_that_are_not_tested_are_an_error(sample: Sample, tmp_path: Path) -> None:
    _, scores = scored(sample, 1)
    scores.write_friend(tmp_path / "friends")
    fewer = sample.training_set(cut="njets > 1")
    num = len(scores) - len(fewer)
    again = fewer.scores()
    with pytest.raises(SplitError, match=f"{num:,} of {len(scores):,} scores .* the cut or the"):
        again.read_friend(tmp_path / "friends")
    assert len(again) == 0


def test_scores_of_another_fold_are_an_error(sample: Sample, tmp_path: Path) -> None:
    data, scores = scored(sample, 1)
    scores.write_friend(tmp_path / "friends")
    path = tmp_path / "friends/DY_0.root"
    with uproot.open(path) as file:
        branches = file["Events"].arrays(library="np")
    branches["fold"][:7] = (branches["fold"][:7] + 1) % 5
    with uproot.recreate(path) as file:
        file["Events"] = branches
    with pytest.raises(SplitError, match=r"7 of 5,500 scores .* their fold does not test"):
        data.scores().read_friend(tmp_path / "friends")


def test_means_of_folds_are_no_scores_of_folds(sample: Sample, tmp_path: Path) -> None:
    data, scores = scored(sample, 1)
    scores.write_friend(tmp_path / "friends")
    for path in (tmp_path / "friends").iterdir():
        with uproot.open(path) as file:
            branches = file["Events"].arrays(library="np")
        branches["fold"][:] = -1
        with uproot.recreate(path) as file:
            file["Events"] = branches
    with pytest.raises(SplitError, match="have no folds, as those of a mean"):
        data.scores().read_friend(tmp_path / "friends")


def test_a_missing_friend_is_named(sample: Sample, tmp_path: Path) -> None:
    data, scores = scored(sample, 1)
    scores.write_friend(tmp_path / "friends")
    (tmp_path / "friends/ggH_1.root").unlink()
    with pytest.raises(MissingFileError, match=r"no friend '.*ggH_1.root' of '.*ggH_1.root'"):
        data.scores().read_friend(tmp_path / "friends")
    with pytest.raises(MissingFileError, match="no friend"):
        data.scores().read_friend(tmp_path / "frends")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": None}, "has no branch 'score_background': it has no scores of these classes"),
        ({"fold": None}, "has no branch 'fold'"),
    ],
)
def test_a_friend_without_scores_is_an_error(
    sample: Sample, change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    data, scores = scored(sample, 1)
    scores.write_friend(tmp_path / "friends")
    path = tmp_path / "friends/DY_0.root"
    with uproot.open(path) as file:
        branches = file["Events"].arrays(library="np")
    kept = {name: values for name, values in branches.items() if name not in change}
    with uproot.recreate(path) as file:
        file["Events"] = kept
    with pytest.raises(InputFileError, match=message):
        data.scores().read_friend(tmp_path / "friends")
    with uproot.recreate(path) as file:
        file["Events"] = {name: values[:-1] for name, values in branches.items()}
    with pytest.raises(InputFileError, match=r"has 2,499 entries, and its tree .* has 2,500"):
        data.scores().read_friend(tmp_path / "friends")


def test_a_store_without_files_has_no_friends(tmp_path: Path) -> None:
    with memmpy.WriteVector(tmp_path / "s.mmpy", "event") as file:
        file.extend(np.arange(60))
    events = Events(Splits(by=("event",), num_folds=3), path=tmp_path / "s.mmpy")
    with pytest.raises(OptionError, match="no file"):
        Scores(events, average=False).read_friend(tmp_path)
