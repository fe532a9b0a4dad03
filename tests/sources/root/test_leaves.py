"""Tests of leaf lists: each leaf is a branch of its own, as ROOT has it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import uproot

from memmpy.columns import ColumnType
from memmpy.errors import MissingKeyError, RootFileError, UndecodableError
from memmpy.sources import ByteSource
from memmpy.sources.root import TreeFile
from memmpy.sources.root.baskets import BasketDecoder, Encoding
from memmpy.sources.root.leaves import Leaf, leaves_of, read_structs, struct_of
from memmpy.sources.root.packed_baskets import ranges_of
from tests.sources.root.by_root import draw, write_leaves

NUM = 50


def a_leaf(name: str, kind: str, *, title: str = "", length: int = 1, **more: Any) -> Any:
    """Return what uproot gives for a leaf, as far as names and types go."""
    members = {
        "fName": name,
        "fTitle": title or name,
        "fLen": length,
        "fLeafCount": None,
        "fIsUnsigned": False,
        **more,
    }
    return SimpleNamespace(classname=kind, member=members.__getitem__)


def a_branch(*leaves: Any) -> Any:
    return SimpleNamespace(member={"fLeaves": list(leaves)}.__getitem__)


@pytest.mark.parametrize(
    ("leaf", "dtype"),
    [
        (a_leaf("x", "TLeafF"), ">f4"),
        (a_leaf("x", "TLeafD"), ">f8"),
        (a_leaf("x", "TLeafO"), "?"),
        (a_leaf("x", "TLeafB"), "i1"),
        (a_leaf("x", "TLeafS", fIsUnsigned=True), ">u2"),
        (a_leaf("x", "TLeafL", fIsUnsigned=True), ">u8"),
        (a_leaf("x", "TLeafG"), ">i8"),
        (a_leaf("x", "TLeafI", title="x[2][3]", length=6), (">i4", (2, 3))),
        (a_leaf("x", "TLeafI", title="x[n]", fLeafCount=object()), None),
        (a_leaf("x", "TLeafI", title="x[2]", length=6), None),
        (a_leaf("x", "TLeafC"), None),
        (a_leaf("x", "TLeafD32"), None),
    ],
)
def test_the_dtype_of_a_leaf_is_that_in_the_file(leaf: Any, dtype: Any) -> None:
    expected = None if dtype is None else np.dtype(dtype)
    assert leaves_of(a_branch(leaf, leaf)) == (Leaf("x", expected),) * 2


def test_a_branch_of_one_leaf_is_no_list() -> None:
    assert leaves_of(a_branch(a_leaf("x", "TLeafF"))) == ()


def test_one_leaf_of_unknown_size_hides_the_others() -> None:
    assert struct_of([Leaf("x", np.dtype(">f4")), Leaf("y", None)]) is None


@pytest.mark.parametrize(("start", "stop"), [(0, NUM), (7, 33), (5, 5)])
def test_structs_are_decoded_as_uproot_does(tmp_path: Path, start: int, stop: int) -> None:
    pairs = np.arange(2 * NUM, dtype=np.float32).reshape(NUM, 2)
    with uproot.recreate(tmp_path / "a.root") as file:
        tree = file.mktree("t", {"p": np.dtype(("f4", (2,)))})
        for i in range(0, NUM, 10):
            tree.extend({"p": pairs[i : i + 10]})
    struct = struct_of([Leaf("x", np.dtype(">f4")), Leaf("y", np.dtype(">f4"))])
    assert struct is not None
    with uproot.open(tmp_path / "a.root") as file:
        branch = file["t"]["p"]
        content = memoryview((tmp_path / "a.root").read_bytes())
        baskets = [content[slice(*span)] for span in ranges_of(branch, start, stop)]
        decoded = BasketDecoder(start, stop).decode(branch, Encoding(struct, (), None), baskets)
        assert isinstance(decoded, np.ndarray)
        np.testing.assert_array_equal(decoded, read_structs(branch, struct, start, stop))
    assert decoded["0"].tolist() == pairs[start:stop, 0].tolist()
    assert decoded["1"].tolist() == pairs[start:stop, 1].tolist()


@pytest.fixture(scope="module", params=[True, False], ids=["closed", "saved"])
def leaves(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("leaves")
    return write_leaves(folder / "a.root", NUM, is_closed=request.param)


@pytest.fixture
def file(leaves: Path) -> Iterator[TreeFile]:
    with closing(TreeFile(ByteSource(str(leaves)), "t")) as opened:
        yield opened


@pytest.mark.root
@pytest.mark.parametrize(
    "name", ["p.x", "q.v", "q.n", "i.i", "i.b", "matrix.a", "matrix.b", "dot.x", "only", "twice"]
)
@pytest.mark.parametrize(("start", "stop"), [(0, NUM), (13, 29)])
def test_a_leaf_has_the_values_that_root_draws(
    file: TreeFile, leaves: Path, name: str, start: int, stop: int
) -> None:
    drawn = np.array(draw(leaves, name)).reshape(NUM, -1)[start:stop]
    (found,) = file.read([name], start, stop)
    assert found[0] == name
    assert found[1].reshape(stop - start, -1).tolist() == drawn.tolist()
    assert ColumnType("vector", found[1].dtype, found[1].shape[1:]) == file.type_of(name)


@pytest.mark.root
def test_leaves_of_a_branch_are_read_together_in_any_order(file: TreeFile) -> None:
    names = ["q.n", "p.x", "q.v", "d", "matrix.b"]
    assert [name for name, _ in file.read(names, 3, 9)] == names


@pytest.mark.root
def test_the_bytes_of_leaves_add_up_to_those_of_their_branch(file: TreeFile) -> None:
    whole, leaf = file.sizes_of("q"), file.sizes_of("q.v")
    assert (2 * leaf[0] - whole[0], leaf[1]) == (-(whole[0] % 2), whole[1])


@pytest.mark.root
def test_an_only_leaf_names_its_branch(file: TreeFile) -> None:
    assert file.type_of("only.leaf") == file.type_of("only")
    assert "only.leaf" not in file.branches()


@pytest.mark.root
def test_a_branch_comes_before_a_leaf_of_its_name(file: TreeFile, leaves: Path) -> None:
    assert [*dict(file.read(["p.y"], 0, 3))["p.y"]] == [0, 1, 2]


@pytest.mark.root
def test_a_branch_whose_leaves_differ_in_shape_names_them(file: TreeFile) -> None:
    message = r"branch 'q' of .*a.root:t;1' has leaves .* give them by name \('q.v', 'q.n'\)"
    with pytest.raises(RootFileError, match=message):
        file.type_of("q")


@pytest.mark.root
@pytest.mark.parametrize("name", ["counted", "counted.n", "counted.x"])
def test_leaves_of_other_lengths_cannot_be_decoded(file: TreeFile, name: str) -> None:
    message = rf"branch '{name}' of .*a.root:t;1' cannot be decoded by uproot: its leaves 'n/I:x\["
    with pytest.raises(UndecodableError, match=message) as caught:
        file.type_of(name)
    assert (caught.value.tree, caught.value.branch) == ("t;1", name)


@pytest.mark.root
def test_a_leaf_that_is_not_there_names_the_nearest(file: TreeFile) -> None:
    with pytest.raises(MissingKeyError, match=r"no branch 'p/x' in .*; nearest: 'p.x'"):
        file.type_of("p/x")
