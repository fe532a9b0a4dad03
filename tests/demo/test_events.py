"""Tests of the demo's events: deterministic, physically sensible, and unchanged in ROOT files."""

import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pytest
import uproot

from memmpy.demo import events as demo
from memmpy.demo.events import BLOCK_SIZE, demo_files, make_events, write_demo_files
from memmpy.demo.jets import TAGGED_77
from memmpy.errors import OptionError, ReadOnlyStoreError

if TYPE_CHECKING:
    from memmpy.demo.events import Events

KINDS = list(product(("ttbb", "ttH"), ("mc16a", "mc16d")))
LISTS = {
    "nJets": ("jet_pt", "jet_eta", "jet_phi", "jet_e", "jet_btag"),
    "nElectrons": ("el_pt",),
    "nMuons": ("mu_pt",),
}


def is_same(left: "Events", right: "Events") -> bool:
    return left.keys() == right.keys() and all(
        ak.array_equal(ak.Array(left[key]), ak.Array(right[key])) for key in left
    )


@pytest.fixture(scope="module", params=KINDS, ids="_".join)
def events(request: pytest.FixtureRequest) -> "Events":
    process, year = request.param
    return make_events(process, year, BLOCK_SIZE + 100, seed=11)


def test_same_seed_gives_same_events() -> None:
    assert is_same(make_events("ttH", "mc16d", 50, seed=3), make_events("ttH", "mc16d", 50, seed=3))


def test_another_seed_gives_other_events() -> None:
    assert not is_same(
        make_events("ttH", "mc16d", 50, seed=3), make_events("ttH", "mc16d", 50, seed=4)
    )


@pytest.mark.slow_together
@pytest.mark.parametrize("first_event", [0, 5, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1])
@pytest.mark.parametrize("num_events", [0, 1, 10])
def test_an_event_does_not_depend_on_how_many_are_made(first_event: int, num_events: int) -> None:
    every = make_events("ttbb", "mc16a", BLOCK_SIZE + 20, seed=5)
    some = make_events("ttbb", "mc16a", num_events, seed=5, first_event=first_event)
    stop = first_event + num_events
    assert is_same(some, {key: values[first_event:stop] for key, values in every.items()})


def test_dtypes_are_those_of_real_ntuples(events: "Events") -> None:
    dtypes = {
        "nJets": "int32",
        "nBTags_77": "int32",
        "nElectrons": "int32",
        "nMuons": "int32",
        "ht": "float32",
        "m_bb": "float32",
        "dr_bb": "float32",
        "met": "float32",
        "met_phi": "float32",
        "weight": "float64",
        "runNumber": "uint32",
        "eventNumber": "uint64",
        "passTrigger": "bool",
        "jet_pt": "var * float32",
        "jet_eta": "var * float32",
        "jet_phi": "var * float32",
        "jet_e": "var * float32",
        "jet_btag": "var * int32",
        "el_pt": "var * float32",
        "mu_pt": "var * float32",
    }
    found = {key: str(ak.Array(values).type.content) for key, values in events.items()}
    assert found == dtypes


@pytest.mark.parametrize("counter", LISTS)
def test_counts_are_the_lengths_of_the_lists(events: "Events", counter: str) -> None:
    for key in LISTS[counter]:
        np.testing.assert_array_equal(ak.num(events[key]), events[counter])


def test_tags_are_counted(events: "Events") -> None:
    tagged = ak.sum(events["jet_btag"] >= TAGGED_77, axis=1)
    np.testing.assert_array_equal(events["nBTags_77"], tagged)


def test_ht_is_the_sum_of_the_pt_of_the_jets(events: "Events") -> None:
    sums = ak.sum(ak.values_astype(events["jet_pt"], np.float64), axis=1)
    np.testing.assert_allclose(events["ht"], sums, rtol=1e-6)


def test_btag_is_a_bin_from_one_to_five(events: "Events") -> None:
    assert set(ak.to_numpy(ak.flatten(events["jet_btag"]))) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("key", ["jet_pt", "el_pt", "mu_pt"])
def test_lists_are_sorted_by_falling_pt(events: "Events", key: str) -> None:
    assert ak.all(events[key][:, 1:] <= events[key][:, :-1])


