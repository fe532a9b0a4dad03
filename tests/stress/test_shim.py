"""The shim lets exactly the chosen call go wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stress.shim import SHIM

# Writes three times to a file, and prints what came of it.
WRITES = """
    import os, sys
    from pathlib import Path
    from tests.stress.shim import Kind, Mode, Shim
    folder, mode, number = Path(sys.argv[1]), Mode[sys.argv[2]], int(sys.argv[3])
    shim = Shim(folder)
    file = os.open(folder / "file", os.O_WRONLY | os.O_CREAT)
    other = os.open(folder.with_name("other"), os.O_WRONLY | os.O_CREAT)
    shim.arm(mode, (Kind.WRITE,), first=number, last=number, error=28)
    written = []
    for _ in range(3):
        os.write(other, b"ab")
        try:
            written.append(os.write(file, b"ab"))
        except OSError as error:
            written.append(error.errno)
    shim.disarm()
    print(written, shim.counts[Kind.WRITE], shim.where)
"""


def run(shim: Path, folder: Path, mode: str, number: int) -> subprocess.CompletedProcess[str]:
    lines = [line.removeprefix("    ") for line in WRITES.splitlines()]
    return subprocess.run(
        [sys.executable, "-c", "\n".join(lines), str(folder), mode, str(number)],
        env={**os.environ, "LD_PRELOAD": str(shim), SHIM: str(shim)},
        cwd=Path(__file__).parents[2],
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("mode", "number", "expected"),
    [
        ("NOTHING", 1, "[2, 2, 2] 3 \n"),
        ("FAIL", 2, "[2, 28, 2] 3 write /file\n"),
        ("HALVE", 3, "[2, 2, 1] 3 write /file\n"),
        ("FAIL", 4, "[2, 2, 2] 3 \n"),
    ],
)
def test_one_write_goes_wrong(
    shim: Path, tmp_path: Path, mode: str, number: int, expected: str
) -> None:
    (tmp_path / "folder").mkdir()
    done = run(shim, tmp_path / "folder", mode, number)
    assert (done.stdout, done.stderr) == (expected, "")


@pytest.mark.parametrize(("mode", "written"), [("DIE", b"ab"), ("TEAR", b"aba")])
def test_a_process_dies_before_a_write_or_in_it(
    shim: Path, tmp_path: Path, mode: str, written: bytes
) -> None:
    (tmp_path / "folder").mkdir()
    assert run(shim, tmp_path / "folder", mode, 2).returncode == -9
    assert (tmp_path / "folder/file").read_bytes() == written
