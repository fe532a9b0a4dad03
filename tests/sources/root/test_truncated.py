"""`Double32_t` and `Float16_t` are read as ROOT reads them, bit for bit."""

import math
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from memmpy.errors import UndecodableError
from memmpy.jagged import Jagged
from memmpy.sources import ByteSource
from memmpy.sources.root import TreeFile
from memmpy.sources.root.truncated import Truncation, fixed_shape, truncation_of

NUM = 40

#: What a leaf list may say, and how many numbers an entry then has. `n` counts them.
LEAVES = """
x/d x/d[0,100,16] x/d[0,100] x/d[0,100,32] x/d[0,100,31] x[3]/d x[3]/d[0,100] x[3]/d[0,100,16]
x[n]/d x[n]/d[0,100,16] x[n]/d[0,0,7] x[n][2]/d[0,100,16] x[n][2]/d[0,0,9] x[2][3]/d
x[2][3]/d[0,100] x[2][3]/d[0,0,11] x[1]/d[0,10,8]
x/d[0,2pi] x/d[-pi,pi,20] x/d[-pi/2,pi/2,12] x/d[0,2*pi,10] x/d[-twopi,TWOPI,8] x/d[-pi/4,pi/4]
x/d[0,3*pi,10] x/d[0,pi/3,9] x/d[0,0,8] x/d[0,0,2] x/d[0,0,14] x/d[0,0,15] x/d[0,0,16]
x/d[0,0,32] x/d[0,0] x/d[0,0,1] x/d[0,0,40] x/d[0,100,1] x/d[0,100,33] x/d[5,3,10] x/d[5,3,20]
x/d[1e-2,1.5e1,16] x/d[0,1.0+2,8] x/d[0.5,0.5,10] x/d[0.5,0.5,20] x/d[-3,-2.5e0,5] x/d[.5,2.,6]
x/d[0,10cm,12bits] x/d[0,1,x] x/d[,1]
""".split()  # noqa: SIM905 - a list of one a line is twice as long


def read(path: Path) -> Any:
    with closing(TreeFile(ByteSource(str(path)), "t")) as file:
        [(_, values)] = file.read(["x"], 0, NUM)
        found = file.type_of("x")
        assert values.dtype == found.dtype
        if isinstance(values, Jagged):
            assert found.kind == "jagged"
            assert values.content.shape[1:] == found.shape
        else:
            assert values.shape[1:] == found.shape
        return values


@pytest.fixture(scope="module")
def root() -> Any:
    """Return ROOT, with a function that writes `Double32_t` or `Float16_t` by a leaf list."""
    root = pytest.importorskip("ROOT")
    root.gErrorIgnoreLevel = root.kFatal
    root.gInterpreter.Declare(r"""
        #include "TFile.h"
        #include "TTree.h"
        void memmpy_write(const char* path, const char* leaf, bool is16, int num, int basket) {
          TFile f(path, "recreate"); TTree t("t", "t"); int n; Double32_t d[8]; Float16_t e[8];
          t.Branch("n", &n, "n/I"); t.Branch("x", is16 ? (void*)e : (void*)d, leaf, basket);
          for (int i = 0; i < num; i++) { n = i % 4; for (int j = 0; j < 8; j++)
            e[j] = d[j] = (j % 2 ? -1 : 1) * (0.3 * i * i + 0.25 * j) / (1 + 3 * j); t.Fill(); }
          t.Write(); }
        struct MemmpyInner { Double32_t p; Float16_t q; Double32_t r; //[0,50,14]
        };
        class MemmpyEvent { public:
          Double32_t a; Double32_t b; //[0,100,16] in GeV
          Double32_t c; //[0,0,10] [see, here]
          Float16_t d; Float16_t e; //[0,100,18]
          Float16_t f; //[0,0,8]
          Double32_t g[3]; //[0,100,16]
          Float16_t h[2][3]; //[-pi,pi,20] angle
          Double32_t i[3]; Double32_t w; //[0,pi/3,12]
          Double32_t x; //[0,0,20]
          Float16_t y; //[0,0,20]
          std::vector<MemmpyInner> v; };
        void memmpy_write_class(const char* path, int num) {
          TFile f(path, "recreate"); TTree t("t", "t"); auto e = new MemmpyEvent;
          t.Branch("ev.", &e, 1000, 99);
          for (int i = 0; i < num; i++) { double z = 0.3 * i + 0.25;
            e->a = e->b = e->c = e->d = e->e = e->f = e->w = e->x = e->y = z; e->v.clear();
            for (int s = 0; s < 3; s++) { e->g[s] = e->i[s] = z + s;
              for (int u = 0; u < 2; u++) e->h[u][s] = z - u; }
            for (int s = 0; s < i % 4; s++) e->v.push_back({z + s, float(z + s), z + s});
            t.Fill(); }
          t.Write(); }
    """)
    return root