def test_jets_are_inside_the_detector(events: "Events") -> None:
    assert ak.min(events["jet_pt"]) >= 25
    assert ak.max(abs(events["jet_eta"])) < 2.5


def test_a_jets_energy_covers_its_momentum(events: "Events") -> None:
    pt, eta, energy = (
        ak.to_numpy(ak.flatten(events[key])).astype(np.float64)
        for key in ("jet_pt", "jet_eta", "jet_e")
    )
    assert np.all(energy >= pt * np.cosh(eta))


def test_pt_spectrum_falls(events: "Events") -> None:
    pt, edges = ak.to_numpy(ak.flatten(events["jet_pt"])), [25, 75, 125, 200, 400, 1000]
    density, _ = np.histogram(pt, edges, density=True)
    assert np.all(np.diff(density) < 0)


def test_events_have_four_to_twelve_jets(events: "Events") -> None:
    assert (np.min(events["nJets"]), np.max(events["nJets"])) == (4, 12)


def test_the_readme_cut_passes_a_fair_part(events: "Events") -> None:
    passed = (events["nJets"] >= 6) & (events["nBTags_77"] >= 2)
    assert 0.2 < np.mean(passed) < 0.6


@pytest.mark.parametrize("counter", ["nElectrons", "nMuons"])
def test_some_lepton_lists_are_empty(events: "Events", counter: str) -> None:
    assert 0.2 < np.mean(events[counter] == 0) < 0.9


def test_a_few_per_cent_of_the_weights_are_negative(events: "Events") -> None:
    assert 0.01 < np.mean(events["weight"] < 0) < 0.07


def test_some_events_pass_the_trigger(events: "Events") -> None:
    assert 0.1 < np.mean(events["passTrigger"]) < 0.9


def test_event_numbers_would_not_survive_a_float() -> None:
    numbers = make_events("ttbb", "mc16a", 100, seed=1)["eventNumber"]
    assert len(np.unique(numbers)) == 100
    assert len(np.unique(np.asarray(numbers).astype(np.float64))) == 1


def test_event_numbers_differ_between_files() -> None:
    numbers = [make_events(*kind, 100, seed=1)["eventNumber"] for kind in KINDS]
    assert len(np.unique(np.concatenate(numbers))) == 400


@pytest.mark.parametrize("key", ["nJets", "jet_pt", "nBTags_77", "ht"])
def test_signal_is_busier_than_background(key: str) -> None:
    signal, background = (
        make_events(process, "mc16a", BLOCK_SIZE, seed=2) for process in ("ttH", "ttbb")
    )
    assert ak.mean(signal[key]) > ak.mean(background[key])


def test_the_later_year_has_more_pile_up() -> None:
    early, late = (make_events("ttbb", year, BLOCK_SIZE, seed=2) for year in ("mc16a", "mc16d"))
    assert np.mean(late["nJets"]) > np.mean(early["nJets"])
    assert np.mean(late["met"]) > np.mean(early["met"])


@pytest.mark.slow_together
@pytest.mark.parametrize("num_events", [0, 30, BLOCK_SIZE + 30])
def test_files_hold_the_events_bit_for_bit(tmp_path: Path, num_events: int) -> None:
    paths = write_demo_files(tmp_path, num_events=num_events, seed=7)
    for path, (name, tree, metadata) in zip(paths, demo_files(), strict=True):
        assert path == tmp_path / name
        made = make_events(metadata["process"], metadata["year"], num_events, seed=7)
        with uproot.open(path) as file:
            read = file[tree].arrays()
        assert set(read.fields) == set(made)
        assert is_same({key: read[key] for key in made}, made)


def test_branches_are_the_columns_and_no_others(tmp_path: Path) -> None:
    path = write_demo_files(tmp_path, num_events=10, seed=7)[0]
    with uproot.open(path) as file:
        assert set(file["tree1"].keys()) == set(make_events("ttbb", "mc16a", 0, seed=7))


@pytest.mark.parametrize("counter", LISTS)
def test_branches_of_a_list_share_the_counter(tmp_path: Path, counter: str) -> None:
    path = write_demo_files(tmp_path, num_events=10, seed=7)[0]
    with uproot.open(path) as file:
        for key in LISTS[counter]:
            assert file["tree1"][key].count_branch.name == counter


