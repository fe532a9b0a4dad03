"""Tests of the decompression of blocks, and of its limits."""

import lzma
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import cramjam
import numpy as np
import pytest
import uproot
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from uproot.source.chunk import Chunk
from uproot.source.cursor import Cursor

from memmpy.errors import RootFileError
from memmpy.sources import ByteSource
from memmpy.sources.root import TreeFile
from memmpy.sources.root.compression import decompress
from memmpy.sources.root.uproot_source import open_with
from tests.conftest import MakeFile


def raw_deflate(content: bytes) -> bytes:
    compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


def lz4(content: bytes) -> bytes:
    packed = bytes(cramjam.lz4.compress_block(content, store_size=False))
    return xxhash.xxh64_digest(packed) + packed


ALGORITHMS: dict[bytes, Callable[[bytes], bytes]] = {
    b"ZL\x08": lambda content: zlib.compress(content, 1),
    b"CS\x08": raw_deflate,
    b"XZ\x00": lambda content: lzma.compress(content, preset=1),
    b"L4\x01": lz4,
    b"ZS\x01": lambda content: bytes(cramjam.zstd.compress(content, level=1)),
}
algorithms = pytest.mark.parametrize("algorithm", list(ALGORITHMS), ids=lambda name: name.hex())


def block(algorithm: bytes, content: bytes, *, says: int | None = None) -> bytes:
    packed = ALGORITHMS[algorithm](content)
    num_bytes = len(content) if says is None else says
    return (
        algorithm + b"".join(num.to_bytes(3, "little") for num in (len(packed), num_bytes)) + packed
    )


