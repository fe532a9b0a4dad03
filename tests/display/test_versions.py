"""Tests of the versions that users put into a bug report."""

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import memmpy


def shown(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    memmpy.show_versions()
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    return {name: text.strip() for name, _, text in (line.partition(":") for line in lines)}


def test_the_versions_of_the_system_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    versions = shown(capsys)
    assert versions["memmpy"] == memmpy.__version__
    assert versions["python"] == f"{platform.python_version()} ({sys.executable})"
    assert versions["platform"] == platform.platform()
    assert versions["cpus"] == str(os.cpu_count())


def test_all_packages_are_shown_but_those_of_the_tests(capsys: pytest.CaptureFixture[str]) -> None:
    versions = shown(capsys)
    requirements = [Requirement(text) for text in metadata.requires("memmpy") or []]
    names = {r.name for r in requirements if "extra == 'test'" not in str(r).replace('"', "'")}
    names.discard("memmpy")  # of the extra `all`
    assert {"numpy", "uproot", "h5py"} <= names
    assert versions.keys() - {"memmpy", "python", "platform", "cpus"} == names
    for name in names:
        installed = {d.version for d in metadata.distributions(name=name)}
        assert versions[name] in (installed or {"not installed"})


@pytest.mark.slow
def test_a_broken_package_is_shown_and_not_imported(tmp_path: Path) -> None:
    for name in ("numpy", "numba"):
        (tmp_path / f"{name}.py").write_text("raise ImportError\n", encoding="utf-8")
    code = "import memmpy; memmpy.show_versions()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ["numpy:", metadata.version("numpy")] in [
        line.split() for line in done.stdout.split("\n")
    ]


@pytest.mark.slow
def test_a_folder_of_sources_has_versions_of_the_system() -> None:
    code = "import sys; sys.path[:0] = sys.argv[1:]; import memmpy; memmpy.show_versions()"
    source = str(Path(memmpy.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, source],
        capture_output=True,
        text=True,
        check=True,
    )
    assert any(line.startswith("cpus:") for line in done.stdout.splitlines())
