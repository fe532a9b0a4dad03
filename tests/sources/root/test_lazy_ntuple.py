"""Tests of RNTuples whose fields are read one by one: uproot, which reads them all, agrees."""

import random
import struct
import tracemalloc
from contextlib import closing
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
import xxhash
from uproot.models.RNTuple import RField

from memmpy.errors import MemmpyError, UndecodableError
from memmpy.jagged import Jagged
from memmpy.sources import ByteSource
from memmpy.sources.awkward_types import from_awkward, type_of_form
from memmpy.sources.root import TreeFile
from memmpy.sources.root.branch_records import RecordError
from memmpy.sources.root.lazy_ntuple import LazyNtuple
from memmpy.sources.root.ntuple import Ntuple
from memmpy.sources.root.ntuple_clusters import page_table
from tests.conftest import REAL_DATA
from tests.sources.root.ntuple_by_root import (
    LATE,
    write_late_ntuple,
    write_ntuple,
    write_rare_ntuple,
)

BY_ROOT = REAL_DATA / "Run2012BC_DoubleMuParked_Muons_1000evts_rntuple_v1-0-0-0.root"
NUM = 90
COMPRESSIONS = {
    "none": None,
    "zlib": uproot.ZLIB(1),
    "lzma": uproot.LZMA(1),
    "lz4": uproot.LZ4(4),
    "zstd": uproot.ZSTD(5),
}
#: Compressions of ROOT: none, ZLIB, LZMA, LZ4, ZSTD.
BY_NUMBER = [0, 101, 207, 404, 505]
#: Fields of `write_ntuple` that uproot reads; memmpy reads all others.
LEFT_TO_UPROOT = {"maybe", "two", "jets", "event", "variant"}
#: Fields that hold no numbers with one shape, lists of them or texts.
NESTED = {"optional", "record", "records"}


def opened(path: Path) -> closing[TreeFile]:
    return closing(TreeFile(ByteSource(str(path)), None))


