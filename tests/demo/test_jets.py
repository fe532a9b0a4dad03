"""Tests of the toy jets: the mass of the Higgs boson, and the nearest pair of b-tagged jets."""

import math
from itertools import combinations
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pytest

from memmpy.demo import make_events
from memmpy.demo.events import BLOCK_SIZE
from memmpy.demo.jets import MAX_TAGGED, MISSING, TAGGED_77, make_jets

if TYPE_CHECKING:
    from memmpy.demo.events import Events


@pytest.fixture(scope="module", params=["ttbb", "ttH"])
def events(request: pytest.FixtureRequest) -> "Events":
    return make_events(request.param, "mc16a", 500, seed=3)


def nearest_pair(jets: list[dict[str, float]]) -> tuple[float, float]:
    """Return mass and distance of the nearest pair of massless jets, as the field defines them."""
    pairs = []
    for one, other in combinations(jets, 2):
        d_eta = one["eta"] - other["eta"]
        d_phi = math.remainder(one["phi"] - other["phi"], 2 * math.pi)
        square = 2 * one["pt"] * other["pt"] * (math.cosh(d_eta) - math.cos(d_phi))
        pairs.append((math.hypot(d_eta, d_phi), math.sqrt(square)))
    distance, mass = min(pairs, default=(MISSING, MISSING))
    return mass, distance


def test_the_pair_is_the_nearest_of_the_hardest_tagged_jets(events: "Events") -> None:
    columns = {name: ak.to_list(events[f"jet_{name}"]) for name in ("pt", "eta", "phi", "btag")}
    for entry in range(500):
        jets = [
            {name: columns[name][entry][i] for name in columns}
            for i in range(len(columns["pt"][entry]))
        ]
        tagged = [jet for jet in jets if jet["btag"] >= TAGGED_77][:MAX_TAGGED]
        mass, distance = nearest_pair(tagged)
        assert float(events["m_bb"][entry]) == pytest.approx(mass, rel=1e-4)
        assert float(events["dr_bb"][entry]) == pytest.approx(distance, rel=1e-5)


def test_there_is_no_pair_where_fewer_than_two_jets_are_tagged(events: "Events") -> None:
    is_missing = np.asarray(events["nBTags_77"]) < 2
    assert 0 < np.count_nonzero(is_missing) < 500
    np.testing.assert_array_equal(np.asarray(events["m_bb"]) == MISSING, is_missing)
    np.testing.assert_array_equal(np.asarray(events["dr_bb"]) == MISSING, is_missing)


def test_the_higgs_boson_is_a_peak_of_the_signal_and_not_of_the_background() -> None:
    edges = [70, 90, 110, 130, 150, 170]
    signal, background = (
        np.histogram(make_events(process, "mc16a", BLOCK_SIZE, seed=2)["m_bb"], edges)[0]
        for process in ("ttH", "ttbb")
    )
    assert np.argmax(signal) == 2
    assert signal[2] > 1.5 * max(signal[0], signal[4])
    assert np.all(np.diff(background) < 0)


@pytest.mark.parametrize("mass", [30.0, 125.0])
def test_the_hardest_bs_of_a_boosted_parent_have_its_mass(mass: float) -> None:
    # The parent is so hard that its quarks are the two hardest jets where both are seen.
    num = 4000
    jets = make_jets(
        np.random.default_rng(5),
        counts=np.full(num, 4, np.int32),
        hardness=np.ones(num),
        bb_mass=(mass, 0.0),
        bb_pt=5000.0,
    )
    pt, eta, phi = (jets[f"jet_{name}"].reshape(num, 4)[:, :2] for name in ("pt", "eta", "phi"))
    cosine = np.cosh(eta[:, 0] - eta[:, 1]) - np.cos(phi[:, 0] - phi[:, 1])
    masses = np.sqrt(2.0 * pt[:, 0] * pt[:, 1] * cosine)
    assert np.median(masses[pt[:, 1] > 600.0]) == pytest.approx(0.95 * mass, rel=0.02)
