"""Tests of the identity of files whose format has none."""

from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.sources import ByteSource, former_uuid_of, uuid_of
from memmpy.sources.access.file_identity import FOOTER, NUM_STRIPES, STRIPE
from tests.servers import RangeServer
from tests.sources.conftest import Put

LARGE = 100 << 20


def of(data: bytes, identity: Callable[[ByteSource], str] = uuid_of) -> str:
    """Return the identity of some content."""
    fsspec.filesystem("memory").pipe_file("/x", data)
    with ByteSource("memory://x") as source:
        found = identity(source)
    fsspec.filesystem("memory").rm_file("/x")
    return found


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of zeros that takes no place."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(LARGE)
    return tmp_path / "large"


def changed(path: Path, at: int) -> str:
    """Return the identity of a file of which one byte is changed, and change it back."""
    with path.open("r+b", buffering=0) as file:
        file.seek(at)
        file.write(b"\1")
        with ByteSource(str(path)) as source:
            found = uuid_of(source)
        file.seek(at)
        file.write(b"\0")
    return found


@given(data=st.binary(min_size=1, max_size=300), at=st.integers(0), bit=st.integers(0, 7))
def test_any_change_of_a_small_file_is_another_identity(data: bytes, at: int, bit: int) -> None:
    other = bytearray(data)
    other[at % len(data)] ^= 1 << bit
    assert of(data) != of(bytes(other))


@pytest.mark.parametrize("size", [0, 1, STRIPE, LARGE // 10])
def test_another_size_is_another_identity(size: int) -> None:
    assert of(bytes(size)) != of(bytes(size + 1))


def test_a_change_in_any_stripe_or_the_footer_is_another_identity(large: Path) -> None:
    step = (LARGE - STRIPE) / (NUM_STRIPES - 1)
    places = [int(step * i) + STRIPE // 2 for i in range(NUM_STRIPES)]
    places += [0, LARGE - FOOTER, LARGE - 1]
    assert len({changed(large, at) for at in places}) == len(places)


@pytest.mark.parametrize("start", range(0, LARGE - LARGE // 60, LARGE // 7))
def test_a_change_of_a_sixtieth_of_a_large_file_is_noticed_wherever_it_is(
    start: int, large: Path
) -> None:
    with ByteSource(str(large)) as source:
        before = uuid_of(source)
    with large.open("r+b") as file:
        file.seek(start)
        file.write(b"\1" * (LARGE // 60))
    with ByteSource(str(large)) as source:
        assert uuid_of(source) != before


@pytest.mark.slow
def test_of_a_large_file_no_more_than_5_mib_and_65_requests_are_read(
    large: Path, server: RangeServer
) -> None:
    for path in (str(large), server.url("large")):
        with ByteSource(path) as source:
            uuid_of(source)
            assert source.num_requests <= NUM_STRIPES + 1
            assert source.num_bytes <= NUM_STRIPES * STRIPE + FOOTER


def test_it_is_the_same_wherever_a_file_lies(put: Put) -> None:
    data = bytes(range(256)) * (6 << 12)  # 6 MiB
    with ByteSource(put("a.bin", data)) as source:
        assert uuid_of(source) == "78501121a7408e06144946087cd79efd"


def test_the_former_identity_is_frozen() -> None:
    assert of(bytes(range(256)) * (3 << 12), former_uuid_of) == "a84c07c38c5a1714237db32efa50532f"
    assert of(b"", former_uuid_of) == "7daed43814b633951fa277cd01695574"
