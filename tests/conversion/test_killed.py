"""A killed conversion leaves the store whole, and the next run continues from there."""

import json
import os
import random
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import uproot

from memmpy import RFileConfig, Work, convert, verify
from memmpy.errors import InputFileError
from tests.conftest import CLIPS
from tests.conversion.counting import CountingFileSystem, url_of
from tests.conversion.everything import (
    arguments_of,
    check_clean,
    contents,
    of_tree,
    write_file,
    write_files,
)
from tests.forking import ForkServer

pytestmark = CLIPS

KINDS = ["tree", "tuple"]
#: What a killed conversion leaves beside the arrays of the store.
UNFINISHED = "unfinished"
JOURNAL = "journal.jsonl"


#: Says what it is asked for, a kind, the folder of the files, a store, and perhaps a number.
Kill = Callable[..., list[Any]]

KILLING = "import runpy; runpy.run_module('tests.conversion.killing', run_name='__main__')"


@pytest.fixture(scope="module")
def kill(fork_server: ForkServer) -> Kill:
    """Return what runs the program that dies, and returns what it says."""

    def run(what: str, kind: str, folder: Path, store: Path, num: int = 0) -> list[Any]:
        said = fork_server.run(KILLING, what, kind, folder, store, num)
        return [json.loads(line) for line in said.splitlines()]

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, kill: Kill) -> Path:
    """Files; of each kind, the stores before and after a conversion, and half of one."""
    path = tmp_path_factory.mktemp("files")
    write_files(path)
    for kind in KINDS:
        files, options = arguments_of(kind, path)
        old, new, half = (path / f"{kind}_{when}" for when in ("old", "new", "half"))
        convert(files[:1], old, **{**options, "keys": {"number", "huge"}})
        shutil.copytree(old, new)
        (num,) = kill("count", kind, path, new)
        (path / f"{kind}_moments").write_text(str(num))
        shutil.copytree(old, half)
        kill("once", kind, path, half, num * 2 // 3)
    return path


@pytest.fixture(params=KINDS)
def half(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> tuple[str, Path]:
    """Return a kind, and a store of which two thirds of the conversion are done."""
    shutil.copytree(folder / f"{request.param}_half", tmp_path / "s")
    return request.param, tmp_path / "s"


def check_finishes(kind: str, folder: Path, store: Path) -> None:
    """Check that a store is as it was, and that the next run makes what it should be."""
    assert contents(store) == contents(folder / f"{kind}_old")
    files, options = arguments_of(kind, folder)
    convert(files, store, **options)
    expected, found = contents(folder / f"{kind}_new"), contents(store)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    check_clean(store)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_moment_the_store_opens_and_the_next_run_makes_the_same(
    kind: str, folder: Path, tmp_path: Path, kill: Kill
) -> None:
    were_old = kill("often", kind, folder, tmp_path / "s", 15)
    assert len(were_old) == 15
    assert sum(were_old) > 10


@pytest.mark.slow
def test_a_half_done_conversion_has_left_work(half: tuple[str, Path]) -> None:
    kind, store = half
    suffixes = {path.suffix for path in (store / UNFINISHED).iterdir()}
    assert suffixes >= {".jsonl", ".npy", *([".part"] if kind == "tuple" else [])}


@pytest.mark.slow_together
@pytest.mark.parametrize("share", [0.2, 0.7])
def test_killed_from_outside_the_store_opens_and_the_next_run_makes_the_same(
    share: float, folder: Path, tmp_path: Path, fork_server: ForkServer
) -> None:
    size = share * (folder / "tree_half" / UNFINISHED / JOURNAL).stat().st_size
    code = (
        "import sys; from pathlib import Path; from memmpy import convert\n"
        "from tests.conversion.everything import arguments_of\n"
        "files, options = arguments_of('tree', Path(sys.argv[1]))\n"
        "convert(files, sys.argv[2], **options)"
    )
    for attempt in range(20):  # it may be done before it is killed
        store = tmp_path / str(attempt)
        journal = store / UNFINISHED / JOURNAL
        shutil.copytree(folder / "tree_old", store)
        process = fork_server.start(code, folder, store)
        while process.poll(timeout=0.001) is None:
            with suppress(FileNotFoundError):
                if journal.stat().st_size > size:
                    process.kill()
        process.communicate()
        if process.returncode != 0:
            break
    assert process.returncode == -signal.SIGKILL
    check_finishes("tree", folder, store)


@pytest.mark.slow
@pytest.mark.slow_together
@pytest.mark.parametrize("tenths", [4, 9])
def test_what_was_done_is_not_read_again(
    tenths: int, folder: Path, tmp_path: Path, kill: Kill
) -> None:
    files, options = arguments_of("urls", folder)
    counted = CountingFileSystem.num_bytes
    counted.clear()
    convert(files, tmp_path / "whole", **options)
    whole = counted.total()
    (num,) = kill("count", "urls", folder, tmp_path / "counted")
    kill("once", "urls", folder, tmp_path / "s", num * tenths // 10)
    counted.clear()
    convert(files, tmp_path / "s", **options)
    assert counted.total() < whole * (1 - (tenths - 1) / 20)
    assert contents(tmp_path / "s") == contents(tmp_path / "whole")


@pytest.mark.slow_together
@pytest.mark.parametrize("num", [1, 4])
@pytest.mark.parametrize("harm", ["flip", "truncate", "remove", "empty", "lengthen"])
def test_harm_to_what_was_left_is_found_and_made_good(
    harm: str, num: int, half: tuple[str, Path], folder: Path
) -> None:
    kind, store = half
    paths = [path for path in (store / UNFINISHED).iterdir() if path.name != JOURNAL]
    for path in random.Random(num).sample(sorted(paths), num):
        harm_file(path, harm)
    check_finishes(kind, folder, store)


def harm_file(path: Path, harm: str) -> None:
    data = bytearray(path.read_bytes())
    if harm == "flip":
        for place in range(len(data) // 2, len(data), 97):
            data[place] ^= 1
    elif harm == "truncate":
        data = data[: len(data) // 2]
    elif harm == "empty":
        data = bytearray()
    elif harm == "lengthen":
        data += bytes(5000)
    path.write_bytes(data)
    if harm == "remove":
        path.unlink()


@pytest.mark.slow_together
@pytest.mark.parametrize(
    "garbage",
    [
        b"{",
        b"\x00\xff\xfe",
        b"[]",
        b"{}",
        b'{"name":["x",0,1]}',
        b'{"name":5,"columns":5}',
        b'{"name":["x",0,1],"columns":[{"column":"y","lengths":5,"spans":{"values":[]}}]}',
        b'{"name":["x",[],1],"columns":[{"column":"y","lengths":{},"spans":{}}]}',
        b"9" * 5000,
        b"[" * 100_000,
    ],
    ids=range(10),
)
def test_garbage_in_the_journal_is_harmless(
    garbage: bytes, half: tuple[str, Path], folder: Path
) -> None:
    kind, store = half
    journal = store / UNFINISHED / JOURNAL
    lines = journal.read_bytes().split(b"\n")
    journal.write_bytes(b"\n".join([garbage, *lines[:5], garbage, *lines[5:], garbage]))
    check_finishes(kind, folder, store)


@pytest.mark.slow_together
@pytest.mark.parametrize("seed", range(4))
def test_a_flipped_bit_in_the_journal_is_harmless(
    seed: int, half: tuple[str, Path], folder: Path
) -> None:
    kind, store = half
    journal = store / UNFINISHED / JOURNAL
    data = bytearray(journal.read_bytes())
    digits = [place for place, byte in enumerate(data) if chr(byte).isdigit()]
    for place in random.Random(seed).sample(digits, 20):
        data[place] ^= 1  # another digit: the line can be read
    journal.write_bytes(data)
    check_finishes(kind, folder, store)


def test_a_journal_that_was_cut_off_is_gone_on_with(half: tuple[str, Path], folder: Path) -> None:
    kind, store = half
    journal = store / UNFINISHED / JOURNAL
    os.truncate(journal, journal.stat().st_size - 17)
    check_finishes(kind, folder, store)


def test_other_files_than_before_do_not_mix(half: tuple[str, Path], folder: Path) -> None:
    kind, store = half
    files, options = arguments_of(kind, folder)
    others = [files[3], files[0]]
    convert(others, store, **options)
    convert(others, store.with_name("other"), **options)
    assert contents(store) == contents(store.with_name("other"))
    check_clean(store)


def test_another_step_than_before_does_not_matter(half: tuple[str, Path], folder: Path) -> None:
    kind, store = half
    files, options = arguments_of(kind, folder)
    convert(files, store, **{**options, "work": Work(step_bytes=7000)})
    assert contents(store) == contents(folder / f"{kind}_new")


def test_fewer_keys_than_before_are_finished(half: tuple[str, Path], folder: Path) -> None:
    kind, store = half
    files, options = arguments_of(kind, folder)
    convert(files, store, keys={"huge"}, work=options["work"])
    new = contents(folder / f"{kind}_new")
    assert contents(store)["huge:values"] == new["huge:values"]
    check_clean(store)


@pytest.mark.slow_together
@pytest.mark.parametrize("share", [0.1, 0.4])
@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt_ends_it_soon_and_the_next_run_goes_on(
    kind: str, share: float, folder: Path, tmp_path: Path, kill: Kill
) -> None:
    store, total = tmp_path / "s", int((folder / f"{kind}_moments").read_text())
    shutil.copytree(folder / f"{kind}_old", store)
    (num,) = kill("interrupted", kind, folder, store, int(share * total))
    assert num < (share + 0.45) * total
    assert verify(store) == []
    assert (store / UNFINISHED / JOURNAL).exists()
    check_finishes(kind, folder, store)


LIMITED = """
import resource, sys
from pathlib import Path
from memmpy import convert
from memmpy.errors import DiskError
from tests.conversion.everything import arguments_of
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]),) * 2)
files, options = arguments_of(sys.argv[1], Path(sys.argv[2]))
try:
    convert(files, sys.argv[3], **options)
except DiskError as error:
    print(error)
"""


@pytest.mark.slow_together
@pytest.mark.parametrize("limit", [100, 2000, 8000])
@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_gets_full_is_said_and_the_next_run_goes_on(
    kind: str, limit: int, folder: Path, tmp_path: Path, fork_server: ForkServer
) -> None:
    store = tmp_path / "s"
    shutil.copytree(folder / f"{kind}_old", store)
    said = fork_server.run(LIMITED, kind, folder, store, limit)
    assert "cannot write" in said
    assert "the store is unchanged" in said
    check_finishes(kind, folder, store)


class TestBrokenFile:
    @pytest.fixture
    def files(self, tmp_path: Path) -> list[RFileConfig]:
        """Return five files, of which one basket of the third is damaged."""
        paths = [tmp_path / f"{name}.root" for name in "abcde"]
        for i, path in enumerate(paths):
            write_file(path, "tree", [of_tree(1000 * i + 40 * k, 40) for k in range(6)])
        with uproot.open(paths[2]) as file:
            branch = file["tree"]["weight"]
            start, size = branch.member("fBasketSeek")[3], branch.member("fBasketBytes")[3]
        data = bytearray(paths[2].read_bytes())
        data[start + 90 : start + size] = bytes(size - 90)
        paths[2].write_bytes(data)
        return [RFileConfig(url_of(path), "tree", {}) for path in paths]

    @pytest.mark.slow
    def test_the_error_names_the_file_and_its_entries(
        self, files: list[RFileConfig], tmp_path: Path
    ) -> None:
        with pytest.raises(InputFileError) as caught:
            convert(files, tmp_path / "s", keys={"number", "weight"}, work=Work(step_bytes=1000))
        assert "c.root" in str(caught.value)
        assert "entries 120 to 160" in str(caught.value)

    def test_the_others_are_not_read_again(self, files: list[RFileConfig], tmp_path: Path) -> None:
        options: dict[str, Any] = {
            "keys": {"number", "weight", "jets"},
            "work": Work(step_bytes=1000),
        }
        with pytest.raises(InputFileError):
            convert(files, tmp_path / "s", **options)
        CountingFileSystem.num_bytes.clear()
        without = [*files[:2], *files[3:]]
        convert(without, tmp_path / "s", **options)
        again = CountingFileSystem.num_bytes.copy()
        CountingFileSystem.num_bytes.clear()
        convert(without, tmp_path / "other", **options)
        whole = CountingFileSystem.num_bytes.copy()
        assert contents(tmp_path / "s") == contents(tmp_path / "other")
        check_clean(tmp_path / "s")
        for name in ("a.root", "b.root", "d.root", "e.root"):
            with uproot.open(tmp_path / name) as file:
                tree = file["tree"]
                size = sum(tree[key].compressed_bytes for key in ("number", "weight", "jets"))
            assert again[name] <= whole[name] - size
