"""Tests of load_root: the main job, and the promises that hold across all of it."""

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

import memmpy
from memmpy import (
    Jagged,
    RFileConfig,
    Shuffle,
    SplitLoader,
    Splits,
    compute_cut_batched,
    load_root,
    read_vector,
)
from memmpy.errors import (
    CutError,
    LoaderWarning,
    MissingKeyError,
    OptionError,
    SplitError,
    SplitWarning,
)
from memmpy.store import hash64
from tests.conftest import CLIPS, EMPTIES

pytestmark = [CLIPS, EMPTIES]

MakeFile = Callable[..., Path]
Load = Callable[..., SplitLoader]
FRACTIONS = {"train": 0.5, "val": 0.3, "test": 0.2}
BY_FILE: dict[str, Any] = {"by": "file"}
BY_EVENT: dict[str, Any] = {"by": ("runNumber", "eventNumber")}

BY_FILE_OR_EVENT = pytest.mark.parametrize("named", [BY_FILE, BY_EVENT], ids=["file", "event"])


def config(file: Path, process: str = "ttH") -> RFileConfig:
    return RFileConfig(file, "tree", {"process": process})


def events_of(batches: Iterable[dict[str, Any]]) -> list[int]:
    """Return the event numbers of batches, in their order."""
    return [int(number) for batch in batches for number in batch["eventNumber"]]


@pytest.fixture(params=[True, False], ids=["skim", "columns"])
def load(request: pytest.FixtureRequest) -> Load:
    """Return `load_root` from a skim, and from columns."""
    return partial(load_root, skim=request.param)


def splits(
    load: Load, files: Any, path: Path, *, by: Any, seed: int = 0, **options: Any
) -> list[set[int]]:
    """Return the events of each split."""
    given = Splits(by, fractions=FRACTIONS, seed=seed)
    loaders = [
        load(files, path, keys={"eventNumber"}, split=i, splits=given, **options) for i in range(3)
    ]
    return [set(events_of(loader)) for loader in loaders]


