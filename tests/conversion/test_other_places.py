"""Files of other formats than ROOT, and in other places than the local disk."""

import os
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import fsspec
import numpy as np
import pytest
import uproot

import memmpy
from memmpy import RFileConfig, Work, convert, load_root
from memmpy.errors import InputFileError, MissingFileError, MissingKeyError
from memmpy.sources.access import retries
from memmpy.store import read_metadata
from tests.conftest import make_events
from tests.servers import RangeServer, make_certificate

MakeFile = Callable[..., Path]
NUM = 3000
KEYS = {"nJets", "eventNumber", "met", "weight", "isGood", "jet_pt"}


def events() -> dict[str, Any]:
    made = make_events(NUM)
    return {key: made[key] for key in sorted(KEYS)}


def write_pyarrow(path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {
        key: ak.to_arrow(values, extensionarray=False)
        if isinstance(values, ak.Array)
        else pa.array(values)
        for key, values in events().items()
    }
    parquet.write_table(pa.table(columns), path, row_group_size=700)


def write_awkward(path: Path) -> None:
    pytest.importorskip("pyarrow")
    ak.to_parquet(ak.Array(events()), path, row_group_size=700)


def write_h5py(path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for key, values in events().items():
            if not isinstance(values, ak.Array):
                file.create_dataset(key, data=values, chunks=(500,))
                continue
            lists = file.create_dataset(
                key, (NUM,), dtype=h5py.vlen_dtype(np.dtype(np.float32)), chunks=(500,)
            )
            for i, entry in enumerate(values):
                lists[i] = ak.to_numpy(entry)


def write_compound(path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    flat = {key: v for key, v in events().items() if not isinstance(v, ak.Array)}
    rows = np.empty(NUM, [(key, values.dtype) for key, values in flat.items()])
    for key, values in flat.items():
        rows[key] = values
    with h5py.File(path, "w") as file:
        file.create_dataset("jets", data=rows, chunks=(500,))


def content(store: Path) -> dict[str, bytes]:
    """Return the bytes of each array of a store."""
    return {
        f"{key}:{role}": (store / array.file).read_bytes()
        for key, column in read_metadata(store).columns.items()
        for role, array in column.arrays.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "write", "keys"),
    [
        ("a.parquet", write_pyarrow, KEYS),
        ("b.parquet", write_awkward, KEYS),
        ("c.h5", write_h5py, KEYS),
        ("d.h5", write_compound, KEYS - {"jet_pt"}),
        ("no_suffix", write_pyarrow, KEYS),
    ],
)
def test_another_format_gives_the_columns_of_the_root_file(
    name: str,
    write: Callable[[Path], None],
    keys: set[str],
    make_file: MakeFile,
    tmp_path: Path,
) -> None:
    write(tmp_path / name)
    convert(make_file(num=NUM), tmp_path / "root", keys=keys)
    convert(tmp_path / name, tmp_path / "other", keys=keys, work=Work(step_bytes=10_000))
    assert content(tmp_path / "other") == content(tmp_path / "root")


@pytest.mark.slow
def test_a_tree_an_ntuple_a_parquet_and_an_hdf5_file_go_into_one_store(
    make_file: MakeFile, tmp_path: Path
) -> None:
    tree = make_file(num=NUM)
    with uproot.recreate(tmp_path / "ntuple.root") as file:
        file.mkrntuple("events", events())
    write_awkward(tmp_path / "a.parquet")
    write_h5py(tmp_path / "b.h5")
    paths = [tree, tmp_path / "ntuple.root", tmp_path / "a.parquet", tmp_path / "b.h5"]
    done = convert(paths, tmp_path / "s", keys=KEYS)
    assert done.num_entries == 4 * NUM
    columns: Any = memmpy.open(tmp_path / "s")
    assert np.array_equal(columns["eventNumber"], np.tile(events()["eventNumber"], 4))
    assert np.array_equal(
        columns["jet_pt"].to_awkward().layout.content.data,
        np.tile(ak.to_numpy(ak.flatten(events()["jet_pt"])), 4),
    )


def test_a_missing_column_of_a_parquet_file_names_the_nearest(tmp_path: Path) -> None:
    write_pyarrow(tmp_path / "a.parquet")
    with pytest.raises(MissingKeyError, match="nearest: 'nJets'"):
        convert(tmp_path / "a.parquet", tmp_path / "s", keys={"nJet"})


def test_a_second_run_reads_nothing_of_a_parquet_file(tmp_path: Path) -> None:
    write_pyarrow(tmp_path / "a.parquet")
    convert(tmp_path / "a.parquet", tmp_path / "s", keys={"met"})
    assert convert(tmp_path / "a.parquet", tmp_path / "s", keys={"met"}).was_cached


def test_events_of_a_parquet_file_are_split_by_their_file_and_number(tmp_path: Path) -> None:
    write_pyarrow(tmp_path / "a.parquet")
    loaders = [
        load_root(tmp_path / "a.parquet", tmp_path / "s", keys={"eventNumber"}, split=split)
        for split in ("train", "val", "test")
    ]
    numbers = [n for loader in loaders for batch in loader for n in batch["eventNumber"].tolist()]
    assert sorted(numbers) == sorted(events()["eventNumber"].tolist())


class TestServer:
    @pytest.fixture(autouse=True)
    def _no_waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(retries, "FIRST_DELAY", 0.0)

    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[RangeServer]:
        pytest.importorskip("aiohttp")
        with RangeServer(tmp_path) as running:
            yield running

    def test_a_url_gives_the_columns_of_the_file(
        self, server: RangeServer, make_file: MakeFile, tmp_path: Path
    ) -> None:
        convert(make_file(num=NUM), tmp_path / "local", keys=KEYS)
        convert(server.url("events.root"), tmp_path / "remote", keys=KEYS)
        assert content(tmp_path / "remote") == content(tmp_path / "local")

    def test_only_what_is_asked_for_is_fetched(
        self, server: RangeServer, make_file: MakeFile, tmp_path: Path
    ) -> None:
        junk = np.random.default_rng(0).normal(size=200_000)
        file = make_file(num=len(junk), junk=junk)
        convert(server.url(file.name), tmp_path / "s", keys={"isGood"})
        assert server.num_bytes < file.stat().st_size / 4

    def test_an_ntuple_behind_a_url_is_read(self, server: RangeServer, tmp_path: Path) -> None:
        with uproot.recreate(tmp_path / "ntuple.root") as file:
            file.mkrntuple("events", events())
        convert(server.url("ntuple.root"), tmp_path / "s", keys=KEYS)
        convert(tmp_path / "ntuple.root", tmp_path / "local", keys=KEYS)
        assert content(tmp_path / "s") == content(tmp_path / "local")

    @pytest.mark.slow_together
    @pytest.mark.parametrize("name", ["events.root", "a.parquet", "b.h5"])
    def test_connections_that_drop_do_not_matter(
        self, name: str, server: RangeServer, make_file: MakeFile, tmp_path: Path
    ) -> None:
        make_file(num=NUM)
        write_pyarrow(tmp_path / "a.parquet")
        write_h5py(tmp_path / "b.h5")
        convert(tmp_path / name, tmp_path / "local", keys=KEYS)
        server.drop_every = 3
        convert(server.url(name), tmp_path / "remote", keys=KEYS, work=Work(step_bytes=50_000))
        assert content(tmp_path / "remote") == content(tmp_path / "local")

    def test_a_server_that_is_busy_is_asked_again(
        self, server: RangeServer, make_file: MakeFile, tmp_path: Path
    ) -> None:
        make_file()
        server.fail_next = 3
        assert convert(server.url("events.root"), tmp_path / "s", keys=KEYS).num_entries == 10

    def test_a_server_that_stays_away_is_named(
        self, server: RangeServer, make_file: MakeFile, tmp_path: Path
    ) -> None:
        make_file()
        server.fail_next = 10_000
        with pytest.raises(InputFileError, match=r"http://127.0.0.1.*events\.root.*attempts"):
            convert(server.url("events.root"), tmp_path / "s", keys=KEYS)

    def test_a_url_of_nothing_is_an_error(self, server: RangeServer, tmp_path: Path) -> None:
        with pytest.raises(MissingFileError, match="nothing"):
            convert(server.url("nothing.root"), tmp_path / "s", keys=KEYS)

    def test_a_file_that_did_not_change_is_not_fetched_again(
        self, server: RangeServer, make_file: MakeFile, tmp_path: Path
    ) -> None:
        make_file(num=NUM)
        convert(server.url("events.root"), tmp_path / "s", keys=KEYS)
        server.num_bytes = 0
        done = convert(server.url("events.root"), tmp_path / "s", keys=KEYS)
        assert (done.was_cached, server.num_bytes) == (True, 0)

    def test_a_file_that_changed_is_fetched_again(
        self, server: RangeServer, make_file: MakeFile, tmp_path: Path
    ) -> None:
        convert([server.url(make_file().name)], tmp_path / "s", keys={"met"})
        os.utime(make_file(first=100), ns=(0, 1_900_000_000_000_000_000))
        done = convert([server.url("events.root")], tmp_path / "s", keys={"met"})
        assert done.read == {server.url("events.root"): ("met",)}
        column: Any = memmpy.open(tmp_path / "s")["met"]
        assert column[0] == 12.5

    def test_a_pattern_finds_the_files_that_a_server_lists(
        self, server: RangeServer, make_file: MakeFile, tmp_path: Path
    ) -> None:
        for i in range(3):
            make_file(f"part_{i}.root", first=10 * i)
        done = convert(RFileConfig(server.url("part_*.root")), tmp_path / "s", keys={"met"})
        assert done.num_entries == 30

    @pytest.mark.slow
    def test_https_is_read_where_the_certificate_is_known(
        self, make_file: MakeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("aiohttp")
        certificate = make_certificate(tmp_path)
        trusting = ssl.create_default_context(cafile=str(certificate.certificate))
        for protocol in ("http", "https"):  # fsspec may know the class by the one first used
            monkeypatch.setitem(fsspec.config.conf, protocol, {"ssl": trusting})
        kind = fsspec.get_filesystem_class("https")
        kind.clear_instance_cache()
        make_file()
        with RangeServer(tmp_path, certificate=certificate) as server:
            url = server.url("events.root")
            assert url.startswith("https://")
            assert convert(url, tmp_path / "s", keys={"met"}).num_entries == 10
        kind.clear_instance_cache()


@pytest.mark.parametrize("size", [512, 1024, 2048, 1 << 17])
def test_a_file_of_hdf5_may_begin_with_a_block_of_its_user(tmp_path: Path, size: int) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=size) as file:
        file["x"] = np.arange(5)
    with (tmp_path / "a.mat").open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file")
    convert(tmp_path / "a.mat", tmp_path / "s", keys={"x"})
    assert memmpy.read_vector(tmp_path / "s", "x").tolist() == [*range(5)]


def test_what_a_pattern_leaves_out_of_a_group_is_said(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["X"], file["y"], file["names"] = np.zeros((5, 3)), np.zeros(5), np.array([b"a", b"b"])
    done = convert(tmp_path / "a.h5", tmp_path / "s", keys={"*"})
    assert set(memmpy.open(tmp_path / "s")) == {"X", "y"}
    assert done.plan.skipped == ("names",)
    assert "names" in str(done)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "it is empty; write it again"),
        (b"ARROW1\0\0", "it is an Arrow .* write it as Parquet"),
        (b"FEA1", "it is a Feather file; write it as Parquet"),
        (b"PARE", "encrypted"),
        (b"\x93NUMPY\1", "a NumPy file; memmpy.WriteVector"),
        (b"PK\3\4", "a zip archive"),
        (b"\x1f\x8b\x08", "gzip; decompress it first"),
        (b"\x89HDF\n\x1a\n", "truncated, or was changed on its way"),
        (b"<!DOCTYPE html>", "a page of text"),
        (b"x,y\n1,2\n", "it begins with b'x,y"),
    ],
)
def test_what_is_no_file_of_events_is_said(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "a").write_bytes(content + bytes(2000) * bool(content))
    message = f"a' is not a ROOT, Parquet or HDF5 file: .*{expected}"
    with pytest.raises(InputFileError, match=message):
        convert(tmp_path / "a", tmp_path / "s", keys={"x"})


@pytest.mark.parametrize("ending", [".parquet", ".h5", ".root"])
def test_of_a_directory_the_files_in_it_are_named(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"a{ending}").mkdir()
    with pytest.raises(
        MissingFileError, match=rf"is a directory, .* write '.*a{ending}/\*{ending}'"
    ):
        convert(tmp_path / f"a{ending}", tmp_path / "s", keys={"x"})


def test_a_pattern_that_matches_nothing_to_hold_says_why(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.array([["a", "b"]], h5py.string_dtype())
    message = (
        r"the pattern '\*' matches only branches that no column can hold \('x'\) in '.*'; "
        r"branch 'x' .* holds text"
    )
    with pytest.raises(InputFileError, match=message):
        convert(tmp_path / "a.h5", tmp_path / "s", keys={"*"})
