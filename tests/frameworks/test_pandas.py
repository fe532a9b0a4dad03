import numpy as np
import pytest

import memmpy
from memmpy import Jagged, SplitLoader
from memmpy.errors import ColumnError, OptionError
from tests.frameworks.tree_events import FEATURES, TreeEvents, make_events

pandas = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> TreeEvents:
    return make_events(tmp_path_factory.mktemp("events") / "data.mmpy", 900)


def test_a_table_has_inputs_masks_labels_weights_and_spectators(events: TreeEvents) -> None:
    frame = memmpy.to_pandas(events.training_set().loader("val"))
    others = ["jets_mask[0]", "jets_mask[1]", "label", "weight_physics", "event", "weight"]
    assert [*frame.columns[:6]] == FEATURES
    assert sorted(frame.columns[6:]) == sorted(others)
    entries = frame.index.to_numpy()
    assert frame.index.name == "_index"
    np.testing.assert_array_equal(frame[FEATURES].to_numpy(), events.features[entries])
    np.testing.assert_array_equal(frame["event"], events.columns["event"][entries])
    np.testing.assert_array_equal(frame["label"], events.columns["is_signal"][entries])
    np.testing.assert_array_equal(frame["weight_physics"], events.columns["w"][entries])
    np.testing.assert_array_equal(frame["jets_mask[1]"], events.columns["pt_2"][entries] != -999)


def test_dtypes_are_those_of_batches(events: TreeEvents) -> None:
    frame = memmpy.to_pandas(events.training_set().loader("val"))
    dtypes = {key: str(frame[key].dtype) for key in ("met", "label", "weight_physics", "event")}
    dtypes["mask"], dtypes["_index"] = str(frame["jets_mask[0]"].dtype), str(frame.index.dtype)
    assert dtypes == {
        "met": "float32",
        "label": "int64",
        "weight_physics": "float64",
        "event": "int64",
        "mask": "bool",
        "_index": "int64",
    }


def test_each_split_is_in_a_table_once(events: TreeEvents) -> None:
    data = events.training_set()
    frames = [memmpy.to_pandas(data.loader(split)) for split in ("train", "val", "test")]
    entries = pandas.concat(frames).sort_index().index
    np.testing.assert_array_equal(entries, np.arange(900))


@pytest.mark.slow
def test_large_tables_are_read_in_chunks() -> None:
    columns = {"x": np.arange(600_000, dtype=np.uint64), "p": np.arange(1_200_000).reshape(-1, 2)}
    frame = memmpy.to_pandas(SplitLoader(columns, shuffle=False))
    assert [*frame.columns] == ["x", "p[0]", "p[1]"]
    np.testing.assert_array_equal(frame["x"], columns["x"])
    np.testing.assert_array_equal(frame[["p[0]", "p[1]"]], columns["p"])


def test_texts_are_a_column() -> None:
    loader = SplitLoader({"name": np.array(["ttH", "ttbb"]), "x": np.arange(2)}, shuffle=False)
    assert memmpy.to_pandas(loader)["name"].tolist() == ["ttH", "ttbb"]


def test_numbers_have_the_byte_order_of_this_machine() -> None:
    loader = SplitLoader({"x": np.arange(3, dtype=">i4")}, shuffle=False)
    frame = memmpy.to_pandas(loader)
    assert frame["x"].dtype == np.int32
    assert frame["x"].tolist() == [0, 1, 2]


def test_a_write_into_a_table_leaves_the_store_alone(events: TreeEvents) -> None:
    frame = memmpy.to_pandas(memmpy.open(events.path).loader(keys=["met"], split="all"))
    frame.loc[:, "met"] = 7
    np.testing.assert_array_equal(memmpy.open(events.path)["met"], events.columns["met"])


def test_lists_of_any_length_are_refused() -> None:
    loader = SplitLoader({"x": np.arange(2), "pt": Jagged(np.arange(3.0), np.array([0, 1, 3]))})
    with pytest.raises(ColumnError, match="'pt' has lists of any length"):
        memmpy.to_pandas(loader)


def test_what_does_not_fit_into_memory_is_refused_before_it_is_read() -> None:
    many = np.broadcast_to(np.float64(1), 10**13)  # which itself takes 8 bytes
    loader = SplitLoader({"x": many}, shuffle=False, split="all")
    with pytest.raises(OptionError, match=r"10,000,000,000,000 events take 160.0 TB, and .*B of"):
        memmpy.to_pandas(loader)
