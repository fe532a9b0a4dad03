"""Tests of how a process learns its number among those that train together."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import SplitLoader
from memmpy.errors import OptionError
from memmpy.parallel import check_rank
from tests.conftest import MakeFile
from tests.processes import run_python

NAMES = ("RANK", "WORLD_SIZE", "SLURM_PROCID", "SLURM_NTASKS")


def set_variables(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, object]) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))


TORCHRUN = {"RANK": 2, "WORLD_SIZE": 4}
SLURM = {"SLURM_PROCID": 5, "SLURM_NTASKS": 8}


@pytest.mark.parametrize(
    ("rank", "variables", "expected"),
    [
        ("auto", {}, (0, 1)),
        ("auto", TORCHRUN, (2, 4)),
        ("auto", {"RANK": " 0", "WORLD_SIZE": "1 "}, (0, 1)),
        ("auto", SLURM, (0, 1)),  # a plain script under srun sees all events
        ("auto", {**SLURM, **TORCHRUN}, (2, 4)),
        ("slurm", SLURM, (5, 8)),
        ("slurm", {**SLURM, **TORCHRUN}, (5, 8)),
        (1, {**SLURM, **TORCHRUN}, (1, 3)),
        (np.int64(1), {}, (1, 3)),
    ],
)
def test_a_rank_is_given_or_found(
    monkeypatch: pytest.MonkeyPatch, rank: Any, variables: Any, expected: tuple[int, int]
) -> None:
    set_variables(monkeypatch, variables)
    world_size = 1 if isinstance(rank, str) else 3
    assert check_rank(rank, world_size) == expected
    loader = SplitLoader({"x": np.arange(72)}, 1, rank=rank, world_size=world_size, shuffle=False)
    own = [batch["x"].item() for batch in loader]
    assert own == [*range(expected[0], 72, expected[1])]


def test_a_plain_loader_under_srun_and_torchrun_has_all_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_variables(monkeypatch, {**SLURM, **TORCHRUN})
    assert SplitLoader({"x": np.arange(80)}).num_entries == 80


@pytest.mark.parametrize(
    ("rank", "variables", "message"),
    [
        ("auto", {"RANK": 1}, "has RANK='1', WORLD_SIZE='', .* set WORLD_SIZE"),
        ("auto", {"WORLD_SIZE": 2}, "has RANK='', WORLD_SIZE='2', .* set RANK"),
        ("auto", {"RANK": "one", "WORLD_SIZE": 2}, "has RANK='one', .* two integers"),
        ("auto", {"RANK": -1, "WORLD_SIZE": 2}, "has RANK='-1', .* two integers"),
        ("auto", {"RANK": "\u00b2", "WORLD_SIZE": 2}, "two integers"),
        ("auto", {"RANK": 2, "WORLD_SIZE": 2}, "the rank must be less than the number"),
        ("auto", {"RANK": 0, "WORLD_SIZE": 0}, "the rank must be less than the number"),
        ("slurm", {}, "needs SLURM_PROCID and SLURM_NTASKS, which srun sets"),
        ("slurm", TORCHRUN, "needs SLURM_PROCID and SLURM_NTASKS, which srun sets"),
        ("slurm", {"SLURM_PROCID": 1}, "has SLURM_PROCID='1', .* set SLURM_NTASKS"),
        ("Auto", {}, "of at least 0, 'auto' or 'slurm', got 'Auto'; nearest: 'auto'"),
        (None, {}, "rank must be an integer of at least 0, got None"),
        (0.5, {}, "rank must be an integer of at least 0, got 0.5"),
        (1, {}, "no rank 1 of 1: give 0 to 0"),
    ],
)
def test_a_rank_that_cannot_be_found_is_refused(
    monkeypatch: pytest.MonkeyPatch, rank: Any, variables: Any, message: str
) -> None:
    set_variables(monkeypatch, variables)
    with pytest.raises(OptionError, match=message):
        SplitLoader({"x": np.arange(8)}, rank=rank)


def test_a_number_of_processes_must_be_the_one_that_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_variables(monkeypatch, TORCHRUN)
    assert check_rank("auto", 4) == (2, 4)
    message = "rank='auto' finds 4 processes by RANK and WORLD_SIZE, not 3: leave out world_size="
    with pytest.raises(OptionError, match=message):
        check_rank("auto", 3)
    wrong: Any = "4"
    with pytest.raises(OptionError, match="world_size must be an integer of at least 1"):
        check_rank("auto", wrong)


def test_each_door_takes_the_names(
    monkeypatch: pytest.MonkeyPatch, make_file: MakeFile, tmp_path: Path
) -> None:
    set_variables(monkeypatch, {"RANK": 1, "WORLD_SIZE": 3, "SLURM_PROCID": 0, "SLURM_NTASKS": 2})
    file, path = make_file(num=12), tmp_path / "s.mmpy"
    for skim in (True, False):
        loader = memmpy.load_root(file, path, keys={"nJets"}, skim=skim, rank="auto")
        assert loader.num_entries == 4
    assert memmpy.open(path).loader(rank="slurm").num_entries == 6
    data = memmpy.training_set(file, path, inputs={"x": ["nJets"]})
    assert data.loader("all", rank="auto").num_entries == 4


FOUND = """
import sys
import memmpy.parallel
assert "torch" not in sys.modules
assert memmpy.parallel.check_rank("auto", 1) == (1, 2), "torchrun"
assert "torch" not in sys.modules
import torch
torch.distributed.init_process_group(
    "gloo", store=torch.distributed.HashStore(), rank=0, world_size=1
)
assert memmpy.parallel.check_rank("auto", 1) == (0, 1), "torch.distributed"
torch.distributed.destroy_process_group()
assert memmpy.parallel.check_rank("auto", 1) == (1, 2), "torchrun again"
"""


@pytest.mark.slow
def test_an_initialised_torch_goes_before_variables_and_is_never_imported() -> None:
    pytest.importorskip("torch")
    run_python(FOUND, RANK="1", WORLD_SIZE="2")


def test_a_torch_without_its_distributed_part_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Distributed:
        @staticmethod
        def is_available() -> bool:
            return False

    set_variables(monkeypatch, TORCHRUN)
    monkeypatch.setitem(sys.modules, "torch.distributed", Distributed())
    assert check_rank("auto", 1) == (2, 4)
