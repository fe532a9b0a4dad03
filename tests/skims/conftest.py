"""Fixtures of the tests of skims: other processes."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.forking import Forked, ForkServer

Start: TypeAlias = Callable[..., Forked]


@pytest.fixture
def start(fork_server: ForkServer) -> Start:
    """Start Python code in another process; its words are ``sys.argv``, its output is text."""
    return fork_server.start
