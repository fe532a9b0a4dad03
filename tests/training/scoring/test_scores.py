"""Tests of scores: which events are taken, from which fold, and what they give."""

import math
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from hypothesis import given
from hypothesis import strategies as st

import memmpy
from memmpy import Splits
from memmpy.errors import LengthError, MemmpyError, MissingKeyError, OptionError, SplitError
from memmpy.training import Scores
from tests.training.scoring.scored import FOLDS, NO_FOLDS, Events
from tests.training.stores import make_events, write_trees

MakeFile = Callable[..., Path]

VALUES = np.random.default_rng(1).integers(0, 12, 60).astype(np.float32) / 8


def pair_area(events: Events, entries: Any, values: Any, number: int) -> float:
    """Return the area under the ROC curve from all pairs of events."""
    labels, weights = events.labels, events.weights
    pairs = [
        (weights[i] * weights[j], (np.sign(values[i] - values[j]) + 1) / 2)
        for i in entries
        if labels[i] == number
        for j in entries
        if labels[j] != number
    ]
    return math.fsum(w * x for w, x in pairs) / math.fsum(w for w, _ in pairs)


@pytest.mark.parametrize("splits", [FOLDS, NO_FOLDS])
@pytest.mark.parametrize("size", [1, 7, 60])
def test_scores_are_kept_by_entry(splits: Splits, size: int) -> None:
    events = Events(splits)
    scores = events.scored(VALUES, size=size)
    tested = np.sort(np.concatenate([entries for _, entries, _ in events.batches()]))
    if splits is FOLDS:
        assert tested.tolist() == list(range(60))
    assert len(scores) == len(tested)
    np.testing.assert_array_equal(scores.entries, tested)
    np.testing.assert_array_equal(scores.values, VALUES[tested])
    np.testing.assert_array_equal(scores.labels, events.labels[tested])
    np.testing.assert_array_equal(scores.weights, events.weights[tested])
    folds = np.full(60, -1)
    for _, entries, fold in events.batches():
        folds[entries] = -1 if fold is None else fold
    np.testing.assert_array_equal(scores.folds, folds[tested])


def test_the_area_is_that_of_all_folds_together() -> None:
    events = Events()
    area = pair_area(events, range(60), VALUES, 1)
    assert events.scored(VALUES).auc() == pytest.approx(area, rel=1e-12)
    assert events.scored(VALUES).auc("signal") == pytest.approx(area, rel=1e-12)
    assert events.scored(VALUES).roc().auc == pytest.approx(area, rel=1e-12)


def test_scores_of_each_class_give_an_area_for_each() -> None:
    events = Events(classes=("qcd", "top", "higgs"))
    values = np.random.default_rng(2).integers(0, 9, (60, 3)).astype(np.float64)
    scores = events.scored(values)
    for number, name in enumerate(events.classes):
        area = pair_area(events, range(60), values[:, number], number)
        assert scores.auc(name) == pytest.approx(area, rel=1e-12)
    assert scores.auc() == scores.auc("higgs")


def test_events_without_weights_count_one() -> None:
    events = Events()
    scores = Scores(events, average=False)
    for batch, entries, fold in events.batches():
        del batch["weight_physics"]
        scores.add(batch, VALUES[entries], fold)
    events.weights = np.ones(60)
    assert scores.auc() == pytest.approx(pair_area(events, range(60), VALUES, 1), rel=1e-12)


def test_events_without_a_label_do_not_count() -> None:
    events = Events()
    scores = Scores(events, average=False)
    for batch, entries, fold in events.batches():
        batch["label"] = np.where(entries % 3, batch["label"], -1)
        scores.add(batch, VALUES[entries], fold)
    labelled = [entry for entry in range(60) if entry % 3]
    assert scores.auc() == pytest.approx(pair_area(events, labelled, VALUES, 1), rel=1e-12)
    assert "no class" in repr(scores)


