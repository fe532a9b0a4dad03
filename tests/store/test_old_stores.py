"""Tests that the stores of older versions under ``tests/stores`` still open, bit for bit."""

import json
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import Splits
from memmpy.columns import (
    ReadJagged,
    ReadNested,
    ReadShaped,
    ReadText,
    WriteVector,
    load_memmaps,
    read_vector,
)
from memmpy.errors import ColumnError, CorruptStoreError, ReadOnlyStoreError
from memmpy.store import (
    FORMAT_VERSION,
    METADATA,
    NumberRecord,
    array_file,
    hash64,
    hash_text,
    read_metadata,
    verify_columns,
)
from memmpy.store.metadata_document import decode, encode
from tests.documents import fields_of, flipped

STORES = Path(__file__).parents[1] / "stores"
#: The time of change of the files in the metadata.
TIME = 1_700_000_000_000_000_000


def hash_of(text: str) -> str:
    return hash_text(hash64(text))


@pytest.fixture
def format_1(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORES / "format-1", tmp_path / "format-1"))


@pytest.fixture
def format_2(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORES / "format-2", tmp_path / "format-2"))


@pytest.fixture
def format_3(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORES / "format-3", tmp_path / "format-3"))


@pytest.fixture
def format_5_friends(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORES / "format-5-friends", tmp_path / "format-5-friends"))


@pytest.fixture
def format_4(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORES / "format-4", tmp_path / "format-4"))


