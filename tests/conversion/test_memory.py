"""The step bounds the memory of a conversion, not the size of the files."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import uproot

from memmpy.demo import make_events

KEYS = ["nJets", "met", "weight", "eventNumber", "jet_pt", "jet_eta"]
#: Events of a basket.
BLOCK = 25_000
PEAK = r"""
import os, re, sys
import numba  # only what is large enough needs it
from memmpy import RFileConfig, Work, convert, compute_cut_batched
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])  # so much as two threads need
file, store, *keys = sys.argv[1:]
convert(RFileConfig(file, "tree"), store, keys=keys, work=Work(step_bytes=1 << 20))
compute_cut_batched(store, "nJets > 5 && jet_pt > 100", step_size=1 << 14)
# Not `ru_maxrss`: that begins with what the parent has, which is more.
print(re.search(r"VmHWM:\s*(\d+) kB", open("/proc/self/status").read())[1])
"""


def peak_of_conversion(folder: Path, num_events: int) -> int:
    """Return the peak memory, in MiB, of a process that converts and cuts one file."""
    folder.mkdir()
    file = folder / "events.root"
    with uproot.recreate(file) as written:
        for first in range(0, num_events, BLOCK):
            events = make_events("ttbb", "mc16a", BLOCK, seed=1, first_event=first)
            kept = {key: events[key] for key in KEYS}
            if first == 0:
                types = {
                    key: values.dtype if isinstance(values, np.ndarray) else values.type
                    for key, values in kept.items()
                }
                tree = written.mktree("tree", types)
            tree.extend(kept)
    command = [sys.executable, "-c", PEAK, str(file), str(folder / "s"), *KEYS]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) // 1024


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells the peak of one process")
def test_a_file_of_eight_times_the_events_takes_no_more_memory(tmp_path: Path) -> None:
    small = peak_of_conversion(tmp_path / "small", 50_000)
    large = peak_of_conversion(tmp_path / "large", 400_000)
    # Its columns would take 25 MiB more, what uproot decodes them from as much again, and the file
    # 20 MiB; what is mapped of file and store is counted, too.
    assert large - small < 30
