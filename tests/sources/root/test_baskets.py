"""Tests that the fast decoding of baskets agrees with uproot, or leaves them to uproot."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memmpy.errors import MemmpyError
from memmpy.jagged import Jagged
from memmpy.sources import ByteSource
from memmpy.sources.root import TreeFile
from memmpy.sources.root.baskets import BasketDecoder, encoding_of
from memmpy.sources.root.packed_baskets import ranges_of

DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
COMPRESSIONS = {
    "none": None,
    "zlib": uproot.ZLIB(1),
    "lz4": uproot.LZ4(1),
    "zstd": uproot.ZSTD(1),
    "lzma": uproot.LZMA(1),
}

Pieces = Sequence[Any]

NUM_BY_ROOT = 700


def write(path: Path, pieces: Pieces, *, type: Any, compression: Any) -> None:
    """Write a branch ``x`` of a tree, with a basket for each piece."""
    with uproot.recreate(path, compression=compression) as file:
        tree = file.mktree("tree", {"x": type})
        for piece in pieces:
            tree.extend({"x": piece})


def decoded(path: Path, branch: str, start: int, stop: int) -> Any:
    """Return entries of a branch by the fast path; what it leaves to uproot is an error."""
    with ByteSource(str(path)) as source, uproot.open({str(path): None}) as file:
        found = file["tree"][branch]
        encoding = encoding_of(found)
        assert encoding is not None
        fetched = source.read_many(ranges_of(found, start, stop))
        return BasketDecoder(start, stop).decode(found, encoding, fetched)


def by_uproot(path: Path, branch: str, start: int, stop: int) -> Any:
    with uproot.open({str(path): None}) as file:
        return file["tree"][branch].array(entry_start=start, entry_stop=stop)


def assert_same(values: Any, expected: Any) -> None:
    """Check bits, dtypes and shapes."""
    if isinstance(values, Jagged):
        expected = Jagged.from_awkward(ak.without_parameters(expected))
        np.testing.assert_array_equal(values.counts, expected.counts)
        values, expected = values.content, expected.content
    else:
        expected = ak.to_numpy(expected)
    assert (values.dtype, values.shape) == (expected.dtype, expected.shape)
    assert values.tobytes() == expected.tobytes()


def assert_as_uproot(path: Path, branch: str, start: int, stop: int) -> None:
    assert_same(decoded(path, branch, start, stop), by_uproot(path, branch, start, stop))


def numbers(rng: np.random.Generator, dtype: str, shape: tuple[int, ...], *, plain: bool) -> Any:
    """Return numbers of any bits, or such as compress well."""
    native = np.dtype(dtype)
    size = int(np.prod(shape))
    if native == bool:
        return (rng.integers(0, 2, size) * (not plain)).astype(bool).reshape(shape)
    octets = rng.integers(0, 256, size * native.itemsize, dtype=np.uint8) * np.uint8(not plain)
    return octets.view(native).reshape(shape)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    data=st.data(),
    dtype=st.sampled_from(DTYPES),
    shape=st.sampled_from([(), (1,), (3,), (2, 3)]),
    compression=st.sampled_from(list(COMPRESSIONS)),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    plain=st.booleans(),
)
def test_arrays_are_those_of_uproot(
    data: st.DataObject,
    dtype: str,
    shape: tuple[int, ...],
    compression: str,
    sizes: list[int],
    plain: bool,
) -> None:
    rng = np.random.default_rng(sum(sizes))
    pieces = [numbers(rng, dtype, (size, *shape), plain=plain) for size in sizes]
    start = data.draw(st.integers(0, sum(sizes)))
    stop = data.draw(st.integers(start, sum(sizes)))
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.root")
        type = np.dtype((np.dtype(dtype), shape))
        write(path, pieces, type=type, compression=COMPRESSIONS[compression])
        values = decoded(path, "x", start, stop)
        assert_same(values, by_uproot(path, "x", start, stop))
    assert values.tobytes() == np.concatenate(pieces)[start:stop].tobytes()


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    data=st.data(),
    dtype=st.sampled_from(DTYPES),
    compression=st.sampled_from(list(COMPRESSIONS)),
    counts=st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=20), min_size=1, max_size=5),
    plain=st.booleans(),
)
def test_lists_are_those_of_uproot(
    data: st.DataObject, dtype: str, compression: str, counts: list[list[int]], plain: bool
) -> None:
    num = sum(map(len, counts))
    rng = np.random.default_rng(num)
    pieces = [
        ak.unflatten(numbers(rng, dtype, (sum(several),), plain=plain), several)
        for several in counts
    ]
    start = data.draw(st.integers(0, num))
    stop = data.draw(st.integers(start, num))
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.root")
        type = f"var * {np.dtype(dtype).name}"
        write(path, pieces, type=type, compression=COMPRESSIONS[compression])
        assert_as_uproot(path, "x", start, stop)
        assert_as_uproot(path, "nx", start, stop)


@given(
    counts=st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=9), min_size=1, max_size=3),
    change=st.booleans(),
    cut=st.integers(0, 2),
)
def test_branches_share_offsets_where_all_lists_of_the_entries_have_the_same_lengths(
    counts: list[list[int]], change: bool, cut: int
) -> None:
    others = [list(several) for several in counts]
    others[-1][-1] += change
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.root")
        with uproot.recreate(path) as file:
            types = {"x": "var * float32", "y": "var * int32", "z": "var * float64"}
            tree = file.mktree("tree", types)
            for own, several in zip(counts, others, strict=True):
                items = {"x": ak.unflatten(np.arange(sum(own), dtype=np.float32), own)}
                items["y"] = ak.unflatten(np.arange(sum(several), dtype=np.int32), several)
                items["z"] = ak.unflatten(np.arange(float(sum(own))), own)
                tree.extend(items)
        num = sum(map(len, counts))
        start = min(cut, num)
        found: dict[str, Any] = {}
        with ByteSource(str(path)) as source, uproot.open({str(path): None}) as opened:
            decoder = BasketDecoder(start, num)
            for name in types:
                branch = opened["tree"][name]
                encoding = encoding_of(branch)
                assert encoding is not None
                fetched = source.read_many(ranges_of(branch, start, num))
                found[name] = decoder.decode(branch, encoding, fetched)
                assert_same(found[name], by_uproot(path, name, start, num))
    if not start:
        assert (found["x"].offsets is found["y"].offsets) is not change


def test_few_lists_of_a_basket_do_not_keep_the_others_in_memory(tmp_path: Path) -> None:
    lists = ak.unflatten(np.arange(3000.0), np.full(1000, 3))
    write(tmp_path / "a.root", [lists], type="var * float64", compression=None)
    found = decoded(tmp_path / "a.root", "x", 10, 20)
    assert found.content.base.nbytes == found.content.nbytes
    assert found.content.tolist() == list(range(30, 60))


def test_a_branch_is_compared_only_with_those_whose_offsets_are_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, num_lists, num_branches = np.random.default_rng(0), 40, 12
    lists = {
        f"b{i}": ak.unflatten(np.arange(60.0), rng.permutation(np.arange(num_lists) % 4))
        for i in range(num_branches)
    }
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("t", dict.fromkeys(lists, "var * float64")).extend(lists)
    monkeypatch.setattr(np, "array_equal", lambda *_: pytest.fail("compared"))
    with closing(TreeFile(ByteSource(str(tmp_path / "a.root")), "t")) as tree:
        found = dict(tree.read(list(lists), 0, num_lists))
    assert [values.tolist() for values in found["b3"]] == lists["b3"].tolist()


@pytest.mark.slow_together
@pytest.mark.parametrize("compression", ["none", "zlib", "lz4", "zstd"])
def test_a_basket_of_several_compressed_blocks_is_read_whole(
    tmp_path: Path, compression: str
) -> None:
    # A block holds no more than 16 MiB.
    values = np.arange(5 << 20, dtype=np.float64)[: (40 << 20) // 8 + 3]
    path = tmp_path / "a.root"
    write(path, [values], type="f8", compression=COMPRESSIONS[compression])
    np.testing.assert_array_equal(decoded(path, "x", 0, len(values)), values)


@pytest.mark.parametrize("compression", ["zlib", "zstd"])
def test_lists_of_several_compressed_blocks_are_read_whole(
    tmp_path: Path, compression: str
) -> None:
    counts = np.arange(100_000) % 64
    content = np.arange(counts.sum(), dtype=np.float64)
    path = tmp_path / "a.root"
    lists = ak.unflatten(content, counts)
    write(path, [lists], type="var * float64", compression=COMPRESSIONS[compression])
    assert decoded(path, "x", 0, len(counts)) == Jagged.from_awkward(lists)


#: Decodes 3 lists of a basket of a branch that is said to be large; no branch of lists with headers
#: can be written without ROOT.
LARGE = """
import sys
from types import SimpleNamespace
import numpy as np
from memmpy.sources.root.baskets import BasketDecoder, Encoding
from memmpy.sources.root.packed_baskets import _KEY, _KEY_END
from memmpy.kernels.threshold import BYTES_MOVED

