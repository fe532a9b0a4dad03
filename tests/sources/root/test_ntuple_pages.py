"""Every page, and every envelope, of an RNTuple is checked against its checksum."""

import random
from contextlib import closing
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
import xxhash
from uproot.writing import _cascadentuple as writing

from memmpy.errors import RootFileError
from memmpy.sources import ByteSource
from memmpy.sources.root import TreeFile
from memmpy.sources.root.ntuple_pages import top_fields
from tests.conftest import REAL_DATA

BY_ROOT = REAL_DATA / "Run2012BC_DoubleMuParked_Muons_1000evts_rntuple_v1-0-0-0.root"
FIELDS = ["x", "lists", "text", "flag"]


@pytest.fixture(params=[None, uproot.ZSTD(1)], ids=["none", "zstd"])
def ntuple(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """Return a file with checksums behind its pages as ROOT writes them; uproot writes none."""
    blob, page = writing.NTuple.add_rblob, writing.NTuple_PageDescription

    def with_checksum(self: Any, sink: Any, raw: Any, num_bytes: int) -> Any:
        checksum = xxhash.xxh3_64_intdigest(raw).to_bytes(8, "little")
        return blob(self, sink, bytes(raw) + checksum, num_bytes)

    def negative(self: Any) -> bytes:
        num_elements: bytes = (-self.num_entries).to_bytes(4, "little", signed=True)
        return num_elements + bytes(self.locator.serialize())

    monkeypatch.setattr(writing.NTuple, "add_rblob", with_checksum)
    monkeypatch.setattr(page, "serialize", negative)
    path = tmp_path / "a.root"
    with uproot.recreate(path, compression=request.param) as file:
        types = {"x": "f8", "lists": "var * int64", "text": "string", "flag": "bool"}
        written = file.mkrntuple("events", types)
        for first in (0, 500):
            number = np.arange(first, first + 500)
            lists = ak.unflatten(np.arange((number % 3).sum()), number % 3)
            texts = [str(i % 10) for i in number]
            written.extend({"x": number / 2, "lists": lists, "text": texts, "flag": number > 7})
    return path


def read_all(path: Path) -> dict[str, Any]:
    with closing(TreeFile(ByteSource(str(path)), None)) as file:
        return dict(file.read(file.branches(), 0, file.num_entries))


def pages_of(path: Path) -> list[tuple[str, int, int, bool]]:
    """Return field at the top, offset, bytes and whether there is a checksum, of each page."""
    with uproot.open({str(path): None}) as file:
        [name] = file.keys()
        found = file[name]
        tops = top_fields(found)
        columns = [tops[column.field_id] for column in found.column_records]
        return [
            (field, page.locator.offset, page.locator.num_bytes, page.has_checksum)
            for cluster in found.page_link_list
            for field, column in zip(columns, cluster, strict=True)
            for page in column.pages
        ]


def test_pages_with_checksums_are_read_as_uproot_reads_them(ntuple: Path) -> None:
    assert {has_checksum for *_, has_checksum in pages_of(ntuple)} == {True}
    values = read_all(ntuple)
    assert values["x"].tolist() == (np.arange(1000) / 2).tolist()
    with uproot.open({str(ntuple): None}) as file:
        expected = file["events"].arrays()
    assert [items.tolist() for items in values["lists"]] == expected["lists"].tolist()
    assert [bytes(t).decode() for t in values["text"]] == expected["text"].tolist()
    assert values["flag"].tolist() == expected["flag"].tolist()


def test_a_flipped_bit_in_any_page_names_file_tree_and_field(ntuple: Path) -> None:
    whole, rng = ntuple.read_bytes(), random.Random(1)
    pages = pages_of(ntuple)
    assert len(pages) >= 2 * len(FIELDS)
    for field, offset, num_bytes, _ in pages:
        for at in {offset, offset + rng.randrange(num_bytes), offset + num_bytes + 7}:
            damaged = bytearray(whole)
            damaged[at] ^= 1 << rng.randrange(8)
            ntuple.write_bytes(damaged)
            with pytest.raises(RootFileError) as caught:
                read_all(ntuple)
            assert f"a.root:events;1' is damaged in branch '{field}', page" in str(caught.value)
            assert str(caught.value).endswith("has another checksum than its bytes")


def test_pages_that_are_not_read_are_not_looked_at(ntuple: Path) -> None:
    [(_, offset, *_), *_] = [page for page in pages_of(ntuple) if page[0] == "x"]
    damaged = bytearray(ntuple.read_bytes())
    damaged[offset] ^= 1
    ntuple.write_bytes(damaged)
    with closing(TreeFile(ByteSource(str(ntuple)), None)) as file:
        [(_, flags)] = file.read(["flag"], 0, 1000)
        assert flags.sum() == 992
        [(_, later)] = file.read(["x"], 500, 1000)
        assert later.tolist() == (np.arange(500, 1000) / 2).tolist()


@pytest.mark.slow_together
@pytest.mark.parametrize("part", ["header", "footer", "list of its pages"])
def test_a_flipped_bit_in_what_describes_the_pages_is_noticed(ntuple: Path, part: str) -> None:
    with uproot.open({str(ntuple): None}) as file:
        found = file["events"]
        locator = found.footer.cluster_group_records[-1].page_list_link.locator
        seek, num_bytes = {
            "header": (found.member("fSeekHeader"), found.member("fNBytesHeader")),
            "footer": (found.member("fSeekFooter"), found.member("fNBytesFooter")),
            "list of its pages": (locator.offset, locator.num_bytes),
        }[part]
    whole = ntuple.read_bytes()
    for at in range(seek, seek + num_bytes):
        damaged = bytearray(whole)
        damaged[at] ^= 4
        ntuple.write_bytes(damaged)
        with pytest.raises(RootFileError, match=r"a\.root"):
            read_all(ntuple)
    damaged = bytearray(whole)
    damaged[seek + num_bytes - 1] ^= 4  # of the checksum
    ntuple.write_bytes(damaged)
    with pytest.raises(RootFileError, match=rf"events;1' is damaged.*{part}") as caught:
        read_all(ntuple)
    assert "has another checksum than its bytes" in str(caught.value)


@pytest.mark.real
@pytest.mark.skipif(not BY_ROOT.exists(), reason="no real data")
def test_a_flipped_bit_in_a_page_by_root_is_noticed(tmp_path: Path) -> None:
    whole, path = BY_ROOT.read_bytes(), tmp_path / "a.root"
    path.write_bytes(whole)
    pages = pages_of(path)
    assert {has_checksum for *_, has_checksum in pages} == {True}
    assert len(read_all(path)["nMuon"]) == 1000
    for field, offset, num_bytes, _ in pages:
        damaged = bytearray(whole)
        damaged[offset + num_bytes // 2] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(RootFileError, match=f"in branch '{field}', page"):
            read_all(path)
