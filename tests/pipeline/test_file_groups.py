"""Tests of the process and the year of files, guessed from their paths."""

from pathlib import Path

import pytest

from memmpy.errors import MissingFileError
from memmpy.pipeline.file_groups import FileGroup, group_files


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def guess(folder: Path, name: str) -> tuple[str, str]:
    touch(folder, name)
    [group] = group_files([str(folder / name)])
    return group.process, group.year


@pytest.mark.parametrize(
    ("name", "process", "year"),
    [
        ("ttbb_mc16a.root", "ttbb", "mc16a"),
        ("ttH_mc16d_001.root", "ttH", "mc16d"),
        ("single_top.root", "single_top", ""),
        ("ggH/nano_3.root", "ggH", ""),
        ("ggH/part0.root", "ggH", ""),
        ("ggH/output12_p3.root", "ggH", ""),
        ("ggH/0A1B2C3D-11EE.root", "ggH", ""),
        ("DYJetsToLL_M-50.root", "DYJetsToLL_M-50", ""),
        ("DYJets_2018.parquet", "DYJets", "2018"),
        ("2018preVFP/GluGluH_M125_13TeV_amcatnlo_12.root", "GluGluH_M125", "2018preVFP"),
        ("nanoAOD_2015_CMS_Open_Data_ttbar.root", "CMS_Open_Data_ttbar", "2015"),
        ("mc/TTTo2L_TuneCP5_13TeV-powheg/NANOAODSIM/v1-v1/30000/1.root", "TTTo2L", ""),
        ("mc20_13TeV.410470.PhPy8EG_ttbar.deriv.e6337/DAOD.3._01.pool.root.1", "PhPy8EG_ttbar", ""),
        ("SingleMuon_Run2018A/x_3.root", "SingleMuon_Run2018A", ""),
        ("data/signal.h5", "signal", ""),
    ],
)
def test_process_and_year_come_from_the_path(
    name: str, process: str, year: str, tmp_path: Path
) -> None:
    assert guess(tmp_path, name) == (process, year)


@pytest.mark.parametrize(
    ("process", "is_data"),
    [
        ("data", True),
        ("data18", True),
        ("SingleMuon_Run2018A", True),
        ("Run2012BC_DoubleMuParked", True),
        ("ttH", False),
        ("DYJets", False),
        ("single_top", False),
    ],
)
def test_data_are_known_by_their_names(process: str, is_data: bool) -> None:
    assert FileGroup(process, "", (), ()).is_data == is_data


def test_a_year_counts_only_if_all_files_have_one(tmp_path: Path) -> None:
    touch(tmp_path, "a_2017.root", "a_2018.root")
    pattern = str(tmp_path / "*.root")
    assert [(g.process, g.year) for g in group_files([pattern])] == [("a", "2017"), ("a", "2018")]
    touch(tmp_path, "b.root")
    assert [(g.process, g.year) for g in group_files([pattern])] == [("a", ""), ("b", "")]


def test_a_pattern_of_the_user_that_means_one_process_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "ggH/1.root", "ggH/2.root", "DY/1.root")
    ggh, dy = group_files(["ggH/*.root", "DY/*.root"])
    assert (ggh.paths, len(ggh.files)) == (("ggH/*.root",), 2)
    assert (dy.paths, len(dy.files)) == (("DY/1.root",), 1)


def test_a_pattern_is_found_for_the_files_of_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "ggH/1.root", "ggH/2.root", "ttH_1.root", "ttH_2.root", "ttbar_1.root", "x.txt")
    shell = ["ggH/1.root", "ggH/2.root", "ttH_1.root", "ttH_2.root", "ttbar_1.root"]
    assert [group.paths for group in group_files(shell)] == [
        ("ggH/*.root",),
        ("ttH_*.root",),
        ("ttbar_1.root",),
    ]


def test_files_that_no_pattern_tells_apart_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "t_1.root", "t_2.root", "t_3.root")
    [group] = group_files(["t_1.root", "t_3.root"])
    assert group.paths == ("t_1.root", "t_3.root")


def test_a_file_that_two_patterns_match_is_taken_once(tmp_path: Path) -> None:
    touch(tmp_path, "a.root")
    (tmp_path / "link.root").symlink_to(tmp_path / "a.root")
    groups = group_files([str(tmp_path / "a.root"), str(tmp_path / "*.root")])
    assert sum(len(group.files) for group in groups) == 1


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        group_files([str(tmp_path / "a.root")])
