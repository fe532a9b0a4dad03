"""Tests of the options of a loader, which are checked before there is any data."""

from typing import Any

import numpy as np
import pytest

from memmpy.display import is_quiet
from memmpy.errors import OptionError
from memmpy.loaders import LoaderOptions, check_options
from memmpy.order import check_fractions
from memmpy.splits import Choice, SplitLoader

DEFAULTS: dict[str, Any] = {
    "batch_size": 8,
    "rank": 0,
    "world_size": 1,
    "seed": 0,
    "epoch": 0,
    "shuffle": True,
    "block_rows": None,
    "window_blocks": None,
    "drop_last": False,
    "num_threads": None,
}


def check(*, for_rows: bool = False, **options: Any) -> LoaderOptions:
    return check_options(for_rows=for_rows, **{**DEFAULTS, **options})


def test_what_is_not_given_has_its_default() -> None:
    options = check()
    assert 1 <= options.num_threads <= 8
    assert options.block_rows is None


def test_parts_of_ranks_are_disjoint_and_complete() -> None:
    edges = [check(rank=rank, world_size=3).part_of(10) for rank in range(3)]
    assert edges == [(0, 3), (3, 6), (6, 10)]


@pytest.mark.parametrize(
    ("name", "value"), [("shuffle", "blocks"), ("block_rows", 8), ("window_blocks", 8)]
)
def test_blocks_are_for_rows(name: str, value: Any) -> None:
    assert getattr(check(for_rows=True, **{name: value}), name) == value
    said = "shuffle='blocks'" if name == "shuffle" else name
    with pytest.raises(OptionError, match=f"{said} is for skims, whose rows lie in random order"):
        check(**{name: value})
    with pytest.raises(OptionError, match=f"{said} is for skims, whose rows lie in random order"):
        SplitLoader({"x": np.arange(8)}, **{name: value})


@pytest.mark.parametrize("for_rows", [True, False])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block_rows": "no"}, "block_rows must be an integer of at least 1"),
        ({"window_blocks": 0}, "window_blocks must be an integer of at least 1"),
        ({"shuffle": "exat"}, "shuffle must be True, False, 'exact' or .*; nearest: 'exact'"),
        ({"shuffle": None}, "shuffle must be True, False, 'exact' or 'blocks', not None"),
        ({"rank": 2, "world_size": 2}, "no rank 2 of 2: give 0 to 1"),
        ({"epoch": -1}, "epoch must be"),
    ],
)
def test_what_makes_no_sense_is_refused(
    for_rows: bool, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        check(for_rows=for_rows, **options)


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
    choice = Choice(data, "val", subindex, fractions=fractions, split_seed=7)
    made = SplitLoader.over(choice, options)
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
    choice = Choice({"x": column}, "all")
    loader = SplitLoader.over(choice, check(num_threads=0), is_quiet=is_to_be_quiet)
    for batches in (iter(loader), loader.batches(5, position=8)):
        for batch in batches:
            assert not is_quiet()
            assert len(batch["x"])
    assert set(column.heard[-2:]) == {is_to_be_quiet}
    assert not is_quiet()


def test_an_epoch_that_is_left_early_leaves_nobody_quiet() -> None:
    choice = Choice({"x": Listening()}, "all")
    batches = SplitLoader.over(choice, check(), is_quiet=True).batches(0)
    next(batches)
    batches.close()
    assert not is_quiet()
