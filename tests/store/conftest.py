"""Fixtures of the tests of stores."""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from memmpy.columns import WriteVector

Start: TypeAlias = Callable[..., "subprocess.Popen[str]"]
RunPython: TypeAlias = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with the column ``x``: 0, 1, 2."""
    path = tmp_path / "data.store"
    with WriteVector(path, "x") as column:
        column.extend(np.arange(3))
    return path


@pytest.fixture
def start() -> Start:
    """Start Python code in another process; its words are ``sys.argv``, its output is text."""

    def begin(code: str, *words: object) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", textwrap.dedent(code), *map(str, words)]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


@pytest.fixture
def run_python(start: Start) -> RunPython:
    """Run Python code in another process and return what it prints."""

    def run(code: str, *words: object) -> str:
        process = start(code, *words)
        out, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
        return out.strip()

    return run
