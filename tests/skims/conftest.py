"""Fixtures of the tests of skims: other processes."""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

Start: TypeAlias = Callable[..., "subprocess.Popen[str]"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def start() -> Start:
    """Start Python code in another process; its words are ``sys.argv``, its output is text."""

    def begin(code: str, *words: object) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", textwrap.dedent(code), *map(str, words)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)

    return begin
