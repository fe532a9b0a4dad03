"""What all tests share: small ROOT files made by uproot, and where the real ones lie."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import hypothesis
import numpy as np
import pytest
import uproot

from tests.forking import ForkServer
from tests.real_servers import S3Server, XrootdServer, running_s3, running_xrootd

hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.register_profile("quick", deadline=None, max_examples=20)

REAL_DATA = Path(os.environ.get("MEMMPY_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))

#: For tests in which padding cuts items off on purpose, and in which a cut leaves nothing.
CLIPS = pytest.mark.filterwarnings("ignore:.*which cuts off:memmpy.errors.ConversionWarning")
EMPTIES = pytest.mark.filterwarnings("ignore:no entry of:memmpy.errors.ConversionWarning")

MakeFile = Callable[..., Path]

#: Each process takes some seconds to collect all tests, and up to 1 GB of memory.
MAX_PROCESSES = 12


def pytest_configure(config: pytest.Config) -> None:
    """Choose how many examples laws are tried with; ``--hypothesis-profile`` goes before."""
    if not config.getoption("--hypothesis-profile"):
        is_quick = config.option.markexpr == "not slow"
        profile = "ci" if os.environ.get("CI") else "quick" if is_quick else "default"
        hypothesis.settings.load_profile(profile)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow all but the first of the tests that are slow together."""
    seen = set()
    for item in items:
        name = item.nodeid.partition("[")[0]
        if item.get_closest_marker("slow_together"):
            if name in seen:
                item.add_marker("slow")
            seen.add(name)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return the number of processes for ``-n auto``: none for single files, or names with ``-k``.

    Half as many again as there are cores, as tests wait for disks, servers and other processes.
    """
    if config.option.keyword or all(
        argument.partition("::")[0].endswith(".py") for argument in config.args
    ):
        return 0
    try:
        num_cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        num_cores = os.cpu_count() or 1
    return min(num_cores + num_cores // 2, MAX_PROCESSES)


def make_events(num: int, *, first: int = 0) -> dict[str, Any]:
    """Return events that tell their number in each branch."""
    number = np.arange(first, first + num)
    counts = number % 4
    content = np.repeat(number, counts) + 0.25
    return {
        "nJets": counts.astype(np.int32),
        "nBTags_77": (number % 3).astype(np.int32),
        "eventNumber": (number + (1 << 60)).astype(np.uint64),
        "runNumber": np.full(num, 7, np.uint32),
        "met": (number / 8).astype(np.float32),
        "weight": number * 1.5,
        "isGood": number % 2 == 0,
        "jet_pt": ak.unflatten(content.astype(np.float32), counts),
    }


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """Return a function that writes a ROOT file with one tree."""

    def make(
        name: str = "events.root", num: int = 10, *, tree: str = "tree", first: int = 0, **more: Any
    ) -> Path:
        path = tmp_path / name
        branches = {**make_events(num, first=first), **more}
        with uproot.recreate(path) as file:
            written = file.mktree(tree, {key: _type(values) for key, values in branches.items()})
            if num:
                written.extend(branches)
        return path

    return make


def _type(values: Any) -> Any:
    if isinstance(values, np.ndarray):
        return np.dtype((values.dtype, values.shape[1:]))
    return values.type


@pytest.fixture
def folder_for_all() -> Iterator[Path]:
    """Return a folder that all users may read; the folders above `tmp_path` are closed to them."""
    path = Path(tempfile.mkdtemp(prefix="memmpy-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """Return what starts Python code in another process that has imported memmpy."""
    server = ForkServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def xrootd() -> Iterator[XrootdServer]:
    """Return a running XRootD server, or skip where there is none."""
    with running_xrootd() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """Return a running server of S3, or skip where there is none."""
    with running_s3() as server:
        yield server


@pytest.fixture
def real_data() -> Path:
    """Return the folder of the real ROOT files, or skip."""
    if not (REAL_DATA / "facts.json").exists():
        pytest.skip("the real ROOT files are not there")
    return REAL_DATA
