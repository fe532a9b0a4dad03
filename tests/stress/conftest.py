"""The shim, built once."""

from pathlib import Path

import pytest

from tests.stress.shim import build


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the compiled shim, or skip."""
    shim = build(tmp_path_factory.mktemp("shim"))
    if shim is None:
        pytest.skip("the shim needs cc, Linux and glibc")
    return shim