@pytest.mark.parametrize("splits", [FOLDS, NO_FOLDS])
def test_an_event_on_another_side_is_refused_and_named(splits: Splits) -> None:
    events = Events(splits)
    fold = 1 if splits is FOLDS else None
    tested, trained, val = (events.entries_of(s, fold) for s in ("test", "train", "val"))
    scores = Scores(events, average=False)
    mixed = [*tested[:2], *val[:1], *trained[:2]]
    where = "tested by fold 1" if splits is FOLDS else "in the test split"
    by = " by fold 1 and is tested by fold [02]" if splits is FOLDS else ""
    message = (
        f"^3 of 5 events are not {where}, such as entry {trained[0]}, which was trained on{by}; "
    )
    with pytest.raises(SplitError, match=message):
        scores.add(events.batch(mixed), VALUES[mixed], fold)
    with pytest.raises(SplitError, match=f"entry {val[0]}, which was used for validation"):
        scores.add(events.batch(val), VALUES[val], fold)
    assert len(scores) == 0
    scores.add(events.batch(tested), VALUES[tested], fold)


@given(st.integers(0, 2), st.lists(st.integers(0, 59), min_size=1, max_size=5, unique=True))
def test_a_fold_scores_the_events_that_it_tests_and_no_others(
    fold: int, entries: list[int]
) -> None:
    events = _EVENTS
    scores = Scores(events, average=False)
    wrong = set(entries) - set(events.entries_of("test", fold).tolist())
    if wrong:
        with pytest.raises(SplitError, match=f"^{len(wrong)} of {len(entries)} event"):
            scores.add(events.batch(entries), VALUES[entries], fold)
    else:
        scores.add(events.batch(entries), VALUES[entries], fold)
    assert len(scores) == (0 if wrong else len(entries))


_EVENTS = Events()


def test_folds_of_a_foreign_rule_are_checked_too() -> None:
    splits = Splits(by=("event",), fold_by="event % 3", num_folds=3)
    events = Events(splits)
    events.drawn = splits.ticket_rule.draw({"event": np.arange(60)})
    scores = Scores(events, average=False)
    scores.add(events.batch([4, 7]), [0.5, 0.25], fold=1)
    with pytest.raises(SplitError, match=r"1 of 2 events are not .* entry 5, .* by fold 2"):
        scores.add(events.batch([10, 5]), [0.5, 0.25], fold=1)


@pytest.mark.parametrize("again", [[0, 1, 0], [3], [5, 4, 3, 3]])
def test_an_event_comes_once(again: list[int]) -> None:
    events = Events()
    tested = events.entries_of("test", 0)
    scores = Scores(events, average=False)
    scores.add(events.batch(tested[3:4]), [0.5], fold=0)
    entries = tested[again]
    num = {3: 1, 1: 1, 4: 2}[len(again)]
    named = tested[0] if again == [0, 1, 0] else tested[3]
    message = f"^{num} of {len(again)} events? have a score already, such as entry {named};"
    with pytest.raises(SplitError, match=message):
        scores.add(events.batch(entries), VALUES[entries], fold=0)
    assert scores.entries.tolist() == [tested[3]]
    scores.add(events.batch(tested[:3]), VALUES[tested[:3]], fold=0)
    assert len(scores) == 4


def test_nothing_of_a_wrong_call_is_kept() -> None:
    events = Events()
    tested = events.entries_of("test", 0)
    scores = Scores(events, average=False)
    batch, values = events.batch(tested), VALUES[tested]
    holed = values.copy()
    holed[4] = np.nan
    wrong: list[tuple[Any, Any, Any, type[MemmpyError], str]] = [
        (batch, values, None, SplitError, "give the fold that made the scores, 0 to 2"),
        (batch, values, 3, OptionError, "no fold 3 of 3 folds"),
        (batch, values, 1, SplitError, "are not tested by fold 1"),
        (batch, values[:-1], 0, LengthError, "scores were given for a batch of"),
        (
            batch,
            holed,
            0,
            OptionError,
            f"1 of .* scores that are NaN .* such as entry {tested[4]}$",
        ),
        ({}, values, 0, MissingKeyError, "the batch has no '_index'"),
    ]
    for some_batch, some_values, fold, error, message in wrong:
        with pytest.raises(error, match=message):
            scores.add(some_batch, some_values, fold)
        assert len(scores) == 0
    scores.add(batch, values, 0)
    more = events.entries_of("test", 1)
    with pytest.raises(OptionError, match="the same number of scores: 1 before, now 2"):
        scores.add(events.batch(more), np.ones((len(more), 2)), 1)
    assert len(scores) == len(tested)