@contextmanager
def bounded(num_bytes: int) -> Iterator[None]:
    """Fail where more is allocated."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < num_bytes
    finally:
        tracemalloc.stop()


@given(
    pieces=st.lists(
        st.tuples(st.sampled_from(list(ALGORITHMS)), st.binary(min_size=1)), min_size=1
    ),
    behind=st.binary(max_size=20),
)
def test_blocks_of_any_algorithm_give_what_went_in(
    pieces: list[tuple[bytes, bytes]], behind: bytes
) -> None:
    packed = b"".join(block(algorithm, content) for algorithm, content in pieces) + behind
    whole = b"".join(content for _, content in pieces)
    assert decompress(memoryview(packed), len(whole)).tobytes() == whole


@pytest.mark.slow_together
@algorithms
def test_a_block_of_more_bytes_than_it_says_is_an_error_and_takes_no_memory(
    algorithm: bytes,
) -> None:
    packed = block(algorithm, bytes(100 << 20), says=1000)
    with bounded(2 << 20), pytest.raises(ValueError, match=r"more|cannot be decompressed"):
        decompress(memoryview(packed), 1000)


@algorithms
@pytest.mark.parametrize("says", [1, 999, 1001, 5000])
def test_a_block_of_other_bytes_than_it_says_is_an_error(algorithm: bytes, says: int) -> None:
    packed = block(algorithm, bytes(range(250)) * 4, says=says)
    with pytest.raises(ValueError, match=r"bytes|cannot be decompressed"):
        decompress(memoryview(packed), says)


@algorithms
def test_a_truncated_block_is_an_error(algorithm: bytes) -> None:
    packed = block(algorithm, bytes(range(250)) * 4)
    for num_bytes in range(len(packed)):
        with pytest.raises(ValueError, match="it has only 0 of 1000 bytes"):
            decompress(memoryview(packed)[:num_bytes], 1000)
    stream = ALGORITHMS[algorithm](bytes(range(250)) * 4)[:-3]
    header = algorithm + len(stream).to_bytes(3, "little") + (1000).to_bytes(3, "little")
    with pytest.raises(ValueError, match=r"too early|cannot be|checksum|Error|bytes"):
        decompress(memoryview(header + stream), 1000)


def test_a_size_of_gigabytes_without_blocks_for_them_is_an_error_and_takes_no_memory() -> None:
    packed = memoryview(block(b"ZL\x08", bytes(1000)) * 3)
    with bounded(1 << 20), pytest.raises(ValueError, match="it has only 3000 of 4000000000 bytes"):
        decompress(packed, 4_000_000_000)
    with pytest.raises(ValueError, match="hold 3000 bytes, not the 2500 expected"):
        decompress(packed, 2500)


@pytest.mark.slow
def test_an_lzma_dictionary_of_gigabytes_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    compressor = lzma.LZMACompressor(filters=filters)
    stream = compressor.compress(b"x" * 1000) + compressor.flush()
    header = b"XZ\x00" + len(stream).to_bytes(3, "little") + (1000).to_bytes(3, "little")
    with pytest.raises(ValueError, match=r"XZ cannot be decompressed: .*emory"):
        decompress(memoryview(header + stream), 1000)


def test_a_flipped_bit_of_lz4_is_noticed_by_its_checksum() -> None:
    packed = bytearray(block(b"L4\x01", bytes(range(250)) * 4))
    packed[-1] ^= 1
    with pytest.raises(ValueError, match="checksum of a compressed block"):
        decompress(memoryview(packed), 1000)


def test_an_algorithm_that_nobody_knows_is_named() -> None:
    with pytest.raises(ValueError, match="no compression algorithm b'QQ'"):
        decompress(memoryview(b"QQ\x08" + bytes([1, 0, 0, 1, 0, 0, 7])), 1)


def seek_of_basket(path: Path) -> int:
    with uproot.open({str(path): None}) as file:
        return int(file["tree/x"].member("fBasketSeek")[0])


def seek_of_page(path: Path) -> int:
    with uproot.open({str(path): None}) as file:
        return int(file["tree"].page_link_list[0][0].pages[0].locator.offset)


@pytest.mark.slow
@pytest.mark.slow_together
@pytest.mark.parametrize(
    ("is_ntuple", "seek", "fails"),
    [
        (False, seek_of_basket, "is damaged"),
        (True, seek_of_page, "is damaged in branch 'x', page"),
    ],
)
def test_a_bomb_in_a_file_is_an_error_that_names_it(
    tmp_path: Path, is_ntuple: bool, seek: Callable[[Path], int], fails: str
) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
        make = file.mkrntuple if is_ntuple else file.mktree
        numbers = np.random.default_rng(1).integers(0, 1 << 20, 100_000)
        make("tree", {"x": "i8"}).extend({"x": numbers})
    whole = bytearray(path.read_bytes())
    start = whole.index(b"ZL\x08", seek(path))
    num_packed = int.from_bytes(whole[start + 3 : start + 6], "little")
    bomb = zlib.compress(bytes(min(200 << 20, num_packed * 900)), 9)
    assert len(bomb) <= num_packed
    whole[start + 9 : start + 9 + len(bomb)] = bomb
    path.write_bytes(whole)
    with (
        closing(TreeFile(ByteSource(str(path)), "tree")) as opened,
        bounded(8 << 20),
        pytest.raises(RootFileError, match=rf"a\.root.* {fails}") as caught,
    ):
        dict(opened.read(["x"], 0, 100_000))
    assert "a compressed block holds more bytes" in str(caught.value)


@pytest.mark.parametrize("size", [0x7FFFFFFF, 800_001])
def test_a_basket_of_gigabytes_by_its_key_alone_is_an_error_that_names_the_branch(
    tmp_path: Path, size: int
) -> None:
    path = tmp_path / "a.root"
    numbers = np.random.default_rng(1).integers(0, 1 << 20, 100_000)
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
        file.mktree("tree", {"x": "i8"}).extend({"x": numbers})
    whole, seek = bytearray(path.read_bytes()), seek_of_basket(path)
    whole[seek + 6 : seek + 10] = size.to_bytes(4, "big")
    path.write_bytes(whole)
    message = rf"a\.root:tree;1' is damaged in branch 'x': it has only 800000 of {size} bytes"
    with (
        closing(TreeFile(ByteSource(str(path)), "tree")) as opened,
        bounded(8 << 20),
        pytest.raises(RootFileError, match=message),
    ):
        dict(opened.read(["x"], 0, 100_000))


def by_uproot(path: Path, packed: bytes, size: int) -> int:
    """Return how many bytes uproot decompresses what comes of a file of ours to."""
    with ByteSource(str(path)) as source, open_with(source) as file:
        chunk = Chunk.wrap(file.file.source, np.frombuffer(packed, np.uint8))
        found = uproot.compression.decompress(chunk, Cursor(0), {}, len(packed), size)
        return len(found.raw_data)


@pytest.mark.slow_together
@algorithms
def test_what_uproot_decompresses_of_our_files_is_bounded_too(
    make_file: MakeFile, algorithm: bytes
) -> None:
    path = make_file()
    assert by_uproot(path, block(algorithm, bytes(1000)), 1000) == 1000
    bomb = block(algorithm, bytes(100 << 20), says=1000)
    with bounded(2 << 20), pytest.raises(ValueError, match=r"more|cannot be decompressed"):
        by_uproot(path, bomb, 1000)


def test_other_files_of_uproot_are_decompressed_by_uproot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
        file.mktree("tree", {"x": "i8"}).extend({"x": np.zeros(1000, np.int64)})
    with closing(TreeFile(ByteSource(str(path)), "tree")):
        pass
    monkeypatch.setattr("memmpy.sources.root.uproot_source.decompress", None)
    with uproot.open({str(path): None}) as file:
        assert file["tree/x"].array(library="np").tolist() == [0] * 1000