@pytest.fixture
def format_5(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORES / "format-5", tmp_path / "format-5"))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store that memmpy 0.1.2 itself wrote."""
    return Path(shutil.copytree(STORES / "memmpy-0.1.2", tmp_path / "old"))


def document(store: Path) -> Any:
    return json.loads((store / METADATA).read_text())


def write_old(store: Path, arrays: dict[str, np.ndarray], texts: set[str]) -> Path:
    """Write a store as memmpy 0.1.2 laid it out."""
    store.mkdir()
    described = {}
    for name, array in arrays.items():
        (store / f"{hash64(name):0>16x}.npy").write_bytes(array.tobytes())
        shape = list(array.shape)
        described[name] = {"check": "x", "dtype": array.dtype.str, "shape": shape}
    hashes = {f"{hash64(text):0>16x}": text for text in texts | set(arrays)}
    (store / METADATA).write_text(json.dumps({"arrays": described, "hashes": hashes}, indent=4))
    return store


class TestFormat5:
    def test_it_is_what_is_written(self, format_5: Path) -> None:
        metadata = read_metadata(format_5)
        data = (format_5 / METADATA).read_bytes()
        assert encode(metadata, written_by=document(format_5)["memmpy_version"]) == data
        assert document(format_5)["format_version"] == FORMAT_VERSION == 5

    def test_its_columns_hold_what_was_written(self, format_5: Path) -> None:
        columns: dict[str, Any] = dict(load_memmaps(format_5))
        assert [*columns.pop("trigger\udcff")] == ["mu26", "é28"]
        assert columns.pop("vertices").to_awkward().to_list() == [
            [{"z": 1.5, "tracks": [1, 2]}],
            [],
        ]
        assert columns.pop("fields")["weight"].tolist() == [[0.5, 1.5]]
        assert np.nan_to_num(columns.pop("xsec"), nan=-1).tolist() == [0.5, 0.5, -1, -1]
        padded = columns.pop("jet_pt")
        assert np.nan_to_num(padded, nan=-1).tolist() == [[50, 30], [20, -1], [-1, -1], [80, 10]]
        assert {key: [np.asarray(x).tolist() for x in columns[key]] for key in columns} == {
            "event": [2**64 - 1, 2**53 + 1, 0, 7],
            "process": [hash64("ttH")] * 2 + [hash64("ttbb")] * 2,
            "score": [0.125, 0.25, 0.5, 0.75],
            "hits": [[0.5], [], [0.25, 0.75], []],
            "images": [[[1, 2]], [[3], [4]]],
            "sum": [0.5, 0.0, 1.0, 0.0],
            "weight": [0.25, 4, 1, 1],
        }
        assert verify_columns(format_5) == []

    def test_its_checksum_is_the_crc_of_all_bytes_before_it(self, format_5: Path) -> None:
        body, checksum = (format_5 / METADATA).read_bytes().split(b',\n "checksum": ')
        assert checksum == f'"crc32:{zlib.crc32(body):08x}"\n}}\n'.encode()

    def test_its_splits_are_those_that_were_recorded(self, format_5: Path) -> None:
        assert memmpy.open(format_5).splits == Splits(by=("event",), num_folds=2, val=0.25, seed=3)

    @pytest.mark.slow
    def test_no_flipped_bit_of_its_metadata_passes(self, format_5: Path) -> None:
        for altered in flipped((format_5 / METADATA).read_bytes()):
            with pytest.raises(CorruptStoreError):
                decode(altered, path="store")

    def test_its_numbers_are_those_that_were_given(self, format_5: Path) -> None:
        numbers = [source.numbers.values for source in read_metadata(format_5).sources]
        assert numbers == [
            {"xsec": 0.5, "campaign": 2**53, "is_signal": True},
            {"xsec": 1.5, "campaign": 2**53 + 1, "is_signal": False},
        ]
        assert [list(map(type, one.values())) for one in numbers] == [[float, int, bool]] * 2

    def test_the_new_fields_of_its_metadata_are_frozen(self, format_5: Path) -> None:
        found = document(format_5)
        assert found["columns"]["weight"]["origin"]["recipe"] == {
            "branch": "weight",
            "numbers": {"weight": {"dtype": "<f4", "values": [None, 1.0]}},
        }
        source = found["sources"][1]["numbers"]
        assert source["totals"] == {"sum_w": "Runs:genEventSumw"}
        assert source["sums"] == {"Runs:genEventSumw (language 3)": 13.5}
        assert source["branches"]["weight"] == "<f4"


class TestFriendsOfFormat5:
    def test_it_is_what_is_written(self, format_5_friends: Path) -> None:
        metadata = read_metadata(format_5_friends)
        data = (format_5_friends / METADATA).read_bytes()
        assert encode(metadata, written_by=document(format_5_friends)["memmpy_version"]) == data
        assert document(format_5_friends)["format_version"] == FORMAT_VERSION == 5

    def test_columns_of_present_friends_hold_what_was_written(self, format_5_friends: Path) -> None:
        columns = load_memmaps(format_5_friends)
        assert {key: np.asarray(column).tolist() for key, column in columns.items()} == {
            "met": [*range(3, 9)],
            "score": [*range(5, 11)],
            "sum": [*range(3, 9)],
        }
        assert verify_columns(format_5_friends) == []

    def test_a_column_of_a_former_friend_is_stale(self, format_5_friends: Path) -> None:
        with pytest.raises(ColumnError, match="is stale"):
            read_vector(format_5_friends, "stale")

    def test_the_parts_of_friends_are_frozen(self, format_5_friends: Path) -> None:
        found = document(format_5_friends)
        ids = [[id_ for id_, _ in parts] for parts in found["parts"]]
        own = [hash_of(f"{digit * 32} 4321 {TIME} Events;1") for digit in "012"]
        a, c = (f"{digit * 32} 1234 {TIME} Events;1" for digit in "ac")
        b, d = (f"{digit * 32} 1234 {TIME} Events;1 etag" for digit in "bd")
        of_a = [hash_of(f"{own[0]} with {a}"), hash_of(f"{own[1]} with {c}"), own[2]]
        of_both = [
            hash_of(f"{own[0]} with {a} with {b}"),
            hash_of(f"{own[1]} with {c} with {d}"),
            own[2],
        ]
        assert ids[:3] == [own, of_a, of_both]
        assert [column["origin"].get("branches") for column in found["columns"].values()] == [
            None,
            ["score"],
            ["met", "score", "weight"],
            ["b.score"],
        ]


class TestFormat4:
    def test_it_is_what_is_written_but_for_its_version(self, format_4: Path) -> None:
        metadata, data = read_metadata(format_4), (format_4 / METADATA).read_bytes()
        written = encode(metadata, written_by=document(format_4)["memmpy_version"])
        assert fields_of(written) == fields_of(data) | {"format_version": FORMAT_VERSION}

    def test_its_columns_hold_what_was_written(self, format_4: Path) -> None:
        columns: dict[str, Any] = dict(load_memmaps(format_4))
        assert [*columns.pop("trigger\udcff")] == ["mu26", "é28"]
        assert columns.pop("vertices").to_awkward().to_list() == [
            [{"z": 1.5, "tracks": [1, 2]}],
            [],
        ]
        assert columns.pop("fields")["weight"].tolist() == [[0.5, 1.5]]
        padded = columns.pop("jet_pt")
        assert np.nan_to_num(padded, nan=-1).tolist() == [[50, 30], [20, -1], [-1, -1], [80, 10]]
        assert {key: [np.asarray(x).tolist() for x in columns[key]] for key in columns} == {
            "event": [2**64 - 1, 2**53 + 1, 0, 7],
            "process": [hash64("ttH")] * 2 + [hash64("ttbb")] * 2,
            "score": [0.125, 0.25, 0.5, 0.75],
            "hits": [[0.5], [], [0.25, 0.75], []],
            "images": [[[1, 2]], [[3], [4]]],
            "sum": [0.5, 0.0, 1.0, 0.0],
        }
        assert verify_columns(format_4) == []

    def test_its_splits_are_those_that_were_recorded(self, format_4: Path) -> None:
        assert memmpy.open(format_4).splits == Splits(by=("event",), num_folds=2, val=0.25, seed=3)

    def test_its_files_have_no_numbers(self, format_4: Path) -> None:
        assert [s.numbers for s in read_metadata(format_4).sources] == [NumberRecord()] * 2


class TestFormat3:
    def test_its_columns_hold_what_was_written(self, format_3: Path) -> None:
        columns: dict[str, Any] = dict(load_memmaps(format_3))
        assert {key: [np.asarray(x).tolist() for x in columns[key]] for key in columns} == {
            "met": [10.5, 20.25, 30.0, 40.75],
            "score": [0.125, 0.25, 0.5, 0.75],
            "jet_score": [[0.5], [], [0.25, 0.75], []],
            "edges": [0.0, 0.5, 1.0],
        }
        assert verify_columns(format_3) == []

    def test_a_column_for_the_events_of_other_files_is_stale(self, format_3: Path) -> None:
        with pytest.raises(ColumnError, match="is stale: it was written for the events of other"):
            read_vector(format_3, "of_ttH")

    def test_the_new_fields_of_its_metadata_are_frozen(self, format_3: Path) -> None:
        found = document(format_3)
        assert {key: column.get("events") for key, column in found["columns"].items()} == {
            "met": None,
            "of_ttH": 1,
            "score": 2,
            "jet_score": 2,
            "edges": None,
        }
        assert found["parts"][1:] == [
            [["a8113673ddd69930", 2]],
            [["a8113673ddd69930", 2], ["a8cd8ccf833a615c", 2]],
        ]

    def test_its_splits_are_those_that_were_recorded(self, format_3: Path) -> None:
        store = memmpy.open(format_3)
        splits = Splits(by="file", fractions={"train": 0.5, "test": 0.5}, seed=3)
        assert store.splits == splits
        assert document(format_3)["splits"]["splits"] == {
            "by": "file",
            "fractions": {"train": 0.5, "val": 0.0, "test": 0.5},
            "seed": 3,
        }
        assert store.split_of().tolist() == [2, 2, 0, 2]

    @pytest.mark.parametrize("former", ["format_1", "format_2"])
    def test_columns_of_former_formats_record_no_events(
        self, former: str, request: pytest.FixtureRequest
    ) -> None:
        metadata = read_metadata(request.getfixturevalue(former))
        assert {column.events for column in metadata.columns.values()} == {None}
        assert metadata.current_keys() == [*metadata.columns]


class TestFormat2:
    def test_its_columns_hold_what_was_written(self, format_1: Path, format_2: Path) -> None:
        first, second = load_memmaps(format_1), load_memmaps(format_2)
        assert first.keys() == second.keys()
        assert verify_columns(format_2) == []

    def test_a_source_may_fill_a_part_of_a_tree(self, format_2: Path) -> None:
        (source,) = read_metadata(format_2).sources
        assert (source.tree_start, source.tree_stop, source.tree_entries) == (1, 4, 9)
        assert source.matches == {"jet_*": ("jet_pt",)}
        assert source.tag == "etag"

    def test_an_origin_says_who_made_it(self, format_2: Path) -> None:
        origin = read_metadata(format_2).columns["met"].origin
        assert origin is not None
        assert origin.made_by == ("0.3.0",)

    def test_the_new_fields_of_its_metadata_are_frozen(self, format_2: Path) -> None:
        found = document(format_2)
        assert found["matches"] == [{"jet_*": ["jet_pt"]}]
        assert found["sources"][0]["matches"] == 0
        assert found["columns"]["met"]["origin"]["made_by"] == "0.3.0"

    @pytest.mark.parametrize("former", ["format_1", "format_2", "format_3", "format_4"])
    def test_a_store_of_a_former_format_becomes_one_of_todays_when_it_is_written_to(
        self, former: str, request: pytest.FixtureRequest
    ) -> None:
        store = request.getfixturevalue(former)
        before = read_metadata(store).sources
        with WriteVector(store, "next") as column:
            column.append(1)
        assert document(store)["format_version"] == FORMAT_VERSION
        assert read_metadata(store).sources == before


class TestFormat1:
    def test_every_kind_of_column_holds_what_was_written(self, format_1: Path) -> None:
        columns: dict[str, Any] = dict(load_memmaps(format_1))
        fields = columns["fields"]
        assert columns["met"].tolist() == [10.5, 20.25, 30.0]
        assert columns["met"].dtype == np.float32
        assert columns["event"].tolist() == [2**64 - 1, 2**53 + 1, 0]
        assert fields.dtype == np.dtype([("run", "<u4"), ("weight", "<f8", (2,))])
        assert fields["weight"].tolist() == [[0.5, 1.5], [2.5, 3.5], [4.5, 5.5]]
        assert [entry.tolist() for entry in columns["jet_pt"]] == [[50, 30], [], [80]]
        images = [entry.tolist() for entry in columns["images"]]
        assert images == [[[0, 1, 2], [3, 4, 5]], [[7]], []]
        assert columns["images"][2].shape == (0, 2)
        assert list(columns["trigger"]) == ["mu26", "", "é28"]
        assert columns["vertices"].to_awkward().to_list() == [
            [{"z": 1.5, "tracks": [1, 2]}],
            [],
            [{"z": 2.5, "tracks": []}],
        ]

    def test_every_kind_opens_as_what_it_is(self, format_1: Path) -> None:
        columns = load_memmaps(format_1)
        assert isinstance(columns["jet_pt"], ReadJagged)
        assert isinstance(columns["images"], ReadShaped)
        assert isinstance(columns["trigger"], ReadText)
        assert isinstance(columns["vertices"], ReadNested)

    def test_its_checksums_still_hold(self, format_1: Path) -> None:
        assert verify_columns(format_1) == []

    def test_its_sources_and_texts_are_known(self, format_1: Path) -> None:
        metadata = read_metadata(format_1)
        [source] = metadata.sources
        assert source.path == "/data/ttH.root"
        assert source.id == "071c10663e98b141"
        assert "met" in metadata.current_keys()
        assert metadata.hashes == {hash64("ttH"): "ttH"}

    def test_it_can_be_written_to(self, format_1: Path) -> None:
        with WriteVector(format_1, "met") as column:
            column.append(1.0)
        assert read_vector(format_1, "met").tolist() == [1.0]
        assert len(load_memmaps(format_1)) == 7
        assert verify_columns(format_1) == []

    def test_the_names_of_its_files_are_frozen(self, format_1: Path) -> None:
        arrays = document(format_1)["columns"]["jet_pt"]["arrays"]
        assert arrays["content"]["file"] == "9f067a833d538a59.1.npy" == array_file("jet_pt", 1)
        assert arrays["offsets"]["file"] == array_file("jet_pt:offsets", 1)
        assert METADATA == "metadata_memmpy.json"

    def test_the_fields_of_its_metadata_are_frozen(self, format_1: Path) -> None:
        found = document(format_1)
        assert list(found) == [
            "format",
            "format_version",
            "memmpy_version",
            "generation",
            "columns",
            "hashes",
            "sources",
            "parts",
        ]
        assert found["format"] == "memmpy store"
        assert found["format_version"] == 1
        assert found["columns"]["met"] == {
            "kind": "vector",
            "num_entries": 3,
            "arrays": {
                "values": {
                    "file": "76b16658e23944a8.1.npy",
                    "dtype": "<f4",
                    "shape": [3],
                    "checksum": "crc32:ca96c3a8",
                }
            },
            "details": {},
            "origin": {"recipe": {"branch": "met"}, "parts": 0},
        }
        assert found["parts"] == [[["071c10663e98b141", 3]]]
        assert found["sources"] == [
            {
                "path": "/data/ttH.root",
                "uuid": "0123456789abcdef0123456789abcdef",
                "size": 1234,
                "mtime_ns": 1_700_000_000_000_000_000,
                "tree": "nominal;1",
                "asked": "nominal",
                "num_entries": 3,
                "entry_start": 0,
                "metadata": {"process": "ttH"},
            }
        ]

    def test_the_roles_of_its_arrays_are_frozen(self, format_1: Path) -> None:
        columns = document(format_1)["columns"]
        roles = {key: list(column["arrays"]) for key, column in columns.items()}
        assert roles == {
            "met": ["values"],
            "event": ["values"],
            "fields": ["values"],
            "jet_pt": ["content", "offsets"],
            "images": ["content", "offsets", "shapes", "shapes_offsets"],
            "trigger": ["content", "offsets"],
            "vertices": [
                "node0-offsets",
                "node0.0.0-data",
                "node0.0.1-offsets",
                "node0.0.1.0-data",
            ],
        }

    def test_todays_memmpy_writes_the_same_bytes(self, format_1: Path, tmp_path: Path) -> None:
        with WriteVector(tmp_path / "new", "met") as column:
            column.extend(np.array([10.5, 20.25, 30.0], np.float32))
        name = "76b16658e23944a8.1.npy"
        assert (tmp_path / "new" / name).read_bytes() == (format_1 / name).read_bytes()
        written = document(tmp_path / "new")["columns"]["met"]["arrays"]
        assert written == document(format_1)["columns"]["met"]["arrays"]


class TestMemmpy012:
    def test_columns_that_it_wrote_hold_what_was_written(self, old: Path) -> None:
        columns: dict[str, Any] = dict(load_memmaps(old))
        assert columns["met"].tolist() == [10.5, 20.25, 30.0, 40.0]
        assert columns["met"].dtype == np.float32
        assert columns["jet_pt"].tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
        assert columns["process"].tolist() == [0x6A5C9B1F_2D3E4F50]
        assert [entry.tolist() for entry in columns["hits"]] == [[1.5, 2.5], [3.5]]
        assert [entry.tolist() for entry in columns["images"]] == [
            [[0, 1, 2], [3, 4, 5]],
            [[0], [1]],
        ]

    def test_each_column_opens_as_what_it_is(self, old: Path) -> None:
        columns = load_memmaps(old)
        assert list(columns) == ["met", "jet_pt", "process", "hits", "images"]
        assert isinstance(columns["hits"], ReadJagged)
        assert isinstance(columns["images"], ReadShaped)

    def test_columns_open_by_their_own_readers(self, old: Path) -> None:
        assert read_vector(old, "met").tolist() == [10.5, 20.25, 30.0, 40.0]
        assert ReadJagged(old, "hits").counts.tolist() == [2, 1]
        assert ReadShaped(old, "images")[1].shape == (2, 1)

    def test_cached_cuts_are_no_columns(self, old: Path) -> None:
        assert "met > 15" in document(old)["arrays"]
        assert "met > 15" not in load_memmaps(old)

    def test_it_is_never_written_to(self, old: Path) -> None:
        before = {file.name: file.read_bytes() for file in old.iterdir()}
        message = r"was made by memmpy 0\.1\.2 and can only be read; write to another path"
        with pytest.raises(ReadOnlyStoreError, match=message), WriteVector(old, "met") as column:
            column.append(1.0)
        assert {file.name: file.read_bytes() for file in old.iterdir()} == before

    def test_a_truncated_file_is_an_error(self, old: Path) -> None:
        file = old / f"{hash64('met'):0>16x}.npy"
        file.write_bytes(file.read_bytes()[:-1])
        with pytest.raises(CorruptStoreError, match="has 15 bytes, expected 16"):
            read_vector(old, "met")

    def test_nothing_is_verified_that_has_no_checksum(self, old: Path) -> None:
        assert verify_columns(old) == []

    def test_a_layout_made_by_hand_is_read_as_one_it_wrote(self, tmp_path: Path) -> None:
        arrays = {
            "met": np.array([1.5, 2.5]),
            "process": np.array([hash64("ttH")] * 2, np.uint64),
            "jet_pt": np.arange(3, dtype=np.float32),
            "jet_pt:index": np.array([0, 1, 3]),
            "image": np.arange(4, dtype=np.int16),
            "image:index": np.array([0, 0, 4]),
            "image:shape": np.array([0, 2, 2]),
            "image:shape:index": np.array([0, 1, 3]),
            "is_tight": np.array([True, False]),
            "met>2": np.array([1]),
            "~is_tight": np.array([1]),
            "jet pt": np.array([0.5]),
        }
        store = write_old(tmp_path / "old", arrays, {"ttH"})
        columns: dict[str, Any] = dict(load_memmaps(store))
        keys = ["met", "process", "jet_pt", "image", "is_tight", "jet pt"]
        assert list(columns) == keys
        assert columns["jet_pt"][1].tolist() == [1, 2]
        assert columns["image"][0].shape == (0,)
        assert columns["image"][1].tolist() == [[0, 1], [2, 3]]
        assert read_metadata(store).hashes[int(columns["process"][0])] == "ttH"

    @pytest.mark.parametrize(
        "arrays",
        [
            None,
            [],
            {"met": None},
            {"met": {"dtype": "<f4"}},
            {"met": {"dtype": "nonsense", "shape": [1]}},
            {"met": {"dtype": "|O", "shape": [1]}},
            {"met": {"dtype": "<f4", "shape": [-1]}},
            {"met": {"dtype": "<f4", "shape": "1"}},
        ],
        ids=str,
    )
    def test_damaged_metadata_is_an_error(self, old: Path, arrays: Any) -> None:
        (old / METADATA).write_text(json.dumps({"arrays": arrays, "hashes": {}}))
        message = r"looks like memmpy 0\.1\.2 wrote it, but is damaged"
        with pytest.raises(CorruptStoreError, match=message):
            load_memmaps(old)

    def test_offsets_that_are_no_offsets_are_an_error(self, tmp_path: Path) -> None:
        arrays = {"hits": np.arange(3.0), "hits:index": np.array([0.0, 3.0])}
        store = write_old(tmp_path / "old", arrays, set())
        with pytest.raises(CorruptStoreError, match="its arrays make no jagged column"):
            ReadJagged(store, "hits")
