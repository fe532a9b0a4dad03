"""A tree with its friends, compared with the arrays that were written to each file."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import uproot
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import InputFileError, MissingKeyError
from memmpy.sources import (
    ByteSource,
    EventFile,
    FriendFile,
    NullRules,
    TreeWithFriends,
    describe,
    friend_of,
    open_files,
)
from memmpy.sources.open_file_cache import OpenFiles
from memmpy.sources.root import TreeFile
from tests.sources.contract import Columns, EventFileContract

#: The branches of the tree itself in the tests of the contract.
OWN = {"number", "jet_pt"}


def write_tree(path: Path, tree: str, columns: Columns, *, step: int) -> None:
    """Write a tree with baskets of `step` entries."""
    types = {
        name: np.dtype((values.dtype, values.shape[1:]))
        if isinstance(values, np.ndarray)
        else "var * float32"
        for name, values in columns.items()
    }
    with uproot.recreate(path) as file:
        written = file.mktree(tree, types)
        num = len(next(iter(columns.values())))
        for start in range(0, num, step):
            written.extend({name: v[start : start + step] for name, v in columns.items()})


class TestTreeAndFriend(EventFileContract):
    def write(self, path: Path, columns: Columns, *, step: int) -> None:
        own = {name: values for name, values in columns.items() if name in OWN}
        others = {name: values for name, values in columns.items() if name not in OWN}
        write_tree(path, "events", own, step=step)
        write_tree(path.with_name("friend"), "scores", others, step=2 * step + 1)

    def open(self, source: ByteSource) -> TreeWithFriends:
        tree = TreeFile(source, "events")
        friend = TreeFile(ByteSource(str(Path(source.path).with_name("friend"))), "scores")
        return TreeWithFriends(tree, {"scores": friend}, {"scores": friend})


@contextmanager
def opened(path: Path, *friends: tuple[str, str, Path], **rules: Any) -> Iterator[EventFile]:
    files = [FriendFile(n, t, str(p), describe(str(p)).state) for n, t, p in friends]
    state = describe(str(path)).state
    with (
        closing(OpenFiles(num_idle=1)) as cache,
        cache.open(str(path), "Events", state, NullRules(**rules), files) as file,
    ):
        yield file


def values_of(file: EventFile, *names: str) -> dict[str, Any]:
    """Return whole branches as lists."""
    return {name: values.tolist() for name, values in file.read(names, 0, file.num_entries)}


@pytest.fixture
def three(tmp_path: Path) -> list[tuple[str, str, Path]]:
    """A tree and two friends of three entries, in which each value tells where it is from."""
    numbers = np.arange(3)
    branches = {"main": ["x", "y", "b.x"], "one": ["y", "z", "w"], "two": ["z", "w", "x", "v"]}
    for i, (name, own) in enumerate(branches.items()):
        tree = "Events" if name == "main" else f"dir/{name}"
        columns = {branch: 100 * i + 10 * j + numbers for j, branch in enumerate(own)}
        write_tree(tmp_path / f"{name}.root", tree, columns, step=2)
    return [("a", "dir/one", tmp_path / "one.root"), ("b", "dir/two", tmp_path / "two.root")]


def test_the_tree_comes_before_its_friends_and_the_first_friend_before_the_second(
    three: list[tuple[str, str, Path]], tmp_path: Path
) -> None:
    with opened(tmp_path / "main.root", *three) as file:
        first = {name: values[0] for name, values in values_of(file, *"xyzwv").items()}
        assert first == {"x": 0, "y": 10, "z": 110, "w": 120, "v": 230}
        assert [friend_of(file, name) for name in "xyzwv"] == [None, None, "a", "a", "b"]


def test_a_branch_is_named_by_its_friend(
    three: list[tuple[str, str, Path]], tmp_path: Path
) -> None:
    with opened(tmp_path / "main.root", *three) as file:
        names = ["Events.y", "a.y", "a.z", "b.z", "b.w", "b.v"]
        first = {name: values[0] for name, values in values_of(file, *names).items()}
        assert list(first.values()) == [10, 100, 110, 200, 210, 230]


def test_a_branch_with_a_dot_in_its_name_comes_before_that_of_a_friend(
    three: list[tuple[str, str, Path]], tmp_path: Path
) -> None:
    with opened(tmp_path / "main.root", *three) as file:
        assert values_of(file, "b.x") == {"b.x": [20, 21, 22]}


def test_a_friend_is_named_with_and_without_its_directory_and_cycle(
    three: list[tuple[str, str, Path]], tmp_path: Path
) -> None:
    one = ("dir/one;1", "dir/one;1", three[0][2])
    with opened(tmp_path / "main.root", one) as file:
        assert [*values_of(file, "dir/one;1.y", "dir/one.y", "one.y").values()] == [
            [100, 101, 102]
        ] * 3


def test_branches_of_one_name_are_listed_once(
    three: list[tuple[str, str, Path]], tmp_path: Path
) -> None:
    with opened(tmp_path / "main.root", *three) as file:
        assert file.branches() == ["x", "y", "b.x", "z", "w", "v"]


def test_two_names_of_one_branch_give_the_same_values(
    three: list[tuple[str, str, Path]], tmp_path: Path
) -> None:
    with opened(tmp_path / "main.root", *three) as file:
        found = list(file.read(["z", "x", "a.z", "Events.x"], 1, 3))
        assert [(name, values.tolist()) for name, values in found] == [
            ("z", [111, 112]),
            ("x", [1, 2]),
            ("a.z", [111, 112]),
            ("Events.x", [1, 2]),
        ]


@given(data=st.data())
def test_boundaries_of_several_files_are_those_of_one_of_them(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("files")
    steps = [data.draw(st.integers(1, 30)) for _ in range(2)]
    for name, step in zip(["main", "one"], steps, strict=True):
        columns = {f"{name}_x": np.arange(30)}
        write_tree(folder / f"{name}.root", "Events", columns, step=step)
    with opened(folder / "main.root", ("one", "Events", folder / "one.root")) as file:
        edges = [file.boundaries([name]).tolist() for name in ("main_x", "one_x")]
        assert edges == [[*range(0, 30, step), 30] for step in steps]
        assert file.boundaries(["main_x", "one_x"]).tolist() == min(edges, key=len)


def test_a_friend_of_another_length_names_both_files_and_numbers(
    three: list[tuple[str, str, Path]], tmp_path: Path
) -> None:
    write_tree(tmp_path / "two.root", "dir/two", {"v": np.arange(4)}, step=4)
    message = (
        r"the friend 'b' has another number of entries than its tree: '.*two\.root:dir/two;1' "
        r"has 4, '.*main\.root:Events;1' has 3; write the friend again"
    )
    with (
        pytest.raises(InputFileError, match=message),
        opened(tmp_path / "main.root", *three),
    ):
        pass


def test_a_missing_branch_of_a_friend_names_the_nearest_there(
    three: list[tuple[str, str, Path]], tmp_path: Path
) -> None:
    write_tree(tmp_path / "one.root", "dir/one", {"score": np.arange(3)}, step=4)
    message = (
        r"no branch '{}' in '.*main.root:Events;1'; nearest: '{}'; its friends are 'a' \(.*one"
    )
    with opened(tmp_path / "main.root", *three) as file:
        for name, near in [("scoer", "score"), ("a.scoer", "a.score")]:
            with pytest.raises(MissingKeyError, match=message.format(name, near)):
                file.type_of(name)


def test_a_missing_tree_of_a_friend_names_those_that_the_file_has(
    three: list[tuple[str, str, Path]], tmp_path: Path
) -> None:
    message = r"no tree 'dir/on' in '.*one.root': its only tree is 'dir/one'"
    with (
        pytest.raises(InputFileError, match=message),
        opened(tmp_path / "main.root", ("a", "dir/on", three[0][2])),
    ):
        pass


def test_a_changed_friend_is_an_error(three: list[tuple[str, str, Path]], tmp_path: Path) -> None:
    name, tree, path = three[0]
    friend = FriendFile(name, tree, str(path), describe(str(path)).state)
    write_tree(path, tree, {"y": np.arange(3), "more": np.arange(3)}, step=3)
    main = tmp_path / "main.root"
    state = describe(str(main)).state
    with (
        pytest.raises(InputFileError, match=r"one.root' has changed while it was converted"),
        open_files.open(str(main), "Events", state, NullRules(), [friend]),
    ):
        pass


def write_parquet(path: Path, columns: Mapping[str, Any]) -> None:
    pyarrow.parquet.write_table(pa.table(columns), path)


def test_a_parquet_file_is_a_friend_under_any_name(
    three: list[tuple[str, str, Path]], tmp_path: Path
) -> None:
    write_parquet(tmp_path / "s.parquet", {"s": [0.5, 1.5, 2.5], "x": [7, 8, 9]})
    friend = ("scores", "scores", tmp_path / "s.parquet")
    with opened(tmp_path / "main.root", friend) as file:
        assert values_of(file, "s", "scores.x", "x") == {
            "s": [0.5, 1.5, 2.5],
            "scores.x": [7, 8, 9],
            "x": [0, 1, 2],
        }


def test_fills_of_missing_values_go_to_the_friend_that_has_the_branch(
    three: list[tuple[str, str, Path]], tmp_path: Path
) -> None:
    lists = [[1], None, [2, 3]]
    for i in (1, 2):
        write_parquet(tmp_path / f"{i}.parquet", {"l": lists, "n": lists})
    friends = [(f"f{i}", f"f{i}", tmp_path / f"{i}.parquet") for i in (1, 2)]
    with opened(tmp_path / "main.root", *friends, fills={"l": None, "f2.n": None}) as file:
        names = ("l", "f1.l", "n", "f1.n", "f2.l", "f2.n")
        assert {name: file.type_of(name).kind for name in names} == {
            "l": "nested",
            "f1.l": "jagged",
            "n": "jagged",
            "f1.n": "jagged",
            "f2.l": "jagged",
            "f2.n": "nested",
        }


def test_a_dataset_of_the_same_hdf5_file_is_a_friend(tmp_path: Path) -> None:
    tracks = np.zeros((3, 2), [("d0", "f4"), ("pt", "f4")])
    tracks["d0"] = [[1, 2], [3, 4], [5, 6]]
    with h5py.File(tmp_path / "main.h5", "w") as file:
        file["Events"] = np.array([(1.5,), (2.5,), (3.5,)], [("pt", "f4")])
        file["tracks"] = tracks
    with opened(tmp_path / "main.h5", ("tracks", "tracks", tmp_path / "main.h5")) as both:
        assert values_of(both, "pt", "d0", "tracks.pt") == {
            "pt": [1.5, 2.5, 3.5],
            "d0": [[1, 2], [3, 4], [5, 6]],
            "tracks.pt": [[0, 0]] * 3,
        }
