"""Toy collision events: simulated ttH(bb) and its ttbb background, written to ROOT files.

Events are generated in blocks, each with its own random generator, so an event depends only on the
seed, the process, the year and its number, never on how many are generated.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memmpy.demo.jets import MAX_JETS, MIN_JETS, TAGGED_77, closest_pair, make_jets
from memmpy.errors import OptionError, argument_hints, nearest
from memmpy.export import files_aside
from memmpy.kernels import offsets_of
from memmpy.parallel import run_uninterrupted
from memmpy.typing import Array, PathLike

if TYPE_CHECKING:
    import awkward as ak

    Events: TypeAlias = dict[str, Array | ak.Array]

__all__ = ["demo_files", "make_events", "write_demo_files"]

#: Events of one block; the unit of generation, of a basket and of memory.
BLOCK_SIZE = 8192

MIN_LEPTON_PT = 10.0  # GeV
#: The columns of the lengths of lists; in ROOT, the counters of their branches.
COUNTERS = {"jet": "nJets", "el": "nElectrons", "mu": "nMuons"}

#: 2**60: integers this large that differ by one are the same float64.
FIRST_EVENT_NUMBER = 1 << 60
MAX_EVENTS = 1 << 48


@dataclass(frozen=True, slots=True)
class Process:
    """The parameters of a physics process."""

    index: int
    tree: str
    extra_jets: float  # mean number beyond the four that every event has
    hardness: float  # scale of the transverse momenta, relative to ttbb
    bb_mass: tuple[float, float]  # GeV; of the second pair of b-quarks: least, mean above it
    bb_pt: float  # GeV; mean transverse momentum of that pair
    weight: float
    negative_fraction: float


@dataclass(frozen=True, slots=True)
class Year:
    """The parameters of a data-taking period."""

    index: int
    run_number: int
    pileup_jets: float  # mean number of jets from other collisions in the same crossing
    met_noise: float  # GeV


PROCESSES = {
    # A gluon splits into b-quarks of any mass; the Higgs boson has 125 GeV and is narrow.
    "ttbb": Process(0, "tree1", 1.35, 1.0, (10.0, 20.0), 50.0, 0.012, 0.045),
    "ttH": Process(1, "tree2", 1.7, 1.2, (125.0, 0.0), 290.0, 0.0011, 0.025),
}
YEARS = {
    "mc16a": Year(0, 284500, 0.15, 14.0),
    "mc16d": Year(1, 300000, 0.35, 18.0),
}


@argument_hints
def demo_files(directory: PathLike = "") -> tuple[tuple[str, str, dict[str, str]], ...]:
    """Return path, tree name and metadata of each file that `write_demo_files` writes.

    Parameters
    ----------
    directory : path-like
        The directory of the files; by default, the working directory.

    Examples
    --------
    >>> demo_files()[0]
    ('ttbb_mc16a.root', 'tree1', {'process': 'ttbb', 'year': 'mc16a'})
    """
    return tuple(
        (
            str(Path(directory, f"{process}_{year}.root")),
            PROCESSES[process].tree,
            {"process": process, "year": year},
        )
        for process in PROCESSES
        for year in YEARS
    )


@argument_hints
def make_events(
    process: str, year: str, num_events: int, *, seed: int, first_event: int = 0
) -> "Events":
    """Make simulated events of one process and year.

    Parameters
    ----------
    process : {"ttbb", "ttH"}
        ttH(bb): two of the b-quarks come from a Higgs boson of 125 GeV. ttbb, its background: they
        come from a gluon, so they are softer and closer to each other.
    year : {"mc16a", "mc16d"}
        mc16d has more pile-up.
    num_events : int
        Number of events.
    seed : int
        Not negative. The same seed gives the same events with the same version of NumPy.
    first_event : int
        Number of the first event: events 5 to 9 are the last five of the events 0 to 9.

    Returns
    -------
    dict of str to NDArray or ak.Array
        Scalars are NumPy arrays of `num_events`, lists are awkward arrays sorted by falling pt.
        Momenta, energies and masses are in GeV. `jet_btag` is the tightest tagger threshold passed,
        1 to 5, and `nBTags_77` counts its values of 3 and above. `ht` is the sum of `jet_pt`.
        `m_bb` and `dr_bb` are mass and distance of the two b-tagged jets nearest to each other
        (of the four hardest), and -999 with fewer than two.
    """
    import awkward as ak

    _check(process, year, num_events=num_events, seed=seed, first_event=first_event)
    blocks = list(_blocks(process, year, num_events=num_events, seed=seed, first_event=first_event))
    columns = {key: [block[key] for block in blocks] for key in blocks[0]}
    return {
        key: np.concatenate(parts)
        if isinstance(parts[0], np.ndarray)
        else ak.to_packed(ak.concatenate(parts))
        for key, parts in columns.items()
    }


@argument_hints
def write_demo_files(directory: PathLike, *, num_events: int, seed: int) -> list[Path]:
    """Write the four ROOT files of the demo, two processes in two years; return their paths.

    Memory is bounded by a block of events. The files appear together when all are complete.
    Rewriting with the same arguments keeps the UUID of each file.

    Parameters
    ----------
    directory : path-like
        Created if missing.
    num_events : int
        Events in each file; 0 writes files with empty trees.
    seed : int
        As in `make_events`.

    Raises
    ------
    OptionError
        If a number is negative.
    DiskError, ReadOnlyStoreError
        If a file cannot be written.
    """
    files = demo_files(directory)
    for _, _, metadata in files:
        _check(**metadata, num_events=num_events, seed=seed, first_event=0)
    paths = [Path(path) for path, _, _ in files]
    run_uninterrupted(_import_writers)
    with files_aside(Path(directory), paths) as aside:
        for path, (_, tree, metadata) in zip(paths, files, strict=True):
            _write_file(aside(path), tree, **metadata, num_events=num_events, seed=seed)
    return paths


def _import_writers() -> None:
    """Import uproot and Awkward. Python may lose a Ctrl-C that comes in an import."""
    for name in ("uproot", "awkward"):
        import_module(name)


def _write_file(
    path: Path, tree: str, *, process: str, year: str, num_events: int, seed: int
) -> None:
    import uproot

    blocks = _blocks(process, year, num_events=num_events, seed=seed, first_event=0)
    # A constant UUID per content: the default identity of an event derives from it.
    content = f"memmpy demo 2 {process} {year} {num_events} {seed}"
    file_uuid = uuid.uuid5(uuid.NAMESPACE_OID, content)
    with uproot.recreate(path, uuid_function=lambda: file_uuid) as file:
        records = _records(next(blocks))
        types = {
            key: values.dtype if isinstance(values, np.ndarray) else values.type
            for key, values in records.items()
        }
        writable = file.mktree(tree, types, counter_name=COUNTERS.__getitem__)
        if num_events > 0:
            writable.extend(records)
        for block in blocks:
            writable.extend(_records(block))


def _records(events: "Events") -> "Events":
    """Zip `jet_pt`, `jet_eta`, ... to one record `jet`, whose length uproot writes as `nJets`."""
    import awkward as ak

    records: Events = {}
    fields: dict[str, dict[str, ak.Array]] = {}
    for key, values in events.items():
        if isinstance(values, np.ndarray):
            if key not in COUNTERS.values():
                records[key] = values
        else:
            record, _, field = key.partition("_")
            fields.setdefault(record, {})[field] = values
    return records | {record: ak.zip(columns) for record, columns in fields.items()}


def _blocks(
    process: str, year: str, *, num_events: int, seed: int, first_event: int
) -> Iterator["Events"]:
    """Yield the events, block by block; at least one block, which may be empty."""
    stop_event = first_event + num_events
    block_start = first_event // BLOCK_SIZE
    block_stop = max(block_start + 1, -(-stop_event // BLOCK_SIZE))
    for block in range(block_start, block_stop):
        events = _make_block(PROCESSES[process], YEARS[year], seed=seed, block=block)
        start = max(0, first_event - block * BLOCK_SIZE)
        stop = min(BLOCK_SIZE, stop_event - block * BLOCK_SIZE)
        yield {key: values[start:stop] for key, values in events.items()}


def _check(process: str, year: str, *, num_events: int, seed: int, first_event: int) -> None:
    for kind, name, known in (("process", process, PROCESSES), ("year", year, YEARS)):
        if name not in known:
            raise OptionError(
                f"no {kind} {name!r} in the demo; there are {', '.join(map(repr, known))}"
                f"{nearest(name, known)}"
            )
    for kind, value in (("num_events", num_events), ("seed", seed), ("first_event", first_event)):
        if value < 0:
            raise OptionError(f"{kind} is {value}; expected 0 or more")
    if first_event + num_events > MAX_EVENTS:
        raise OptionError(f"the demo numbers its events up to {MAX_EVENTS}; ask for fewer")


def _make_block(process: Process, year: Year, *, seed: int, block: int) -> "Events":
    rng = np.random.default_rng([seed, process.index, year.index, block])
    # How hard the collision was sets the scale of all that comes out of it.
    hardness = process.hardness * rng.lognormal(0.0, 0.3, BLOCK_SIZE)
    counts = np.clip(
        MIN_JETS + rng.poisson(process.extra_jets + year.pileup_jets, BLOCK_SIZE),
        MIN_JETS,
        MAX_JETS,
    ).astype(np.int32)
    jets = make_jets(
        rng, counts=counts, hardness=hardness, bb_mass=process.bb_mass, bb_pt=process.bb_pt
    )
    entry_of_jet = np.repeat(np.arange(BLOCK_SIZE), counts)
    is_tagged = jets["jet_btag"] >= TAGGED_77
    tagged = np.bincount(entry_of_jet[is_tagged], minlength=BLOCK_SIZE)
    m_bb, dr_bb = closest_pair(jets, is_tagged, entry_of_jet=entry_of_jet, num_tagged=tagged)

    # Of the two W bosons, each gives an electron or a muon (or neither); tau leptons count as jets.
    num_leptons = rng.binomial(2, 0.33, BLOCK_SIZE)
    num_electrons = rng.binomial(num_leptons, 0.5).astype(np.int32)
    num_muons = (num_leptons - num_electrons).astype(np.int32)
    el_pt = _lepton_pt(rng, counts=num_electrons, hardness=hardness)
    mu_pt = _lepton_pt(rng, counts=num_muons, hardness=hardness)
    met = np.hypot(
        rng.rayleigh(35.0 * hardness * (0.5 + 0.5 * num_leptons)),
        rng.rayleigh(year.met_noise, BLOCK_SIZE),
    )
    # Single-lepton triggers turn on near 27 GeV and miss one in ten; few events pass by their met.
    hardest = np.maximum(_largest(el_pt, counts=num_electrons), _largest(mu_pt, counts=num_muons))
    passes = (hardest > 27.0) & (rng.random(BLOCK_SIZE) < 0.9) | (met > 200.0)

    sign = np.where(rng.random(BLOCK_SIZE) < process.negative_fraction, -1.0, 1.0)
    number = FIRST_EVENT_NUMBER + (process.index * len(YEARS) + year.index) * MAX_EVENTS
    scalars: Events = {
        "nJets": counts,
        "nBTags_77": tagged.astype(np.int32),
        "nElectrons": num_electrons,
        "nMuons": num_muons,
        "ht": np.bincount(entry_of_jet, jets["jet_pt"]).astype(np.float32),
        "m_bb": m_bb,
        "dr_bb": dr_bb,
        "met": met.astype(np.float32),
        "met_phi": rng.uniform(-np.pi, np.pi, BLOCK_SIZE).astype(np.float32),
        "weight": process.weight * sign * rng.lognormal(0.0, 0.15, BLOCK_SIZE),
        "runNumber": np.full(BLOCK_SIZE, year.run_number, np.uint32),
        "eventNumber": np.uint64(number + block * BLOCK_SIZE)
        + np.arange(BLOCK_SIZE, dtype=np.uint64),
        "passTrigger": passes,
    }
    return (
        scalars
        | {key: _lists(content, counts) for key, content in jets.items()}
        | {"el_pt": _lists(el_pt, num_electrons), "mu_pt": _lists(mu_pt, num_muons)}
    )


def _lepton_pt(
    rng: np.random.Generator, *, counts: NDArray[np.int32], hardness: NDArray[np.float64]
) -> NDArray[np.float32]:
    entry_of_lepton = np.repeat(np.arange(len(counts)), counts)
    pt = (MIN_LEPTON_PT + rng.exponential(40.0 * hardness[entry_of_lepton])).astype(np.float32)
    by_falling_pt: NDArray[np.float32] = pt[np.lexsort((-pt, entry_of_lepton))]
    return by_falling_pt


def _largest(pt: NDArray[np.float32], *, counts: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the first, hence largest, pt of each entry; 0 where there is none."""
    largest = np.zeros(len(counts), np.float32)
    largest[counts > 0] = pt[(np.cumsum(counts) - counts)[counts > 0]]
    return largest


def _lists(content: Array, counts: NDArray[np.int32]) -> "ak.Array":
    import awkward as ak

    offsets = ak.index.Index64(offsets_of(counts))
    return ak.Array(ak.contents.ListOffsetArray(offsets, ak.contents.NumpyArray(content)))
