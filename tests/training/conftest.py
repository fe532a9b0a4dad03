"""Fixtures of the tests of the audit."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

import memmpy
from tests.training.stores import Events, write_trees

WriteFile: TypeAlias = Callable[..., memmpy.RFileConfig]


@pytest.fixture
def write_file(tmp_path: Path) -> WriteFile:
    """Return a function that writes events to a file, and gives what converts it."""

    def write(
        name: str, events: Events, *, tree: str = "Events", **metadata: str
    ) -> memmpy.RFileConfig:
        write_trees(tmp_path / name, {tree: events})
        return memmpy.RFileConfig(tmp_path / name, tree, metadata)

    return write
