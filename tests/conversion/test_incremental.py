"""A conversion reads missing branches only, counted in bytes and branches."""

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import memmpy
from memmpy import RFileConfig, Work, convert
from memmpy.conversion import Conversion
from memmpy.errors import SchemaError
from memmpy.store import SKIM_METADATA, lineage_of, read_metadata, verify_columns
from tests.conftest import CLIPS
from tests.conversion.counting import CountingFileSystem, url_of
from tests.conversion.everything import arguments_of, contents, write_files

pytestmark = CLIPS

KEYS = {"number", "weight", "jets"}
PADDED: dict[str, Any] = {"keys_padded": {"padded": (3, 0.0)}, "aliases": {"padded": "jets"}}
NUM = 4000


def make(path: Path, first: int) -> Path:
    """Write a file of two baskets a branch, so far from each other that no gap is read."""
    with uproot.recreate(path) as file:
        events = [noisy(first), noisy(first + NUM)]
        types = {key: _type(values) for key, values in events[0].items()}
        written = file.mktree("tree", types)
        for step in events:
            written.extend(step)
    return path


def noisy(first: int) -> dict[str, Any]:
    """Return events with values that hardly shrink, and what nobody reads between them."""
    generator = np.random.default_rng(first)
    counts = generator.integers(0, 4, NUM)
    noise = {f"noise{i}": generator.integers(0, 256, (NUM, 40), np.uint8) for i in range(3)}
    return {
        "is_good": np.arange(NUM) % 3 == 0,
        "number": generator.integers(0, 1 << 30, NUM).astype(np.int32),
        "noise0": noise["noise0"],
        "weight": generator.random(NUM),
        "noise1": noise["noise1"],
        "jets": ak.unflatten(generator.random(counts.sum()).astype(np.float32), counts),
        "noise2": noise["noise2"],
    }


def _type(values: Any) -> Any:
    if isinstance(values, np.ndarray):
        return np.dtype((values.dtype, values.shape[1:]))
    return values.type


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [make(tmp_path / f"{name}.root", i << 20) for i, name in enumerate("abc")]


class Run:
    """A conversion, the bytes that were fetched of each file, and the branches it says it read."""

    def __init__(self, paths: list[Path], store: Path, **options: Any) -> None:
        CountingFileSystem.num_bytes.clear()
        files = [RFileConfig(url_of(path), "tree") for path in paths]
        self.done: Conversion = convert(files, store, **options)
        self.num_bytes = dict(CountingFileSystem.num_bytes)
        self.read = {Path(path).name: set(read) for path, read in self.done.read.items()}


def packed(path: Path, *branches: str) -> int:
    """Return the bytes of branches as they lie in a file."""
    with uproot.open(path) as file:
        return sum(int(file["tree"][branch].compressed_bytes) for branch in branches)


def to_open(path: Path, store: Path) -> int:
    """Return about how many bytes it takes to open a file: ``is_good`` has next to none."""
    return Run([path], store, keys={"is_good"}).num_bytes[path.name]


def check_about(num_bytes: int, path: Path, tmp_path: Path, *branches: str) -> None:
    """Check that of a file these branches were fetched, once, and what it takes to open it.

    It is opened to be looked at and to be read; in between it may have been closed.
    """
    least = packed(path, *branches)
    overhead = 2 * to_open(path, tmp_path / f"to_open_{path.stem}_{len(branches)}")
    assert overhead < packed(path, "number")
    assert least <= num_bytes <= least + overhead


def check_same(paths: list[Path], store: Path, **options: Any) -> None:
    """Check that a store has what a new one would have."""
    files = [RFileConfig(url_of(path), "tree") for path in paths]
    new = store.with_name("as_new")
    convert(files, new, **options)
    assert contents(store) == contents(new)


def test_a_first_run_fetches_each_branch_once(paths: list[Path], tmp_path: Path) -> None:
    run = Run(paths, tmp_path / "s", keys=KEYS)
    for path in paths:
        check_about(run.num_bytes[path.name], path, tmp_path, *KEYS)


def test_a_second_run_fetches_nothing(paths: list[Path], tmp_path: Path) -> None:
    Run(paths, tmp_path / "s", keys=KEYS, **PADDED)
    run = Run(paths, tmp_path / "s", keys=KEYS, **PADDED)
    assert run.num_bytes == {}
    assert run.read == {}


def test_an_alias_of_what_is_read_anyway_fetches_nothing_more(
    paths: list[Path], tmp_path: Path
) -> None:
    one = Run(paths[:1], tmp_path / "one", keys={"jets"})
    both = Run(paths[:1], tmp_path / "both", keys={"jets", "again"}, aliases={"again": "jets"})
    assert both.num_bytes == one.num_bytes


def test_a_file_added_is_the_only_one_fetched(paths: list[Path], tmp_path: Path) -> None:
    Run(paths[:2], tmp_path / "s", keys=KEYS)
    run = Run(paths, tmp_path / "s", keys=KEYS)
    assert run.num_bytes.keys() == {"c.root"}
    check_about(run.num_bytes["c.root"], paths[2], tmp_path, *KEYS)
    check_same(paths, tmp_path / "s", keys=KEYS)


