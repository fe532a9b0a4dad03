"""Tests of the ring of tickets that shows the splits of each fold."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy import Splits
from memmpy.errors import OptionError
from tests.splits.reference import ticket

pytest.importorskip("matplotlib")

EVENTS = range(200)
SPLITS = [
    Splits(by=("event",), num_folds=5),
    Splits(by=("event",), num_folds=2, val=0.0),
    Splits(by=("event",), num_folds=30, val=0.3, seed=7),
    Splits(by=("event",), fractions={"train": 0.5, "test": 0.5}),
    Splits(by=("event",)),
]


def split_on(rings: list[Any], share: float, *, fold: int) -> str:
    """Return the split of the arc of a ring at a share of the turn."""
    _, _, radii = zip(*rings, strict=True)
    radius = sorted({round(one.get_y(), 9) for one in radii}, reverse=True)[fold]
    (own,) = {
        split
        for split, _, arc in rings
        if math.isclose(arc.get_y(), radius, abs_tol=1e-6)
        and 2 * math.pi * share >= arc.get_x()
        and 2 * math.pi * share < arc.get_x() + arc.get_width()
    }
    return str(own)


def arcs_of(figure: Any) -> list[Any]:
    """Return each arc with its split and its colour, as the legend has them."""
    (legend,) = figure.legends
    names = [text.get_text().partition(":")[0] for text in legend.get_texts()]
    colours = [patch.get_facecolor() for patch in legend.get_patches()]
    by_colour = dict(zip(colours, names, strict=True))
    patches = figure.axes[0].patches
    return [(by_colour[arc.get_facecolor()], arc.get_facecolor(), arc) for arc in patches]


@pytest.mark.parametrize("splits", SPLITS, ids=str)
def test_each_event_lies_on_the_arc_of_its_split(splits: Splits) -> None:
    rings = arcs_of(splits.plot())
    for fold in range(min(splits.num_folds or 1, 10)):
        own = None if splits.num_folds is None else fold
        numbers = splits.of({"event": EVENTS}, fold=own)
        drawn = [
            split_on(rings, ticket([event], splits.seed) / 2.0**64, fold=fold) for event in EVENTS
        ]
        assert drawn == [("train", "val", "test")[number] for number in numbers]


def test_a_rule_made_elsewhere_has_one_sector_for_each_fold() -> None:
    rings = arcs_of(Splits(by=("event",), fold_by="event % 4", num_folds=4).plot())
    for fold in range(4):
        for sector in range(4):
            drawn = {split_on(rings, (sector + part) / 4, fold=fold) for part in (0.1, 0.5, 0.9)}
            assert (drawn == {"test"}) == (sector == fold)


def test_the_legend_has_the_shares_of_events() -> None:
    figure = Splits(by=("event",), num_folds=5).plot()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "train: 72.0 % of events",
        "val: 8.0 % of events",
        "test: 20.0 % of events",
    ]


def test_many_folds_are_cut_and_the_figure_says_so() -> None:
    figure = Splits(by=("event",), num_folds=64).plot()
    assert "The 54 other folds\nare not shown." in figure.texts[0].get_text()
    assert len({round(arc.get_y(), 9) for arc in figure.axes[0].patches}) == 10


def test_the_ring_is_written_to_a_file(tmp_path: Path) -> None:
    figure = Splits(by=("run", "event"), num_folds=3).plot(tmp_path / "folds.png")
    assert (tmp_path / "folds.png").read_bytes().startswith(b"\x89PNG")
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels == ["fold 0\ntests", "fold 1\ntests", "fold 2\ntests"]
    assert np.allclose(figure.axes[0].get_xticks(), 2 * math.pi * np.array([1, 3, 5]) / 6)


def test_another_suffix_is_an_error() -> None:
    with pytest.raises(OptionError, match=r"a plot is a file \.png"):
        Splits().plot("folds.gif")