data = 3 * (b"h" * 10 + np.array([1, 2], ">f8").tobytes())
packed = data + np.array([4, 64, 90, 116, 0], ">i4").tobytes()
start = _KEY.pack(64 + len(packed), 4, len(packed), 0, 64, 1)
end = _KEY_END.pack(2, 0, 0, 3, 64 + len(data)) + b"0"
raw = start.ljust(64 - len(end)) + end + packed
branch = SimpleNamespace(name="x", entry_offsets=[0, 3], uncompressed_bytes=BYTES_MOVED)
encoding = Encoding(np.dtype(">f8"), (), 10)
lists = BasketDecoder(0, 3).decode(branch, encoding, [memoryview(raw)])
print([items.tolist() for items in lists], "memmpy.kernels.records_numba" in sys.modules)
"""


@pytest.mark.slow
@pytest.mark.slow_together
@pytest.mark.parametrize(("disabled", "is_compiled"), [("0", True), ("1", False)])
def test_large_branches_are_unpacked_by_kernels_unless_numba_is_switched_off(
    disabled: str, is_compiled: bool
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LARGE],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
    )
    assert done.stdout == f"{[[1.0, 2.0]] * 3} {is_compiled}\n", done.stderr


def read_whole(path: Path) -> None:
    """Read all there is, and check its shape."""
    with closing(TreeFile(ByteSource(str(path)), None)) as file:
        branches = file.branches()
        file.boundaries(branches)
        for branch in branches:
            found = file.type_of(branch)
            file.sizes_of(branch)
            [(_, values)] = file.read([branch], 0, file.num_entries)
            assert len(values) == file.num_entries
            if found.kind == "vector":
                assert (values.dtype, values.shape[1:]) == (found.dtype, found.shape)
            elif found.kind == "jagged":
                assert values.dtype == found.dtype
                assert values.offsets[0] == 0
                assert values.offsets[-1] == len(values.content)
                assert bool((np.diff(values.offsets) >= 0).all())


@pytest.fixture(scope="module", params=["none", "zlib", "zstd"])
def whole(request: pytest.FixtureRequest) -> bytes:
    """Return a file of numbers and lists in several baskets."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.root")
        with uproot.recreate(path, compression=COMPRESSIONS[request.param]) as file:
            tree = file.mktree("tree", {"x": "f4", "jet_pt": "var * int16"})
            for num in (40, 30):
                lists = ak.unflatten(np.zeros(2 * num, np.int16), np.full(num, 2))
                tree.extend({"x": np.zeros(num, np.float32), "jet_pt": lists})
        return path.read_bytes()


