"""The step bounds the memory of a conversion, not the size of the files."""

import subprocess
import sys
from pathlib import Path

import pytest

from memmpy.demo import demo_files, write_demo_files

PEAK = """
import resource, sys
from memmpy import RFileConfig, Work, convert, compute_cut_batched, load_root
file, tree, store = sys.argv[1:]
keys = {"nJets", "met", "weight", "eventNumber", "jet_pt", "jet_eta"}
convert(RFileConfig(file, tree), store, keys=keys, work=Work(step_bytes=1 << 20))
compute_cut_batched(store, "nJets > 5 && jet_pt > 100", step_size=1 << 14)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_of_conversion(folder: Path, num_events: int) -> int:
    """Return the peak memory, in MiB, of a process that converts and cuts one file."""
    write_demo_files(folder, num_events=num_events, seed=1)
    name, tree, _ = demo_files()[0]
    command = [sys.executable, "-c", PEAK, str(folder / name), tree, str(folder / "s")]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
def test_a_file_of_eight_times_the_events_takes_no_more_memory(tmp_path: Path) -> None:
    small = peak_of_conversion(tmp_path / "small", 50_000)
    large = peak_of_conversion(tmp_path / "large", 400_000)
    # Its columns would take 55 MiB more, and what uproot decodes them from as much again.
    assert large - small < 30
