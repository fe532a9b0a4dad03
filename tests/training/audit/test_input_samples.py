"""Tests of samples of the inputs of a training set."""

import numpy as np
import pytest

from memmpy import Jagged, Objects, TrainingSet
from memmpy.training import input_items
from memmpy.training.audit import input_samples
from memmpy.training.audit.input_samples import InputSample, sample_input
from memmpy.training.input_items import InputItems, read_items
from memmpy.typing import Array
from tests.training.audit.training_sets import clean_columns, training_set_of

NUM = 1000
NAMES = ("event", "jets", "lists")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    columns = clean_columns(NUM)
    content = columns["jet_eta"].content.copy()
    content[::7] = np.nan
    columns["jet_eta"] = Jagged(content, columns["jet_eta"].offsets)
    inputs = {
        "event": ["pt", "eta"],
        "jets": Objects(["jet_pt", "jet_eta"], length=20),
        "lists": Objects(["jet_pt", "jet_eta"]),
    }
    return training_set_of(tmp_path_factory.mktemp("s") / "s", columns, inputs=inputs)


def labels_of(part: Array) -> Array:
    return np.asarray(part["label"])


def plain_items(data: TrainingSet, name: str, rows: Array) -> list[Array]:
    """Return the items of each row, read one by one."""
    skim = data.skim
    if name == "lists":
        content, offsets = skim.lists[name]
        return [content[offsets[row] : offsets[row + 1]] for row in rows]
    if name == "event":
        return [skim.rows[name][row][np.newaxis] for row in rows]
    return [skim.rows[name][row][skim.rows["jets_mask"][row]] for row in rows]


@pytest.mark.parametrize("name", NAMES)
def test_items_are_those_of_each_row(data: TrainingSet, name: str) -> None:
    items, rows = read_items(data.skim, name, range(100, 300)), np.arange(100, 300)
    plain = plain_items(data, name, rows)
    assert items.counts.tolist() == [len(one) for one in plain]
    assert np.array_equal(items.values, np.concatenate(plain), equal_nan=True)


def test_padded_objects_have_the_items_of_lists(data: TrainingSet) -> None:
    jets, lists = (read_items(data.skim, name, range(NUM)) for name in ("jets", "lists"))
    assert np.array_equal(jets.counts, lists.counts)
    assert np.array_equal(jets.values, lists.values, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("limit", [1, 60, NUM])
def test_a_sample_has_the_first_rows_of_each_class(
    data: TrainingSet, name: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_samples, "_SAMPLE_ROWS", limit)
    monkeypatch.setattr(input_items, "_STEP_ROWS", 37)
    ranges = [range(20, 300), range(350, 900)]
    samples = sample_input(data.skim, name, ranges, labels_of, num_groups=2)
    rows = np.concatenate([np.array(one) for one in ranges])
    for label, sample in enumerate(samples):
        chosen = rows[data.skim.rows["label"][rows] == label][:limit]
        assert np.array_equal(sample.entries, data.skim.rows["_index"][chosen])
        assert np.array_equal(sample.tickets, data.skim.tickets[chosen])
        assert np.array_equal(sample.weights, data.skim.rows["weight_physics"][chosen])
        plain = np.concatenate(plain_items(data, name, chosen))
        assert np.array_equal(sample.items.values, plain, equal_nan=True)


def test_samples_of_all_groups_fit_into_memory(
    data: TrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_samples, "_SAMPLE_VALUES", 4000)
    samples = sample_input(data.skim, "jets", [range(NUM)], labels_of, num_groups=2)
    assert [len(one) for one in samples] == [4000 // (20 * 2 * 2)] * 2


def sample_of(counts: list[int], tickets: list[int], weights: list[float]) -> InputSample:
    items = InputItems(np.zeros((sum(counts), 1)), np.array(counts))
    entries = np.arange(len(counts))
    return InputSample(items, entries, np.array(tickets, np.uint64), np.array(weights))


def test_items_of_one_event_count_once() -> None:
    sample = sample_of([2, 2, 0, 2], [1, 1, 2, 3], [1.0, 1.0, 1.0, 3.0])
    # Four items have ticket 1, none ticket 2, two ticket 3.
    assert sample.num_effective(sample.items.counts, weighted=False) == pytest.approx(
        6**2 / (4**2 + 2**2)
    )
    assert sample.num_effective(sample.items.counts, weighted=True) == pytest.approx(
        10**2 / (4**2 + 6**2)
    )
    assert sample_of([], [], []).num_effective(np.zeros(0, np.int64), weighted=False) == 0


def test_a_missing_value_is_below_all_others(data: TrainingSet) -> None:
    (sample,) = sample_input(
        data.skim, "lists", [range(NUM)], lambda part: np.zeros(len(part), np.int64), num_groups=1
    )
    values, counts = sample.column(1)
    assert np.isneginf(values[np.isnan(sample.items.values[:, 1])]).all()
    assert counts.sum() == len(values)
    numbers, ones = sample.column(2)
    assert np.array_equal(numbers, counts)
    assert ones.tolist() == [1] * NUM
