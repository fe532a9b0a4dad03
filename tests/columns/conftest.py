"""Fixtures of the tests of columns."""

from pathlib import Path

import pytest


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where a store may be written."""
    return tmp_path / "data.store"
