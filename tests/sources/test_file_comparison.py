"""Tests of listings of several files."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import uproot

from memmpy.errors import InputFileError, MissingFileError, MissingKeyError
from memmpy.sources import list_files

COLLECTIONS = {f"{name}_{key}": "f4" for name in ("Jet", "Muon", "Tau") for key in "abcdefghijklmn"}


def write(
    path: Path, num: int = 5, *, tree: str = "Events", types: dict[str, str] | None = None
) -> Path:
    types = types or {"x": "f4", "n": "i4"}
    with uproot.recreate(path) as file:
        file.mktree(tree, types).extend({name: np.zeros(num, types[name]) for name in types})
    return path


def test_the_first_file_is_listed_and_equal_files_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # paths are shown from here
    for i in range(3):
        write(tmp_path / f"{i}.root", 5 + i)
    listing = list_files(["*.root"])
    assert listing.first.path.endswith("0.root")
    assert [file.num_entries for file in listing.others] == [{"Events": 6}, {"Events": 7}]
    text = repr(listing)
    assert re.search(r"0\.root +listed above +5 ", text)
    assert re.search(r"1\.root +the same +6 ", text)
    assert re.search(r"3 files +18 ", text)


def test_entries_of_a_tree_with_another_name_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.root", 5)
    write(tmp_path / "b.root", 6, tree="Other")
    text = repr(list_files(["*.root"]))
    assert "lacks Events; adds Other" in text
    assert re.search(r"2 files +11 ", text)


def test_a_file_that_is_given_twice_is_listed_once(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.root"))
    assert list_files([path, path, str(tmp_path / "*.root")]).others == ()


def test_differences_of_trees_branches_and_types_are_named(tmp_path: Path) -> None:
    write(tmp_path / "a.root", types={"x": "f4", "n": "i4", "y": "f8"})
    write(tmp_path / "b.root", types={"x": "f4", "n": "u1", "z": "f8"})
    write(tmp_path / "c.root", tree="Other", types={"x": "f4", "y": "f4"})
    listing = list_files([str(tmp_path / "*.root")])
    b, c = listing.others
    assert (b.missing, b.added) == (("Events/y",), ("Events/z",))
    assert b.changed == (("Events/n", "int32", "uint8"),)
    assert (c.missing, c.added) == (("Events", "Events/n"), ("Other",))
    assert c.changed == (("Other/y", "float64", "float32"),)
    write(tmp_path / "d.root", tree="Else", types={"a": "f4"})
    d = list_files([str(tmp_path / "*.root")]).others[-1]
    assert d.in_words() == "lacks Events; adds Else"
    words = b.in_words()
    assert words == "lacks Events/y; adds Events/z; Events/n is uint8, not int32"
    assert json.loads(json.dumps(listing.to_dict()))["others"][0]["changed"] == [
        {"name": "Events/n", "type_in_first": "int32", "type": "uint8"}
    ]


def test_many_differences_are_cut(tmp_path: Path) -> None:
    write(tmp_path / "a.root", types={f"x{i}": "f4" for i in range(9)})
    write(tmp_path / "b.root", types={f"x{i}": "f8" for i in range(9)})
    write(tmp_path / "c.root", types={"z": "f4"})
    b, c = list_files([str(tmp_path / "*.root")]).others
    assert b.in_words().count("is float64, not float32") == 5
    assert b.in_words().endswith("; ...")
    assert "Events/x4 and 4 more" in c.in_words()


def test_a_broken_file_is_told_and_the_others_are_listed(tmp_path: Path) -> None:
    (tmp_path / "a.root").write_bytes(b"root")
    write(tmp_path / "b.root")
    write(tmp_path / "c.root")
    listing = list_files([str(tmp_path / "*.root")])
    assert listing.first.path.endswith("b.root")
    assert listing.num_unreadable == 1
    assert listing.others[0].in_words().startswith("is truncated or has changed")


def test_files_of_which_none_can_be_read_are_an_error(tmp_path: Path) -> None:
    for name in ("a.root", "b.root"):
        (tmp_path / name).write_bytes(b"root")
    with pytest.raises(InputFileError, match=r"none of 2 files can be read; '.*a\.root' is trunc"):
        list_files([str(tmp_path / "*.root")])
    with pytest.raises(InputFileError, match=r"a\.root' is truncated"):
        list_files([str(tmp_path / "a.root")])


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no file matches"):
        list_files([str(write(tmp_path / "a.root")), str(tmp_path / "*.h5")])


@pytest.mark.parametrize(
    ("pattern", "hint"), [("Jt_*", "'Jet_\\*'"), ("Jet_aa", "'Jet_a'"), ("zzz", "")]
)
def test_a_pattern_without_matches_names_the_nearest(
    tmp_path: Path, pattern: str, hint: str
) -> None:
    path = str(write(tmp_path / "a.root", types=COLLECTIONS))
    message = f"no branch in '.*a.root' matches '{re.escape(pattern)}'.*{hint}"
    with pytest.raises(MissingKeyError, match=message):
        list_files([path], like=[pattern])


def test_many_branches_are_shown_in_groups_and_all_of_them_if_asked_for(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.root", types={"run": "u4", **COLLECTIONS}))
    text = repr(list_files([path]))
    assert re.search(r"^ *run +uint32 +\d", text, re.MULTILINE)
    assert re.search(r"Jet_\* +float32 +14 ", text)
    assert "Jet_a" not in text
    assert "one group: --like 'Jet_*'; all branches: --all" in text
    for whole in (list_files([path], is_whole=True), list_files([path], like=["Jet_*"])):
        assert re.search(r"Jet_a +float32 ", repr(whole))
        assert "Jet_*" not in repr(whole)


@pytest.mark.parametrize(
    ("num", "line"),
    [
        (1, r"syst_0 \(TTree\): 3 entries, .*; the branches of nominal"),
        (2, "2 trees with the branches of nominal, 6 entries: syst_0, syst_1"),
        (7, "7 trees with the branches of nominal, 21 entries: syst_0, .*, syst_4 and 2 more"),
    ],
)
def test_trees_with_the_same_branches_are_one_line(num: int, line: str, tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        for name in ["nominal", *(f"syst_{i}" for i in range(num))]:
            file.mktree(name, {"x": "f4"}).extend({"x": np.zeros(3, "f4")})
        file.mktree("other", {"x": "f8"}).extend({"x": np.zeros(3)})
    text = repr(list_files([str(tmp_path / "a.root")]))
    assert len(re.findall(r"^ *x +float", text, re.MULTILINE)) == 2
    assert re.search(f"^{line}$", text, re.MULTILINE)


def test_trees_without_the_branches_that_were_asked_for_are_left_out(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("one", {"x": "f4"})
        file.mktree("two", {"y": "f4"})
    text = repr(list_files([str(tmp_path / "a.root")], like=["y"]))
    assert "two (TTree)" in text
    assert "one (TTree)" not in text


def test_many_branches_without_groups_are_listed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.root", types={f"x{i}": "f4" for i in range(50)})
    text = repr(list_files([str(path)]))
    assert re.search(r"x49 +float32 ", text)
    assert "--like" not in text


def test_only_the_first_of_many_objects_are_shown(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        for i in range(25):
            file[f"h{i:02}"] = np.histogram([0.5], bins=1, range=(0, 1))
    text = repr(list_files([str(tmp_path / "a.root")]))
    assert "It has no tree" in text
    assert "h19" in text
    assert "h20" not in text
    assert "and 5 more objects: --all" in text
    assert "h24" in repr(list_files([str(tmp_path / "a.root")], is_whole=True))


@pytest.mark.real
def test_branches_that_cannot_be_read_are_counted(real_data: Path) -> None:
    text = repr(list_files([str(real_data / "PHYSLITE_example.root")]))
    assert "724 branches not shown, which memmpy cannot read: --all says why" in text
    assert re.search(r"AnalysisJetsAuxDyn\.\* .*lists of float32", text)
    text = repr(list_files([str(real_data / "nanoAOD_2015_CMS_Open_Data_ttbar.root")]))
    assert re.search(r"nJet, Jet_\* +lists of float32, int32, uint8 +41 ", text)
    assert re.search(r"HLT_\* +bool +441 ", text)
    assert len(text.splitlines()) < 90