def test_without_folds_a_fold_is_an_error() -> None:
    events = Events(NO_FOLDS)
    with pytest.raises(SplitError, match="fold=0 was given"):
        Scores(events, average=False).add(events.batch([]), [], fold=0)


def test_an_empty_batch_adds_nothing() -> None:
    scores = Scores(Events(), average=False)
    scores.add(Events().batch([]), [], fold=0)
    assert len(scores) == 0
    assert scores.entries.dtype == np.int64
    for ask in (scores.auc, scores.roc, lambda: scores.write_friend("f")):
        with pytest.raises(OptionError, match="there are no scores: add them first"):
            ask()


def test_a_class_that_is_not_there_is_an_error() -> None:
    scores = Events().scored(VALUES)
    with pytest.raises(OptionError, match=r"no class 'signl' among .*; nearest: 'signal'"):
        scores.auc("signl")
    with pytest.raises(OptionError, match="of class 'signal', and none are of 'background'; add"):
        scores.auc("background")
    with pytest.raises(OptionError, match="no classes, and a ROC curve needs labels"):
        Events(classes=()).scored(VALUES).auc()


def test_a_class_without_events_or_positive_weights_is_an_error() -> None:
    events = Events()
    events.labels[:] = 1
    with pytest.raises(OptionError, match="no scored event is of the classes other than 'signal'"):
        events.scored(VALUES).auc()
    events.labels[:2] = 0
    events.weights[:2] = 1, -1.5
    message = "weights of the classes other than 'signal' sum to -0.5 over 2 scored events"
    with pytest.raises(OptionError, match=message):
        events.scored(VALUES).auc()
    assert " -\n" in repr(events.scored(VALUES))


def averaged(
    events: Events, values: Any, *, folds: Any = range(3), leave_out: tuple[int, int] = (-1, -1)
) -> Scores:
    """Return the mean of scores: for entry i, fold f has ``values[f][i]``."""
    scores = Scores(events, average=True)
    for fold in folds:
        for start in range(0, events.num_entries, 8):
            entries = np.arange(start, min(start + 8, events.num_entries))
            if fold == leave_out[0]:
                entries = entries[entries != leave_out[1]]
            scores.add(events.batch(entries), values[fold][entries], fold)
    return scores


