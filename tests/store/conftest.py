from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from memmpy.columns import WriteVector
from tests.forking import Forked, ForkServer

Start: TypeAlias = Callable[..., Forked]
RunPython: TypeAlias = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with the column ``x``: 0, 1, 2."""
    path = tmp_path / "data.store"
    with WriteVector(path, "x") as column:
        column.extend(np.arange(3))
    return path


@pytest.fixture
def start(fork_server: ForkServer) -> Start:
    """Start Python code in another process; its words are ``sys.argv``, its output is text."""
    return fork_server.start


@pytest.fixture
def run_python(fork_server: ForkServer) -> RunPython:
    """Run Python code in another process and return what it prints."""
    return fork_server.run
