"""Tests that errors tell a branch that cannot be decoded from a damaged one, and name it."""

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from uproot.behaviors.TBranch import TBranch
from uproot.models.RNTuple import Model_ROOT_3a3a_RNTuple as Ntuple

from memmpy.errors import InputFileError, RootFileError, UndecodableError
from memmpy.sources import ByteSource
from memmpy.sources.root import TreeFile
from memmpy.sources.root.baskets import NotDecodedError
from memmpy.sources.root.branch_types import type_of_branch
from memmpy.sources.root.branches import Place

NUM = 2000


def read(path: Path, branch: str) -> Any:
    with closing(TreeFile(ByteSource(str(path)), None)) as file:
        [(_, values)] = file.read([branch], 0, file.num_entries)
        return values


@pytest.fixture(scope="module")
def root() -> Any:
    root = pytest.importorskip("ROOT")
    root.gErrorIgnoreLevel = root.kFatal
    root.gInterpreter.Declare(r"""
        #include "TFile.h"
        #include "TTree.h"
        struct MemmpyPair { float a; int b; };
        void memmpy_write_elsewhere(const char* path, const char* other, const char* which) {
          TFile f(path, "recreate", "", 0); TTree t("t", "t"); t.SetAutoFlush(0);
          float x, y; MemmpyPair p; std::vector<float> v; auto s = new MemmpyPair;
          t.Branch("x", &x, "x/F", 1000); t.Branch("y", &y, "y/F", 1000); t.Branch("v", &v, 1000);
          t.Branch("s.", &s, 1000); t.GetBranch(which)->SetFile(other);
          for (int i = 0; i < 2000; i++) { x = i; y = -i; v.assign(i % 3, i); s->a = i; s->b = -i;
            t.Fill(); }
          t.FlushBaskets(); f.cd(); t.Write(); }
    """)
    return root


@pytest.mark.root
@pytest.mark.parametrize(
    ("which", "hidden"),
    [("y", ["y"]), ("v", ["v"]), ("s.", ["s./s.a", "s./s.b"]), ("s.a", ["s./s.a"])],
)
@pytest.mark.parametrize("other", ["b.root", "sub/a.root", "b" * 251 + ".root", "{dir}/c.root"])
def test_a_branch_whose_baskets_lie_in_another_file_is_an_error_that_names_both(
    root: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    which: str,
    hidden: list[str],
    other: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    other = other.format(dir=tmp_path)
    root.memmpy_write_elsewhere("a.root", other, which)
    for name in hidden:
        with pytest.raises(UndecodableError) as caught:
            read(tmp_path / "a.root", name)
        words = f"branch '{name}' of '{tmp_path}/a.root:t;1' has its baskets in another file"
        assert str(caught.value).startswith(f"{words}, '{other}'")
        assert caught.value.branch == name
    for name, sign in {"x": 1, "y": -1, "s./s.a": 1, "s./s.b": -1}.items():
        if name not in hidden:
            assert read(tmp_path / "a.root", name).tolist() == (sign * np.arange(NUM)).tolist()


@pytest.mark.root
def test_a_branch_whose_file_is_its_own_is_read(
    root: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    root.memmpy_write_elsewhere("a.root", "b.root", "y")
    whole = (tmp_path / "a.root").read_bytes()
    (tmp_path / "a.root").write_bytes(whole.replace(b"\x06b.root", b"\x06a.root"))
    # Its baskets are not there, but this file is where they are said to lie.
    with closing(TreeFile(ByteSource(str(tmp_path / "a.root")), None)) as file:
        assert file.type_of("y").kind == "vector"


def branch_with(name: bytes) -> Any:
    """Return a branch as uproot has it, with the bytes of a file's name in its record."""
    places = np.array([100, 200, 0], ">i8")
    record = b"\0\0\0\7" + places.tobytes() + b"\1" + places.tobytes() + name
    raw = np.frombuffer(b"before" + record + b"after", np.uint8)
    return SimpleNamespace(
        classname="TBranch",
        typename="float",
        has_member=lambda _: False,
        member={"fBasketSeek": places}.__getitem__,
        cursor=SimpleNamespace(index=6),
        num_bytes=len(record),
        embedded_baskets=[],
        tree=SimpleNamespace(chunk=SimpleNamespace(raw_data=raw)),
    )


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        (b"\x06b.root", "b.root"),
        (b"\x01b", "b"),
        (b"\xff\x00\x00\x01\x04" + 260 * b"b", 260 * "b"),
    ],
)
def test_the_name_of_another_file_is_found_behind_the_places_of_baskets(
    octets: bytes, name: str
) -> None:
    with pytest.raises(NotDecodedError, match=f"in another file, '{name}', which"):
        type_of_branch(Place(branch_with(octets)), "/data/a.root")


@pytest.fixture
def nested(root: Any, tmp_path: Path) -> Path:
    """Return a file with a branch that uproot decodes, in baskets with checksums."""
    file = root.TFile(str(tmp_path / "a.root"), "RECREATE", "", 101)
    tree, lists = root.TTree("t", ""), root.std.vector("vector<float>")()
    inner = root.std.vector("float")()
    tree.Branch("lists", lists, 2000)
    for entry in range(NUM):
        inner.assign(3, entry)
        lists.assign(entry % 3, inner)
        tree.Fill()
    tree.Write()
    tree.SetDirectory(root.nullptr)
    file.Close()
    return tmp_path / "a.root"


