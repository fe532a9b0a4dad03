"""Tests of conversion with files that the tests write."""

import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import memmpy
from memmpy import (
    ReadJagged,
    RFileConfig,
    Work,
    WriteVector,
    convert,
    load_root,
    read_vector,
    verify,
)
from memmpy.conversion import Conversion
from memmpy.errors import (
    ColumnError,
    CutError,
    InputFileError,
    MemmpyError,
    MissingKeyError,
    OptionError,
    RootFileError,
    SchemaError,
)
from memmpy.store import METADATA, hash64, read_metadata
from tests.conftest import CLIPS
from tests.documents import fields_of
from tests.forking import ForkServer

pytestmark = CLIPS

MakeFile = Callable[..., Path]
FLAT = {"nJets", "eventNumber", "weight", "isGood"}


def load_memmaps(path: Path) -> dict[str, Any]:
    """Return all columns, of whatever kind they are."""
    return dict(memmpy.load_memmaps(path))


def branches_read(conversion: Conversion) -> dict[str, set[str]]:
    return {Path(path).name: set(branches) for path, branches in conversion.read.items()}


class TestValues:
    def test_scalars_keep_dtype_and_bits(self, make_file: MakeFile, tmp_path: Path) -> None:
        convert(make_file(num=50), tmp_path / "s", keys=FLAT)
        columns = load_memmaps(tmp_path / "s")
        assert columns["nJets"].dtype == np.int32
        assert columns["isGood"].dtype == np.bool_
        assert columns["eventNumber"].dtype == np.uint64
        assert np.array_equal(columns["eventNumber"], np.arange(50, dtype=np.uint64) + (1 << 60))

    @pytest.mark.parametrize(
        "dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "?"]
    )
    def test_every_number_type_is_bit_exact(
        self, dtype: str, make_file: MakeFile, tmp_path: Path
    ) -> None:
        rng = np.random.default_rng(0)
        values = rng.integers(0, 256, (40, 8), np.uint8)
        expected = (
            values[:, 0] > 99
            if dtype == "?"
            else np.ascontiguousarray(values[:, : np.dtype(dtype).itemsize]).view(dtype).ravel()
        )
        convert(make_file(num=40, extra=expected), tmp_path / "s", keys={"extra"})
        stored = read_vector(tmp_path / "s", "extra")
        assert stored.dtype == np.dtype(dtype)
        assert stored.tobytes() == expected.tobytes()

    def test_fixed_arrays_become_vectors_of_their_shape(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        matrix = np.arange(60, dtype=np.int16).reshape(10, 2, 3)
        convert(make_file(extra=matrix), tmp_path / "s", keys={"extra"})
        assert np.array_equal(read_vector(tmp_path / "s", "extra"), matrix)

    def test_lists_become_jagged(self, make_file: MakeFile, tmp_path: Path) -> None:
        convert(make_file(num=6), tmp_path / "s", keys={"jet_pt"})
        column = load_memmaps(tmp_path / "s")["jet_pt"]
        assert [values.tolist() for values in column] == [
            [],
            [1.25],
            [2.25] * 2,
            [3.25] * 3,
            [],
            [5.25],
        ]

    @pytest.mark.parametrize("step_bytes", [1, 100, 1000, 1 << 26])
    def test_the_step_does_not_change_the_result(
        self, step_bytes: int, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=100)
        convert(file, tmp_path / "s", keys=FLAT | {"jet_pt"}, work=Work(step_bytes=step_bytes))
        columns = load_memmaps(tmp_path / "s")
        tree = uproot.open(file)["tree"]
        assert columns["jet_pt"].to_awkward().to_list() == tree["jet_pt"].array().to_list()
        assert np.array_equal(columns["weight"], tree["weight"].array(library="np"))

    def test_an_rntuple_is_read_as_a_tree_is(self, tmp_path: Path) -> None:
        pt = ak.Array([[1.5, 2.5], [], [3.5]] * 20)
        nested = ak.Array([[[1], [2, 3]], [], [[]]] * 20)
        events = {"n": np.arange(60), "pt": pt, "nested": nested, "name": ["a", "bc", ""] * 20}
        with uproot.recreate(tmp_path / "n.root") as file:
            written = file.mkrntuple("events", ak.Array(events))
            written.extend(ak.Array(events))
        convert(tmp_path / "n.root", tmp_path / "s", keys=set(events), work=Work(step_bytes=100))
        columns = load_memmaps(tmp_path / "s")
        assert len(columns["n"]) == 120
        assert columns["pt"].to_awkward().to_list() == pt.to_list() * 2
        assert columns["nested"].to_awkward().to_list() == nested.to_list() * 2
        assert columns["name"][1:3].tolist() == ["bc", ""]

    def test_a_part_of_a_field_of_an_rntuple_is_a_column(self, tmp_path: Path) -> None:
        counts = np.arange(60) % 3
        pt = ak.unflatten(np.arange(60, dtype=np.float32) / 4, counts)
        events = ak.Array({"jets": ak.zip({"pt": pt, "id": pt + 1}), "n": np.arange(60)})
        with uproot.recreate(tmp_path / "n.root") as file:
            file.mkrntuple("events", events.layout.form).extend(events)
        convert(
            tmp_path / "n.root",
            tmp_path / "s",
            keys={"jets.pt", "total"},
            aliases={"total": "sum(jets.id) + n"},
            work=Work(step_bytes=100),
        )
        columns = load_memmaps(tmp_path / "s")
        assert columns["jets.pt"].to_awkward().to_list() == pt.to_list()
        assert columns["total"].tolist() == (ak.sum(events.jets.id, axis=1) + events.n).to_list()
        convert(tmp_path / "n.root", tmp_path / "all", keys={"*"})
        assert set(load_memmaps(tmp_path / "all")) == {"jets", "n"}

    def test_a_tree_in_a_directory_is_found(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file(tree="dir/sub/tree")
        for name in ("dir/sub/tree", "/dir/sub/tree", "dir/sub/tree;1", None):
            found = convert(RFileConfig(file, name), tmp_path / f"s{name!s:.3}", keys={"nJets"})
            assert found.num_entries == 10

    def test_files_follow_each_other_in_their_order(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        files = [make_file("b.root", 3, first=100), make_file("a.root", 2, first=0)]
        convert(files, tmp_path / "s", keys={"weight", "jet_pt"})
        weight = read_vector(tmp_path / "s", "weight")
        assert (weight / 1.5).tolist() == [100, 101, 102, 0, 1]

    def test_metadata_becomes_hashes_and_a_table(self, make_file: MakeFile, tmp_path: Path) -> None:
        files = [
            RFileConfig(make_file("a.root", 2), "tree", {"process": "ttH"}),
            RFileConfig(make_file("b.root", 3), "tree", {"process": "ttbb"}),
        ]
        convert(files, tmp_path / "s", keys={"nJets"})
        table = read_metadata(tmp_path / "s").hashes
        stored = read_vector(tmp_path / "s", "process")
        assert stored.dtype == np.uint64
        assert [table[int(number)] for number in stored] == ["ttH"] * 2 + ["ttbb"] * 3
        assert int(stored[0]) == hash64("ttH")

    def test_metadata_may_be_a_file_name_that_is_no_text(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        name = os.fsdecode(b"caf\xe9")
        convert(RFileConfig(make_file(), None, {"from": name}), tmp_path / "s", keys={"nJets"})
        assert list(memmpy.open(tmp_path / "s").texts.values()) == [name]

    def test_an_empty_tree_gives_empty_columns(self, make_file: MakeFile, tmp_path: Path) -> None:
        convert(make_file(num=0), tmp_path / "s", keys={"nJets", "jet_pt"})
        columns = load_memmaps(tmp_path / "s")
        assert len(columns["nJets"]) == len(columns["jet_pt"]) == 0
        assert columns["jet_pt"].dtype == np.float32

    def test_an_empty_file_among_others_does_not_matter(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        files = [make_file("a.root", 2), make_file("b.root", 0), make_file("c.root", 3)]
        assert convert(files, tmp_path / "s", keys={"nJets", "jet_pt"}).num_entries == 5

    def test_every_file_of_a_new_store_has_the_checksum_of_its_values(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        convert(make_file(num=100), tmp_path / "s", keys=FLAT | {"jet_pt"})
        assert verify(tmp_path / "s") == []

    def test_infinities_and_nan_survive(self, make_file: MakeFile, tmp_path: Path) -> None:
        values = np.array([np.nan, np.inf, -np.inf, -0.0] * 5)
        convert(make_file(num=20, extra=values), tmp_path / "s", keys={"extra"})
        assert read_vector(tmp_path / "s", "extra").tobytes() == values.tobytes()


class TestPadding:
    def test_padding_fills_and_cuts(self, make_file: MakeFile, tmp_path: Path) -> None:
        convert(make_file(num=4), tmp_path / "s", keys=(), keys_padded={"jet_pt": (2, -1)})
        padded = read_vector(tmp_path / "s", "jet_pt")
        assert padded.dtype == np.float32
        assert padded.tolist() == [[-1, -1], [1.25, -1], [2.25, 2.25], [3.25, 3.25]]

    def test_nan_keeps_float32(self, make_file: MakeFile, tmp_path: Path) -> None:
        convert(make_file(), tmp_path / "s", keys=(), keys_padded={"jet_pt": (22, float("nan"))})
        assert read_vector(tmp_path / "s", "jet_pt").dtype == np.float32

    def test_another_fill_value_rebuilds_the_column(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=1)
        for fill in (-1, 0):
            convert(file, tmp_path / "s", keys=(), keys_padded={"jet_pt": (2, fill)})
            assert read_vector(tmp_path / "s", "jet_pt").tolist() == [[fill, fill]]

    def test_fixed_arrays_can_be_padded(self, make_file: MakeFile, tmp_path: Path) -> None:
        matrix = np.arange(20, dtype=np.int16).reshape(10, 2)
        convert(make_file(extra=matrix), tmp_path / "s", keys=(), keys_padded={"extra": (3, 7)})
        assert read_vector(tmp_path / "s", "extra")[0].tolist() == [0, 1, 7]

    def test_nan_among_integers_is_refused(self, make_file: MakeFile, tmp_path: Path) -> None:
        lists = ak.Array([[1], [2, 3]] * 5)
        file = make_file(extra=lists)
        with pytest.raises(OptionError, match="cannot pad 'extra': cannot fill with nan among"):
            convert(file, tmp_path / "s", keys=(), keys_padded={"extra": (3, float("nan"))})

    def test_entries_do_not_grow_past_all_memory(self, make_file: MakeFile, tmp_path: Path) -> None:
        with pytest.raises(OptionError, match="an entry would have 4,000,000,000 bytes"):
            convert(make_file(), tmp_path / "s", keys=(), keys_padded={"jet_pt": (10**9, 0)})

    def test_a_scalar_cannot_be_padded(self, make_file: MakeFile, tmp_path: Path) -> None:
        with pytest.raises(OptionError, match="cannot pad 'nJets': its entries are int32"):
            convert(make_file(), tmp_path / "s", keys=(), keys_padded={"nJets": (3, 0)})

    @pytest.mark.parametrize("given", [3, (3,), ("a", 0), (-1, 0), (2.5, 0), None])
    def test_a_length_that_makes_no_sense_is_refused(
        self, given: Any, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(OptionError, match="keys_padded takes"):
            convert(make_file(), tmp_path / "s", keys=(), keys_padded={"jet_pt": given})


class TestAliases:
    def test_an_alias_renames_a_branch(self, make_file: MakeFile, tmp_path: Path) -> None:
        convert(make_file(), tmp_path / "s", keys={"n"}, aliases={"n": "nJets"})
        assert read_vector(tmp_path / "s", "n").dtype == np.int32

    def test_an_alias_is_computed(self, make_file: MakeFile, tmp_path: Path) -> None:
        aliases = {"heavy": "weight > 2 * unit", "unit": "1.5"}
        convert(make_file(num=5), tmp_path / "s", keys={"heavy"}, aliases=aliases)
        assert read_vector(tmp_path / "s", "heavy").tolist() == [False, False, False, True, True]

    def test_a_computed_list_stays_jagged_and_can_be_padded(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        aliases = {"pt_gev": "jet_pt * 0.001", "padded": "jet_pt + met"}
        file = make_file(num=5)
        convert(
            file, tmp_path / "s", keys={"pt_gev"}, keys_padded={"padded": (1, 0)}, aliases=aliases
        )
        columns = load_memmaps(tmp_path / "s")
        assert columns["pt_gev"].counts.tolist() == [0, 1, 2, 3, 0]
        assert columns["padded"][:, 0].tolist() == [0, 1.375, 2.5, 3.625, 0]

    def test_another_expression_rebuilds_the_column(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=3)
        for factor in (2, 3):
            convert(file, tmp_path / "s", keys={"x"}, aliases={"x": f"weight * {factor}"})
            assert read_vector(tmp_path / "s", "x").tolist() == [0, 1.5 * factor, 3 * factor]

    def test_another_spelling_does_not(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys={"x"}, aliases={"x": "isGood and nJets>1"})
        again = convert(file, tmp_path / "s", keys={"x"}, aliases={"x": "(isGood) && nJets > 1"})
        assert again.was_cached

    def test_an_alias_of_an_empty_tree_has_its_dtype(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=0)
        convert(file, tmp_path / "s", keys={"x"}, aliases={"x": "weight * 2"})
        assert read_vector(tmp_path / "s", "x").dtype == np.float64

    def test_a_circle_of_names_is_refused(self, make_file: MakeFile, tmp_path: Path) -> None:
        with pytest.raises(OptionError, match="the alias 'a' refers to itself"):
            convert(make_file(), tmp_path / "s", keys={"a"}, aliases={"a": "b", "b": "a"})

    def test_calls_may_share_aliases(self, make_file: MakeFile, tmp_path: Path) -> None:
        aliases = {"hard": "met > 3", "soft": "met < 1"}
        convert(make_file(), tmp_path / "s", keys={"hard"}, aliases=aliases)
        assert [*memmpy.open(tmp_path / "s")] == ["hard"]

    def test_a_constant_alias_is_refused(self, make_file: MakeFile, tmp_path: Path) -> None:
        with pytest.raises(OptionError, match="the alias 'a' is a constant"):
            convert(make_file(), tmp_path / "s", keys={"a"}, aliases={"a": "3"})

    def test_a_broken_alias_shows_the_place(self, make_file: MakeFile, tmp_path: Path) -> None:
        with pytest.raises(CutError, match=r"\^"):
            convert(make_file(), tmp_path / "s", keys={"a"}, aliases={"a": "nJets +* 2"})

    def test_an_alias_cannot_compute_with_text(self, tmp_path: Path) -> None:
        with uproot.recreate(tmp_path / "t.root") as file:
            file.mkrntuple("tree", ak.Array({"name": ["a", "b"]}))
        with pytest.raises(OptionError, match="cannot compute with 'name': it is text"):
            convert(tmp_path / "t.root", tmp_path / "s", keys={"a"}, aliases={"a": "name * 2"})


class TestIncremental:
    def test_a_second_run_reads_nothing(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file()
        assert not convert(file, tmp_path / "s", keys=FLAT).was_cached
        assert convert(file, tmp_path / "s", keys=FLAT).was_cached

    def test_fewer_keys_read_nothing_and_lose_nothing(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys=FLAT)
        assert convert(file, tmp_path / "s", keys={"nJets"}).was_cached
        assert load_memmaps(tmp_path / "s").keys() == FLAT

    def test_one_more_key_reads_its_branch_alone(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys=FLAT)
        read = convert(file, tmp_path / "s", keys=FLAT | {"jet_pt"})
        assert branches_read(read) == {"events.root": {"jet_pt"}}

    def test_a_store_of_format_1_is_added_to(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys={"met"})
        metadata = tmp_path / "s" / METADATA
        document = fields_of(metadata.read_bytes())
        document["format_version"] = 1
        del document["matches"]
        del document["columns"]["met"]["origin"]["made_by"]
        for name in ("tree_start", "tree_entries", "tag", "matches"):
            del document["sources"][0][name]
        metadata.write_text(json.dumps(document))
        done = convert(file, tmp_path / "s", keys={"met", "nJets"})
        assert done.read == {str(file): ("nJets",)}

    def test_an_added_file_is_read_alone(self, make_file: MakeFile, tmp_path: Path) -> None:
        files = [make_file("a.root", 4), make_file("b.root", 5, first=4)]
        keys = {"weight", "jet_pt"}
        convert(files[:1], tmp_path / "s", keys=keys)
        read = convert(files, tmp_path / "s", keys=keys)
        assert branches_read(read) == {"b.root": keys}
        assert (read_vector(tmp_path / "s", "weight") / 1.5).tolist() == list(range(9))
        assert load_memmaps(tmp_path / "s")["jet_pt"].counts.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0]

    def test_a_changed_file_is_read_alone(self, make_file: MakeFile, tmp_path: Path) -> None:
        files = [make_file("a.root", 4), make_file("b.root", 3), make_file("c.root", 2, first=50)]
        convert(files, tmp_path / "s", keys={"weight", "jet_pt"})
        make_file("b.root", 1, first=20)
        read = convert(files, tmp_path / "s", keys={"weight", "jet_pt"})
        assert branches_read(read) == {"b.root": {"weight", "jet_pt"}}
        numbers = (read_vector(tmp_path / "s", "weight") / 1.5).tolist()
        assert numbers == [0, 1, 2, 3, 20, 50, 51]

    def test_a_removed_file_reads_nothing(self, make_file: MakeFile, tmp_path: Path) -> None:
        files = [make_file("a.root", 2), make_file("b.root", 2, first=2)]
        convert(files, tmp_path / "s", keys={"weight"})
        assert convert(files[1:], tmp_path / "s", keys={"weight"}).was_cached
        assert (read_vector(tmp_path / "s", "weight") / 1.5).tolist() == [2, 3]

    def test_text_and_nested_columns_grow_too(self, tmp_path: Path) -> None:
        files = []
        for i in range(2):
            files.append(tmp_path / f"{i}.root")
            with uproot.recreate(files[-1]) as file:
                events = {"name": [f"n{i}", ""], "nested": [[[i], []], []]}
                file.mkrntuple("tree", ak.Array(events))
        keys = {"name", "nested"}
        convert(files[:1], tmp_path / "s", keys=keys)
        assert branches_read(convert(files, tmp_path / "s", keys=keys)) == {"1.root": keys}
        columns = load_memmaps(tmp_path / "s")
        assert list(columns["name"]) == ["n0", "", "n1", ""]
        assert columns["nested"].to_awkward().to_list() == [[[0], []], [], [[1], []], []]

    def test_another_process_name_reads_nothing(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file(num=2)
        for process in ("ttH", "ttbb"):
            read = convert(
                RFileConfig(file, "tree", {"process": process}), tmp_path / "s", keys={"nJets"}
            )
            table = read_metadata(tmp_path / "s").hashes
            assert table[int(read_vector(tmp_path / "s", "process")[0])] == process
        assert read.was_cached

    def test_a_moved_file_reads_nothing(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys=FLAT)
        moved = file.rename(tmp_path / "moved.root")
        assert convert(moved, tmp_path / "s", keys=FLAT).was_cached
        assert read_metadata(tmp_path / "s").sources[0].path == str(moved)

    def test_a_column_of_other_files_is_stale_until_it_is_asked_for(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        files = [make_file("a.root", 2), make_file("b.root", 3)]
        convert(files[:1], tmp_path / "s", keys={"nJets", "weight"})
        convert(files, tmp_path / "s", keys={"nJets"})
        assert load_memmaps(tmp_path / "s").keys() == {"nJets"}
        with pytest.raises(ColumnError, match=r"column 'weight' of .* is stale"):
            read_vector(tmp_path / "s", "weight")
        read = convert(files, tmp_path / "s", keys={"nJets", "weight"})
        assert branches_read(read) == {"b.root": {"weight"}}

    def test_going_back_to_other_files_makes_their_columns_current(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        a, b = make_file("a.root", 2), make_file("b.root", 3)
        convert(a, tmp_path / "s", keys={"weight"})
        convert(b, tmp_path / "s", keys={"nJets"})
        assert convert(a, tmp_path / "s", keys={"weight"}).was_cached
        assert load_memmaps(tmp_path / "s").keys() == {"weight"}

    def test_columns_of_the_user_stay(self, make_file: MakeFile, tmp_path: Path) -> None:
        with WriteVector(tmp_path / "s", "score") as column:
            column.extend(np.arange(10.0))
        convert(make_file(), tmp_path / "s", keys={"nJets"})
        assert load_memmaps(tmp_path / "s").keys() == {"score", "nJets"}

    def test_a_branch_of_two_trees_of_a_file_is_named_once(self, tmp_path: Path) -> None:
        with uproot.recreate(tmp_path / "two.root") as file:
            for name in ("one", "two"):
                file.mktree(name, {"x": np.int64}).extend({"x": np.arange(3)})
        configs = [RFileConfig(tmp_path / "two.root", name) for name in ("one", "two")]
        done = convert(configs, tmp_path / "s", keys={"x"})
        assert done.read == {str(tmp_path / "two.root"): ("x",)}

    def test_recreate_asks_the_files_again_who_they_are(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file()
        before = convert(file, tmp_path / "s", keys=FLAT)
        status = file.stat()
        make_file()
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        after = convert(file, tmp_path / "s", keys=FLAT, recreate=True)
        with uproot.open(file) as opened:
            assert after.sources[0].uuid == opened.file.uuid.hex
        assert after.sources[0].uuid != before.sources[0].uuid

    def test_a_conversion_knows_whether_the_store_still_holds_it(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        a, b = make_file("a.root"), make_file("b.root", first=100)
        padded: dict[str, Any] = {"keys_padded": {"jet_pt": (2, 0)}}
        done = convert(a, tmp_path / "s", keys={"weight"}, **padded)
        assert done.is_in(read_metadata(tmp_path / "s"))
        convert(a, tmp_path / "s", keys={"nJets"})
        assert done.is_in(read_metadata(tmp_path / "s"))
        convert(a, tmp_path / "s", keys=(), keys_padded={"jet_pt": (3, 0)})
        assert not done.is_in(read_metadata(tmp_path / "s"))
        convert(a, tmp_path / "s", keys={"weight"}, **padded)
        convert(b, tmp_path / "s", keys={"nJets"})
        assert not done.is_in(read_metadata(tmp_path / "s"))

    def test_recreate_reads_everything(self, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys=FLAT)
        read = convert(file, tmp_path / "s", keys=FLAT, recreate=True)
        assert branches_read(read) == {"events.root": FLAT}

    def test_who_reads_the_old_columns_keeps_them(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        convert(make_file(num=3), tmp_path / "s", keys={"weight"})
        old = read_vector(tmp_path / "s", "weight")
        convert(make_file(num=5, first=7), tmp_path / "s", keys={"weight"})
        assert (old / 1.5).tolist() == [0, 1, 2]

    def test_a_full_cache_serves_a_store_that_cannot_be_written(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file()
        convert(file, tmp_path / "s", keys=FLAT)
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "s").iterdir()}
        convert(file, tmp_path / "s", keys=FLAT)
        assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "s").iterdir()}


class TestErrors:
    def test_a_missing_branch_names_the_nearest(self, make_file: MakeFile, tmp_path: Path) -> None:
        with pytest.raises(MissingKeyError, match=r"no branch 'njets' in .*nearest: 'nJets'"):
            convert(make_file(), tmp_path / "s", keys={"njets"})

    def test_a_missing_tree_names_those_that_are_there(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(RootFileError, match=r"no tree 'tre' in .*: its only tree is 'tree'$"):
            convert(RFileConfig(make_file(), "tre"), tmp_path / "s", keys={"nJets"})

    def test_two_trees_must_be_told_apart(self, tmp_path: Path) -> None:
        with uproot.recreate(tmp_path / "two.root") as file:
            for name in ("one", "two"):
                file.mktree(name, {"x": np.int64}).extend({"x": np.arange(3)})
        with pytest.raises(RootFileError, match=r"has 2 trees \('one', 'two'\); give one"):
            convert(tmp_path / "two.root", tmp_path / "s", keys={"x"})

    def test_a_file_that_is_no_root_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "x.root").write_text("hello, this is text")
        with pytest.raises(
            InputFileError,
            match=r"x\.root' is not a ROOT, Parquet or HDF5 file: it begins with b'hell'",
        ):
            convert(tmp_path / "x.root", tmp_path / "s", keys={"x"})

    def test_an_empty_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "x.root").write_bytes(b"")
        with pytest.raises(
            InputFileError,
            match=r"x\.root' is not a ROOT, Parquet or HDF5 file: it is empty",
        ):
            convert(tmp_path / "x.root", tmp_path / "s", keys={"x"})

    @pytest.mark.slow
    def test_a_damaged_rntuple_gives_no_error_but_ours(self, tmp_path: Path) -> None:
        events = ak.Array({"n": np.arange(500), "pt": [[1.5, 2.5], []] * 250})
        with uproot.recreate(tmp_path / "n.root") as file:
            file.mkrntuple("events", events)
        whole = (tmp_path / "n.root").read_bytes()
        rng = np.random.default_rng(0)
        for place in rng.integers(100, len(whole), 60):
            damaged = bytearray(whole)
            damaged[place] ^= 0x5A
            (tmp_path / "d.root").write_bytes(damaged)
            with suppress(MemmpyError):
                convert(tmp_path / "d.root", tmp_path / "s", keys={"n", "pt"}, recreate=True)

    @pytest.mark.parametrize(
        "options",
        [
            {"keys": None},
            {"keys": 5},
            {"keys_padded": ["jet_pt"]},
            {"keys_padded": {"jet_pt": (float("inf"), 0)}},
            {"keys_padded": {"jet_pt": (2**70, 0)}},
            {"aliases": ["x"]},
        ],
        ids=str,
    )
    def test_arguments_of_a_wrong_type_are_refused(
        self, options: dict[str, Any], make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(OptionError):
            convert(make_file(), tmp_path / "s", **{"keys": {"nJets"}, **options})

    @pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
    def test_a_truncated_file_is_an_error_and_leaves_the_store(
        self, share: float, make_file: MakeFile, tmp_path: Path
    ) -> None:
        convert(make_file("good.root"), tmp_path / "s", keys={"nJets"})
        file = make_file(num=5000)
        os.truncate(file, int(file.stat().st_size * share))
        with pytest.raises(InputFileError, match=r"events\.root"):
            convert(file, tmp_path / "s", keys=FLAT | {"jet_pt"})
        assert len(read_vector(tmp_path / "s", "nJets")) == 10
        assert verify(tmp_path / "s") == []

    def test_a_branch_of_another_dtype_in_another_file_is_refused(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        a = make_file("a.root", extra=np.zeros(10, np.float32))
        b = make_file("b.root", extra=np.zeros(10, np.float64))
        message = r"'extra' is float32 in .*a\.root' and float64 in .*b\.root'"
        with pytest.raises(SchemaError, match=message):
            convert([a, b], tmp_path / "s", keys={"extra"})

    def test_so_it_is_where_the_first_file_is_in_the_store_already(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        a = make_file("a.root", extra=np.zeros(10, np.float32))
        b = make_file("b.root", extra=ak.Array([[1.0]] * 10))
        convert(a, tmp_path / "s", keys={"extra"})
        with pytest.raises(SchemaError, match="'extra' is float32 in the store and var"):
            convert([a, b], tmp_path / "s", keys={"extra"})

    def test_a_key_in_both_sets_is_refused(self, make_file: MakeFile, tmp_path: Path) -> None:
        with pytest.raises(OptionError, match="'jet_pt' is in keys and in keys_padded"):
            convert(make_file(), tmp_path / "s", keys={"jet_pt"}, keys_padded={"jet_pt": (2, 0)})

    def test_it_may_be_taken_twice_as_the_message_says(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        keys, aliases = {"jet_pt"}, {"jet_pt_padded": "jet_pt"}
        with pytest.raises(OptionError) as caught:
            convert(make_file(), tmp_path / "s", keys=keys, keys_padded={"jet_pt": (2, 0)})
        way_out = "keys_padded={'jet_pt_padded': ...}, aliases={'jet_pt_padded': 'jet_pt'}"
        assert str(caught.value).endswith(f"a second time under another name: {way_out}")
        padded = {"jet_pt_padded": (2, 0)}
        convert(make_file(), tmp_path / "s", keys=keys, keys_padded=padded, aliases=aliases)
        once, twice = (
            ReadJagged(tmp_path / "s", "jet_pt"),
            read_vector(tmp_path / "s", "jet_pt_padded"),
        )
        assert twice.tolist() == once[:].pad(2, 0).tolist()

    def test_a_key_of_the_metadata_is_refused(self, make_file: MakeFile, tmp_path: Path) -> None:
        config = RFileConfig(make_file(), "tree", {"nJets": "6"})
        message = "'nJets' is both a key and a name of the metadata; .* leave 'nJets' out of keys"
        with pytest.raises(OptionError, match=message):
            convert(config, tmp_path / "s", keys={"nJets"})

    def test_a_text_for_keys_is_refused(self, make_file: MakeFile, tmp_path: Path) -> None:
        with pytest.raises(OptionError, match=r"got the text 'nJets'; write \{'nJets'\}"):
            convert(make_file(), tmp_path / "s", keys="nJets")

    def test_a_key_given_twice_is_one_key(self, make_file: MakeFile, tmp_path: Path) -> None:
        convert(make_file(), tmp_path / "s", keys=["met", "met"])
        assert len(read_vector(tmp_path / "s", "met")) == 10

    def test_an_alias_of_the_name_of_metadata_is_refused(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        config = RFileConfig(make_file(), "tree", {"process": "ttH"})
        with pytest.raises(OptionError, match="'process' is both an alias and a name of the"):
            convert(config, tmp_path / "s", keys={"met"}, aliases={"process": "met"})

    def test_no_keys_at_all_are_refused(self, make_file: MakeFile, tmp_path: Path) -> None:
        with pytest.raises(OptionError, match="no keys were given"):
            convert(make_file(), tmp_path / "s", keys=())

    @pytest.mark.parametrize("key", ["", "_index", 3])
    def test_a_key_that_cannot_be_one_is_refused(
        self, key: Any, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(OptionError, match=r"a key is a text other than|keys are texts, got"):
            convert(make_file(), tmp_path / "s", keys={key})

    def test_an_alias_that_is_no_text_is_refused(self, make_file: MakeFile, tmp_path: Path) -> None:
        aliases: Any = {"a": 3}
        with pytest.raises(OptionError, match="the alias 'a' is the name of a branch or an"):
            convert(make_file(), tmp_path / "s", keys={"a"}, aliases=aliases)

    def test_a_conversion_that_fails_at_once_makes_no_store(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(MissingKeyError):
            convert(make_file(), tmp_path / "s", keys={"missing"})
        assert not (tmp_path / "s").exists()

    def test_a_failed_conversion_leaves_no_files(self, make_file: MakeFile, tmp_path: Path) -> None:
        convert(make_file(), tmp_path / "s", keys={"nJets"})
        before = sorted(path.name for path in (tmp_path / "s").iterdir())
        with pytest.raises(MissingKeyError):
            convert(make_file(), tmp_path / "s", keys={"nJets", "weight", "missing"})
        assert sorted(path.name for path in (tmp_path / "s").iterdir()) == before


KILLED = """
import sys
from memmpy import Work, convert
keys = {"weight", "eventNumber", "jet_pt"}
convert(sys.argv[1], sys.argv[2], keys=keys, work=Work(step_bytes=4000))
"""


@pytest.mark.slow
def test_a_killed_conversion_leaves_the_old_store_and_the_next_one_finishes(
    make_file: MakeFile, tmp_path: Path, fork_server: ForkServer
) -> None:
    store = tmp_path / "s"
    convert(make_file("old.root"), store, keys={"nJets"})
    file = make_file(num=20_000)
    start = time.perf_counter()
    fork_server.run(KILLED, file, tmp_path / "whole")
    whole = time.perf_counter() - start
    for share in np.linspace(0.1, 0.95, 8):
        process = fork_server.start(KILLED, file, store)
        process.poll(whole * share)
        process.kill()
        process.communicate()
        assert verify(store) == []
        assert len(load_memmaps(store)) in {1, 3}
    convert(file, store, keys={"weight", "eventNumber", "jet_pt"})
    names = {path.name for path in store.iterdir()} - {"lock", "metadata_memmpy.json"}
    columns = read_metadata(store).columns.values()
    assert names == {array.file for column in columns for array in column.arrays.values()}
    for key, column in load_memmaps(tmp_path / "whole").items():
        other = load_memmaps(store)[key]
        assert (
            ak.array_equal(ak.Array(column[:]), ak.Array(other[:]))
            if key != "jet_pt"
            else (column[:] == other[:])
        )


@pytest.mark.slow
def test_two_processes_at_once_share_the_work(
    make_file: MakeFile, tmp_path: Path, fork_server: ForkServer
) -> None:
    file = make_file(num=5000)
    processes = [fork_server.start(KILLED, file, tmp_path / "s") for _ in range(3)]
    assert [process.communicate() for process in processes] == [("", "")] * 3
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(load_memmaps(tmp_path / "s")["weight"]) == 5000
    assert verify(tmp_path / "s") == []


def test_the_store_can_be_moved(make_file: MakeFile, tmp_path: Path) -> None:
    convert(make_file(), tmp_path / "s", keys={"nJets"})
    shutil.move(tmp_path / "s", tmp_path / "elsewhere")
    assert len(read_vector(tmp_path / "elsewhere", "nJets")) == 10


def test_progress_is_silent_where_there_is_no_terminal(
    make_file: MakeFile, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    convert(make_file(), tmp_path / "s", keys={"nJets"})
    assert capfd.readouterr() == ("", "")


def test_progress_counts_entries_where_asked(
    make_file: MakeFile, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    convert(make_file(num=123), tmp_path / "s", keys={"nJets"}, progress=True)
    assert "123/123" in capfd.readouterr().err


LIMITED = """
import resource, sys
from memmpy import convert, load_root
from memmpy.errors import DiskError
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
for job in (convert, load_root):
    try:
        job(sys.argv[1], sys.argv[2], keys={"nJets", "eventNumber", "jet_pt"})
    except DiskError as error:
        print(error)
"""


@pytest.mark.slow
def test_a_full_disk_is_said_and_leaves_the_store(
    make_file: MakeFile, tmp_path: Path, fork_server: ForkServer
) -> None:
    convert(make_file("small.root"), tmp_path / "s", keys={"nJets"})
    before = sorted(path.name for path in (tmp_path / "s").iterdir())
    file = make_file(num=50_000)  # no file may grow past 64 kB
    said = fork_server.run(LIMITED, file, tmp_path / "s")
    assert said.count("cannot write column") == 2
    assert said.count("the store is unchanged") == 2
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == before
    assert len(read_vector(tmp_path / "s", "nJets")) == 10


AS_NOBODY = """
import os, sys
from memmpy import compute_cut_batched, convert, load_root
from memmpy.errors import ReadOnlyStoreError
file, store = sys.argv[1:]
for skim in (True, False):  # imports all while Python may be read
    list(load_root(file, store + "2", keys={"nJets", "weight"}, skim=skim))
compute_cut_batched(store, "nJets > 2")
os.setgid(65534)
os.setuid(65534)
for cut, skim in (("nJets > 0", True), ("nJets > 1", False)):
    loader = load_root(file, store, keys={"nJets"}, tcut=cut, skim=skim)
    print(sum(len(batch["nJets"]) for batch in loader))
try:
    convert(file, store, keys={"nJets", "weight"})
except ReadOnlyStoreError as error:
    print(error)
try:
    load_root(file, store, keys={"nJets"}, tcut="nJets > 1")
except ReadOnlyStoreError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes nobody")
def test_a_store_that_can_only_be_read_serves_what_it_has(
    make_file: MakeFile, folder_for_all: Path, fork_server: ForkServer
) -> None:
    file, store = make_file(str(folder_for_all / "events.root"), 100), folder_for_all / "s"
    load_root(file, store, keys={"nJets"}, tcut="nJets > 0")
    said = fork_server.run(AS_NOBODY, file, store)
    skimmed, served, refused, not_skimmed = said.splitlines()
    assert (skimmed, served) == ("75", "50")
    assert "cannot write" in refused
    assert "write to another path" in refused
    assert "cannot write" in not_skimmed
    assert "load_root(skim=False) makes no skim" in not_skimmed
