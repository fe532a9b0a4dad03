"""Conversions of trees with friends, compared with the arrays that were written to the files."""

import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import uproot

import memmpy
from memmpy import RFileConfig, Splits, Work, convert, load_root, plan_conversion, write_friend
from memmpy.columns import ReadJagged
from memmpy.errors import (
    ColumnError,
    InputFileError,
    MissingFileError,
    MissingKeyError,
    OptionError,
    SchemaError,
)
from memmpy.store import Unfinished, read_metadata

MakeFile = Callable[..., Path]

NUM = 50


def make_friend(path: Path, tree: str = "scores", **branches: Any) -> Path:
    """Write a friend with baskets of 7 entries."""
    path.parent.mkdir(exist_ok=True)
    num = len(next(iter(branches.values())))
    with uproot.recreate(path) as file:
        types = {name: type_of(values) for name, values in branches.items()}
        written = file.mktree(tree, types)
        for start in range(0, num, 7):
            written.extend({name: v[start : start + 7] for name, v in branches.items()})
    return path


def type_of(values: Any) -> Any:
    is_array = isinstance(values, np.ndarray)
    return np.dtype((values.dtype, values.shape[1:])) if is_array else values.type


def values_for(first: int, num: int = NUM) -> dict[str, Any]:
    """Return branches of a friend in which each value tells its entry."""
    numbers = np.arange(first, first + num)
    counts = numbers % 3
    return {
        "score": (numbers / 4).astype(np.float32),
        "probs": np.stack([numbers * 0.5, numbers * 0.25], axis=1),
        "hits": ak.unflatten(np.repeat(numbers, counts), counts),
        "met": np.full(num, -1.0),
    }


@pytest.fixture
def files(make_file: MakeFile, tmp_path: Path) -> list[Path]:
    """Two files, with a friend beside each."""
    paths = [make_file(f"{name}.root", NUM, first=NUM * i) for i, name in enumerate("ab")]
    for i, path in enumerate(paths):
        make_friend(tmp_path / "friends" / path.name, **values_for(NUM * i))
    return paths


@pytest.fixture
def config(files: list[Path], tmp_path: Path) -> RFileConfig:
    assert len(files) == 2
    return RFileConfig(tmp_path / "[ab].root", "tree", friends={"scores": "friends/{stem}.root"})


def expected(num: int = 2 * NUM) -> dict[str, Any]:
    """Return the branches of the friends of both files."""
    return values_for(0, num)


def read(store: Path, *keys: str) -> dict[str, Any]:
    """Return columns as lists."""
    columns = memmpy.open(store)
    return {
        key: column[:].to_awkward().to_list()
        if isinstance(column, ReadJagged)
        else np.asarray(column).tolist()
        for key in keys or sorted(columns)
        for column in [columns[key]]
    }