@pytest.mark.parametrize("folds", [[0, 1, 2], [2, 0, 1]])
@pytest.mark.parametrize("shape", [(3, 60), (3, 60, 2)])
def test_a_mean_is_that_of_all_folds(folds: list[int], shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    scores = averaged(Events(), values, folds=folds)
    assert len(scores) == 60
    assert scores.values.dtype == np.float64
    expected = [math.fsum(three) / 3 for three in values.reshape(3, -1).T.tolist()]
    np.testing.assert_allclose(scores.values.ravel(), expected, rtol=1e-15, atol=1e-16)
    np.testing.assert_array_equal(scores.labels, Events().labels)
    np.testing.assert_array_equal(scores.weights, Events().weights)
    assert set(scores.folds.tolist()) == {-1}
    means = np.array(expected).reshape(shape[1:]).reshape(60, -1)[:, -1]
    area = pair_area(Events(), range(60), means, 1)
    assert scores.auc() == pytest.approx(area, rel=1e-12)


def test_a_mean_needs_all_folds_of_each_event() -> None:
    values = np.zeros((3, 60))
    scores = averaged(Events(), values, leave_out=(1, 17))
    with pytest.raises(SplitError, match="1 of 60 events lack the scores of some folds"):
        scores.auc()
    assert "; 1 lack the scores of some folds" in repr(scores)
    scores.add(Events().batch([17]), [0.5], fold=1)
    assert scores.values[17] == 0.5 / 3
    assert "lack" not in repr(scores)
    with pytest.raises(SplitError, match=r"1 of 1 event have a score .* entry 17 of fold 1;"):
        scores.add(Events().batch([17]), [0.5], fold=1)


def test_a_mean_refuses_events_that_a_fold_trained_on() -> None:
    events = Events()
    trained, val, tested = (events.entries_of(s, 0) for s in ("train", "val", "test"))
    known = [trained[1], val[2], tested[0], trained[3]]
    events.fit_tickets = np.sort(events.drawn[known])
    scores = Scores(events, average=True)
    message = f"^3 of 60 events are in the training set, such as entry {min(known[:2] + known[3:])}"
    with pytest.raises(SplitError, match=message):
        scores.add(events.batch(range(60)), VALUES, fold=0)
    with pytest.raises(SplitError, match=f"entry {trained[1]}, which was trained on by fold 0;"):
        scores.add(events.batch(trained[:2]), VALUES[:2], fold=0)
    with pytest.raises(SplitError, match=f"entry {val[2]}, which was used for validation by fold"):
        scores.add(events.batch(val[:3]), VALUES[:3], fold=0)
    others = np.setdiff1d(np.arange(60), [trained[1], val[2], trained[3]])
    scores.add(events.batch(others), VALUES[others], fold=0)
    assert len(scores) == len(others)


def test_without_folds_a_mean_is_the_score_of_the_one_model() -> None:
    events = Events(NO_FOLDS)
    trained = events.entries_of("train", None)
    events.fit_tickets = np.sort(events.drawn[trained[:1]])
    scores = Scores(events, average=True)
    others = np.setdiff1d(np.arange(60), trained[:1])
    scores.add(events.batch(others), VALUES[others])
    np.testing.assert_array_equal(scores.values, VALUES[others].astype(np.float64))
    with pytest.raises(SplitError, match=r"in the training set, .* was trained on; average=True"):
        scores.add(events.batch(trained[:1]), [0.5])


@pytest.mark.parametrize("average", [1, None, "yes"])
def test_average_is_true_or_false(average: Any) -> None:
    with pytest.raises(OptionError, match="average must be True or False"):
        Scores(Events(), average=average)


@pytest.mark.parametrize("num_ranks", [1, 2, 5])
@pytest.mark.parametrize("is_pickled", [True, False])
def test_scores_of_ranks_are_those_of_one_process(num_ranks: int, is_pickled: bool) -> None:
    events = Events()
    ranks = [Scores(events, average=False) for _ in range(num_ranks)]
    for number, (batch, entries, fold) in enumerate(events.batches()):
        ranks[number % num_ranks].add(batch, VALUES[entries], fold)
    if is_pickled:
        ranks = [pickle.loads(pickle.dumps(rank)) for rank in ranks]
    whole = Scores(events, average=False)
    whole.merge(ranks)
    alone = events.scored(VALUES)
    for name in ("entries", "values", "labels", "weights", "folds"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(alone, name))
    assert repr(whole) == repr(alone)
    first, *others = ranks
    for other in others:
        first.merge(other)
    assert first.auc() == alone.auc()
    with pytest.raises(SplitError, match=r"of .* events have a score already"):
        first.merge(first)


def test_means_of_ranks_merge() -> None:
    values = np.random.default_rng(3).normal(size=(3, 60))
    ranks = [averaged(Events(), values, folds=[fold]) for fold in (1, 2, 0)]
    ranks[0].merge(pickle.loads(pickle.dumps(ranks[1:])))
    np.testing.assert_array_equal(ranks[0].values, averaged(Events(), values).values)


def test_a_pickle_holds_rows_and_takes_no_batches() -> None:
    events = Events()
    sent: Scores = pickle.loads(pickle.dumps(events.scored(VALUES)))
    assert sent.auc() == events.scored(VALUES).auc()
    with pytest.raises(SplitError, match="these scores were unpickled and take no more batches"):
        sent.add(events.batch([]), [], fold=0)
    assert len(pickle.dumps(events.scored(VALUES))) < 60 * 28 + 3000


def test_other_scores_do_not_merge() -> None:
    scores = Events().scored(VALUES)
    empty = Scores(Events(), average=False)
    others = [
        (Scores(Events(replace(FOLDS, seed=1)), average=False), SplitError, "the splits .* differ"),
        (Scores(Events(classes=("a", "b")), average=False), OptionError, "the classes of the scor"),
        (Scores(Events(num_entries=61), average=False), OptionError, "differ: 61 and 60"),
        (Scores(Events(), average=True), OptionError, "average .* differ: True and False"),
        (Events(), OptionError, "merge takes Scores, got"),
        (3, OptionError, "merge takes Scores, got 3"),
        (Events().scored(np.ones((60, 2))), OptionError, "the same number of scores"),
    ]
    for other, error, message in others:
        with pytest.raises(error, match=message):
            empty.merge([scores, other])  # type: ignore[list-item]
        assert len(empty) == 0


def test_arrays_cannot_be_changed() -> None:
    scores = Events().scored(VALUES)
    for array in (scores.entries, scores.values, scores.labels, scores.weights, scores.folds):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_printed_scores_count_events_of_each_class_and_fold() -> None:
    events = Events()
    scores = events.scored(VALUES)
    lines = [line.split() for line in repr(scores).splitlines()]
    assert lines[0] == ["Scores", "of", "60", "events", "of", "'data.mmpy'"]
    assert ["fold", "background", "signal", "AUC"] in lines
    for fold in range(3):
        entries = events.entries_of("test", fold)
        counts = np.bincount(events.labels[entries], minlength=2)
        (line,) = [line for line in lines if line and line[0] == str(fold)]
        assert line[1:3] == [str(num) for num in counts]
        if all(events.weights[entries][events.labels[entries] == n].sum() > 0 for n in (0, 1)):
            assert line[3] == f"{pair_area(events, entries, VALUES, 1):.4f}"
    sums = np.bincount(events.labels, events.weights)
    assert ["sum", "of", "weights", *(f"{w:g}" for w in sums)] in lines
    counts = np.bincount(events.labels)
    assert ["all", "folds", *map(str, counts), f"{scores.auc():.4f}"] in lines
    assert "<table>" in scores._repr_html_()


def test_printed_scores_of_many_classes_have_an_area_for_each() -> None:
    events = Events(classes=("qcd", "top", "higgs"))
    values = np.random.default_rng(2).normal(size=(60, 3))
    scores = events.scored(values)
    lines = [line.split() for line in repr(scores).splitlines()]
    assert ["AUC", *(f"{scores.auc(name):.4f}" for name in events.classes)] in lines


def test_scores_without_events_or_classes_print_too() -> None:
    assert repr(Scores(Events(), average=False)) == "Scores of 0 events of 'data.mmpy'"
    assert "mean of 3 folds" in repr(Scores(Events(), average=True))
    assert "AUC" not in repr(Events(classes=()).scored(VALUES))


@pytest.fixture
def stored(tmp_path: Path) -> Events:
    """Events of two files, one with events in reverse order, as entries of a store."""
    first, second = make_events(40), make_events(20, first=40)
    second = {key: values[::-1] for key, values in second.items()}
    write_trees(tmp_path / "a.root", {"Events": first})
    write_trees(tmp_path / "b.root", {"Events": second})
    files = [memmpy.RFileConfig(tmp_path / name, "Events") for name in ("b.root", "a.root")]
    memmpy.convert(files, tmp_path / "s.mmpy", keys=["event", "pt"], progress=False)
    events = Events(path=tmp_path / "s.mmpy")
    numbers = np.asarray(memmpy.read_vector(events.path, "event"))
    events.drawn = events.drawn[numbers]
    return events


def read(path: Path) -> dict[str, Any]:
    with uproot.open(path) as file:
        arrays: dict[str, Any] = file["Events"].arrays(library="np")
        return arrays


def test_friends_line_up_with_the_files(stored: Events, tmp_path: Path) -> None:
    numbers = np.asarray(memmpy.read_vector(stored.path, "event"))
    scores = Scores(stored, average=False)
    for batch, entries, fold in stored.batches():
        if fold != 2:  # of which no event has a score
            scores.add(batch, numbers[entries] / 4, fold)
    written = scores.write_friend(tmp_path / "friends")
    assert [friend.path.name for friend in written] == ["b.root", "a.root"]
    tested = {int(number): fold for _, e, fold in stored.batches() for number in numbers[e]}
    for friend in written:
        source, held = read(Path(friend.source)), read(friend.path)
        assert held["score"].dtype == np.float32
        assert held["fold"].dtype == np.int32
        assert set(held) == {"score", "fold"}
        folds = np.array([tested[number] for number in source["event"].tolist()])
        np.testing.assert_array_equal(held["fold"], np.where(folds == 2, -1, folds))
        expected = np.where(folds == 2, np.nan, source["event"] / 4)
        np.testing.assert_array_equal(held["score"], expected.astype(np.float32))
        assert friend.num_missing == np.count_nonzero(folds == 2) > 0


def test_friends_have_a_branch_for_each_class(stored: Events, tmp_path: Path) -> None:
    stored.classes = ("t t-bar", "H")
    values = np.random.default_rng(5).normal(size=(60, 2))
    stored.scored(values).write_friend(tmp_path / "f")
    held = [read(tmp_path / "f" / name) for name in ("b.root", "a.root")]
    for number, name in enumerate(("score_t_t_bar", "score_H")):
        whole = np.concatenate([arrays[name] for arrays in held])
        np.testing.assert_array_equal(whole, values[:, number].astype(np.float32))
    with pytest.raises(OptionError, match="exists already; overwrite=True"):
        stored.scored(values).write_friend(tmp_path / "f")
    stored.scored(values + 1).write_friend(tmp_path / "f", overwrite=True)
    assert read(tmp_path / "f/b.root")["score_H"][0] == np.float32(values[0, 1] + 1)


def test_friends_of_a_mean_have_no_fold(stored: Events, tmp_path: Path) -> None:
    values = np.random.default_rng(5).normal(size=(3, 60))
    scores = averaged(stored, values)
    scores.write_friend(tmp_path / "f")
    held = read(tmp_path / "f/b.root")
    np.testing.assert_array_equal(held["score"], scores.values[:20].astype(np.float32))
    assert set(held["fold"].tolist()) == {-1}


def test_classes_without_a_name_have_their_number(stored: Events, tmp_path: Path) -> None:
    stored.classes = ()
    stored.scored(np.ones((60, 2))).write_friend(tmp_path / "f")
    assert set(read(tmp_path / "f/a.root")) == {"score_0", "score_1", "fold"}


def test_classes_with_one_branch_name_are_an_error(stored: Events, tmp_path: Path) -> None:
    stored.classes = ("a+b", "a-b")
    with pytest.raises(OptionError, match=re.escape("'a+b' and 'a-b' would both have the branch")):
        stored.scored(np.ones((60, 2))).write_friend(tmp_path / "f")


def test_a_store_that_has_grown_is_refused(stored: Events, tmp_path: Path) -> None:
    scores = stored.scored(VALUES)
    scores._num_entries = 59
    with pytest.raises(OptionError, match="has 60 entries now, and had 59"):
        scores.write_friend(tmp_path / "f")
    assert not (tmp_path / "f").exists()
