"""Tests of `memmpy check`, as a user types it."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import memmpy as package
from memmpy.cli import main


def memmpy(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for key, values in {"event": np.arange(1_000) % 900, "met": np.arange(1_000) / 8}.items():
        with package.WriteVector(tmp_path / "s", key) as column:
            column.extend(values)
    return tmp_path / "s"


def test_a_store_without_errors_has_status_0(store: Path) -> None:
    done = memmpy("check", store)
    assert done.exit_code == 0, done.output
    assert "repeated" in done.output
    assert " 100" in done.output


def test_json_equals_the_audit_of_python(store: Path) -> None:
    done = memmpy("check", store, "--json")
    assert json.loads(done.output) == package.open(store).check().to_dict()


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_an_error_has_status_1(options: list[str], store: Path) -> None:
    record = package.open(store).snapshot.metadata.columns["met"]
    (store / record.arrays["values"].file).write_bytes(b"")
    done = memmpy("check", store, *options)
    assert done.exit_code == 1
    assert "damaged" in done.output
    assert "Traceback" not in done.output


def test_a_missing_store_is_an_error_of_one_line(tmp_path: Path) -> None:
    done = memmpy("check", tmp_path / "none")
    assert done.exit_code == 1
    assert done.stderr.startswith("memmpy: ")
