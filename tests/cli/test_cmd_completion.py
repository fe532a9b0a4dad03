"""Tests of `memmpy completion`, and of the completion in shells."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import memmpy
from memmpy.cli import main
from memmpy.cli.main import TOPICS

VERBS = [verb for verbs in TOPICS.values() for verb in verbs]


def run(*words: str, shell: str = "") -> Result:
    return CliRunner(env={"SHELL": shell}).invoke(main, ["completion", *words], prog_name="memmpy")


def complete(*words: str) -> list[str]:
    """Return the words that a shell gets for the last word of a line."""
    line = {"COMP_WORDS": " ".join(["memmpy", *words]), "COMP_CWORD": str(len(words))}
    runner = CliRunner(env={"_MEMMPY_COMPLETE": "bash_complete", **line})
    lines = runner.invoke(main, [], prog_name="memmpy").output.splitlines()
    return [line.partition(",")[2] for line in lines if line]


@pytest.fixture
def store(tmp_path: Path) -> str:
    for key in ("met", "met_phi", "nJets"):
        with memmpy.WriteVector(tmp_path / "s", key) as column:
            column.extend(np.arange(3))
    return str(tmp_path / "s")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_calls_memmpy(shell: str) -> None:
    script = run(shell).output
    assert f"_MEMMPY_COMPLETE={shell}_complete" in script
    assert run(shell=f"/usr/bin/{shell}").output == script


@pytest.mark.parametrize("shell", ["", "/bin/tcsh"])
def test_another_shell_is_refused(shell: str) -> None:
    done = run(shell=shell)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("memmpy: name the shell: bash, zsh, fish\n")


def test_a_wrong_shell_names_the_nearest() -> None:
    assert "nearest: 'bash'" in run("bahs").stderr


def test_verbs_and_options_are_completed() -> None:
    assert complete("") == VERBS
    assert complete("cutf") == ["cutflow"]
    assert complete("--ver") == ["--version"]
    assert complete("skim", "--rec") == ["--recreate"]


def test_keys_of_the_store_are_completed(store: str) -> None:
    assert complete("skim", store, "--keys", "met") == ["met", "met_phi"]
    assert complete("skim", store, "--keys", "nJets,met_") == ["nJets,met_phi"]
    assert complete("cutflow", store, "--by", "n") == ["nJets"]
    assert complete("skim", "missing", "--keys", "m") == []
    recipe = Path(store).with_name("data.toml")
    recipe.write_text(f"store = {store!r}")
    assert complete("head", str(recipe), "--keys", "met") == ["met", "met_phi"]
    recipe.write_text("store =")
    assert complete("head", str(recipe), "--keys", "met") == []
    assert complete("skim", "--keys", "m") == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_a_verb(tmp_path: Path) -> None:
    command = tmp_path / "memmpy"
    command.write_text(f"#!{sys.executable}\nfrom memmpy.cli import main\nmain()\n")
    command.chmod(0o755)
    code = """
        eval "$(memmpy completion bash)"
        COMP_WORDS=(memmpy conv) COMP_CWORD=1
        _memmpy_completion memmpy
        echo "${COMPREPLY[@]}"
    """
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "convert\n"