def by_root(root: Any, path: Path, leaf: str) -> list[list[float]]:
    file = root.TFile.Open(str(path))
    tree = file.Get("t")
    found, entries = tree.FindLeaf(leaf), []
    for entry in range(tree.GetEntries()):
        tree.GetEntry(entry)
        entries.append([found.GetValue(i) for i in range(found.GetLen())])
    file.Close()
    return entries


def flat(values: Any) -> list[list[float]]:
    if isinstance(values, Jagged):
        return [np.ravel(items).tolist() for items in values]
    return [np.ravel(entry).tolist() for entry in values]


@pytest.mark.root
@pytest.mark.parametrize("is_float16", [False, True], ids=["Double32_t", "Float16_t"])
@pytest.mark.parametrize("leaf", LEAVES)
def test_what_a_leaf_list_says_is_read_as_root_reads_it(
    root: Any, tmp_path: Path, leaf: str, is_float16: bool
) -> None:
    leaf = leaf.replace("/d", "/f") if is_float16 else leaf
    root.memmpy_write(str(tmp_path / "a.root"), leaf, is_float16, NUM, 300)
    values = read(tmp_path / "a.root")
    assert values.dtype == (np.float32 if is_float16 else np.float64)
    assert flat(values) == by_root(root, tmp_path / "a.root", "x")


@pytest.mark.root
@pytest.mark.parametrize("leaf", ["x/d[-5,-7,20]", "x/d[20,3,20]", "x/d[0,0x10]", "x/d[0,inf]"])
def test_a_range_that_root_cannot_read_itself_is_an_error_that_names_the_branch(
    root: Any, tmp_path: Path, leaf: str
) -> None:
    root.memmpy_write(str(tmp_path / "a.root"), leaf, False, NUM, 300)
    message = r"branch 'x' of '.*a\.root:t;1' cannot be decoded by uproot.*: its range"
    with pytest.raises(UndecodableError, match=message) as caught:
        read(tmp_path / "a.root")
    assert (caught.value.tree, caught.value.branch) == ("t;1", "x")


