"""Tests of the balance of classes and splits, compared with plain sums."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy.errors import FitError, OptionError
from tests.training.audit.training_sets import clean_columns, training_set_of
from tests.training.samples import Sample


def test_the_balance_is_that_of_plain_sums(sample: Sample) -> None:
    balance = sample.training_set().balance(fold=2)
    weights = sample.columns["w"]
    assert (balance.title, balance.splits) == ("fold 2", ("train", "val", "test"))
    assert balance.classes == ("background", "signal")
    for row, split in enumerate(balance.splits):
        for label in range(2):
            own = weights[sample.is_in(split, fold=2) & (sample.labels == label)]
            assert balance.num_events[row, label] == len(own)
            assert balance.num_negative[row, label] == np.count_nonzero(own < 0)
            assert balance.sums[row, label] == pytest.approx(math.fsum(own), rel=1e-12)
            effective = math.fsum(own) ** 2 / math.fsum(own**2)
            assert balance.effective[row, label] == pytest.approx(effective)


def test_a_class_without_events_is_no_error(tmp_path: Path) -> None:
    labels = {"background": "!signal", "signal": "signal && pt > 1e9", "rest": "signal"}
    data = training_set_of(
        tmp_path / "s.mmpy",
        clean_columns(300),
        labels={**labels, "rest": "signal && pt <= 1e9"},
    )
    with pytest.raises(FitError, match="the class 'signal' has no training events"):
        data.fit()
    assert data.balance().num_events[:, 1].tolist() == [0, 0, 0]
    assert data.balance().effective[:, 1].tolist() == [0, 0, 0]


def test_events_of_no_class_are_shown_if_there_are_any(tmp_path: Path) -> None:
    columns = clean_columns(1000)
    options: dict[str, Any] = {"labels": {"few": "njets < 3", "many": "njets > 3"}}
    data = training_set_of(tmp_path / "s.mmpy", columns, **options, others="drop")
    assert data.balance().classes == ("few", "many")
    other = data.apply_to(cut="pt > 0").balance()
    assert other.classes == ("few", "many", "no class")
    numbers = columns["njets"]
    assert other.num_events.sum(axis=0).tolist() == [
        np.count_nonzero(is_own) for is_own in (numbers < 3, numbers > 3, numbers == 3)
    ]


def test_without_labels_and_weights_all_events_count_one(tmp_path: Path) -> None:
    data = training_set_of(tmp_path / "s.mmpy", clean_columns(500), labels=None, weight=None)
    balance = data.balance()
    assert (balance.title, balance.classes) == ("", ("all",))
    assert balance.num_events.sum() == 500
    np.testing.assert_array_equal(balance.sums, balance.num_events)
    np.testing.assert_array_equal(balance.effective, balance.num_events)


def test_folds_are_checked(sample: Sample) -> None:
    with pytest.raises(OptionError, match="no fold 5"):
        sample.training_set().balance(fold=5)


def test_the_table_has_a_row_for_each_split_and_class(sample: Sample) -> None:
    balance = sample.training_set().balance()
    lines = [line.split() for line in str(balance).splitlines() if line]
    assert lines[0][-2:] == ["fold", "0"]
    assert [line[:2] for line in lines[3:]] == [
        [split, name] for split in balance.splits for name in balance.classes
    ]
    assert lines[3][2] == f"{balance.num_events[0, 0]:,}"
