"""Tests of the scores of training events, which are compared with and never mixed in."""

import pickle
from typing import Any

import numpy as np
import pytest

from memmpy.errors import OptionError, SplitError
from memmpy.training import Scores
from memmpy.training.ks_distance import ks_distance
from tests.training.scoring.scored import FOLDS, NO_FOLDS, Events

SPLITS = pytest.mark.parametrize("splits", [FOLDS, NO_FOLDS], ids=str)
VALUES = np.random.default_rng(1).random(600)


def results_of(scores: Scores) -> list[Any]:
    return [
        len(scores),
        scores.entries.tolist(),
        scores.values.tolist(),
        scores.labels.tolist(),
        scores.weights.tolist(),
        scores.folds.tolist(),
        scores.auc(),
        scores.roc().thresholds.tolist(),
        scores.plot is not None,
    ]


@SPLITS
def test_training_events_change_no_result(splits: Any) -> None:
    events = Events(splits, num_entries=600)
    events.weights = np.ones(600)
    scores = events.scored(VALUES)
    before, table = results_of(scores), str(scores)
    events.train(scores, lambda index: np.ones(len(index)))
    assert results_of(scores) == before
    lines = str(scores).splitlines()
    assert "of training events: AUC 0.5000" in lines[1]
    assert [lines[0], *lines[2:]] == table.splitlines()


@SPLITS
def test_only_events_of_the_training_split_are_training_events(splits: Any) -> None:
    events = Events(splits)
    fold = None if splits is NO_FOLDS else 1
    for split in ("val", "test"):
        scores = Scores(events, average=False)
        entries = events.entries_of(split, fold)
        with pytest.raises(SplitError, match=r"not in the training split.*data.loader\('train'"):
            scores.add(events.batch(entries), VALUES[entries], fold, split="train")
        assert len(scores._train.rows) == 0
    scores = Scores(events, average=False)
    entries = events.entries_of("train", fold)
    with pytest.raises(SplitError, match="trained on"):
        scores.add(events.batch(entries), VALUES[entries], fold)


def test_an_event_has_one_score_of_each_fold_that_was_trained_on_it() -> None:
    events = Events()
    scores = Scores(events, average=False)
    entries, _ = events.train(scores, lambda index: VALUES[index])
    assert len(scores._train.rows) == len(entries)
    again = events.entries_of("train", 2)
    with pytest.raises(SplitError, match=r"have a score already, such as entry .* of fold 2"):
        scores.add(events.batch(again), VALUES[again], 2, split="train")


@pytest.mark.parametrize("split", ["val", "all", "trian", None, 0])
def test_other_splits_are_errors(split: Any) -> None:
    events = Events()
    with pytest.raises(OptionError, match="split must be one of 'test', 'train'"):
        Scores(events, average=False).add(events.batch([]), [], 0, split=split)


def test_both_kinds_have_the_same_number_of_scores() -> None:
    events = Events()
    scores = events.scored(VALUES[:60])
    entries = events.entries_of("train", 0)
    with pytest.raises(OptionError, match="the same number of scores: 1 before, now 2"):
        scores.add(events.batch(entries), np.ones((len(entries), 2)), 0, split="train")


def test_training_events_are_merged_and_pickled_apart() -> None:
    events = Events(num_entries=600)
    one, other = events.scored(VALUES), Scores(events, average=False)
    entries, values = events.train(other, lambda index: VALUES[index])
    one.merge(pickle.loads(pickle.dumps(other)))
    rows = one._train.rows
    order = np.lexsort((rows.folds, rows.entries))
    assert rows.entries[order].tolist() == sorted(entries.tolist())
    assert sorted(rows.values.tolist()) == pytest.approx(sorted(values.tolist()))
    assert one.entries.tolist() == events.scored(VALUES).entries.tolist()
    with pytest.raises(SplitError, match="have a score already"):
        one.merge(other)
    before = len(one._train.rows)
    with pytest.raises(SplitError, match="have a score already"):
        other.merge(one)  # its training events are there already: no test event is added
    assert len(other) == 0
    assert len(one._train.rows) == before


@SPLITS
def test_distances_are_those_of_the_classes(splits: Any) -> None:
    events = Events(splits, num_entries=600)
    events.weights = np.where(events.weights < 0, 0.25, events.weights)
    scores = events.scored(VALUES)
    entries, values = events.train(scores, lambda index: np.sqrt(VALUES[index]))
    histograms = scores.histograms(bins=8)
    assert [*histograms.distances] == ["background", "signal"]
    for label, distance in enumerate(histograms.distances.values()):
        sides = []
        for own, number in ((scores.entries, scores.values), (entries, values)):
            is_own = events.labels[own] == label
            order = np.argsort(number[is_own])
            sides.append((number[is_own][order], events.weights[own][is_own][order]))
        (first, weights), (second, others) = sides
        assert distance == pytest.approx(ks_distance(first, second, weights=(weights, others)))


def test_histograms_have_no_train_without_training_events() -> None:
    histograms = Events(num_entries=600).scored(VALUES).histograms()
    assert histograms.train == ()
    assert histograms.distances == {}
    assert histograms.signal == "signal"


def test_averaged_scores_are_compared_too() -> None:
    events = Events(num_entries=600)
    events.weights = np.ones(600)
    scores = Scores(events, average=True)
    everything = np.arange(600)
    for fold in range(3):
        scores.add(events.batch(everything), VALUES, fold)
    events.train(scores, lambda index: VALUES[index])
    assert len(scores.histograms().train) == 2
    assert (scores.folds == -1).all()
