from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memmpy
from memmpy import Jagged, Objects, SplitLoader
from memmpy.errors import ColumnError, MissingKeyError, OptionError
from memmpy.frameworks.feature_matrix import element_names, plain_names
from tests.frameworks.tree_events import FEATURES, TreeEvents, make_events


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> TreeEvents:
    return make_events(tmp_path_factory.mktemp("events") / "data.mmpy", 700)


def test_all_inputs_are_side_by_side_objects_one_after_the_other(events: TreeEvents) -> None:
    loader = events.training_set().loader("train", batch_size=64)
    for batch in loader:
        matrix = memmpy.feature_matrix(batch, loader)
        assert matrix.dtype == np.float32
        np.testing.assert_array_equal(matrix, events.features[batch["_index"]])


def test_names_are_those_of_keys_and_of_places(events: TreeEvents) -> None:
    loader = events.training_set().loader("train")
    batch = loader.take([0, 1])
    assert element_names({key: batch[key] for key in loader.inputs}, loader) == FEATURES


def test_a_key_of_two_inputs_is_named_with_its_input(events: TreeEvents) -> None:
    inputs = {"a": ["met", "njets"], "b": ["met"], "met": ["met"]}
    loader = events.training_set(inputs=inputs).loader("train")
    batch = loader.take([0])
    names = element_names({key: batch[key] for key in loader.inputs}, loader)
    assert names == ["a.met", "njets", "b.met", "met"]


def test_without_a_training_set_all_keys_are_inputs() -> None:
    columns = {"x": np.arange(6.0), "p4": np.arange(24).reshape(6, 2, 2), "ok": np.arange(6) > 2}
    loader = SplitLoader({**columns, "y": np.arange(6)}, shuffle=False)
    batch = next(iter(loader))
    matrix = memmpy.feature_matrix(batch, loader, leave_out=["y"])
    expected = np.column_stack([columns["x"], columns["p4"].reshape(6, 4), columns["ok"]])
    np.testing.assert_array_equal(matrix, expected)
    names = element_names({key: batch[key] for key in columns}, loader)
    assert names == ["x", "p4[0][0]", "p4[0][1]", "p4[1][0]", "p4[1][1]", "ok"]


def test_a_single_input_is_not_copied(events: TreeEvents) -> None:
    loader = events.training_set(inputs={"flat": ["met", "njets"]}).loader("train")
    batch = next(iter(loader))
    assert np.shares_memory(memmpy.feature_matrix(batch, loader), batch["flat"])


@given(st.lists(st.text(st.characters(codec="utf-8")), max_size=8))
def test_plain_names_are_unique_and_have_no_character_that_is_refused(names: list[str]) -> None:
    plain = plain_names(names)
    assert len(plain) == len(names) == len(set(plain))
    assert not any(character in "".join(plain) for character in '[]<{}:," \t\n')


def test_plain_names_stay_readable() -> None:
    names = ["jet_pt[0]", "njets < 4", "jet_pt_0", "Sum$(jet_pt)", "met / HT"]
    expected = ["jet_pt_0", "njets_lt_4", "jet_pt_0_2", "Sum$(jet_pt)", "met_/_HT"]
    assert plain_names(names) == expected


def test_lists_of_any_length_are_refused_with_the_way_out(events: TreeEvents) -> None:
    loader = SplitLoader({"x": Jagged(np.arange(3.0), np.array([0, 1, 3]))}, shuffle=False)
    with pytest.raises(ColumnError, match=r"'x' has lists of any length.*pad it, or leave it out"):
        memmpy.feature_matrix(loader.take([0]), loader)
    inputs = {"jets": Objects({"pt": ["pt_1", "pt_2"]})}
    loader = events.training_set(inputs=inputs).loader("train")
    with pytest.raises(ColumnError, match=r"'jets' has lists.*give a length to its Objects"):
        memmpy.feature_matrix(loader.take([0]), loader)


def test_integers_that_float32_rounds_are_refused() -> None:
    fits = SplitLoader({"x": np.array([-(2**24), 2**24])}, shuffle=False)
    assert memmpy.feature_matrix(fits.take([0, 1]), fits).tolist() == [[-(2**24)], [2**24]]
    for value in (2**24 + 1, -(2**24) - 1, -(2**63)):
        loader = SplitLoader({"event": np.array([0, value])})
        with pytest.raises(OptionError, match=f"'event' has the integer {abs(value):,}"):
            memmpy.feature_matrix(loader.take([0, 1]), loader)


def test_texts_are_refused() -> None:
    loader = SplitLoader({"name": np.array(["a", "b"])})
    with pytest.raises(ColumnError, match="'name' has values of <U1"):
        memmpy.feature_matrix(loader.take([0]), loader)


def test_an_unknown_key_names_the_nearest() -> None:
    loader = SplitLoader({"label": np.arange(3), "x": np.arange(3)})
    with pytest.raises(MissingKeyError, match="no 'lable'; nearest: 'label'"):
        memmpy.feature_matrix(loader.take([0]), loader, leave_out=["lable"])
    with pytest.raises(OptionError, match="no inputs"):
        memmpy.feature_matrix(loader.take([0]), loader, leave_out=["label", "x"])


def test_what_is_no_batch_of_the_loader_is_refused(events: TreeEvents) -> None:
    loader = events.training_set().loader("train")
    with pytest.raises(OptionError, match="batch must be a dict of arrays, got ndarray"):
        memmpy.feature_matrix(np.arange(3), loader)  # type: ignore[arg-type]
    with pytest.raises(MissingKeyError, match="no 'flat', an input of SplitLoader"):
        memmpy.feature_matrix({"x": np.arange(3)}, loader)
    with pytest.raises(OptionError, match="'flat' is a list, and no array of NumPy: give a batch"):
        memmpy.feature_matrix({"flat": [1, 2]}, loader)


@pytest.mark.parametrize("given", ["label", None, 3])
def test_keys_to_leave_out_are_a_list(given: Any) -> None:
    loader = SplitLoader({"label": np.arange(3), "x": np.arange(3)})
    with pytest.raises(OptionError, match=r"leave_out must be a list of keys.*got"):
        memmpy.feature_matrix(loader.take([0]), loader, leave_out=given)