def columns() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 5, NUM)

    def lists(dtype: str) -> Any:
        numbers = rng.integers(0, 100, counts.sum()).astype(dtype)
        return ak.unflatten(numbers, counts)

    plain = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
    return {
        **{f"one_{dtype}": rng.integers(0, 2**7, NUM).astype(dtype) for dtype in plain},
        **{f"list_{dtype}": lists(dtype) for dtype in plain},
        "array": ak.from_numpy(rng.normal(size=(NUM, 2, 3)), regulararray=True),
        "arrays": ak.unflatten(
            ak.from_numpy(rng.normal(size=(int(counts.sum()), 3)), regulararray=True), counts
        ),
        "text": ak.Array(["x" * (i % 7) + "é" * (i % 2) for i in range(NUM)]),
        "optional": ak.Array([None if i % 3 else i for i in range(NUM)]),
        "deep": ak.unflatten(lists("f4"), np.full(NUM // 2, 2))[np.arange(NUM) // 2],
        "record": ak.zip({"x": np.arange(NUM), "list": lists("f4")}, depth_limit=1),
        "records": ak.zip({"pt": lists("f4"), "id": lists("i2")}),
    }


@pytest.fixture(scope="module", params=COMPRESSIONS)
def by_uproot(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an RNTuple that uproot wrote in three clusters."""
    path = tmp_path_factory.mktemp("ntuple") / f"{request.param}.root"
    array = ak.Array(columns())
    with uproot.recreate(path, compression=COMPRESSIONS[request.param]) as file:
        written = file.mkrntuple("t", array.layout.form)
        for start, stop in ((0, 40), (40, 41), (41, NUM)):
            written.extend(array[start:stop])
    return path


def assert_same(ours: Any, theirs: Any, kind: str) -> None:
    """Compare values of one field, bit for bit; uproot's are an awkward array."""
    if kind == "nested":
        assert ak.array_equal(ours, theirs, equal_nan=True)
        return
    expected = from_awkward(theirs, kind)
    if isinstance(expected, Jagged):
        assert np.array_equal(ours.counts, expected.counts)
        ours, expected = ours.content, np.asarray(expected.content)[expected.offsets[0] :]
    assert (ours.dtype, ours.shape) == (expected.dtype, expected.shape)
    assert ours.tobytes() == expected.tobytes()


def assert_as_uproot(path: Path, left_to_uproot: set[str], *, num_ranges: int) -> None:
    """Compare types, sizes and values of all fields with those of uproot."""
    with opened(path) as file, uproot.open({str(path): None}) as other:
        theirs = {field.name: field for field in other[file.tree].fields}
        num = file.num_entries
        assert num == other[file.tree].num_entries
        assert file.branches() == list(theirs)
        assert file._ntuple is not None
        decoded = {name for name in theirs if file._ntuple.is_decoded(name)}
        assert decoded == set(theirs) - left_to_uproot
        rng = random.Random(1)
        ranges = [tuple(sorted(rng.choices(range(num + 1), k=2))) for _ in range(num_ranges)]
        for name, field in theirs.items():
            if field.typename.startswith("std::variant") or name == "nothing":
                continue
            whole = field.array(array_cache=None)
            column_type = file.type_of(name)
            assert column_type == type_of_form(whole.layout.form)
            assert file.stored_type(name) == field.typename
            for start, stop in [(0, num), *ranges]:
                [(_, ours)] = file.read([name], start, stop)
                assert_same(ours, whole[start:stop], column_type.kind)


def test_fields_by_uproot_are_those_of_uproot(by_uproot: Path) -> None:
    assert_as_uproot(by_uproot, NESTED, num_ranges=12)


@pytest.mark.real
@pytest.mark.skipif(not BY_ROOT.exists(), reason="no real data")
def test_real_fields_are_those_of_uproot() -> None:
    assert_as_uproot(BY_ROOT, {"_collection0"}, num_ranges=9)


@pytest.mark.root
@pytest.mark.parametrize("compression", BY_NUMBER)
def test_fields_by_root_are_those_of_uproot(tmp_path: Path, compression: int) -> None:
    path = write_ntuple(tmp_path / "a.root", 1000, compression=compression)
    assert_as_uproot(path, LEFT_TO_UPROOT, num_ranges=5)


@pytest.mark.root
def test_parts_of_fields_by_root_are_those_of_uproot(tmp_path: Path) -> None:
    path = write_ntuple(tmp_path / "a.root", 700, compression=505)
    with opened(path) as file, uproot.open({str(path): None}) as other:
        whole = other["Events"].arrays(["jets", "event", "two"])
        expected = {
            "jets.pt": whole.jets.pt,
            "jets.cov": whole.jets["cov"],
            "event.weight": whole.event.weight,
            "event.jets.id": whole.event.jets.id,
            "event.xy": whole.event.xy,
            "event.name": whole.event["name"],
            "two.1": whole.two["1"],
            "jets.tracks": whole.jets.tracks,
            "event.jets.tracks": whole.event.jets.tracks,
        }
        for start, stop in ((0, 700), (299, 601), (5, 5)):
            for name, ours in file.read(list(expected), start, stop):
                assert_same(ours, expected[name][start:stop], file.type_of(name).kind)
        with pytest.raises(UndecodableError, match="alone; take 'event' as"):
            file.type_of("event.jets")
        assert not file.has_branch("jets.px")


@pytest.mark.root
def test_late_fields_have_zeros_before_their_first_entry(tmp_path: Path) -> None:
    path = write_late_ntuple(tmp_path / "a.root")
    entries = np.arange(500)
    is_there = entries >= LATE
    with opened(path) as file:
        assert file._ntuple is not None
        *names, hit = file.branches()
        names += [f"{hit}.pt", f"{hit}.pair"]
        for start, stop in ((0, 500), (90, 100), (99, 101), (130, 260), (7, 7)):
            values = dict(file.read(names, start, stop))
            here, there = entries[start:stop], is_there[start:stop]
            assert values["early"].tolist() == here.tolist()
            assert values["late"].tolist() == np.where(there, here * 2, 0).tolist()
            expected = [[i, -i, i] if i >= LATE else [0, 0, 0] for i in here.tolist()]
            assert values["late_array"].tolist() == expected
            lists = [[i] * (i % 3) if i >= LATE else [] for i in here.tolist()]
            assert values["late_list"].to_awkward().tolist() == lists
            assert [bytes(text).decode() for text in values["late_text"]] == [
                str(i) if i >= LATE else "" for i in here.tolist()
            ]
            assert values["late_hit.pt"].tolist() == np.where(there, here, 0).tolist()
            assert values["late_hit.pair"].tolist() == [list(array[:2]) for array in expected]
        assert all(map(file._ntuple.is_decoded, names))
        with pytest.raises(UndecodableError, match="uproot reads wrong; name its parts"):
            file.type_of(hit)


@pytest.mark.root
def test_rare_fields_by_root_are_those_of_uproot(tmp_path: Path) -> None:
    path = write_rare_ntuple(tmp_path / "a.root")
    assert_as_uproot(path, {"maybe_jet", "maybes", "tracks", "nothing"}, num_ranges=5)
    with opened(path) as file, uproot.open({str(path): None}) as other:
        whole = other["Events"].arrays(["tracks"])
        for name in ("pt", "hits"):
            [(_, ours)] = file.read([f"tracks.{name}"], 3, 80)
            assert_same(ours, whole.tracks[name][3:80], "nested")
        read = dict(file.read(["cube", "pages", "tracks.hits"], 0, 100))
        for e in range(100):
            counts = range(e % 4)
            assert read["cube"][e].tolist() == [[[e] * (e % 3)] * i for i in counts]
            assert read["pages"][e].tolist() == [[str(e)] * i for i in counts]
            assert read["tracks.hits"][e].tolist() == [[[e, i]] * i for i in counts]
        with pytest.raises(UndecodableError, match=r"arrays of no numbers \(std::array<float,0>\)"):
            file.type_of("nothing")
        with pytest.raises(UndecodableError, match="alone; take 'maybe_jet' as"):
            file.type_of("maybe_jet.pt")


def test_parts_of_fields_are_read_alone(by_uproot: Path) -> None:
    with opened(by_uproot) as file:
        read = dict(file.read(["records", "record.list", "records.pt", "record.x"], 30, 60))
        assert file.sizes_of("records.pt")[1] < file.sizes_of("records")[1]
    assert_same(read["records.pt"], read["records"].pt, "jagged")
    assert read["record.x"].tolist() == list(range(30, 60))


def test_fields_are_read_in_the_given_order(by_uproot: Path) -> None:
    names = ["optional", "text", "record", "one_f4", "deep", "one_i8"]
    with opened(by_uproot) as file:
        assert [name for name, _ in file.read(names, 0, NUM)] == names


def test_lists_of_a_collection_are_decoded_once(
    by_uproot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []
    lists_at = LazyNtuple._lists_at

    def count(self: LazyNtuple, column: Any, *rest: Any) -> Any:
        decoded.append(column.number)
        return lists_at(self, column, *rest)

    monkeypatch.setattr(LazyNtuple, "_lists_at", count)
    names = [f"list_{dtype}" for dtype in ("i1", "f4", "f8", "?")]
    with opened(by_uproot) as file:
        read = dict(file.read([*names, "text"], 3, 70))
    assert len(decoded) == 2  # the lists of numbers, and the texts
    assert len({id(read[name].offsets) for name in names}) == 1
    assert_same(read["list_f8"], columns()["list_f8"][3:70], "jagged")


def test_pages_of_lists_are_compared_only_if_their_bytes_are_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    counts = {f"l{i}": rng.permutation(np.arange(40) % 4) for i in range(9)}
    with uproot.recreate(tmp_path / "a.root", compression=None) as file:
        file.mkrntuple("t", {key: ak.unflatten(np.arange(60), own) for key, own in counts.items()})
    monkeypatch.setattr(np, "array_equal", lambda *_: pytest.fail("compared"))
    with opened(tmp_path / "a.root") as file:
        read = dict(file.read(list(counts), 0, 40))
    assert all(read[key].counts.tolist() == own.tolist() for key, own in counts.items())


def test_a_damaged_page_of_lists_is_not_taken_for_that_of_another_field(
    by_uproot: Path, tmp_path: Path
) -> None:
    names = ["list_i4", "list_f8"]
    with opened(by_uproot) as file:
        assert isinstance(file._branches, Ntuple)
        lazy = file._branches._lazy
        assert isinstance(lazy, LazyNtuple)
        [field] = [f for f in lazy._description.fields if f.name == "list_f8"]
        ends = lazy.fields.column_numbers(field)[0]
        [page] = page_table(lazy.clusters[0], ends).tolist()
    octets = bytearray(by_uproot.read_bytes())
    octets[page[2]] ^= 1
    (tmp_path / "a.root").write_bytes(octets)
    with opened(tmp_path / "a.root") as file:
        if by_uproot.stem == "none":  # uproot writes no checksums of pages
            sound, damaged = (values for _, values in file.read(names, 0, NUM))
            assert sound.counts[0] != damaged.counts[0]
            return
        with pytest.raises(MemmpyError, match="list_f8"):
            dict(file.read(names, 0, NUM))


def write_wide(path: Path, num_fields: int) -> None:
    counts = np.arange(20) % 4
    lists = ak.unflatten(np.arange(counts.sum()), counts)
    fields = {f"x{i}": np.arange(20) + i for i in range(num_fields)}
    fields |= {f"l{i}": lists + i for i in range(num_fields)}
    with uproot.recreate(path) as file:
        file.mkrntuple("t", fields)


def test_uproot_reads_no_field_of_those_that_memmpy_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wide(tmp_path / "a.root", 50)

    def fail(*_: Any) -> None:
        raise AssertionError("uproot made a field")

    monkeypatch.setattr(RField, "__init__", fail)
    with opened(tmp_path / "a.root") as file:
        assert len(file.branches()) == 100
        read = dict(file.read(["x7", "l3"], 2, 9))
        assert file.sizes()[1] > file.sizes_of("l3")[1] > 0
        assert file.boundaries(["x7"]).tolist() == [0, 20]
    assert read["x7"].tolist() == list(range(9, 16))
    assert read["l3"].counts.tolist() == [2, 3, 0, 1, 2, 3, 0]


def test_files_with_one_header_are_described_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        with uproot.recreate(tmp_path / f"{number}.root") as file:
            file.mkrntuple("t", {"described_once": np.arange(9) + number})
    with opened(tmp_path / "0.root") as file:
        file.branches()
    monkeypatch.setattr("memmpy.sources.root.ntuple_records._field", None)
    with opened(tmp_path / "1.root") as file:
        assert dict(file.read(["described_once"], 0, 9))["described_once"].tolist() == [
            *range(1, 10)
        ]


def test_an_unusual_ntuple_is_read_by_uproot(
    by_uproot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(by_uproot) as file:
        ours = dict(file.read(["one_f4", "list_i2", "text"], 20, 70))
        sizes = file.sizes_of("list_i2"), file.sizes(), file.boundaries([]).tolist()

    def fail(*_: Any) -> None:
        raise RecordError("unusual")

    monkeypatch.setattr(LazyNtuple, "__init__", fail)
    with opened(by_uproot) as file:
        assert file.branches() == list(columns())
        assert sizes == (file.sizes_of("list_i2"), file.sizes(), file.boundaries([]).tolist())
        theirs = dict(file.read(list(ours), 20, 70))
        assert not file.has_branch("record.x")
        assert not file.has_branch("nothing")
    assert theirs["one_f4"].tolist() == ours["one_f4"].tolist()
    for name in ("list_i2", "text"):
        assert [x.tolist() for x in theirs[name]] == [x.tolist() for x in ours[name]]


def envelopes(path: Path) -> dict[str, tuple[int, int]]:
    """Return the ranges of the uncompressed envelopes of an RNTuple."""
    with uproot.open({str(path): None}) as file:
        ntuple = file["t"]
        locator = ntuple.footer.cluster_group_records[0].page_list_link.locator
        return {
            "header": (ntuple.member("fSeekHeader"), ntuple.member("fNBytesHeader")),
            "footer": (ntuple.member("fSeekFooter"), ntuple.member("fNBytesFooter")),
            "pages": (locator.offset, locator.num_bytes),
        }


def write_checksum(data: bytearray, start: int, size: int) -> bytes:
    checksum = xxhash.xxh3_64_intdigest(data[start : start + size - 8]).to_bytes(8, "little")
    data[start + size - 8 : start + size] = checksum
    return checksum


@pytest.mark.slow_together
@pytest.mark.parametrize("part", ["header", "footer", "pages"])
def test_a_wrong_number_behind_a_right_checksum_gives_values_or_an_error(
    tmp_path: Path, part: str
) -> None:
    path = tmp_path / "a.root"
    counts = np.arange(60) % 4
    fields = {"x": np.arange(60), "l": ak.unflatten(np.arange(counts.sum()), counts)}
    with uproot.recreate(path, compression=None) as file:
        file.mkrntuple("t", {"x": "int64", "l": "var * int64", "s": "string"}).extend(
            {**fields, "s": [str(i) for i in range(60)]}
        )
    whole, places = path.read_bytes(), envelopes(path)
    start, size = places[part]
    rng = random.Random(1)
    tracemalloc.start()
    num_errors = 0
    for _ in range(300):
        data = bytearray(whole)
        at = start + rng.randrange(8, size - 8)
        if rng.random() < 0.5:
            data[at] ^= 1 << rng.randrange(8)
        else:  # a huge number
            data[at : at + 4] = struct.pack("<I", rng.choice([2**31 - 1, 2**32 - 1, 2**20]))
        checksum = write_checksum(data, start, size)
        if part == "header":
            footer, num_bytes = places["footer"]
            data[footer + 16 : footer + 24] = checksum
            write_checksum(data, footer, num_bytes)
        path.write_bytes(data)
        try:
            with opened(path) as file:
                num = min(file.num_entries, 1000)
                for name in file.branches():
                    file.sizes_of(name)
                    list(file.read([name], 0, num))
        except MemmpyError:
            num_errors += 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert num_errors
    assert peak < 200e6


def test_a_flipped_bit_anywhere_in_an_envelope_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    numbers = {f"key_{i}": np.arange(20) + 100 * i for i in range(8)}
    with uproot.recreate(path, compression=None) as file:
        file.mkrntuple("t", dict.fromkeys(numbers, "int64")).extend(numbers)
    whole = path.read_bytes()
    ranges = [range(start, start + size) for start, size in envelopes(path).values()]
    for place in random.Random(1).sample([at for several in ranges for at in several], 300):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        with pytest.raises(MemmpyError), opened(path) as file:
            list(file.read(["key_5"], 0, 20))
