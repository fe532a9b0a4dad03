"""Tests of the guesses which branches are inputs, weights and event numbers."""

import numpy as np
import pytest

from memmpy.columns import ColumnType
from memmpy.pipeline.input_choice import InputChoice, choose_inputs, is_measured, total_of
from memmpy.sources import BranchListing, FileListing, FileObject, TreeListing


def branches(**types: str) -> list[BranchListing]:
    """Return branches of dtypes; a name with `__` stands for one with a dot."""
    return [
        BranchListing(
            name.replace("__", "."),
            ColumnType("jagged" if "[]" in dtype else "vector", np.dtype(dtype.rstrip("[]"))),
            "",
            None,
        )
        for name, dtype in types.items()
    ]


def choose(**types: str) -> InputChoice:
    own = branches(**types)
    return choose_inputs(own, ["process"], weighted=own)


def test_numbers_that_most_analyses_use_are_inputs_and_counters_come_first() -> None:
    choice = choose(
        event="u8", met="f4", met_phi="f4", genWeight="f4", nJet="u4", HLT_a="?", Jet_pt="f4[]"
    )
    assert choice.numbers == ("nJet", "met", "met_phi")


def test_other_numbers_are_inputs_where_there_is_nothing_better() -> None:
    assert choose(run="u4", px="f8", py="f8", weight="f8", isGood="i4").numbers == ("px", "py")


def test_objects_have_momenta_and_a_tag() -> None:
    choice = choose(
        Jet_pt="f4[]",
        Jet_eta="f4[]",
        Jet_mass="f4[]",
        Jet_btagDeepB="f4[]",
        Jet_id="i4[]",
        Muon_Px="f4[]",
        Muon_Py="f4[]",
        GenJet_pt="f4[]",
        AnalysisElectronsAuxDyn__pt="f4[]",
    )
    assert choice.objects == {
        "jets": (("Jet_pt", "Jet_eta", "Jet_mass", "Jet_btagDeepB"), 8),
        "muons": (("Muon_Px", "Muon_Py"), 4),
        "electrons": (("AnalysisElectronsAuxDyn.pt",), 4),
    }


@pytest.mark.parametrize(
    ("types", "weight", "is_of_generator"),
    [
        ({"genWeight": "f4", "weight": "f4"}, "genWeight", True),
        ({"EventInfoAuxDyn__mcEventWeights": "f4[]"}, "EventInfoAuxDyn.mcEventWeights[0]", True),
        ({"EventWeight": "f4"}, "EventWeight", False),
        ({"weight_mc": "f4"}, "weight_mc", True),
        ({"weight": "i4"}, "", False),
        ({"met": "f4"}, "", False),
    ],
)
def test_the_weight_is_that_of_the_generator_or_of_the_event(
    types: dict[str, str], weight: str, is_of_generator: bool
) -> None:
    choice = choose(**types)
    assert (choice.weight, choice.is_generator_weight) == (weight, is_of_generator)


@pytest.mark.parametrize(
    ("types", "columns"),
    [
        ({"run": "u4", "event": "u8"}, ("process", "run", "event")),
        (
            {"runNumber": "u4", "eventNumber": "u8", "mcChannelNumber": "u4"},
            ("mcChannelNumber", "runNumber", "eventNumber"),
        ),
        ({"Run": "i4", "Event": "i4"}, ("process", "Run", "Event")),
        ({"event": "f4"}, ()),
        ({"met": "f4"}, ()),
    ],
)
def test_the_columns_that_name_an_event_are_found(
    types: dict[str, str], columns: tuple[str, ...]
) -> None:
    assert choose(**types).event_columns == columns


@pytest.mark.parametrize("name", ["GenJet_pt", "LHE_HT", "HLT_IsoMu24", "MC_x", "TruthMuons.pt"])
def test_generator_and_triggers_are_not_measured(name: str) -> None:
    assert not is_measured(name)
    assert choose(**{name.replace(".", "__"): "f4"}).numbers == ()


def listing(*trees: tuple[str, str], objects: tuple[str, ...] = ()) -> FileListing:
    return FileListing(
        "a.root",
        "ROOT",
        1,
        tuple(
            TreeListing(tree, "TTree", 1, (name,), (1, 1), tuple(branches(**{name: "f8"})))
            for tree, name in trees
        ),
        tuple(FileObject(name, "TH1F", False) for name in objects),
    )


@pytest.mark.parametrize(
    ("content", "total"),
    [
        (listing(("Events", "met"), ("Runs", "genEventSumw")), "Runs:genEventSumw"),
        (
            listing(("MetaData", "CutBookkeepersAux__sumOfEventWeights")),
            "MetaData:CutBookkeepersAux.sumOfEventWeights[0]",
        ),
        (
            listing(("t", "met"), objects=("h", "CutBookkeeper_410470_284500_NOSYS")),
            "CutBookkeeper_410470_284500_NOSYS[2]",
        ),
        (listing(("Events", "genWeight"), objects=("h",)), ""),
    ],
)
def test_the_sum_of_all_generated_weights_is_found(content: FileListing, total: str) -> None:
    assert total_of(content) == total
