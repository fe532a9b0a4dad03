"""Tests of bins of histograms: by number, by label, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from uproot.writing import identify

from memmpy.errors import InputFileError, RootFileError
from memmpy.sources import describe, read_bin

LABELS = ["all", "trigger", "a:b [c]"]


def labelled(name: str) -> Any:
    texts = identify.to_THashList([identify.to_TObjString(text) for text in LABELS])
    axis = identify.to_TAxis(fName="x", fTitle="", fNbins=3, fXmin=0.0, fXmax=3.0, fLabels=texts)
    sums = dict.fromkeys(("fEntries", "fTsumw", "fTsumw2", "fTsumwx", "fTsumwx2"), 1.0)
    return identify.to_TH1x(
        fName=name, fTitle="", data=np.arange(10.0, 15.0), fSumw2=np.zeros(5), fXaxis=axis, **sums
    )


def profile(name: str) -> Any:
    axis = identify.to_TAxis(fName="x", fTitle="", fNbins=3, fXmin=0.0, fXmax=3.0)
    names = ["fEntries", "fTsumw", "fTsumw2", "fTsumwx", "fTsumwx2", "fTsumwy", "fTsumwy2"]
    zeros = {name: np.zeros(5) for name in ("data", "fSumw2", "fBinEntries", "fBinSumw2")}
    return identify.to_TProfile(
        **zeros, **dict.fromkeys(names, 1.0), fName=name, fTitle="", fXaxis=axis
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hists.root"
    with uproot.recreate(path) as root:
        root["dir/cutflow"] = labelled("cutflow")
        root["profile"] = profile("profile")
        root["plain"] = np.histogram([0.5, 0.6, 1.5], [0, 1, 2])
        root["plane"] = np.histogram2d([0.5], [0.5], [[0, 1, 2], [0, 1, 2]])
        root.mktree("tree", {"x": "float64"}).extend({"x": np.zeros(2)})
    return path


def bin_of(path: Path, name: str, which: int | str) -> float:
    status = describe(str(path))
    return read_bin(status.path, name, which, status.state)


@pytest.mark.parametrize("number", range(5))
def test_bins_have_the_numbers_of_root(file: Path, number: int) -> None:
    assert bin_of(file, "dir/cutflow", number) == 10 + number


@pytest.mark.parametrize("cycle", ["", ";1"])
def test_a_cycle_may_be_named(file: Path, cycle: str) -> None:
    assert bin_of(file, f"plain{cycle}", 1) == 2


@pytest.mark.parametrize(("label", "content"), [*zip(LABELS, [11, 12, 13], strict=True)])
def test_bins_have_labels(file: Path, label: str, content: float) -> None:
    assert bin_of(file, "dir/cutflow", label) == content


@pytest.mark.parametrize(
    ("name", "which", "message"),
    [
        ("dir/cutflo", 1, r"no histogram 'dir/cutflo' in .*; nearest: 'dir/cutflow'"),
        ("dir/cutflow", 5, r"no bin 5 in .*cutflow': it has 3 bins, and 0 and 4 are the underflow"),
        ("dir/cutflow", "triger", r"no bin 'triger' in .*labels are 'all', .*nearest: 'trigger'"),
        ("plain", "all", "no bin 'all' in .*plain': it has no label at all"),
        ("profile", 1, "'profile' of .* is a TProfile, not a histogram of one dimension"),
        ("plane", 1, "'plane' of .* is a TH2D, not a histogram of one dimension"),
        ("tree", 1, "'tree' of .* is a TTree, not a histogram of one dimension"),
    ],
)
def test_what_is_missing_is_named(file: Path, name: str, which: int | str, message: str) -> None:
    with pytest.raises(RootFileError, match=message):
        bin_of(file, name, which)


def test_a_changed_file_is_refused(file: Path) -> None:
    status = describe(str(file))
    file.write_bytes(file.read_bytes() + b"0")
    with pytest.raises(InputFileError, match="has changed while it was converted"):
        read_bin(status.path, "plain", 1, status.state)
