"""Options of a conversion: patterns, new names, other dtypes, parts of trees."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import memmpy
from memmpy import RFileConfig, convert, load_root, plan_conversion, read_vector
from memmpy.columns import ReadJagged, ReadNested
from memmpy.errors import (
    ColumnError,
    ConversionWarning,
    CutError,
    MissingKeyError,
    OptionError,
    SchemaError,
)
from memmpy.store import read_metadata
from tests.conftest import CLIPS, EMPTIES
from tests.sources.root.by_root import write_hits, write_leaves

pytestmark = CLIPS

MakeFile = Callable[..., Path]


class TestPatterns:
    def test_a_pattern_stands_for_all_branches_that_match(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        convert(make_file(), tmp_path / "s", keys={"n[BJ]*", "met"})
        assert sorted(memmpy.open(tmp_path / "s")) == ["met", "nBTags_77", "nJets"]

    def test_what_matches_is_the_same_as_what_is_named(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys={"n[JB]*"})
        again = convert(file, tmp_path / "s", keys={"nJets", "nBTags_77"})
        assert again.was_cached

    def test_a_second_run_opens_no_file(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys={"n*"})
        status = file.stat()
        file.write_bytes(bytes(status.st_size))
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert convert(file, tmp_path / "s", keys={"n*"}).was_cached

    def test_a_wider_pattern_reads_what_is_new_alone(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys={"nJ*"})
        done = convert(file, tmp_path / "s", keys={"n[JB]*"})
        assert done.read == {str(file): ("nBTags_77",)}

    def test_a_padded_key_is_not_taken_a_second_time(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        convert(make_file(), tmp_path / "s", keys={"*"}, keys_padded={"jet_pt": (2, 0.0)})
        assert read_vector(tmp_path / "s", "jet_pt").shape == (10, 2)

    def test_a_branch_of_that_very_name_is_what_a_pattern_means(self, tmp_path: Path) -> None:
        with uproot.recreate(tmp_path / "a.root") as file:
            file.mkrntuple("t", {"x[2]": np.arange(3), "x2": np.arange(3)})
        convert(tmp_path / "a.root", tmp_path / "s", keys={"x[2]"})
        assert list(memmpy.open(tmp_path / "s")) == ["x[2]"]

    def test_brackets_are_a_class_of_characters_where_no_branch_has_that_name(
        self, tmp_path: Path
    ) -> None:
        with uproot.recreate(tmp_path / "a.root") as file:
            file.mkrntuple("t", {"x1": np.arange(3), "x2": np.arange(3)})
        convert(tmp_path / "a.root", tmp_path / "s", keys={"x[12]"})
        assert sorted(memmpy.open(tmp_path / "s")) == ["x1", "x2"]

    def test_a_slash_in_the_name_of_a_branch_is_part_of_it(self, tmp_path: Path) -> None:
        with uproot.recreate(tmp_path / "a.root") as file:
            file.mktree("t", {"p/q": np.int64}).extend({"p/q": np.arange(3)})
        convert(tmp_path / "a.root", tmp_path / "s", keys={"*"})
        assert list(memmpy.open(tmp_path / "s")) == ["p/q"]

    def test_a_pattern_that_matches_nothing_is_an_error(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(MissingKeyError, match=r"pattern 'tau_\*' matches no branch of"):
            convert(make_file(), tmp_path / "s", keys={"nJets", "tau_*"})

    def test_a_pattern_cannot_be_padded(self, make_file: MakeFile, tmp_path: Path) -> None:
        with pytest.raises(OptionError, match="a pattern cannot be padded, got 'jet_"):
            convert(make_file(), tmp_path / "s", keys=(), keys_padded={"jet_*": (2, 0)})

    def test_a_match_that_is_a_name_of_the_metadata_is_refused(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        config = RFileConfig(make_file(), metadata={"met": "x"})
        with pytest.raises(OptionError, match="'met' is both a branch that a pattern matches"):
            convert(config, tmp_path / "s", keys={"m*"})

    def test_files_that_match_differently_are_shown_in_one_table(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        values = np.arange(10)
        a = make_file("a.root", tau_n=values, tau_q=values)
        b = make_file("b.root", tau_n=values.astype(np.float32))
        with pytest.raises(SchemaError) as caught:
            convert([a, b], tmp_path / "s", keys={"tau_*", "nJets"})
        lines = str(caught.value).splitlines()
        assert lines[0] == "the files differ in 2 columns:"
        assert [line.split()[:2] for line in lines[2:6]] == [
            ["tau_n", "int64"],
            ["float32", "in"] if "in" in lines[3].split()[1:2] else ["float32", repr(str(b))],
            ["tau_q", "int64"],
            ["missing", repr(str(b))],
        ]
        assert not (tmp_path / "s").exists()

    def test_load_root_hands_out_what_matches(self, make_file: MakeFile, tmp_path: Path) -> None:
        loader = load_root(make_file(), tmp_path / "s", keys={"n[BJ]*"}, tcut="met >= 0")
        assert set(next(iter(loader))) == {"nJets", "nBTags_77", "_index"}

    @pytest.mark.slow
    @pytest.mark.slow_together
    @pytest.mark.real
    @pytest.mark.parametrize(
        ("name", "tree", "pattern", "num"),
        [
            ("PHYSLITE_example.root", "CollectionTree", "AnalysisJetsAuxDyn.*", 37),
            ("nano_dy_empty.root", "Events", "Jet_*", 36),
            ("nanoAOD_2015_CMS_Open_Data_ttbar.root", "Events", "Muon_*", 57),
            ("pduneana.root", "pduneana/beamana", "*", 398),
            ("Run2012BC_DoubleMuParked_Muons_1000evts_rntuple_v1-0-0-0.root", None, "Muon_*", 5),
        ],
    )
    def test_real_files_are_converted_by_pattern(
        self, name: str, tree: str, pattern: str, num: int, real_data: Path, tmp_path: Path
    ) -> None:
        done = convert(RFileConfig(real_data / name, tree), tmp_path / "s", keys={pattern})
        columns = memmpy.open(tmp_path / "s")
        assert len(columns) == num
        assert {len(column) for column in columns.values()} == {done.num_entries}
        assert memmpy.verify(tmp_path / "s") == []

    @pytest.mark.slow
    @pytest.mark.real
    def test_objects_that_no_column_can_hold_are_skipped_and_named(
        self, real_data: Path, tmp_path: Path
    ) -> None:
        config = RFileConfig(real_data / "PHYSLITE_example.root", "CollectionTree")
        plan = plan_conversion(config, tmp_path / "s", keys={"AnalysisJets*"})
        assert len(plan.skipped) > 3
        assert plan.columns


NAMES = ["hit.p[3]", "Aux.pt", "jet/pt", ".pt", "1st", "a b", "esc\x1b[31m", "s;1", "µ", "Pt", "PT"]


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """Return a file of lists whose names are strange, beside one that a pattern would match."""
    lists = ak.Array([[1.0, 2.0, 3.0], [], [4.0]])
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("t", {**dict.fromkeys(NAMES, lists), "hit.p3": lists, "L" * 500: lists})
    return tmp_path / "a.root"


@pytest.mark.parametrize("name", [*NAMES, "L" * 500])
class TestStrangeNames:
    @pytest.mark.slow_together
    def test_one_is_a_key(self, strange: Path, tmp_path: Path, name: str) -> None:
        convert(strange, tmp_path / "s", keys={name})
        assert list(memmpy.open(tmp_path / "s")) == [name]
        assert convert(strange, tmp_path / "s", keys={name}).was_cached
        convert(strange, tmp_path / "s", keys={"*"})
        assert {*NAMES, "hit.p3"} <= {*memmpy.open(tmp_path / "s")}
        assert memmpy.verify(tmp_path / "s") == []

    def test_one_is_padded_with_its_mask(self, strange: Path, tmp_path: Path, name: str) -> None:
        keys = {f"{name}_mask"}
        convert(strange, tmp_path / "s", keys=keys, keys_padded={name: (2, 0.0)})
        assert read_vector(tmp_path / "s", name).tolist() == [[1, 2], [0, 0], [4, 0]]
        assert read_vector(tmp_path / "s", f"{name}_mask").sum() == 3

    def test_one_has_an_alias(self, strange: Path, tmp_path: Path, name: str) -> None:
        convert(strange, tmp_path / "s", keys={"a", "b"}, aliases={"a": f"`{name}`", "b": "a * 2"})
        assert ReadJagged(tmp_path / "s", "b").content.tolist() == [2, 4, 6, 8]

    def test_one_is_renamed(self, strange: Path, tmp_path: Path, name: str) -> None:
        convert(strange, tmp_path / "s", keys={"new": name})
        assert list(memmpy.open(tmp_path / "s")) == ["new"]

    def test_one_is_cut_on(self, strange: Path, tmp_path: Path, name: str) -> None:
        convert(strange, tmp_path / "s", keys={name})
        assert memmpy.compute_cut_batched(tmp_path / "s", f"`{name}` > 3").tolist() == [2]
        assert memmpy.compute_cut_batched(tmp_path / "s", f"`{name}`[1] == 2").tolist() == [0]

    def test_load_root_takes_one(self, strange: Path, tmp_path: Path, name: str) -> None:
        loader = load_root(
            strange,
            tmp_path / "s",
            keys=(),
            keys_padded={name: (2, 0.0)},
            groups={"jets": [name]},
            tcut=f"Length$(`{name}`) > 0",
        )
        batch = next(iter(loader))
        assert sorted(batch["jets"][:, :, 0].tolist()) == [[1, 2], [4, 0]]


@EMPTIES
def test_nothing_that_is_printed_has_control_codes(strange: Path, tmp_path: Path) -> None:
    name = "esc\x1b[31m"
    texts = [str(plan_conversion(strange, tmp_path / "s", keys={name}))]
    done = convert(strange, tmp_path / "s", keys={name})
    store = memmpy.open(tmp_path / "s")
    cut = f"Sum$(`{name}`) > 1"
    store.cut(cut)
    skim = store.skim(keys={name}, cut=cut, progress=False)
    shown: list[Any] = [done, store, store.cuts, skim, store.check(), store.cutflow([cut])]
    texts += [repr(one) for one in shown] + [one._repr_html_() for one in shown]
    with pytest.raises(MissingKeyError) as caught:
        convert(strange, tmp_path / "s", keys={"esc\x1b[32m"})
    with pytest.raises(CutError) as wrong:
        store.cut("`esc\x1b[32m` > 1")
    for text in [*texts, str(caught.value), str(wrong.value)]:
        assert "\x1b" not in text
    assert texts[0].count(r"esc\x1b[31m") == 1


def test_a_name_with_brackets_that_is_not_there_names_the_nearest(
    strange: Path, tmp_path: Path
) -> None:
    message = r"no branch 'hit.q\[3\]' in .*; nearest: 'hit.p\[3\]'"
    with pytest.raises(MissingKeyError, match=message):
        convert(strange, tmp_path / "s", keys=(), keys_padded={"hit.q[3]": (2, 0.0)})


def test_brackets_in_a_cut_without_backquotes_say_the_way_out(
    strange: Path, tmp_path: Path
) -> None:
    convert(strange, tmp_path / "s", keys={"hit.p[3]"})
    with pytest.raises(CutError, match=r"stands in backquotes: `hit.p\[3\]`"):
        memmpy.compute_cut_batched(tmp_path / "s", "hit.p[3] > 1")


@pytest.mark.root
def test_arrays_of_split_classes_are_taken_by_their_names(tmp_path: Path) -> None:
    file = write_hits(tmp_path / "a.root", 9)
    convert(file, tmp_path / "s", keys={"hit.e"}, keys_padded={"hit.p[3]": (2, 0.0)})
    padded = read_vector(tmp_path / "s", "hit.p[3]")
    assert padded.shape == (9, 2, 3)
    assert padded[2].tolist() == [[2, 3, 4], [2, 3, 4]]
    convert(file, tmp_path / "s", keys={"hit/hit.p[3]", "hit.[e]"})
    assert {"hit/hit.p[3]", "hit.e"} <= {*memmpy.open(tmp_path / "s")}


@pytest.mark.root
def test_leaves_are_taken_by_their_names(tmp_path: Path) -> None:
    file = write_leaves(tmp_path / "a.root", 9)
    keys = {"p", "p.x", "q.*", "matrix.b"}
    convert(file, tmp_path / "s", keys=keys, keys_padded={"matrix.a": (1, 0.0)})
    store = memmpy.open(tmp_path / "s")
    assert {"p", "p.x", "q.v", "q.n", "matrix.b", "matrix.a"} == {*store}
    assert store.cut("p.x > 4 && q.v[2] < 80").tolist() == [5, 6, 7]
    xs = read_vector(tmp_path / "s", "p.x").tolist()
    assert ReadNested(tmp_path / "s", "p").to_awkward()["x"].to_list() == xs
    assert read_vector(tmp_path / "s", "matrix.a").shape == (9, 1, 3)
    loader = load_root(file, tmp_path / "t", keys={"p.x"}, groups={"g": ["p.x"]}, tcut="q.n > 6")
    assert sorted(next(iter(loader))["g"][:, 0].tolist()) == [7, 8]


@pytest.mark.root
def test_a_cut_takes_a_leaf_of_a_whole_branch(tmp_path: Path) -> None:
    convert(write_leaves(tmp_path / "a.root", 9), tmp_path / "s", keys={"p"})
    assert memmpy.compute_cut_batched(tmp_path / "s", "p.x > 6").tolist() == [7, 8]


class TestRenaming:
    def test_keys_may_rename_branches(self, make_file: MakeFile, tmp_path: Path) -> None:
        convert(make_file(), tmp_path / "s", keys={"n": "nJets", "met": "met"})
        assert list(memmpy.open(tmp_path / "s")) == ["met", "n"]
        assert read_vector(tmp_path / "s", "n").tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]

    def test_a_new_name_for_what_the_store_has_reads_no_file(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys={"nJets"})
        done = convert(file, tmp_path / "s", keys={"n": "nJets"})
        assert done.was_cached
        assert np.array_equal(
            read_vector(tmp_path / "s", "n"), read_vector(tmp_path / "s", "nJets")
        )

    def test_a_name_with_dots_is_a_branch(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file(**{"Jets.n": np.arange(10)})
        convert(file, tmp_path / "s", keys={"n": "Jets.n"})
        assert read_vector(tmp_path / "s", "n").tolist() == list(range(10))

    def test_what_a_key_is_mapped_to_is_a_name_and_no_expression(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(MissingKeyError, match="no branch 'met/weight'"):
            convert(make_file(), tmp_path / "s", keys={"ratio": "met/weight"})

    @pytest.mark.parametrize("name", ["", 3, "a`b"])
    def test_a_key_is_mapped_to_a_text(
        self, name: Any, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(OptionError, match="keys maps a key to the name of a branch"):
            convert(make_file(), tmp_path / "s", keys={"n": name})

    def test_a_key_with_two_meanings_is_refused(self, make_file: MakeFile, tmp_path: Path) -> None:
        with pytest.raises(OptionError, match="'n' is renamed in keys and in aliases"):
            convert(make_file(), tmp_path / "s", keys={"n": "nJets"}, aliases={"n": "met"})

    def test_load_root_takes_new_names(self, make_file: MakeFile, tmp_path: Path) -> None:
        loader = load_root(make_file(), tmp_path / "s", keys={"n": "nJets"}, tcut="n >= 2")
        assert set(next(iter(loader))) == {"n", "_index"}


class TestDtypes:
    def test_a_column_is_stored_as_asked(self, make_file: MakeFile, tmp_path: Path) -> None:
        dtypes: dict[str, Any] = {"met": "float16", "nJets": np.int8, "jet_pt": np.float64}
        convert(make_file(), tmp_path / "s", keys=set(dtypes), dtype=dtypes)
        store: Any = memmpy.open(tmp_path / "s")
        assert {key: store[key].dtype for key in dtypes} == {
            key: np.dtype(dtype) for key, dtype in dtypes.items()
        }
        assert store["met"].tolist() == [n / 8 for n in range(10)]

    def test_floats_that_are_too_large_are_infinite_and_counted(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(x=np.array([1.0, 1e30, np.inf, np.nan, -1e30] * 2))
        with pytest.warns(ConversionWarning, match="4 values of 'x' do not fit into float16"):
            convert(file, tmp_path / "s", keys={"x"}, dtype={"x": "float16"})
        values = read_vector(tmp_path / "s", "x")[:5].tolist()
        assert str(values) == "[1.0, inf, inf, nan, -inf]"

    def test_event_numbers_that_a_float_rounds_are_counted(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.warns(ConversionWarning, match="9 values of 'eventNumber' do not fit"):
            convert(make_file(), tmp_path / "s", keys={"eventNumber"}, dtype={"eventNumber": "f4"})

    @pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int64])
    def test_integers_that_half_precision_rounds_are_counted(
        self, make_file: MakeFile, tmp_path: Path, dtype: type
    ) -> None:
        file = make_file(x=np.array([0, 1, 2048, 2049, 30_001] * 2, dtype))
        with pytest.warns(ConversionWarning, match="4 values of 'x' do not fit into float16"):
            convert(file, tmp_path / "s", keys={"x"}, dtype={"x": "float16"})
        assert read_vector(tmp_path / "s", "x")[:3].tolist() == [0, 1, 2048]

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_of_the_extreme_integers_a_float_loses_only_the_largest(
        self, dtype: type, make_file: MakeFile, tmp_path: Path
    ) -> None:
        least, largest = np.iinfo(np.int64).min, np.iinfo(np.int64).max
        file = make_file(x=np.array([least, 0, 1, 2, largest] * 2))
        with pytest.warns(ConversionWarning, match="2 values of 'x' do not fit"):
            convert(file, tmp_path / "s", keys={"x"}, dtype={"x": dtype})
        assert read_vector(tmp_path / "s", "x")[0] == least

    def test_an_integer_that_does_not_fit_is_an_error(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(x=np.full(10, 300))
        with pytest.raises(ColumnError, match="'x' has the value 300, which does not fit into u"):
            convert(file, tmp_path / "s", keys={"x"}, dtype={"x": np.uint8})

    def test_a_negative_number_does_not_become_a_large_one(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(x=np.full(10, -1))
        with pytest.raises(ColumnError, match="value -1, which does not fit into uint64"):
            convert(file, tmp_path / "s", keys={"x"}, dtype={"x": np.uint64})

    def test_a_float_does_not_become_an_integer_unasked(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(OptionError, match="cannot store 'met' as int32: it is float32"):
            convert(make_file(), tmp_path / "s", keys={"met"}, dtype={"met": "i4"})

    def test_none_is_no_dtype(self, make_file: MakeFile, tmp_path: Path) -> None:
        convert(make_file(), tmp_path / "s", keys={"met"}, dtype={"met": None})
        assert read_vector(tmp_path / "s", "met").dtype == np.float32

    @pytest.mark.parametrize("name", ["m*", "m"])
    def test_a_dtype_names_keys_and_no_pattern_of_them(
        self, name: str, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(OptionError, match=r"dtype names .*, which is no key"):
            convert(make_file(), tmp_path / "s", keys={"m*"}, dtype={name: "f8"})

    @pytest.mark.parametrize("dtype", ["nonsense", "U5", object, "M8[s]"])
    def test_a_dtype_of_no_numbers_is_refused(
        self, dtype: Any, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(OptionError, match=r"dtype\['met'\] is a dtype of numbers"):
            convert(make_file(), tmp_path / "s", keys={"met"}, dtype={"met": dtype})

    def test_a_dtype_of_a_key_that_is_not_asked_for_is_refused(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(OptionError, match="names 'mett', which is no key; nearest: 'met'"):
            convert(make_file(), tmp_path / "s", keys={"met"}, dtype={"mett": "f2"})

    def test_another_dtype_is_made_from_the_store_where_that_has_more(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys={"met"})
        done = convert(file, tmp_path / "s", keys={"met"}, dtype={"met": "f2"})
        assert done.was_cached
        assert read_vector(tmp_path / "s", "met").dtype == np.float16

    def test_going_back_reads_the_file_again(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys={"met"}, dtype={"met": "f2"})
        done = convert(file, tmp_path / "s", keys={"met"})
        assert done.read == {str(file): ("met",)}

    def test_padding_is_of_the_dtype_that_is_stored(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        convert(
            make_file(),
            tmp_path / "s",
            keys=(),
            keys_padded={"jet_pt": (2, float("nan"))},
            dtype={"jet_pt": "f2"},
        )
        assert read_vector(tmp_path / "s", "jet_pt").dtype == np.float16


class TestRanges:
    def test_a_part_of_a_tree_can_be_taken(self, make_file: MakeFile, tmp_path: Path) -> None:
        config = RFileConfig(make_file(), entry_start=3, entry_stop=7)
        done = convert(config, tmp_path / "s", keys={"eventNumber", "jet_pt"})
        assert done.num_entries == 4
        numbers = read_vector(tmp_path / "s", "eventNumber") - np.uint64(1 << 60)
        assert numbers.tolist() == [3, 4, 5, 6]
        assert ReadJagged(tmp_path / "s", "jet_pt").counts.tolist() == [3, 0, 1, 2]

    def test_a_tree_may_be_shorter(self, make_file: MakeFile, tmp_path: Path) -> None:
        config = RFileConfig(make_file(), entry_start=8, entry_stop=1000)
        assert convert(config, tmp_path / "s", keys={"met"}).num_entries == 2

    def test_it_must_have_the_first_entry(self, make_file: MakeFile, tmp_path: Path) -> None:
        with pytest.raises(OptionError, match="has 10 entries, entry_start is 11"):
            convert(RFileConfig(make_file(), entry_start=11), tmp_path / "s", keys={"met"})

    @pytest.mark.parametrize("entries", [(-1, 2), (3, 2), (0, 2.5), (None, 3)])
    def test_entries_that_make_no_sense_are_refused(self, entries: Any) -> None:
        with pytest.raises(OptionError, match="entry_start and entry_stop are entries"):
            RFileConfig("a.root", entry_start=entries[0], entry_stop=entries[1])

    def test_two_parts_of_a_tree_are_two_sources(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file()
        parts = [RFileConfig(file, entry_stop=4), RFileConfig(file, entry_start=4)]
        convert(parts, tmp_path / "s", keys={"met"})
        assert read_vector(tmp_path / "s", "met").tolist() == [n / 8 for n in range(10)]

    def test_parts_that_overlap_are_refused(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file()
        parts = [RFileConfig(file, entry_stop=5), RFileConfig(file, entry_start=4)]
        with pytest.raises(OptionError, match="would count twice"):
            convert(parts, tmp_path / "s", keys={"met"})

    def test_an_event_keeps_its_split_when_a_part_is_taken(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=200)
        in_train = {}
        for name, config in {
            "all": RFileConfig(file),
            "part": RFileConfig(file, entry_start=50, entry_stop=150),
        }.items():
            loader = load_root(config, tmp_path / name, keys={"eventNumber"}, split="train")
            in_train[name] = {n for batch in loader for n in batch["eventNumber"].tolist()}
        part = {n + (1 << 60) for n in range(50, 150)}
        assert in_train["part"] == in_train["all"] & part

    def test_a_longer_part_is_another_source(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file()
        convert(RFileConfig(file, entry_stop=4), tmp_path / "s", keys={"met"})
        done = convert(RFileConfig(file), tmp_path / "s", keys={"met"})
        assert done.num_entries == 10
        assert len(read_vector(tmp_path / "s", "met")) == 10


def test_a_column_says_which_memmpy_read_it(make_file: MakeFile, tmp_path: Path) -> None:
    convert(make_file(), tmp_path / "s", keys={"met"})
    origin = read_metadata(tmp_path / "s").columns["met"].origin
    assert origin is not None
    assert origin.made_by == (memmpy.__version__,)


def test_a_plan_writes_nothing(make_file: MakeFile, tmp_path: Path) -> None:
    plan = plan_conversion(make_file(), tmp_path / "s", keys={"met"})
    assert [(column.key, column.reason) for column in plan.columns] == [("met", "new")]
    assert not (tmp_path / "s").exists()


def test_a_leaf_counted_and_a_vector_branch_give_the_same(tmp_path: Path) -> None:
    lists = ak.Array([[1.5, 2.5], [], [3.5]] * 100)
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("t", {"x": "var * float64"}).extend({"x": lists})
        file.mkrntuple("n", {"x": lists})
    convert(RFileConfig(tmp_path / "a.root", "t"), tmp_path / "t", keys={"x"})
    convert(RFileConfig(tmp_path / "a.root", "n"), tmp_path / "n", keys={"x"})
    first, second = ReadJagged(tmp_path / "t", "x"), ReadJagged(tmp_path / "n", "x")
    assert first.to_awkward().tolist() == second.to_awkward().tolist() == lists.tolist()