class TestBatches:
    def test_a_batch_holds_keys_padded_keys_and_metadata(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        loader = load(
            config(make_file(num=100)),
            tmp_path / "s",
            keys={"nJets", "nBTags_77"},
            keys_padded={"jet_pt": (22, float("nan"))},
            batch_size=16,
        )
        batch = next(iter(loader))
        assert batch.keys() == {"nJets", "nBTags_77", "jet_pt", "jet_pt_mask", "process", "_index"}
        assert batch["jet_pt"].shape == (16, 22)
        assert batch["jet_pt"].dtype == np.float32
        assert batch["jet_pt_mask"].dtype == np.bool_
        is_real = np.arange(22) < (batch["_index"] % 4)[:, np.newaxis]
        assert np.array_equal(batch["jet_pt_mask"], is_real)
        assert batch["process"].dtype == np.uint64
        assert set(batch["process"].tolist()) == {hash64("ttH")}
        assert batch["_index"].dtype == np.int64

    def test_values_belong_to_the_entry_of_the_batch(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        loader = load(
            make_file(num=200),
            tmp_path / "s",
            keys={"weight", "jet_pt"},
            keys_padded={"padded": (2, -1)},
            aliases={"padded": "jet_pt"},
            batch_size=32,
        )
        for batch in loader:
            numbers = batch["_index"]
            assert np.array_equal(batch["weight"], numbers * 1.5)
            assert isinstance(batch["jet_pt"], Jagged)
            assert np.array_equal(batch["jet_pt"].counts, numbers % 4)
            filled = np.where(np.arange(2) < (numbers % 4)[:, None], numbers[:, None] + 0.25, -1)
            assert np.array_equal(batch["padded"], filled.astype(np.float32))

    def test_the_cut_is_the_one_of_root(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        loader = load(
            make_file(num=600),
            tmp_path / "s",
            keys={"nJets", "nBTags_77"},
            tcut="nJets >= 2 & nBTags_77 >= 1",
        )
        batches = list(loader)
        jets = np.concatenate([batch["nJets"] for batch in batches])
        tags = np.concatenate([batch["nBTags_77"] for batch in batches])
        assert jets.min() == 2
        assert tags.min() == 1
        assert len(jets) == sum(i % 4 >= 2 and i % 3 >= 1 for i in range(600))

    def test_branches_of_only_the_cut_are_not_in_the_batch(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        loader = load(make_file(), tmp_path / "s", keys={"nJets"}, tcut="met > 0.5")
        assert next(iter(loader)).keys() == {"nJets", "_index"}

    def test_the_cut_knows_metadata_constants_and_aliases(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        files = [config(make_file("a.root", 10)), config(make_file("b.root", 10), "ttbb")]
        loader = load(
            files,
            tmp_path / "s",
            keys={"weight"},
            tcut="process == 'ttbb' && half < limit",
            aliases={"half": "weight / 2"},
            cut_constants={"limit": 3},
        )
        assert sorted(w for batch in loader for w in batch["weight"]) == [0.0, 1.5, 3.0, 4.5]

    @pytest.mark.parametrize("padding", [(5, 0.0), (1, 0.0), (3, float("nan"))])
    def test_the_cut_does_not_see_padding(
        self, load: Load, padding: tuple[int, float], make_file: MakeFile, tmp_path: Path
    ) -> None:
        loader = load(
            make_file(num=40),
            tmp_path / "s",
            keys={"nJets"},
            keys_padded={"jet_pt": padding},
            tcut="jet_pt < 10",
        )
        assert sorted(int(i) for batch in loader for i in batch["_index"]) == [
            i for i in range(10) if i % 4
        ]
        assert next(iter(loader)).keys() == {"nJets", "jet_pt", "jet_pt_mask", "_index"}

    def test_an_alias_in_the_cut_may_use_metadata_and_constants(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        files = [config(make_file("a.root", 10)), config(make_file("b.root", 10), "ttbb")]
        loader = load(
            files,
            tmp_path / "s",
            keys={"weight"},
            tcut="signal && heavy",
            aliases={"signal": "process == 'ttH'", "heavy": "w > limit", "w": "weight"},
            cut_constants={"limit": 12},
        )
        assert sorted(w for batch in loader for w in batch["weight"]) == [13.5]

    def test_files_may_come_from_a_generator(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        files = [make_file("a.root", 5), make_file("b.root", 5)]
        loader = load((file for file in files), tmp_path / "s", keys={"nJets"})
        assert loader.num_entries == 10

    def test_the_error_for_a_text_without_quotes_shows_the_quotes(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        config = RFileConfig(make_file(), "tree", {"process": "ttH"})
        with pytest.raises(CutError, match="a text is written in quotes: 'ttH'"):
            load(config, tmp_path / "s", keys={"nJets"}, tcut="process == ttH")

    def test_no_event_passes_gives_a_loader_without_batches(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        loader = load(make_file(), tmp_path / "s", keys={"nJets"}, tcut="nJets > 99")
        assert len(loader) == 0
        with pytest.warns(LoaderWarning, match="the loader has no entries"):
            assert list(loader) == []

    def test_an_empty_tree_gives_a_loader_without_batches(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        loader = load(make_file(num=0), tmp_path / "s", keys={"nJets"}, tcut="nJets > 1")
        with pytest.warns(LoaderWarning, match="the loader has no entries"):
            assert list(loader) == []

    def test_a_batch_larger_than_the_data_is_one_short_batch(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        loader = load(make_file(num=7), tmp_path / "s", keys={"nJets"}, batch_size=100)
        assert [len(batch["nJets"]) for batch in loader] == [7]


class TestSplits:
    @BY_FILE_OR_EVENT
    def test_splits_are_disjoint_and_complete(
        self, load: Load, named: Any, make_file: MakeFile, tmp_path: Path
    ) -> None:
        a, b, c = splits(load, make_file(num=1000), tmp_path / "s", **named)
        assert len(a | b | c) == len(a) + len(b) + len(c) == 1000

    @BY_FILE_OR_EVENT
    def test_splits_have_about_their_fraction(
        self, load: Load, named: Any, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=10_000)
        sizes = [len(split) for split in splits(load, file, tmp_path / "s", **named)]
        deviations = [10_000 * f for f in FRACTIONS.values()]
        assert np.allclose(sizes, deviations, atol=5 * np.sqrt(10_000) / 2)

    @BY_FILE_OR_EVENT
    def test_a_looser_cut_moves_no_event(
        self, load: Load, named: Any, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=1000)
        tight = splits(load, file, tmp_path / "s", tcut="nJets >= 3", **named)
        loose = splits(load, file, tmp_path / "s", tcut="nJets >= 1", **named)
        assert all(few < many for few, many in zip(tight, loose, strict=True))

    @BY_FILE_OR_EVENT
    def test_an_added_file_moves_no_event(
        self, load: Load, named: Any, make_file: MakeFile, tmp_path: Path
    ) -> None:
        files = [make_file("a.root", 500), make_file("b.root", 500, first=500)]
        before = splits(load, files[1:], tmp_path / "s", **named)
        after = splits(load, files, tmp_path / "s", **named)
        assert all(few < many for few, many in zip(before, after, strict=True))

    @BY_FILE_OR_EVENT
    def test_another_order_of_files_moves_no_event(
        self, load: Load, named: Any, make_file: MakeFile, tmp_path: Path
    ) -> None:
        files = [make_file("a.root", 500), make_file("b.root", 500, first=500)]
        one = splits(load, files, tmp_path / "s", **named)
        assert one == splits(load, files[::-1], tmp_path / "t", **named)

    @BY_FILE_OR_EVENT
    def test_another_seed_assigns_events_to_other_splits(
        self, load: Load, named: Any, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=1000)
        one = splits(load, file, tmp_path / "s", **named)
        assert one != splits(load, file, tmp_path / "t", seed=1, **named)

    def test_another_seed_in_the_same_store_is_refused(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=100)
        one = splits(load, file, tmp_path / "s", **BY_EVENT)
        with pytest.raises(SplitError, match=r"and this call names\n.*seed=1"):
            splits(load, file, tmp_path / "s", seed=1, **BY_EVENT)
        assert splits(load, file, tmp_path / "s", **BY_EVENT) == one

    def test_without_names_of_events_they_are_the_usual_columns(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=1000)
        found = splits(load, file, tmp_path / "s", by=None)
        assert found == splits(load, file, tmp_path / "t", **BY_EVENT)
        assert memmpy.open(tmp_path / "s").splits == Splits(**BY_EVENT, fractions=FRACTIONS)

    def test_without_a_split_all_events_are_loaded_and_nothing_is_recorded(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        for options in ({}, {"split": "all"}):
            loader = load(make_file(num=100), tmp_path / "s", keys={"eventNumber"}, **options)
            assert sorted(events_of(loader)) == [i + (1 << 60) for i in range(100)]
            assert memmpy.open(tmp_path / "s").splits is None

    def test_equal_identities_share_a_split(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        # The same events in another file: another campaign, say, or another selection.
        files = [make_file("a.root", 500), make_file("b.root", 1000)]
        message = "500 entries of .* have the 'runNumber', 'eventNumber' of an entry in another"
        with pytest.warns(SplitWarning, match=message):
            by_event = splits(load, files, tmp_path / "s", **BY_EVENT)
        assert sum(map(len, by_event)) == 1000
        by_file = splits(load, files, tmp_path / "t", **BY_FILE)
        assert sum(map(len, by_file)) > 1000

    def test_the_width_of_an_event_number_does_not_matter(self, load: Load, tmp_path: Path) -> None:
        found = []
        for dtype in ("i4", "u8"):
            with uproot.recreate(tmp_path / f"{dtype}.root") as file:
                tree = file.mktree("tree", {"eventNumber": np.dtype(dtype)})
                tree.extend({"eventNumber": np.arange(1000).astype(dtype)})
            file = tmp_path / f"{dtype}.root"
            found.append(splits(load, file, tmp_path / dtype, by=["eventNumber"]))
        assert found[0] == found[1]

    def test_floats_cannot_name_an_event(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(TypeError, match=r"'weight' of .* cannot name events: .* one integer"):
            splits(load, make_file(), tmp_path / "s", by=["weight"])


class TestEpochs:
    @pytest.mark.parametrize("batch_size", [1, 7, 100, 101])
    def test_an_epoch_hands_out_each_event_once(
        self, load: Load, batch_size: int, make_file: MakeFile, tmp_path: Path
    ) -> None:
        loader = load(
            make_file(num=100),
            tmp_path / "s",
            keys={"eventNumber"},
            batch_size=batch_size,
        )
        first, second = events_of(loader), events_of(loader)
        assert sorted(first) == sorted(second) == [i + (1 << 60) for i in range(100)]
        assert first != second

    def test_folds_test_each_event_once(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=300)
        found = [
            event
            for fold in range(3)
            for event in events_of(
                load(
                    file,
                    tmp_path / "s",
                    keys={"eventNumber"},
                    split="test",
                    splits=Splits(num_folds=3),
                    fold=fold,
                )
            )
        ]
        assert sorted(found) == [i + (1 << 60) for i in range(300)]

    def test_ranks_share_a_split(self, load: Load, make_file: MakeFile, tmp_path: Path) -> None:
        file = make_file(num=300)
        every, *parts = (
            events_of(load(file, tmp_path / "s", keys={"eventNumber"}, split="train", **ranks))
            for ranks in ({}, {"rank": 0, "world_size": 2}, {"rank": 1, "world_size": 2})
        )
        assert sorted(every) == sorted(parts[0] + parts[1])
        assert abs(len(parts[0]) - len(parts[1])) <= 1

    @pytest.mark.slow_together
    @pytest.mark.parametrize(
        ("shuffle", "kind"),
        [(True, "exact"), (False, "none"), ("exact", "exact"), ("blocks", "blocks")],
    )
    def test_shuffle_sets_the_order_of_a_skim(
        self, shuffle: Any, kind: str, make_file: MakeFile, tmp_path: Path
    ) -> None:
        loader = load_root(
            make_file(num=100),
            tmp_path / "s",
            keys={"eventNumber"},
            shuffle=Shuffle(shuffle, block_rows=4, window_blocks=2),
        )
        first, second = events_of(loader), events_of(loader)
        assert sorted(first) == sorted(second) == [i + (1 << 60) for i in range(100)]
        assert (first == second) is (shuffle is False)
        assert loader.explain().to_dict()["shuffle"] == kind

    def test_one_and_four_threads_give_the_same_batches(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=3000)
        one, four = (
            list(load(file, tmp_path / "s", keys={"weight", "jet_pt"}, num_threads=num_threads))
            for num_threads in (1, 4)
        )
        assert len(one) == len(four)
        for a, b in zip(one, four, strict=True):
            assert np.array_equal(a["_index"], b["_index"])
            assert np.array_equal(a["weight"], b["weight"])
            assert a["jet_pt"] == b["jet_pt"]


class TestCaching:
    def test_a_second_call_opens_no_root_file(
        self, load: Load, make_file: MakeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def load_again() -> SplitLoader:
            return load(
                config(file),
                tmp_path / "s",
                keys={"eventNumber"},
                keys_padded={"jet_pt": (3, 0)},
                tcut="nJets > 1 && process == 'ttH'",
            )

        file = make_file(num=100)
        expected = events_of(load_again())
        # The same size and time: only whoever opens it sees that nothing is left in it.
        status = file.stat()
        file.write_bytes(bytes(status.st_size))
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert events_of(load_again()) == expected

    def test_a_second_call_makes_no_skim(self, make_file: MakeFile, tmp_path: Path) -> None:
        states, file = [], make_file(num=100)
        for keys_padded in (["jet_pt", "twice"], ["twice", "jet_pt"]):
            load_root(
                config(file),
                tmp_path / "s",
                keys={"nJets", "met"},
                keys_padded=dict.fromkeys(keys_padded, (3, 0)),
                groups={"event": ["weight"]},
                aliases={"twice": "jet_pt * 2"},
                tcut="nJets > 1 && process == 'ttH'",
            )
            documents = (tmp_path / "s" / "skims").glob("*/metadata_skim.json")
            states.append({path: path.stat().st_ino for path in documents})
        assert states[0] == states[1]
        assert len(states[0]) == 1

    def test_a_changed_file_changes_columns_and_selection(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        options: dict[str, Any] = {"tcut": "nJets >= 3"}
        file = make_file(num=100)
        load(file, tmp_path / "s", keys={"eventNumber"}, **options)
        make_file(num=40, first=1000)
        again = load(file, tmp_path / "s", keys={"eventNumber"}, **options)
        assert sorted(events_of(again)) == [i + (1 << 60) for i in range(1000, 1040) if i % 4 == 3]

    def test_a_changed_constant_changes_the_selection(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=8)
        for limit, num in ((1, 6), (3, 2)):
            loader = load(
                file,
                tmp_path / "s",
                keys={"nJets"},
                tcut="nJets >= limit",
                cut_constants={"limit": limit},
            )
            assert loader.num_entries == num

    def test_a_changed_alias_changes_the_selection(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=8)
        for factor, num in ((1, 5), (2, 6)):
            loader = load(
                file,
                tmp_path / "s",
                keys={"nJets"},
                tcut="x > 3.5",
                aliases={"x": f"weight * {factor}"},
            )
            assert loader.num_entries == num

    def test_recreate_reads_a_change_that_no_time_stamp_shows(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        file = make_file(num=10)
        load(file, tmp_path / "s", keys={"weight"})
        status = file.stat()
        changed = make_file("other.root", 10, first=100)
        file.write_bytes(changed.read_bytes())
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        load(file, tmp_path / "s", keys={"weight"}, recreate=True)
        assert read_vector(tmp_path / "s", "weight")[0] == 150


class TestErrors:
    def test_a_typo_in_the_cut_names_the_nearest(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(CutError, match=r"no branch 'njets' in .*nearest: 'nJets'") as caught:
            load(make_file(), tmp_path / "s", keys={"nJets"}, tcut="met > 1 && njets > 3")
        assert (caught.value.start, caught.value.stop) == (11, 16)

    def test_a_typo_in_the_keys_names_the_nearest(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(MissingKeyError, match="nearest: 'nJets'"):
            load(make_file(), tmp_path / "s", keys={"njets"}, tcut="njets > 3")

    def test_a_broken_cut_shows_the_place_before_anything_is_read(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(CutError, match=r"\^"):
            load(make_file(), tmp_path / "s", keys={"nJets"}, tcut="nJets >")
        assert not (tmp_path / "s").exists()

    @pytest.mark.parametrize(
        "options",
        [
            {"batch_size": 0},
            {"split": 3},
            {"seed": -1},
            {"keys_padded": {"nJets": (2, 0)}},
            {"keys": "nJets"},
            {"keys": set()},
            {"aliases": {"x": 3}},
            {"tcut": "x > 1", "aliases": {"x": "met"}, "cut_constants": {"x": 2}},
            {"splits": "eventNumber"},
            {
                "keys": {"jet_pt__unpadded"},
                "keys_padded": {"jet_pt": (2, 0)},
                "tcut": "jet_pt > 1",
                "aliases": {"jet_pt__unpadded": "nJets"},
                "dtype": {"jet_pt": "float16"},
            },
            {"keys_padded": {"jet_*": (2, 0)}},
            {"keys_padded": {"jet_pt": (-1, 0)}},
            {"keys_padded": {"jet_pt": (2.0, 0)}},
            {"keys_padded": {"jet_pt": (2, "x")}},
            {"keys_padded": {"met": (2, 0)}},
            {"split": "train", "splits": ("runNumber", "eventNumber")},
            {"shuffle": "block"},
            {"split": "train", "splits": Splits(num_folds=5), "fold": 5},
            {"rank": 2, "world_size": 2},
            {"num_threads": -1},
            {"skim": 1},
        ],
        ids=str,
    )
    def test_wrong_options_are_refused_before_the_conversion(
        self, load: Load, options: dict[str, Any], make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(OptionError):
            load(make_file(), tmp_path / "s", **{"keys": {"nJets"}, **options})
        assert not (tmp_path / "s").exists()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"groups": {"event": ["met"]}}, "groups is for skims, and skim=False makes none"),
            ({"dtype": "float32"}, "one dtype is for all groups, and skim=False makes none"),
            ({"shuffle": Shuffle(True, block_rows=8)}, "block_rows is for skims"),
            ({"shuffle": Shuffle(True, window_blocks=8)}, "window_blocks is for skims"),
            ({"shuffle": "blocks"}, "shuffle='blocks' is for skims"),
        ],
    )
    def test_options_of_skims_are_for_skims(
        self, options: dict[str, Any], message: str, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(OptionError, match=message):
            load_root(make_file(), tmp_path / "s", keys={"nJets"}, skim=False, **options)
        assert not (tmp_path / "s").exists()

    def test_an_error_in_a_cut_on_a_padded_key_speaks_of_that_key(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        padded: dict[str, Any] = {"keys_padded": {"jet_pt": (2, 0)}}
        with pytest.raises(CutError) as caught:
            load(make_file(), tmp_path / "s", keys={"nJets"}, tcut="jet_pt & 2", **padded)
        assert "unpadded" not in str(caught.value)
        assert caught.value.text == "jet_pt & 2"

    def test_an_unknown_split_is_refused(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        with pytest.raises(OptionError, match="nearest: 'train'"):
            load(make_file(), tmp_path / "s", keys={"nJets"}, split="trian")

    def test_a_constant_is_not_looked_for_in_the_file(
        self, load: Load, make_file: MakeFile, tmp_path: Path
    ) -> None:
        cut: dict[str, Any] = {"tcut": "nJets > limit", "cut_constants": {"limit": 1}}
        load(make_file(), tmp_path / "s", keys={"nJets"}, **cut)
        assert len(compute_cut_batched(tmp_path / "s", "nJets > 1")) == 4


class TestColumnsThatWereAdded:
    def test_a_computed_column_gives_way_to_an_alias(
        self, make_file: MakeFile, tmp_path: Path
    ) -> None:
        files, path = config(make_file(num=100)), tmp_path / "s"
        load_root(files, path, keys={"jet_pt"})
        memmpy.open(path).add("HT", "Sum$(jet_pt)")
        expected = np.asarray(read_vector(path, "HT")).copy()
        load_root(files, path, keys={"HT"}, aliases={"HT": "Sum$(jet_pt)"})
        np.testing.assert_array_equal(read_vector(path, "HT"), expected)

    def test_a_computed_column_needs_an_alias(self, make_file: MakeFile, tmp_path: Path) -> None:
        files, path = config(make_file(num=100)), tmp_path / "s"
        load_root(files, path, keys={"jet_pt"})
        memmpy.open(path).add("HT", "Sum$(jet_pt)")
        with pytest.raises(OptionError, match=r"aliases=\{'HT': 'Sum\$\(jet_pt\)'\}"):
            load_root(files, path, keys={"jet_pt"}, tcut="HT > 5")