@pytest.mark.slow_together
@settings(
    max_examples=3 * settings().max_examples,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(at=st.integers(0, 1 << 16), octet=st.integers(1, 255))
def test_a_damaged_byte_gives_an_error_of_ours_or_what_has_the_right_shape(
    whole: bytes, tmp_path: Path, at: int, octet: int
) -> None:
    damaged = bytearray(whole)
    damaged[at % len(whole)] ^= octet
    (tmp_path / "a.root").write_bytes(damaged)
    try:
        read_whole(tmp_path / "a.root")
    except MemmpyError as error:
        words = str(error)
        assert "a.root" in words


@pytest.fixture(scope="module", params=["closed", "saved"])
def by_root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file by ROOT, whose branches have baskets of sizes of their own.

    Where the tree was saved before it was whole, some baskets lie in the tree itself.
    """
    root = pytest.importorskip("ROOT")
    path = tmp_path_factory.mktemp("root") / "a.root"
    file = root.TFile(str(path), "RECREATE")
    tree = root.TTree("tree", "")
    num, numbers = np.zeros(1, np.int32), np.zeros(10)
    triples = np.zeros((10, 3), np.int16)
    floats, shorts = root.std.vector("float")(), root.std.vector("short")()
    text = root.std.string()
    tree.Branch("floats", floats, 500)
    tree.Branch("shorts", shorts, 800)
    tree.Branch("text", text, 900)
    tree.Branch("num", num, "num/I", 600)
    tree.Branch("numbers", numbers, "numbers[num]/D", 700)
    tree.Branch("triples", triples, "triples[num][3]/S", 900)
    for entry in range(NUM_BY_ROOT):
        num[0] = entry % 7
        numbers[: num[0]] = entry + np.arange(num[0]) / 4
        triples[: num[0]] = entry
        floats.assign(entry % 5, entry / 8)
        shorts.assign(entry % 3, entry)
        text.assign("x" * (entry % 300))
        tree.Fill()
    tree.Write() if request.param == "closed" else tree.AutoSave("SaveSelf")
    tree.SetDirectory(root.nullptr)
    file.Close()
    return path


@pytest.mark.root
@pytest.mark.parametrize("branch", ["floats", "shorts", "text", "num", "numbers", "triples"])
@pytest.mark.parametrize(("start", "stop"), [(0, NUM_BY_ROOT), (17, 333), (600, 700), (5, 5)])
def test_branches_by_root_are_those_of_uproot(
    by_root: Path, branch: str, start: int, stop: int
) -> None:
    assert_as_uproot(by_root, branch, start, stop)