def test_files_lie_in_the_directory_that_is_given() -> None:
    for there, (name, tree, metadata) in zip(demo_files("d/e"), demo_files(), strict=True):
        assert there == (str(Path("d", "e", name)), tree, metadata)


def test_a_file_where_the_directory_should_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReadOnlyStoreError, match=r"cannot write .*toys'.*another path"):
        write_demo_files(tmp_path / "file" / "toys", num_events=1, seed=1)


def test_files_are_described_by_the_table() -> None:
    assert demo_files() == (
        ("ttbb_mc16a.root", "tree1", {"process": "ttbb", "year": "mc16a"}),
        ("ttbb_mc16d.root", "tree1", {"process": "ttbb", "year": "mc16d"}),
        ("ttH_mc16a.root", "tree2", {"process": "ttH", "year": "mc16a"}),
        ("ttH_mc16d.root", "tree2", {"process": "ttH", "year": "mc16d"}),
    )


def file_uuids(folder: Path, *, num_events: int, seed: int) -> set[str]:
    uuids = set()
    for path in write_demo_files(folder, num_events=num_events, seed=seed):
        with uproot.open(path) as file:
            uuids.add(str(file.file.uuid))
    return uuids


def test_rewriting_keeps_the_uuids(tmp_path: Path) -> None:
    first = file_uuids(tmp_path / "a", num_events=3, seed=7)
    assert file_uuids(tmp_path / "b", num_events=3, seed=7) == first


@pytest.mark.slow
def test_other_content_has_another_uuid(tmp_path: Path) -> None:
    first = file_uuids(tmp_path, num_events=3, seed=7)
    other_length = file_uuids(tmp_path, num_events=4, seed=7)
    other_seed = file_uuids(tmp_path, num_events=3, seed=8)
    assert len(first | other_length | other_seed) == 12


def test_nothing_is_left_beside_the_files(tmp_path: Path) -> None:
    paths = write_demo_files(tmp_path / "deep" / "er", num_events=3, seed=7)
    assert set((tmp_path / "deep" / "er").iterdir()) == set(paths)


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write_demo_files(tmp_path, num_events=3, seed=7)
    before = paths[0].read_bytes()

    class DiskFull(Exception):
        pass

    def fail(*_: object) -> None:
        raise DiskFull

    monkeypatch.setattr(uproot.WritableTree, "extend", fail)
    with pytest.raises(DiskFull):
        write_demo_files(tmp_path, num_events=5, seed=7)
    assert paths[0].read_bytes() == before
    assert set(tmp_path.iterdir()) == set(paths)


def test_an_unknown_process_is_named_with_those_there_are() -> None:
    message = "no process 'tth' in the demo; there are 'ttbb', 'ttH'; nearest: 'ttH'"
    with pytest.raises(OptionError, match=message):
        make_events("tth", "mc16a", 1, seed=1)


def test_an_unknown_year_is_named_with_those_there_are() -> None:
    message = "no year 'mc20e' in the demo; there are 'mc16a', 'mc16d'"
    with pytest.raises(OptionError, match=message):
        make_events("ttH", "mc20e", 1, seed=1)


@pytest.mark.parametrize("name", ["num_events", "seed", "first_event"])
def test_negative_numbers_are_refused(name: str) -> None:
    options = {"num_events": 1, "seed": 1, "first_event": 0, name: -1}
    with pytest.raises(OptionError, match=f"{name} is -1; expected 0 or more"):
        make_events("ttH", "mc16a", **options)


def test_event_numbers_never_run_into_the_next_file() -> None:
    with pytest.raises(OptionError, match="numbers its events up to"):
        make_events("ttH", "mc16a", 1, seed=1, first_event=demo.MAX_EVENTS)


def test_nothing_is_written_for_a_negative_number(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="num_events is -1"):
        write_demo_files(tmp_path / "demo", num_events=-1, seed=1)
    assert not (tmp_path / "demo").exists()


@pytest.mark.slow
def test_importing_it_imports_neither_uproot_nor_awkward() -> None:
    code = (
        "import sys, memmpy.demo.events; "
        "assert not {'uproot', 'awkward'} & sys.modules.keys(), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
