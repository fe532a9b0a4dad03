"""Toy jets: their momenta, flavours and b-tags, and the pair of b-tagged jets that is nearest."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from memmpy.typing import Array, Mask

__all__ = ["MAX_JETS", "MIN_JETS", "TAGGED_77", "closest_pair", "make_jets"]

MIN_JETS, MAX_JETS = 4, 12
MIN_JET_PT, MAX_ABS_ETA = 25.0, 2.5
#: The lowest bin of `jet_btag` that counts as tagged at an efficiency of 77 % for b-jets.
TAGGED_77 = 3
#: Chance of a jet to pass each tagger threshold (85, 77, 70, 60 %): light, c and b flavour.
TAG_EFFICIENCIES = np.array(
    [[0.03, 0.0077, 0.0025, 0.0007], [0.33, 0.17, 0.08, 0.03], [0.85, 0.77, 0.70, 0.60]]
)
LIGHT, CHARM, BOTTOM = 0, 1, 2
#: Tagged jets that may form the pair of `m_bb`, from the hardest on; the value without a pair.
MAX_TAGGED, MISSING = 4, -999.0


def make_jets(
    rng: np.random.Generator,
    *,
    counts: NDArray[np.int32],
    hardness: NDArray[np.float64],
    bb_mass: tuple[float, float],
    bb_pt: float,
) -> dict[str, Array]:
    """Return the contents of the jet columns: the jets of all events, by event and falling pt.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where all numbers come from.
    counts : int32 array of shape (n,)
        The jets of each event, `MIN_JETS` or more.
    hardness : float64 array of shape (n,)
        The scale of the transverse momenta of each event.
    bb_mass : tuple of float
        The least mass of the second pair of b-quarks, and the mean of what is above it, in GeV.
    bb_pt : float
        The mean transverse momentum of that pair, in GeV.
    """
    num_jets = int(counts.sum())
    entry_of_jet = np.repeat(np.arange(len(counts)), counts)
    first_jet = np.cumsum(counts) - counts

    # Jets of the top quarks are harder than those radiated beside them.
    is_hard = np.arange(num_jets) - first_jet[entry_of_jet] < MIN_JETS
    pt = MIN_JET_PT + rng.exponential(np.where(is_hard, 50.0, 30.0) * hardness[entry_of_jet])
    eta = MAX_ABS_ETA * (2.0 * rng.beta(2.2, 2.2, num_jets) - 1.0)
    phi = rng.uniform(-np.pi, np.pi, num_jets)
    flavour = np.where(rng.random(num_jets) < 0.2, CHARM, LIGHT)
    flavour[first_jet], flavour[first_jet + 1] = BOTTOM, BOTTOM

    # The second pair takes the place of two of the other jets, where it is inside the detector.
    for place, (quark_pt, quark_eta, quark_phi) in enumerate(
        _bb_pair(rng, hardness, mass=bb_mass, mean_pt=bb_pt)
    ):
        is_seen = (quark_pt > MIN_JET_PT) & (np.abs(quark_eta) < MAX_ABS_ETA)
        jet = first_jet[is_seen] + 2 + place
        pt[jet], eta[jet], phi[jet] = quark_pt[is_seen], quark_eta[is_seen], quark_phi[is_seen]
        flavour[jet] = BOTTOM

    by_falling_pt = np.lexsort((-pt, entry_of_jet))
    columns = {"jet_pt": pt, "jet_eta": eta, "jet_phi": phi}
    jets: dict[str, Array] = {
        key: values[by_falling_pt].astype(np.float32) for key, values in columns.items()
    }
    # From the rounded pt and eta, so that the energy that is stored covers the momentum.
    rounded_pt, rounded_eta = (jets[key].astype(np.float64) for key in ("jet_pt", "jet_eta"))
    mass = rounded_pt * rng.uniform(0.05, 0.2, num_jets)
    energy = np.hypot(rounded_pt * np.cosh(rounded_eta), mass)
    passed = rng.random(num_jets)[:, np.newaxis] < TAG_EFFICIENCIES[flavour[by_falling_pt]]
    btag = (1 + passed.sum(axis=1)).astype(np.int32)
    return jets | {"jet_e": energy.astype(np.float32), "jet_btag": btag}


def _bb_pair(
    rng: np.random.Generator,
    hardness: NDArray[np.float64],
    *,
    mass: tuple[float, float],
    mean_pt: float,
) -> list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """Return pt, eta and phi of the jets of the two b-quarks that a parent particle decays to."""
    num = len(hardness)
    masses = mass[0] + mass[1] * rng.standard_exponential(num)
    parent_pt = rng.gamma(2.0, mean_pt / 2.0 * hardness)
    parent_phi, parent_eta = rng.uniform(-np.pi, np.pi, num), rng.normal(0.0, 1.0, num)
    direction = [np.cos(parent_phi), np.sin(parent_phi), np.sinh(parent_eta)]
    parent = parent_pt * np.stack(direction)
    energy = np.sqrt(np.sum(parent**2, axis=0) + masses**2)
    # The quarks leave back to back where the parent is at rest, in any direction.
    cos_theta, angle = rng.uniform(-1.0, 1.0, num), rng.uniform(-np.pi, np.pi, num)
    sin_theta = np.sqrt(1.0 - cos_theta**2)
    unit = [sin_theta * np.cos(angle), sin_theta * np.sin(angle), cos_theta]
    at_rest = masses / 2.0 * np.stack(unit)
    along = np.sum(parent * at_rest, axis=0) / (masses * (energy + masses))
    boosted = at_rest + parent * (along + 0.5)
    jets = []
    for x, y, z in (boosted, parent - boosted):
        quark_pt = np.hypot(x, y)
        response = rng.normal(0.95, 0.1, num)  # of the calorimeter; neutrinos leave unseen
        jets.append((quark_pt * response, np.arcsinh(z / quark_pt), np.arctan2(y, x)))
    return jets


def closest_pair(
    jets: Mapping[str, Array],
    is_tagged: Mask,
    *,
    entry_of_jet: NDArray[np.int64],
    num_tagged: NDArray[np.int64],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mass and distance of the two b-tagged jets nearest to each other, else `MISSING`."""
    # The tagged jets of an event side by side, the hardest first; NaN where there are fewer.
    place = np.arange(np.count_nonzero(is_tagged))
    place -= np.repeat(np.cumsum(num_tagged) - num_tagged, num_tagged)
    jet = np.flatnonzero(is_tagged)[place < MAX_TAGGED]
    pt, eta, phi = np.full((3, len(num_tagged), MAX_TAGGED), np.nan)
    cells = entry_of_jet[jet], place[place < MAX_TAGGED]
    pt[cells], eta[cells], phi[cells] = (jets[f"jet_{name}"][jet] for name in ("pt", "eta", "phi"))

    one, other = np.triu_indices(MAX_TAGGED, 1)
    d_eta, d_phi = eta[:, one] - eta[:, other], np.abs(phi[:, one] - phi[:, other])
    distance = np.hypot(d_eta, np.minimum(d_phi, 2.0 * np.pi - d_phi))
    mass = np.sqrt(2.0 * pt[:, one] * pt[:, other] * (np.cosh(d_eta) - np.cos(d_phi)))
    nearest_pair = np.argmin(np.nan_to_num(distance, nan=np.inf), axis=1)
    cells, is_there = (np.arange(len(num_tagged)), nearest_pair), num_tagged >= 2
    return (
        np.where(is_there, mass[cells], MISSING).astype(np.float32),
        np.where(is_there, distance[cells], MISSING).astype(np.float32),
    )