@pytest.mark.root
def test_members_of_classes_are_read_as_root_reads_them(root: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    root.memmpy_write_class(str(path), NUM)
    with closing(TreeFile(ByteSource(str(path)), "t")) as file:
        for branch in [*"abcdefghiwxy", "v.p", "v.q", "v.r"]:
            [name] = [b for b in file.branches() if b.split("[")[0].endswith(f"/ev.{branch}")]
            [(_, values)] = file.read([name], 0, NUM)
            assert flat(values) == by_root(root, path, f"ev.{branch}")
            assert values.dtype == (np.float32 if branch[-1] in "defhyq" else np.float64)


#: A comment, and what ROOT makes of it: factor and lower limit, or the bits of the mantissa.
RANGES = [
    ("", 0, 0, 0),
    ("in GeV", 0, 0, 0),
    ("[3]", 0, 0, 0),
    ("[0,100]", 0xFFFFFFFF / 100, 0, 0),
    ("[0,100,16] in GeV [1,2]", 65536 / 100, 0, 0),
    ("[n][0,1]", 0xFFFFFFFF, 0, 0),
    ("[2][3][0,1]", 0, 0, 0),
    ("[0,100", 0, 0, 0),
    ("[-pi,pi,33]", 0xFFFFFFFF / (2 * math.pi), -math.pi, 0),
    ("[PI,TWOPI]", 0xFFFFFFFF / math.pi, math.pi, 0),
    ("[0,pi/3,12]", 4096 / math.pi, 0, 0),
    ("[0,0,10]", 0, 0, 10),
    ("[0,0,15]", 0, 0, 0),
    ("[5,3,20]", 0, 0, 5),
    ("[0,1,8,9]", 256, 0, 0),
    ("[1e3,2e3,8]", 0.256, 1000, 0),
    ("[0, 10cm]", 0xFFFFFFFF / 10, 0, 0),
]


def branch_of(classname: str, title: str, length: int = 1, *, branch_title: str = "") -> Any:
    leaf = {"fTitle": title, "fLen": length, "fLeafCount": None}
    found = SimpleNamespace(classname=classname, member=leaf.__getitem__)
    members = {"fLeaves": [found], "fTitle": branch_title or title}
    return SimpleNamespace(branches=[], member=members.__getitem__)


@pytest.mark.parametrize(("text", "factor", "low", "num_bits"), RANGES)
def test_a_comment_has_the_range_that_root_finds_in_it(
    text: str, factor: float, low: float, num_bits: int
) -> None:
    found = truncation_of(branch_of("TLeafD32", f"x/d{text}"))
    expected = Truncation(np.dtype(np.float64), factor, low, num_bits)
    if not text.startswith("["):  # a leaf list says nothing but ranges there
        expected = Truncation(np.dtype(np.float64))
    assert found == expected


@pytest.mark.root
@pytest.mark.parametrize(("text", "factor", "low", "num_bits"), RANGES)
def test_the_ranges_of_the_test_above_are_those_of_root(
    root: Any, text: str, factor: float, low: float, num_bits: int
) -> None:
    element = root.TStreamerElement("x", text, 0, 0, "Double32_t")
    assert element.GetFactor() == factor
    if factor:
        assert element.GetXmin() == low
    else:
        assert int(element.GetXmin()) == num_bits


@pytest.mark.parametrize(
    ("classname", "title", "length", "shape", "factor"),
    [
        ("TLeafD32", "x[3]/d[0,1,8]", 3, (3,), 256),
        ("TLeafF16", "x[2][3]/f[0,1,8]", 6, (2, 3), 256),
        ("TLeafF16", "x[n][2]/f[0,1,8]", 2, (2,), 256),
        ("TLeafD32", "x[3]", 3, (3,), 0),
        ("TLeafD32", "[x]/d", 1, (), 0),
    ],
)
def test_dimensions_are_told_from_ranges(
    classname: str, title: str, length: int, shape: tuple[int, ...], factor: float
) -> None:
    branch = branch_of(classname, title, length)
    assert fixed_shape(branch) == shape
    found = truncation_of(branch)
    assert found is not None
    assert found.factor == factor


def test_a_leaf_of_root_6_18_has_its_dimensions_in_the_branch() -> None:
    branch = branch_of("TLeafF16", "f[0,1,8]", 6, branch_title="x[2][3]/f[0,1,8]")
    assert fixed_shape(branch) == (2, 3)
    assert truncation_of(branch) == Truncation(np.dtype(np.float32), 256)


def test_dimensions_that_are_not_those_of_the_leaf_are_an_error() -> None:
    with pytest.raises(
        ValueError, match=r"5 numbers per entry, and not in the shape of 'x\[2\]\[3\]/d'"
    ):
        fixed_shape(branch_of("TLeafD32", "x[2][3]/d", 5))


def test_other_leaves_are_not_truncated() -> None:
    assert truncation_of(branch_of("TLeafD", "x[3]", 3)) is None


def packed(values: NDArray[np.float32], num_bits: int) -> NDArray[np.uint8]:
    """Return what ROOT's ``WriteFloat16`` writes: exponent, sign and mantissa in 3 bytes."""
    bits = values.view(np.uint32)
    exponent, mantissa = bits >> 23 & 0xFF, (bits >> (22 - num_bits)) & ((1 << (num_bits + 1)) - 1)
    mantissa = np.minimum((mantissa + 1) >> 1, (1 << num_bits) - 1)
    mantissa |= bits >> 31 << (num_bits + 1)
    return np.stack([exponent, mantissa >> 8, mantissa & 0xFF], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("num_bits", range(2, 15))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_truncated_mantissas_are_unpacked_to_within_their_precision(
    num_bits: int, dtype: type[Any]
) -> None:
    values = np.random.default_rng(num_bits).normal(0, 1e3, (50, 2)).astype(np.float32)
    truncation = Truncation(np.dtype(dtype), num_bits=num_bits)
    unpacked = truncation.unpack(packed(values, num_bits))
    assert unpacked.dtype == dtype
    np.testing.assert_allclose(unpacked, values, rtol=2.0**-num_bits)
    assert bool((np.sign(unpacked) == np.sign(values)).all())