def test_a_file_added_in_front_is_the_only_one_fetched(paths: list[Path], tmp_path: Path) -> None:
    Run(paths[1:], tmp_path / "s", keys=KEYS)
    run = Run(paths, tmp_path / "s", keys=KEYS)
    assert run.num_bytes.keys() == {"a.root"}
    check_same(paths, tmp_path / "s", keys=KEYS)


def test_a_changed_file_is_the_only_one_fetched(paths: list[Path], tmp_path: Path) -> None:
    Run(paths, tmp_path / "s", keys=KEYS)
    make(paths[1], 77 << 20)
    run = Run(paths, tmp_path / "s", keys=KEYS)
    assert run.num_bytes.keys() == {"b.root"}
    check_about(run.num_bytes["b.root"], paths[1], tmp_path, *KEYS)
    check_same(paths, tmp_path / "s", keys=KEYS)


def test_a_removed_file_fetches_nothing(paths: list[Path], tmp_path: Path) -> None:
    Run(paths, tmp_path / "s", keys=KEYS, **PADDED)
    run = Run([paths[0], paths[2]], tmp_path / "s", keys=KEYS, **PADDED)
    assert run.num_bytes == {}
    assert run.done.num_entries == 4 * NUM
    check_same([paths[0], paths[2]], tmp_path / "s", keys=KEYS, **PADDED)


@pytest.mark.parametrize("kind", ["tree", "tuple"])
def test_a_file_without_entries_leaves_all_columns_as_they_are(kind: str, tmp_path: Path) -> None:
    write_files(tmp_path)
    files, options = arguments_of(kind, tmp_path)
    assert Path(files[1].path).name == f"{kind}_empty.root"
    others, store = [files[0], *files[2:]], tmp_path / "s"
    convert(others, store, **options)
    before = read_metadata(store)
    skim = memmpy.skim(store, keys=["number"], splits=memmpy.Splits(by="file"), progress=False)
    inode = (skim.path / SKIM_METADATA).stat().st_ino
    for chosen in (files, others):
        done = convert(chosen, store, **options)
        assert done.plan.columns == ()
        assert done.bytes_written == 0
        assert done.read == {}
        after = read_metadata(store)
        fingerprints = {key: column.fingerprint for key, column in after.columns.items()}
        assert fingerprints == {key: one.fingerprint for key, one in before.columns.items()}
        assert len(after.sources) == len(chosen)
        assert after.current_keys() == [*after.columns]
        names = [one.expression for one in lineage_of(after, "process")]
        assert names == [f'"{one.metadata["process"]}"' for one in chosen]
        assert {one.made_by for one in lineage_of(after, "number")} == {memmpy.__version__}
        again = memmpy.skim(store, keys=["number"], progress=False)
        assert (again.path / SKIM_METADATA).stat().st_ino == inode
        convert(chosen, tmp_path / f"new_{len(chosen)}", **options)
        assert contents(store) == contents(tmp_path / f"new_{len(chosen)}")
        assert verify_columns(store) == []
        assert convert(chosen, store, **options).plan.num_opened == 0


def test_a_file_without_entries_must_have_the_same_types(tmp_path: Path) -> None:
    files = [tmp_path / "a.root", tmp_path / "b.root"]
    for path, dtype in zip(files, ("f4", "f8"), strict=True):
        with uproot.recreate(path) as file:
            tree = file.mktree("tree", {"x": dtype})
            if dtype == "f4":
                tree.extend({"x": np.ones(3, dtype)})
    convert(files[0], tmp_path / "s", keys={"x"})
    with pytest.raises(SchemaError, match=r"float64.*b\.root"):
        convert(files, tmp_path / "s", keys={"x"})


def test_another_order_of_files_fetches_nothing(paths: list[Path], tmp_path: Path) -> None:
    Run(paths, tmp_path / "s", keys=KEYS)
    assert Run(paths[::-1], tmp_path / "s", keys=KEYS).num_bytes == {}
    check_same(paths[::-1], tmp_path / "s", keys=KEYS)


def test_a_new_key_fetches_its_branch_alone(paths: list[Path], tmp_path: Path) -> None:
    Run(paths, tmp_path / "s", keys={"weight", "jets"})
    run = Run(paths, tmp_path / "s", keys=KEYS)
    assert run.read == {path.name: {"number"} for path in paths}
    for path in paths:
        check_about(run.num_bytes[path.name], path, tmp_path, "number")
    check_same(paths, tmp_path / "s", keys=KEYS)