def as_lists(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {key: values.tolist() for key, values in columns.items()}


def names_read(done: Any) -> dict[str, set[str]]:
    return {"/".join(Path(path).parts[-2:]): set(names) for path, names in done.read.items()}


def test_branches_of_all_kinds_come_from_friends(config: RFileConfig, tmp_path: Path) -> None:
    keys = {"score", "probs", "hits", "eventNumber", "jet_pt"}
    done = convert(config, tmp_path / "s", keys=keys)
    found = read(tmp_path / "s")
    events = (np.arange(2 * NUM) + (1 << 60)).tolist()
    assert found["eventNumber"] == events
    assert {key: found[key] for key in ("score", "probs", "hits")} == as_lists(
        {key: expected()[key] for key in ("score", "probs", "hits")}
    )
    own, friend = {"eventNumber", "jet_pt"}, {"score", "probs", "hits"}
    folder = tmp_path.name
    assert names_read(done) == {
        f"{folder}/a.root": own,
        f"{folder}/b.root": own,
        "friends/a.root": friend,
        "friends/b.root": friend,
    }


def test_the_tree_wins_and_its_friend_is_named(config: RFileConfig, tmp_path: Path) -> None:
    convert(config, tmp_path / "s", keys={"met", "scores.met", "tree.met"})
    found = read(tmp_path / "s")
    assert found["met"] == found["tree.met"] == (np.arange(2 * NUM) / 8).tolist()
    assert found["scores.met"] == [-1.0] * (2 * NUM)


def test_aliases_renames_paddings_and_dtypes_use_friends(
    config: RFileConfig, tmp_path: Path
) -> None:
    convert(
        config,
        tmp_path / "s",
        keys={"both", "half", "hits_mask"},
        keys_padded={"hits": (2, -1)},
        aliases={"both": "met * score + scores.met", "half": "score"},
        dtype={"half": "float64"},
    )
    found, numbers = read(tmp_path / "s"), np.arange(2 * NUM)
    assert found["both"] == pytest.approx((numbers / 8 * numbers / 4 - 1).tolist(), rel=1e-6)
    assert found["half"] == (numbers / 4).tolist()
    padded = [([n] * (n % 3) + [-1, -1])[:2] for n in numbers.tolist()]
    assert found["hits"] == padded
    assert found["hits_mask"] == [
        [item >= 0 and i < n % 3 for i, item in enumerate(p)] for n, p in enumerate(padded)
    ]


def test_patterns_match_branches_of_friends_once(config: RFileConfig, tmp_path: Path) -> None:
    convert(config, tmp_path / "s", keys={"s*", "m*", "hit?"})
    found = read(tmp_path / "s")
    assert [*found] == ["hits", "met", "score"]
    assert found["met"] == (np.arange(2 * NUM) / 8).tolist()


def test_a_range_of_entries_is_that_of_the_tree_and_its_friends(
    config: RFileConfig, tmp_path: Path
) -> None:
    config = RFileConfig(config.path, "tree", entry_start=9, entry_stop=31, friends=config.friends)
    convert(config, tmp_path / "s", keys={"hits", "eventNumber"})
    entries = np.r_[9:31, NUM + 9 : NUM + 31]
    assert read(tmp_path / "s") == {
        "hits": ak.to_list(expected()["hits"][entries]),
        "eventNumber": (entries + (1 << 60)).tolist(),
    }


@pytest.mark.parametrize("step_bytes", [100, 1000, 1 << 25])
def test_any_step_gives_the_same_columns(
    config: RFileConfig, tmp_path: Path, step_bytes: int
) -> None:
    keys = {"hits", "probs", "sum", "jet_pt", "eventNumber"}
    convert(
        config,
        tmp_path / "s",
        keys=keys,
        aliases={"sum": "weight + score"},
        work=Work(step_bytes=step_bytes),
    )
    found, numbers = read(tmp_path / "s"), np.arange(2 * NUM)
    assert found["hits"] == ak.to_list(expected()["hits"])
    assert found["probs"] == expected()["probs"].tolist()
    assert found["sum"] == (numbers * 1.5 + numbers / 4).tolist()
    assert found["eventNumber"] == (numbers + (1 << 60)).tolist()


@pytest.mark.slow
def test_processes_read_friends(config: RFileConfig, tmp_path: Path) -> None:
    keys = {"hits", "probs", "jet_pt", "sum"}
    aliases = {"sum": "weight + score"}
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        convert(config, tmp_path / "p", keys=keys, aliases=aliases, work=executor)
    convert(config, tmp_path / "t", keys=keys, aliases=aliases)
    files = [sorted(folder.glob("*.npy")) for folder in (tmp_path / "p", tmp_path / "t")]
    assert [file.name for file in files[0]] == [file.name for file in files[1]]
    assert [f.read_bytes() for f in files[0]] == [f.read_bytes() for f in files[1]]


class TestSecondConversion:
    KEYS = ("eventNumber", "score", "hits", "sum")
    ALIASES: Mapping[str, str] = {"sum": "weight + score"}

    def convert(self, config: Any, store: Path, **options: Any) -> Any:
        options = {"keys": {*self.KEYS}, "aliases": self.ALIASES, **options}
        return convert(config, store, **options)

    def test_it_reads_nothing_of_unchanged_files(self, config: RFileConfig, tmp_path: Path) -> None:
        self.convert(config, tmp_path / "s")
        plan = plan_conversion(config, tmp_path / "s", keys={*self.KEYS}, aliases=self.ALIASES)
        assert (plan.reads, plan.columns, plan.num_opened) == ((), (), 0)
        again = self.convert(config, tmp_path / "s")
        assert again.was_cached
        assert again.read == {}

    @pytest.mark.parametrize("is_touched", [True, False])
    def test_only_columns_of_a_changed_friend_are_read_again(
        self, config: RFileConfig, tmp_path: Path, is_touched: bool
    ) -> None:
        self.convert(config, tmp_path / "s")
        friend = tmp_path / "friends/b.root"
        second = values_for(NUM)
        if is_touched:
            os.utime(friend, ns=(0, 1_700_000_000_000_000_000))
        else:
            second["score"] = second["score"] + 1
            make_friend(friend, **second)
        again = self.convert(config, tmp_path / "s")
        folder = tmp_path.name
        assert names_read(again) == {
            "friends/b.root": {"score", "hits"},
            f"{folder}/b.root": {"weight"},
        }
        assert [column.key for column in again.plan.columns] == ["hits", "score", "sum"]
        found, numbers = read(tmp_path / "s"), np.arange(2 * NUM)
        scores = np.concatenate([values_for(0)["score"], second["score"]])
        assert found["score"] == scores.tolist()
        assert found["sum"] == (numbers * 1.5 + scores).tolist()
        facts = dict(again.report().facts)
        assert facts["friends"] == f"2 trees; changed: {friend}"
        assert facts["files"] == "2 (2 as before), 1 opened"

    def test_columns_of_a_changed_friend_are_stale_until_they_are_read_again(
        self, config: RFileConfig, tmp_path: Path
    ) -> None:
        self.convert(config, tmp_path / "s")
        make_friend(tmp_path / "friends/b.root", **values_for(NUM))
        done = convert(config, tmp_path / "s", keys={"eventNumber"})
        assert done.was_cached
        assert [*memmpy.open(tmp_path / "s")] == ["eventNumber"]
        assert "score" in str(plan_conversion(config, tmp_path / "s", keys={"eventNumber"}))
        self.convert(config, tmp_path / "s")
        assert {*memmpy.open(tmp_path / "s")} == {*self.KEYS}

    def test_another_friend_does_not_touch_the_first(
        self, config: RFileConfig, tmp_path: Path
    ) -> None:
        self.convert(config, tmp_path / "s")
        for name in "ab":
            make_friend(tmp_path / f"more_{name}.root", "more", tag=np.arange(NUM))
        both = RFileConfig(
            config.path, "tree", friends={**config.friends, "more": "more_{stem}.root"}
        )
        done = self.convert(both, tmp_path / "s", keys={*self.KEYS, "tag"})
        assert {*names_read(done)} == {f"{tmp_path.name}/more_{name}.root" for name in "ab"}
        os.utime(tmp_path / "more_a.root", ns=(0, 1))
        done = self.convert(both, tmp_path / "s", keys={*self.KEYS, "tag"})
        assert names_read(done) == {f"{tmp_path.name}/more_a.root": {"tag"}}

    def test_without_friends_their_columns_are_stale(
        self, config: RFileConfig, tmp_path: Path
    ) -> None:
        self.convert(config, tmp_path / "s")
        plain = RFileConfig(config.path, "tree")
        assert convert(plain, tmp_path / "s", keys={"eventNumber"}).was_cached
        assert [*memmpy.open(tmp_path / "s")] == ["eventNumber"]
        message = (
            "is stale: .* with other friends, .*; convert again with its friends and with 'sum'"
        )
        with pytest.raises(ColumnError, match=message):
            memmpy.read_vector(tmp_path / "s", "sum")
        with pytest.raises(MissingKeyError, match=r"no branch 'hits' in .*a\.root"):
            self.convert(plain, tmp_path / "s")
        assert self.convert(config, tmp_path / "s").was_cached
        assert {*memmpy.open(tmp_path / "s")} == {*self.KEYS}

    def test_a_moved_friend_is_not_read_again(self, config: RFileConfig, tmp_path: Path) -> None:
        self.convert(config, tmp_path / "s")
        (tmp_path / "friends").rename(tmp_path / "moved")
        moved = RFileConfig(config.path, "tree", friends={"s = scores": "moved/{name}"})
        assert self.convert(moved, tmp_path / "s").was_cached

    def test_a_friend_that_is_first_now_is_read(self, config: RFileConfig, tmp_path: Path) -> None:
        """A column keeps no value of a friend that no longer has the branch first."""
        self.convert(config, tmp_path / "s", keys={"score", "eventNumber"}, aliases={})
        for i, name in enumerate("ab"):
            scores = np.arange(NUM * i, NUM * (i + 1), dtype=np.float32) + 1000
            make_friend(tmp_path / f"new_{name}.root", "new", score=scores)
        new = {"new": "new_{stem}.root"}
        last = RFileConfig(config.path, "tree", friends={**config.friends, **new})
        first = RFileConfig(config.path, "tree", friends={**new, **config.friends})
        assert convert(last, tmp_path / "s", keys={"score"}).was_cached
        convert(first, tmp_path / "s", keys={"eventNumber"})
        assert [*memmpy.open(tmp_path / "s")] == ["eventNumber"]
        convert(first, tmp_path / "s", keys={"score"})
        assert read(tmp_path / "s", "score")["score"] == (np.arange(2 * NUM) + 1000).tolist()

    def test_patterns_see_new_branches_of_a_changed_friend(
        self, config: RFileConfig, tmp_path: Path
    ) -> None:
        convert(config, tmp_path / "s", keys={"sco*"})
        for i, name in enumerate("ab"):
            branches = {**values_for(NUM * i), "score_2": np.arange(NUM)}
            make_friend(tmp_path / f"friends/{name}.root", **branches)
        convert(config, tmp_path / "s", keys={"sco*"})
        assert [*read(tmp_path / "s")] == ["score", "score_2"]

    def test_what_an_interrupted_run_left_of_a_changed_friend_is_not_used(
        self, config: RFileConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: object) -> Any:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(sys.modules["memmpy.conversion.convert"], "put_columns", interrupt)
            with pytest.raises(KeyboardInterrupt):
                self.convert(config, tmp_path / "s")
        assert [*Unfinished(tmp_path / "s").notes()]
        second = values_for(NUM)
        second["score"] = second["score"] + 1
        second["hits"] = second["hits"] + 1
        make_friend(tmp_path / "friends/b.root", **second)
        self.convert(config, tmp_path / "s")
        found = read(tmp_path / "s")
        assert found["score"][NUM:] == second["score"].tolist()
        assert found["hits"][NUM:] == second["hits"].to_list()

    def test_the_plan_is_not_changed_by_writing_it_down(
        self, config: RFileConfig, tmp_path: Path
    ) -> None:
        done = self.convert(config, tmp_path / "s")
        metadata = read_metadata(tmp_path / "s")
        assert metadata.sources == done.sources
        assert [source.friend_of for source in metadata.sources] == [
            {"score": "scores", "hits": "scores"}
        ] * 2
        assert metadata.current_keys() == [*metadata.columns]


def test_a_friend_of_another_length_is_an_error(config: RFileConfig, tmp_path: Path) -> None:
    make_friend(tmp_path / "friends/b.root", score=np.arange(NUM - 1))
    message = r"'.*friends/b.root:scores;1' has 49, '.*/b.root:tree;1' has 50"
    for stop in (None, 10):
        part = RFileConfig(config.path, "tree", entry_stop=stop, friends=config.friends)
        with pytest.raises(InputFileError, match=message):
            convert(part, tmp_path / "s", keys={"score"})
    assert not (tmp_path / "s").exists()


def test_a_missing_friend_names_the_nearest(config: RFileConfig, tmp_path: Path) -> None:
    (tmp_path / "friends/b.root").rename(tmp_path / "friends/bb.root")
    message = r"the friend 'scores' of '.*b.root' is missing: .*; nearest: .*'bb.root'.* in "
    with pytest.raises(MissingFileError, match=message):
        plan_conversion(config, tmp_path / "s", keys={"score"})


def test_missing_trees_and_branches_name_the_nearest(config: RFileConfig, tmp_path: Path) -> None:
    with pytest.raises(MissingKeyError, match=r"no branch 'scoer' in .*; nearest: 'score"):
        convert(config, tmp_path / "s", keys={"scoer"})
    other = RFileConfig(config.path, "tree", friends={"score": "friends/{stem}.root"})
    with pytest.raises(InputFileError, match=r"no tree 'score' in .*friends/a.root'.*'scores'"):
        convert(other, tmp_path / "s", keys={"score"})


def test_a_branch_that_only_some_friends_have_is_an_error(
    config: RFileConfig, tmp_path: Path
) -> None:
    make_friend(tmp_path / "friends/b.root", other=np.arange(NUM))
    with pytest.raises(SchemaError, match=r"'score' is float32 in .*a.root' and missing in .*b"):
        convert(config, tmp_path / "s", keys={"score"})


def test_files_may_have_different_friends(files: list[Path], tmp_path: Path) -> None:
    scores = np.arange(NUM, 2 * NUM) / 4
    table = pa.table({"score": scores.astype(np.float32)})
    pyarrow.parquet.write_table(table, tmp_path / "b.parquet")
    configs = [
        RFileConfig(files[0], "tree", friends={"scores": "friends/a.root"}),
        RFileConfig(files[1], "tree", friends={"other": "{stem}.parquet"}),
    ]
    convert(configs, tmp_path / "s", keys={"score"})
    assert read(tmp_path / "s")["score"] == expected()["score"].tolist()
    assert convert(configs, tmp_path / "s", keys={"score"}).was_cached
    first = convert(configs[0], tmp_path / "s", keys={"score"})
    assert first.was_cached
    assert read(tmp_path / "s")["score"] == values_for(0)["score"].tolist()


def test_a_branch_of_one_tree_may_be_that_of_the_friend_of_another(
    files: list[Path], make_file: MakeFile, tmp_path: Path
) -> None:
    scores = (np.arange(5) + 0.5).astype(np.float32)
    own = make_file("own.root", 5, score=scores)
    configs = [
        RFileConfig(files[0], "tree", friends={"scores": "friends/a.root"}),
        RFileConfig(own, "tree"),
    ]
    convert(configs, tmp_path / "s", keys={"score"})
    make_friend(tmp_path / "friends/a.root", **values_for(0))
    again = convert(configs, tmp_path / "s", keys={"score"})
    assert names_read(again) == {"friends/a.root": {"score"}}
    assert read(tmp_path / "s")["score"] == [*values_for(0)["score"].tolist(), *scores.tolist()]


def test_fills_go_to_the_friend_whose_branch_is_read(make_file: MakeFile, tmp_path: Path) -> None:
    path = make_file("a.root", 3)
    for name in ("one", "two"):
        table = pa.table({"n": [1, None, 3], "lists": [[1], None, [2, 3]]})
        pyarrow.parquet.write_table(table, tmp_path / f"{name}.parquet")
    friends = {name: f"{name}.parquet" for name in ("one", "two")}
    missing = {"n": -1, "one.n": -3, "two.n": -2, "lists": None}
    keys = {"n", "one.n", "two.n"}
    config = RFileConfig(path, "tree", friends=friends, missing=missing)
    convert(config, tmp_path / "s", keys=keys)
    assert read(tmp_path / "s") == {"n": [1, -1, 3], "one.n": [1, -3, 3], "two.n": [1, -2, 3]}
    with pytest.raises(InputFileError, match=r"give a fill: .*missing={'two.lists': \[\]}"):
        convert(config, tmp_path / "s", keys={"two.lists"})
    config = RFileConfig(path, "tree", friends=friends, missing=missing | {"two.lists": []})
    convert(config, tmp_path / "s", keys={*keys, "two.lists"})
    assert read(tmp_path / "s", "two.lists") == {"two.lists": [[1], [], [2, 3]]}


def test_a_tree_of_the_same_file_is_a_friend(make_file: MakeFile, tmp_path: Path) -> None:
    path = make_file("a.root", NUM)
    with uproot.update(path) as file:
        file.mktree("tracks", {"d0": "float64"})
        file["tracks"].extend({"d0": np.arange(NUM) * 0.5})
    config = RFileConfig(path, "tree", friends={"tracks": None})
    convert(config, tmp_path / "s", keys={"d0", "eventNumber"})
    assert read(tmp_path / "s")["d0"] == (np.arange(NUM) * 0.5).tolist()
    assert convert(config, tmp_path / "s", keys={"d0", "eventNumber"}).was_cached


@pytest.mark.parametrize("name", ["b.root", "sub/a.root"])
def test_friends_that_memmpy_writes_come_back(
    files: list[Path], make_file: MakeFile, tmp_path: Path, name: str
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.root").unlink()
    other = make_file(name, NUM, first=NUM)
    inputs = [RFileConfig(file, "tree") for file in (files[0], other)]
    convert(inputs, tmp_path / "s", keys={"eventNumber"})
    generator = np.random.default_rng(1)
    entries = generator.permutation(2 * NUM)[: NUM + 7]
    lists = ak.unflatten(np.repeat(entries, entries % 4) * 0.5, entries % 4)
    branches = {"score": entries / 8, "fold": (entries % 5).astype(np.int32), "parts": lists}
    friends = write_friend(
        tmp_path / "s", tmp_path / "scores", branches, entries=entries, fill={"fold": -1}
    )
    paths = {friend.source: str(friend.path) for friend in friends}
    assert len({*paths.values()}) == 2
    back = [RFileConfig(one.path, "tree", friends={"tree": paths[str(one.path)]}) for one in inputs]
    if name == "sub/a.root":
        template = f"{tmp_path}/scores/{{parent.name}}/{{name}}"
        back = [RFileConfig(one.path, "tree", friends={"tree": template}) for one in inputs]
    convert(back, tmp_path / "s", keys={"eventNumber", "score", "fold", "parts", "nparts"})
    found = read(tmp_path / "s")
    has_row = np.isin(np.arange(2 * NUM), entries)
    numbers = np.array(found["eventNumber"]) - (1 << 60)
    assert numbers.tolist() == [*range(2 * NUM)]
    np.testing.assert_array_equal(found["score"], np.where(has_row, numbers / 8, np.nan))
    assert found["fold"] == np.where(has_row, numbers % 5, -1).tolist()
    assert found["parts"] == [[n / 2] * (n % 4) if has_row[n] else [] for n in numbers]
    assert found["nparts"] == [*map(len, found["parts"])]


def test_events_may_be_named_by_a_friend(files: list[Path], tmp_path: Path) -> None:
    for i, path in enumerate(files):
        numbers = np.arange(NUM * i, NUM * (i + 1))
        make_friend(tmp_path / f"names_{path.name}", "names", run=numbers // 9, event=numbers % 9)
    friends = {"names": "names_{name}"}
    config = RFileConfig(tmp_path / "[ab].root", "tree", friends=friends)
    splits = Splits(by=("run", "event"), seed=3)
    convert(config, tmp_path / "s", keys={"met"}, splits=splits)
    numbers = np.arange(2 * NUM)
    sides = splits.of({"run": numbers // 9, "event": numbers % 9})
    assert memmpy.open(tmp_path / "s").split_of().tolist() == sides.tolist()


@pytest.mark.slow
def test_files_and_entries_name_events_whatever_friends_they_have(
    config: RFileConfig, tmp_path: Path
) -> None:
    splits = Splits(by="file")
    convert(config, tmp_path / "with", keys={"score"}, splits=splits)
    convert(RFileConfig(config.path, "tree"), tmp_path / "without", keys={"met"}, splits=splits)
    sides = [memmpy.open(tmp_path / name).split_of().tolist() for name in ("with", "without")]
    assert sides[0] == sides[1]


def test_load_root_reads_friends(config: RFileConfig, tmp_path: Path) -> None:
    loader = load_root(
        config,
        tmp_path / "s",
        keys={"score", "met"},
        keys_padded={"hits": (2, 0)},
        tcut="score >= 10 && scores.met < 0",
        batch_size=16,
        shuffle=False,
    )
    batches = list(loader)
    found = {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}
    order = np.argsort(found["_index"])
    numbers = np.arange(40, 2 * NUM)
    assert found["score"][order].tolist() == (numbers / 4).tolist()
    assert found["met"][order].tolist() == (numbers / 8).tolist()
    assert found["hits"][order].tolist() == [([n] * (n % 3) + [0, 0])[:2] for n in numbers]


def test_a_damaged_column_of_a_friend_is_repaired(config: RFileConfig, tmp_path: Path) -> None:
    convert(config, tmp_path / "s", keys={"score", "met"})
    before = read(tmp_path / "s")
    record = read_metadata(tmp_path / "s").columns["score"].arrays["values"]
    file = tmp_path / "s" / record.file
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)
    store = memmpy.open(tmp_path / "s")
    assert [problem.key for problem in store.verify()] == ["score"]
    assert store.verify(repair=True) == []
    assert read(tmp_path / "s") == before


def test_the_lineage_of_a_branch_of_a_friend_is_its_file(
    config: RFileConfig, tmp_path: Path
) -> None:
    convert(config, tmp_path / "s", keys={"score", "met"})
    store = memmpy.open(tmp_path / "s")
    parts = {key: [(one.file, one.tree) for one in store.lineage(key)] for key in store}
    assert parts == {
        "score": [(str(tmp_path / f"friends/{name}.root"), "scores;1") for name in "ab"],
        "met": [(str(tmp_path / f"{name}.root"), "tree;1") for name in "ab"],
    }


def test_friends_are_checked_with_the_configuration() -> None:
    with pytest.raises(OptionError, match="friends of an RFileConfig is a dict of trees"):
        RFileConfig("a.root", friends="b.root")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"placeholder \{stme\}.*nearest: 'stem'"):
        RFileConfig("a.root", friends={"scores": "{stme}.root"})


@pytest.mark.root
def test_root_finds_the_same_branches(config: RFileConfig, tmp_path: Path) -> None:
    root = pytest.importorskip("ROOT")
    for i, name in enumerate("ab"):
        numbers = np.arange(NUM * i, NUM * (i + 1))
        more = {"score": numbers + 0.5, "met": numbers * 3.0, "own": numbers * 7.0}
        make_friend(tmp_path / f"more_{name}.root", "more", **more)
    config = RFileConfig(
        config.path,
        "tree",
        friends={"one = scores": "friends/{stem}.root", "more": "more_{stem}.root"},
    )
    names = ["met", "score", "own", "weight"]
    names += ["one.met", "more.met", "tree.met", "one.score", "more.score", "more.own"]
    aliases = {"sum": "weight + score + more.score * own"}
    convert(config, tmp_path / "s", keys={*names, "sum"}, aliases=aliases)
    found = read(tmp_path / "s")
    for i, name in enumerate("ab"):
        file = root.TFile.Open(str(tmp_path / f"{name}.root"))
        tree = file.Get("tree")
        tree.AddFriend("one = scores", str(tmp_path / f"friends/{name}.root"))
        tree.AddFriend("more", str(tmp_path / f"more_{name}.root"))
        for key in (*names, "sum"):
            assert tree.Draw(aliases.get(key, key), "", "goff") == NUM
            values = [tree.GetV1()[entry] for entry in range(NUM)]
            assert found[key][NUM * i : NUM * (i + 1)] == pytest.approx(values, rel=1e-6), key
        file.Close()
