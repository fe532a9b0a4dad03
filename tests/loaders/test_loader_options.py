"""Tests of the options of a loader, which are checked before there is any data."""

from typing import Any

import numpy as np
import pytest

from memmpy import Shuffle
from memmpy.display import is_quiet
from memmpy.errors import OptionError
from memmpy.loaders import LoaderOptions
from memmpy.order import check_fractions
from memmpy.parallel import check_threads
from memmpy.splits import LoaderSpec, SplitData, SplitLoader

DEFAULTS: dict[str, Any] = {
    "batch_size": 8,
    "shuffle": Shuffle(True),
    "seed": 0,
    "epoch": 0,
    "drop_last": False,
    "num_threads": 1,
    "rank": 0,
    "world_size": 1,
}


def check(**options: Any) -> LoaderOptions:
    return LoaderOptions(**{**DEFAULTS, **options})


def test_options_have_defaults() -> None:
    assert 1 <= check_threads(None) <= 8
    assert check_threads(3) == 3
    assert Shuffle("blocks") == Shuffle("blocks", block_rows=None, window_blocks=None)


@pytest.mark.parametrize(
    ("name", "value"), [("kind", "blocks"), ("block_rows", 8), ("window_blocks", 8)]
)
def test_blocks_are_for_skims(name: str, value: Any) -> None:
    shuffle = Shuffle(value) if name == "kind" else Shuffle(True, **{name: value})
    assert getattr(check(shuffle=shuffle).shuffle, name) == value
    said = "shuffle='blocks'" if name == "kind" else name
    with pytest.raises(OptionError, match=f"{said} is for skims, whose rows lie in random order"):
        check(shuffle=shuffle).check_for_columns()
    with pytest.raises(OptionError, match=f"{said} is for skims, whose rows lie in random order"):
        SplitLoader({"x": np.arange(8)}, shuffle=shuffle)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be an integer of at least 1"),
        ({"drop_last": "no"}, "drop_last must be True or False"),
        ({"rank": 2, "world_size": 2}, "no rank 2 of 2: give 0 to 1"),
        ({"rank": "no"}, "rank must be an integer of at least 0"),
        ({"epoch": -1}, "epoch must be"),
        ({"seed": 0.5}, "seed must be"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        check(**options)
    with pytest.raises(OptionError, match=message):
        SplitLoader({"x": np.arange(8)}, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block_rows": "no"}, "block_rows must be an integer of at least 1"),
        ({"block_rows": 0}, "block_rows must be an integer of at least 1"),
        ({"window_blocks": 0}, "window_blocks must be an integer of at least 1"),
        ({"kind": "exat"}, "shuffle must be True, False, 'exact' or .*; nearest: 'exact'"),
        ({"kind": None}, "shuffle must be True, False, 'exact' or 'blocks', got None"),
        ({"kind": 1}, "shuffle must be True, False, 'exact' or 'blocks', got 1"),
        ({"kind": ["exact"]}, "shuffle must be True, False, 'exact' or 'blocks', got"),
    ],
)
def test_a_shuffle_that_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Shuffle(**{"kind": True, **options})


@pytest.mark.parametrize("kind", [True, False, "exact"])
def test_a_kind_is_short_for_its_shuffle(kind: Any) -> None:
    short, value = (
        SplitLoader({"x": np.arange(100)}, shuffle=shuffle) for shuffle in (kind, Shuffle(kind))
    )
    assert short.shuffle == value.shuffle == Shuffle(kind)
    assert next(iter(short))["_index"].tolist() == next(iter(value))["_index"].tolist()


class Listening:
    """A column that notes whether somebody is quiet while it is read."""

    def __init__(self) -> None:
        self.heard: list[bool] = []

    def __len__(self) -> int:
        return 100

    def __getitem__(self, index: Any) -> Any:
        self.heard.append(is_quiet())
        return np.arange(100)[index]


@pytest.mark.filterwarnings("ignore::memmpy.errors.LoaderWarning")
def test_a_loader_of_checked_options_is_that_of_the_same_options() -> None:
    data, subindex = {"x": np.arange(100)}, np.arange(0, 100, 2)
    options = check(seed=3, epoch=2, drop_last=True)
    fractions = check_fractions((0.8, 0.1, 0.1))
    split_data = SplitData(data, "val", subindex, fractions=fractions, split_seed=7)
    made = SplitLoader(LoaderSpec(split_data, options))
    expected = SplitLoader(
        data, 8, subindex=subindex, split_seed=7, seed=3, split="val", epoch=2, drop_last=True
    )
    assert repr(made) == repr(expected)
    assert made.epoch == expected.epoch == 2
    for batch, same in zip(made, expected, strict=True):
        assert np.array_equal(batch["_index"], same["_index"])


@pytest.mark.parametrize("is_to_be_quiet", [True, False])
def test_a_quiet_loader_is_quiet_while_batches_are_made(is_to_be_quiet: bool) -> None:
    column = Listening()
    split_data = SplitData({"x": column}, "all")
    loader = SplitLoader(LoaderSpec(split_data, check(num_threads=0), is_quiet=is_to_be_quiet))
    for batches in (iter(loader), loader.batches(5, position=8)):
        for batch in batches:
            assert not is_quiet()
            assert len(batch["x"])
    assert set(column.heard[-2:]) == {is_to_be_quiet}
    assert not is_quiet()


def test_an_epoch_that_is_left_early_leaves_nobody_quiet() -> None:
    split_data = SplitData({"x": Listening()}, "all")
    batches = SplitLoader(LoaderSpec(split_data, check(), is_quiet=True)).batches(0)
    next(batches)
    batches.close()
    assert not is_quiet()