def test_a_new_key_and_a_new_file_fetch_the_key_of_the_old_files_alone(
    paths: list[Path], tmp_path: Path
) -> None:
    Run(paths[:2], tmp_path / "s", keys={"weight"})
    run = Run(paths, tmp_path / "s", keys={"weight", "number"})
    assert run.read == {
        "a.root": {"number"},
        "b.root": {"number"},
        "c.root": {"number", "weight"},
    }
    for path, read in zip(paths, run.read.values(), strict=True):
        check_about(run.num_bytes[path.name], path, tmp_path, *read)


def test_a_longer_padding_fetches_the_branch_alone(paths: list[Path], tmp_path: Path) -> None:
    Run(paths, tmp_path / "s", keys={"number"}, keys_padded={"jets": (2, 0)})
    run = Run(paths, tmp_path / "s", keys={"number"}, keys_padded={"jets": (3, 0)})
    assert run.read == {path.name: {"jets"} for path in paths}
    for path in paths:
        check_about(run.num_bytes[path.name], path, tmp_path, "jets")
    assert [column.key for column in run.done.plan.columns] == ["jets"]


def test_another_fill_value_fetches_the_branch_alone(paths: list[Path], tmp_path: Path) -> None:
    Run(paths, tmp_path / "s", keys={"number"}, keys_padded={"jets": (2, 0)})
    run = Run(paths, tmp_path / "s", keys={"number"}, keys_padded={"jets": (2, -1)})
    assert run.read == {path.name: {"jets"} for path in paths}
    assert [column.key for column in run.done.plan.columns] == ["jets"]
    check_same(paths, tmp_path / "s", keys={"number"}, keys_padded={"jets": (2, -1)})


@pytest.mark.slow_together
@pytest.mark.parametrize("fill", [0.0, -1.0, float("nan")])
@pytest.mark.parametrize("length", [1, 5])
def test_any_padding_of_lists_that_the_store_has_fetches_nothing(
    length: int, fill: float, paths: list[Path], tmp_path: Path
) -> None:
    Run(paths, tmp_path / "s", keys=KEYS, **PADDED)
    options: dict[str, Any] = {
        "keys": KEYS,
        "keys_padded": {"padded": (length, fill)},
        "aliases": {"padded": "jets"},
    }
    run = Run(paths, tmp_path / "s", **options)
    assert run.num_bytes == {}
    assert [column.key for column in run.done.plan.columns] == ["padded"]
    check_same(paths, tmp_path / "s", **options)


def test_a_shorter_padding_fetches_the_branch_to_count_what_it_cuts_off(
    paths: list[Path], tmp_path: Path
) -> None:
    Run(paths, tmp_path / "s", keys={"number"}, keys_padded={"jets": (3, 0)})
    run = Run(paths, tmp_path / "s", keys={"number"}, keys_padded={"jets": (2, 0)})
    assert run.read == {path.name: {"jets"} for path in paths}
    check_same(paths, tmp_path / "s", keys={"number"}, keys_padded={"jets": (2, 0)})


def test_another_alias_of_the_same_branch_fetches_nothing(
    paths: list[Path], tmp_path: Path
) -> None:
    Run(paths, tmp_path / "s", keys={"jets"})
    run = Run(paths, tmp_path / "s", keys={"pt"}, aliases={"pt": "jets"})
    assert run.num_bytes == {}


def test_a_file_renamed_is_opened_and_nothing_of_it_read(paths: list[Path], tmp_path: Path) -> None:
    Run(paths, tmp_path / "s", keys=KEYS)
    moved = paths[1].rename(tmp_path / "moved.root")
    run = Run([paths[0], moved, paths[2]], tmp_path / "s", keys=KEYS)
    assert run.read == {}
    assert run.num_bytes.keys() == {"moved.root"}
    assert run.num_bytes["moved.root"] <= to_open(moved, tmp_path / "to_open")


def test_recreate_fetches_everything_again(paths: list[Path], tmp_path: Path) -> None:
    first = Run(paths[:1], tmp_path / "s", keys=KEYS)
    again = Run(paths[:1], tmp_path / "s", keys=KEYS, recreate=True)
    assert again.num_bytes == first.num_bytes


def test_steps_fetch_no_basket_twice(paths: list[Path], tmp_path: Path) -> None:
    run = Run(paths, tmp_path / "s", keys=KEYS, work=Work(step_bytes=1))
    for path in paths:
        check_about(run.num_bytes[path.name], path, tmp_path, *KEYS)


def test_a_range_of_entries_fetches_its_baskets_alone(paths: list[Path], tmp_path: Path) -> None:
    overhead = to_open(paths[0], tmp_path / "to_open")
    CountingFileSystem.num_bytes.clear()
    half = RFileConfig(url_of(paths[0]), "tree", entry_start=NUM)
    convert(half, tmp_path / "s", keys={"weight"})
    with uproot.open(paths[0]) as file:
        second = int(file["tree"]["weight"].member("fBasketBytes")[1])
        whole = packed(paths[0], "weight")
    assert second < whole
    assert second <= CountingFileSystem.num_bytes["a.root"] <= second + overhead
    assert len(memmpy.read_vector(tmp_path / "s", "weight")) == NUM
