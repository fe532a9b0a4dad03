"""Tests of the command line, as a user types it."""

import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

from memmpy import WriteVector, cli
from memmpy.cli import main
from memmpy.cli.main import TOPICS
from memmpy.cli.messages import warnings_in_a_line
from memmpy.errors import MemmpyWarning, warn_of
from tests.conversion.everything import of_tuple, write_file

MakeFile = Callable[..., Path]

#: The summary of each verb.
VERBS = {verb: summary for verbs in TOPICS.values() for verb, summary in verbs.items()}


def memmpy(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.mark.slow
def test_the_demo_runs_and_then_takes_everything_from_the_cache(tmp_path: Path) -> None:
    command = ("demo", "--out", tmp_path / "d", "--events", 3000)
    first, second = memmpy(*command), memmpy(*command)
    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    assert "Wrote 4 ROOT files" in first.output
    converted = r"Converted 12 branches of 4 files to .*12,000 events"
    assert re.search(converted, first.output, re.DOTALL)
    assert "Everything came from the cache" not in first.output
    assert "Everything came from the cache" in second.output
    for output in (first.output, second.output):
        assert re.search(r"step\s+ttbb\s+ttH\s+total", output)
        assert re.search(r"events\n\s+all\s+6,000\s+6,000\s+12,000", output)
        assert re.search(r"Loading alone: [\d,.]+ M? ?events/s", output)
        assert re.search(r"AUC 0\.\d{4}, folds ± 0\.\d{4}", output)
        assert re.search(r"Training: [\d,.]+ M? ?events/s", output)


def test_the_demo_runs_on_files_of_the_user(make_file: MakeFile, tmp_path: Path) -> None:
    files = [make_file("a.root", 500), make_file("b.root", 500, first=500)]
    command = ["demo", "--files", *files, "--tree", "tree", "--out", tmp_path / "d"]
    command += ["--cut", "nJets >= 2 && process == 'a'"]
    done = memmpy(*command)
    assert done.exit_code == 0, done.output
    assert re.search(r"\ball\s.*500", done.output)
    assert re.search(r"nJets >= 2\s.*250", done.output)
    assert re.search(r"nJets >= 2\s.*50\.0", done.output)
    assert "Everything came from the cache" in memmpy(*command).output


def test_the_demo_takes_keys(make_file: MakeFile, tmp_path: Path) -> None:
    done = memmpy("demo", "--files", make_file(), "--keys", "met, jet_pt,", "--out", tmp_path / "d")
    assert done.exit_code == 0, done.output
    assert "Converted 2 branches" in done.output


def test_the_demo_loads_columns_that_no_skim_holds(tmp_path: Path) -> None:
    write_file(tmp_path / "a.root", "tuple", [of_tuple(0, 40)])
    files = ["--files", tmp_path / "a.root", "--keys", "number,name"]
    done = memmpy("demo", *files, "--out", tmp_path / "d")
    assert done.exit_code == 0, done.output
    assert not (tmp_path / "d" / "files.mmpy" / "skims").exists()


def test_the_demo_accepts_an_empty_tree(make_file: MakeFile, tmp_path: Path) -> None:
    done = memmpy("demo", "--files", make_file(num=0), "--out", tmp_path / "d")
    assert done.exit_code == 0, done.output
    assert "0 events in" in done.output
    assert "train: no events\nval: no events\n" in done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["demo", "--files", "missing.root"], "no such file: 'missing.root'"),
        (["demo", "missing.root"], "name ROOT files with --files"),
        (["demo", "--files"], "name ROOT files with --files"),
        (["demo", "--tree", "x"], "--tree and --keys need --files"),
        (["verify", "missing"], "no store at 'missing'"),
        (["demo", "--events", "-1"], "invalid value for '--events': -1 is not in the range x>=100"),
        (["demo", "--batch-size", "0"], "invalid value for '--batch-size': 0 is not in the range"),
        (["demo", "--events", "100", "--cut", "nJet > 3"], "nearest: 'nJets'"),
    ],
)
def test_errors_are_printed_without_a_traceback(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = memmpy(*words)
    assert done.exit_code in {1, 2}
    assert message in done.output
    assert "Traceback" not in done.output


def test_a_broken_cut_is_shown_with_a_caret(make_file: MakeFile, tmp_path: Path) -> None:
    done = memmpy("demo", "--files", make_file(), "--cut", "nJets >> ", "--out", tmp_path / "d")
    assert done.exit_code == 1
    assert "^" in done.output


def test_verify_reports_intact_and_damaged_stores(make_file: MakeFile, tmp_path: Path) -> None:
    memmpy("demo", "--files", make_file(), "--keys", "met", "--out", tmp_path / "d")
    store = tmp_path / "d" / "files.mmpy"
    assert "4 columns and 1 skim of" in memmpy("verify", store).output
    file = next(store.glob("*.npy"))
    file.write_bytes(file.read_bytes()[:-1])
    done = memmpy("verify", store)
    assert done.exit_code == 1
    assert "bytes, expected" in done.output


@pytest.mark.parametrize(
    ("verb", "defaults"),
    [
        ("bench", ["1024; x>=1"]),
        ("convert", []),
        ("demo", ["memmpy_demo", "50000; x>=100", "1; x>=0", "512; x>=1"]),
        ("skim", []),
    ],
)
def test_help_tells_all_defaults(verb: str, defaults: list[str]) -> None:
    assert re.findall(r"\[default:\s+(.*?)\]", memmpy(verb, "--help").output) == defaults


def test_help_cuts_no_summary_of_a_verb_at_80_columns() -> None:
    done = CliRunner(env={"COLUMNS": "80"}).invoke(main, ["--help"])
    summaries = dict(re.findall(r"^  (\w\S*)  +(\S.*)$", done.output, re.MULTILINE))
    assert {verb: summaries[verb] for verb in VERBS} == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_the_summary_of_a_verb(verb: str) -> None:
    command = main.get_command(click.Context(main), verb)
    assert command is not None
    assert command.get_short_help_str(limit=1000) == VERBS[verb]
    assert command.name == verb


def test_each_file_of_a_verb_is_in_the_help() -> None:
    files = {path.stem for path in Path(cli.__file__).parent.glob("cmd_*.py")}
    files -= {name for name in files if name.startswith("cmd_plot_")}  # verbs of `plot`
    assert files == {f"cmd_{verb.replace('-', '_')}" for verb in VERBS}


@pytest.mark.slow
@pytest.mark.parametrize("verbs", [[], [*VERBS, "plot hist", "plot inputs"]])
def test_help_imports_no_slow_package(verbs: list[str]) -> None:
    code = f"""
import sys
from memmpy.cli import main
for verb in {verbs or [""]}:
    main([*verb.split(), "--help"], standalone_mode=False)
slow = {{"numpy", "numba", "uproot", "awkward", "lark", "rich", "msgspec", "fsspec"}}
verbs = [name for name in sys.modules if "memmpy.cli.cmd" in name]
print(*slow & sys.modules.keys(), *([] if {bool(verbs)} else verbs))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == ""


def test_memmpy_alone_prints_the_help() -> None:
    assert memmpy().exit_code == 0
    assert memmpy().output == memmpy("--help").output == memmpy("-h").output
    assert memmpy("plot").exit_code == 0
    assert memmpy("plot").output == memmpy("plot", "--help").output


@pytest.mark.parametrize(
    ("words", "message", "command"),
    [
        (["convrt"], "no command 'convrt'; nearest: 'convert'", "memmpy"),
        (["zzz"], "no command 'zzz'", "memmpy"),
        (["plot", "cutfow"], "no command 'cutfow'; nearest: 'cutflow'", "memmpy plot"),
        (["--hepl"], "no option '--hepl'; nearest: '--help'", "memmpy"),
        (["convert", "--tre", "x"], "no option '--tre'; nearest: '--tree'", "memmpy convert"),
        (["convert", "--keyz=x"], "no option '--keyz'; nearest: '--keys'", "memmpy convert"),
        (["cutflow", "--stores"], "no option '--stores'", "memmpy cutflow"),  # no argument is near
        (["cutflow", "-z"], "no option '-z'", "memmpy cutflow"),
        (["cutflow"], "missing argument 'STORE'", "memmpy cutflow"),
        (
            ["bench", "s", "--batch-size", "0"],
            "invalid value for '--batch-size': 0 is not in the range x>=1",
            "memmpy bench",
        ),
    ],
)
def test_a_usage_error_is_one_line_and_the_way_to_the_help(
    words: list[str], message: str, command: str
) -> None:
    done = CliRunner().invoke(main, words, prog_name="memmpy")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"memmpy: {message}\nTry '{command} --help' for help.\n"


def test_the_version_is_printed() -> None:
    assert re.match(r"memmpy, version \d", memmpy("--version").output)


@pytest.mark.slow
def test_ctrl_c_during_the_imports_prints_no_traceback() -> None:
    code = """
import builtins

def interrupted(name, *more, **options):
    if name == "memmpy.cli.main":
        raise KeyboardInterrupt
    return real(name, *more, **options)

real, builtins.__import__ = builtins.__import__, interrupted
import memmpy.cli
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (130, "Aborted!")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_stdout_is_told_in_a_line(tmp_path: Path) -> None:
    with WriteVector(tmp_path / "s", "x") as column:
        column.extend(np.arange(3))
    command = [sys.executable, "-c", "from memmpy.cli import main; main()"]
    for words in (["completion", "bash"], ["info", str(tmp_path / "s")]):
        with open("/dev/full", "wb") as full:  # noqa: PTH123
            done = subprocess.run(
                [*command, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        assert done.returncode == 1
        assert done.stderr == "memmpy: cannot write the output: No space left on device\n"


@pytest.mark.slow
@pytest.mark.parametrize("words", [["completion", "bash"], ["--version"]])
def test_verbs_run_with_stdout_closed(words: list[str]) -> None:
    code = "import sys; from memmpy.cli import main; main(sys.argv[1:])"
    line = shlex.join([sys.executable, "-c", code, *words])
    done = subprocess.run(["sh", "-c", f"{line} >&-"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_ctrl_c_ends_the_demo_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from memmpy.cli import main; main()", "demo"]
    options = ["--out", str(tmp_path / "d"), "--events", "2000000"]
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True) as process:
        while not any((tmp_path / "d").glob("*/*")) and process.poll() is None:
            time.sleep(0.05)  # until it writes
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "Aborted!" in errors
    assert "Traceback" not in errors
    assert not list((tmp_path / "d").glob("*/*.root"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("redirect", "file", "is_warned"),
    [
        (">1", "1", True),
        (">=6", "=6", True),
        (">0.5", "0.5", True),
        (">-1e3", "-1e3", True),
        (">flow.txt", "flow.txt", False),
        ("| cat >1", "1", False),
    ],
)
def test_a_cut_that_the_shell_took_for_a_redirect_is_noticed(
    redirect: str, file: str, is_warned: bool, tmp_path: Path
) -> None:
    with WriteVector(tmp_path / "s", "njets") as column:
        column.extend([1, 2, 3])
    command = f"{sys.executable} -m memmpy cutflow s njets{redirect}"
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "njets" in (tmp_path / file).read_text(encoding="utf-8")
    message = f"memmpy: warning: the output goes to the file '{file}', because the shell read a >"
    assert done.stderr.startswith(message) if is_warned else done.stderr == ""
    assert done.stdout == ""


def test_a_warning_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings_in_a_line():
        for note in ("a", "b", "a"):
            warn_of([note], MemmpyWarning)
    assert capsys.readouterr().err == "memmpy: warning: a\nmemmpy: warning: b\n"