@pytest.mark.root
def test_what_uproot_decodes_is_damaged_where_its_bytes_are(nested: Path) -> None:
    assert read(nested, "lists")[NUM - 1].tolist() == [[NUM - 1.0] * 3]
    with uproot.open({str(nested): None}) as file:
        seek = int(file["t/lists"].member("fBasketSeek")[1])
        num_bytes = int(file["t/lists"].member("fBasketBytes")[1])
    damaged = bytearray(nested.read_bytes())
    damaged[seek + num_bytes - 1] ^= 1
    nested.write_bytes(damaged)
    with pytest.raises(RootFileError, match=r"a\.root:t;1' is damaged in branch 'lists'") as caught:
        read(nested, "lists")
    assert not isinstance(caught.value, UndecodableError)


@pytest.mark.root
def test_a_sound_branch_at_which_uproot_fails_is_not_said_to_be_damaged(
    nested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise NotImplementedError("memberwise serialization of Lists\nin file a.root")

    monkeypatch.setattr(uproot.AsObjects, "basket_array", fail)
    monkeypatch.setattr(uproot.AsJagged, "basket_array", fail)
    message = (
        r"^branch 'lists' of '.*a\.root:t;1' cannot be decoded by uproot "
        r"\(std::vector<std::vector<float>>\): memberwise serialization of Lists; "
        r"leave it out, or see whether ROOT reads it$"
    )
    with pytest.raises(UndecodableError, match=message) as caught:
        read(nested, "lists")
    found = caught.value
    assert (found.file, found.tree, found.branch) == (str(nested), "t;1", "lists")


def test_a_field_at_which_uproot_fails_is_named_among_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        columns = {"a": np.arange(9), "b": np.arange(9.0), "c": np.arange(9)}
        # Records, which uproot reads.
        records = ak.Array({name: ak.zip({"x": values}) for name, values in columns.items()})
        file.mkrntuple("t", records.layout.form).extend(records)
    post_process = Ntuple.post_process

    def fail(self: Any, buffer: Any, metadata: Any) -> None:
        if buffer.dtype == np.float64:
            raise NotImplementedError("quantised")
        post_process(self, buffer, metadata)

    monkeypatch.setattr(Ntuple, "post_process", fail)
    with closing(TreeFile(ByteSource(str(path)), None)) as opened:
        message = r"branch 'b' of '.*a\.root:t;1' cannot be decoded by uproot.*: quantised; leave"
        with pytest.raises(UndecodableError, match=message):
            dict(opened.read(["a", "b", "c"], 0, 9))
        found = dict(opened.read(["a", "c"], 0, 9))
    assert found["c"].x.tolist() == list(range(9))


@pytest.mark.root
def test_a_branch_of_other_entries_than_the_tree_is_an_error_that_names_it(
    root: Any, tmp_path: Path
) -> None:
    file = root.TFile(str(tmp_path / "a.root"), "RECREATE")
    tree, values = root.TTree("t", ""), np.zeros(1)
    branches = [tree.Branch(name, values, f"{name}/D") for name in "xy"]
    for branch, num in zip(branches, (3, 2), strict=True):
        for _ in range(num):
            branch.Fill()
    tree.SetEntries(3)
    tree.Write()
    tree.SetDirectory(root.nullptr)
    file.Close()
    assert read(tmp_path / "a.root", "x").tolist() == [0.0] * 3
    with pytest.raises(UndecodableError, match=r"'y' of '.*a\.root:t;1' has 2 entries, the tree 3"):
        read(tmp_path / "a.root", "y")


def test_a_file_that_gets_shorter_while_uproot_reads_it_says_so(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mkrntuple("t", {"a": "i8"}).extend({"a": np.arange(100_000)})
    with closing(TreeFile(ByteSource(str(path)), None)) as opened:
        assert opened.type_of("a").kind == "vector"
        path.write_bytes(path.read_bytes()[:1000])
        with pytest.raises(InputFileError, match="truncated or has changed"):
            dict(opened.read(["a"], 0, 100_000))


@pytest.mark.root
def test_baskets_in_the_tree_that_uproot_cannot_read_are_not_said_to_be_damaged(
    nested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        words = (
            "while reading\n\n  TObjArray\n\nexpected 347 bytes but cursor moved by 339\nin file a"
        )
        raise ValueError(words)

    monkeypatch.setattr(TBranch, "embedded_baskets", property(fail))
    message = r"branch 'lists' of .* cannot be decoded by uproot .*: expected 347 bytes but.* 339;"
    with pytest.raises(UndecodableError, match=message):
        read(nested, "lists")


@pytest.mark.root
@pytest.mark.parametrize("is_referenced", [False, True])
def test_bits_of_objects_that_others_refer_to_are_an_error_and_never_wrong(
    root: Any, tmp_path: Path, is_referenced: bool
) -> None:
    file = root.TFile(str(tmp_path / "a.root"), "RECREATE")
    tree, objects = root.TTree("t", ""), root.TClonesArray("TNamed", 9)
    tree.Branch("o", objects, 32000, 99)
    references = []
    for entry in range(6):
        objects.Clear()
        for i in range(2 * entry):
            item = objects.ConstructedAt(i)
            if is_referenced:
                references.append(root.TRef(item))
        tree.Fill()
    tree.Write()
    tree.SetDirectory(root.nullptr)
    file.Close()
    with uproot.open({str(tmp_path / "a.root"): None}) as opened:
        [name] = opened["t"].keys(filter_name="*fBits")
    if is_referenced:
        words = rf"^branch '{name}' of '.*a\.root:t;1' holds the bits of objects that others"
        with pytest.raises(UndecodableError, match=words):
            read(tmp_path / "a.root", name)
    else:
        assert read(tmp_path / "a.root", name).counts.tolist() == [0, 2, 4, 6, 8, 10]
