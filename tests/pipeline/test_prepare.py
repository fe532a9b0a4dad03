"""Loading from a skim gives what loading from columns gives, of the files asked for."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from memmpy import Jagged, RFileConfig, SplitLoader, Splits, convert, load_root
from memmpy.errors import (
    ColumnError,
    DiskError,
    MissingKeyError,
    OptionError,
    ReadOnlyStoreError,
    StoreLockedError,
)
from tests.conftest import CLIPS, EMPTIES
from tests.conversion.everything import TREE_KEYS, arguments_of, write_files

pytestmark = [CLIPS, EMPTIES]

MakeFile = Callable[..., Path]
FRACTIONS = {"train": 0.5, "val": 0.3, "test": 0.2}
NAN = float("nan")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with files of all kinds of branches."""
    path = tmp_path_factory.mktemp("everything")
    write_files(path)
    return path


def name_of(options: dict[str, Any]) -> str:
    """Return what names a test: the same in each process, as no text of a set is."""
    return str({key: sorted(v) if isinstance(v, set) else v for key, v in options.items()})


def values_by_entry(loader: SplitLoader) -> dict[int, dict[str, Any]]:
    """Return type, dtype, shape and bytes of all values of each entry."""
    found = {}
    for batch in loader:
        for i, entry in enumerate(batch["_index"].tolist()):
            found[entry] = {
                key: (type(values), values.dtype, np.shape(values[i]), values[i].tobytes())
                for key, values in batch.items()
            }
    return found


def splits(
    files: Any, path: Path, *, by: Any = "file", seed: int = 0, **options: Any
) -> list[dict[int, dict[str, Any]]]:
    """Return the values of each split, by entry."""
    given = Splits(by, fractions=FRACTIONS, seed=seed)
    loaders = (
        load_root(files, path, split=i, splits=given, batch_size=50, **options) for i in range(3)
    )
    return [values_by_entry(loader) for loader in loaders]


@pytest.mark.slow_together
@pytest.mark.parametrize(
    "options",
    [
        {"keys": TREE_KEYS},
        {"keys": {"*"}},
        {"keys": {"*"}, "keys_padded": {"jets": (2, 7)}},
        {"keys": TREE_KEYS, "tcut": "jets < 300.5 && number > 5 && process != 'a'"},
        {"keys": {"number"}, "seed": 3},
        {"keys": {"number"}, "by": ["huge"]},
        {"keys": {"number"}, "tcut": "number < 0"},
        {"keys": {"number"}, "keys_padded": {"padded": (2, NAN)}},
        {"keys": set(), "keys_padded": {"padded": (0, 0)}},
        {"keys": {"number"}, "keys_padded": {"padded": (2, 0)}, "tcut": "padded < 50"},
        {"keys": {"jets"}, "keys_padded": {"padded": (9, -1)}, "dtype": {"padded": "f2"}},
        {
            "keys": {"number"},
            "keys_padded": {"padded": (2, 0)},
            "tcut": "padded > 1000.2 && Max$(padded) > 1000.2 && padded[0] > 3",
            "dtype": {"padded": "f2"},
        },
        {"keys": {"number"}, "keys_padded": {"matrix": (1, -1)}, "tcut": "matrix > 300"},
        {"keys": {"number"}, "keys_padded": {"matrix": (5, -1)}},
        {"keys": {"number"}, "keys_padded": {"are_hard": (2, True), "whole": (2, 300)}},
        {"keys": {"number"}, "keys_padded": {"whole": (2, 300)}, "dtype": {"whole": "u2"}},
        {"keys": {"half": "weight", "jets": "jets"}, "tcut": "half > 30"},
    ],
    ids=name_of,
)
@pytest.mark.filterwarnings("ignore::memmpy.errors.LoaderWarning")
def test_both_ways_load_the_same_bits_in_the_same_splits(
    options: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    files, _ = arguments_of("tree", folder)
    aliases = {
        "heavy": "jets",
        "twice": "weight * 2",
        "padded": "jets",
        "are_hard": "jets > 500",
        "whole": "int(jets)",
    }
    loaded = [
        splits(files, tmp_path / str(skim), aliases=aliases, skim=skim, **options)
        for skim in (True, False)
    ]
    assert loaded[0] == loaded[1]
    # One after the other in one store they replace each other's columns.
    assert splits(files, tmp_path / "True", aliases=aliases, skim=False, **options) == loaded[0]
    assert splits(files, tmp_path / "True", aliases=aliases, **options) == loaded[0]


@pytest.mark.parametrize(
    "options",
    [
        {"keys": {"number", "huge", "pt"}, "dtype": {"number": "int32"}},
        {"keys": {"number"}, "keys_padded": {"pt": (3, -1)}, "tcut": "name != '3' && pt > 9"},
    ],
    ids=name_of,
)
def test_both_ways_load_the_same_bits_of_ntuples(
    options: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    files, _ = arguments_of("tuple", folder)
    loaded = [splits(files, tmp_path / "s", skim=skim, **options) for skim in (True, False)]
    assert loaded[0] == loaded[1]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with lists of items that no tree of uproot can be given."""
    counts = np.arange(100) % 4
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    number = np.arange(counts.sum())
    pairs = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(2.0 * len(number))), 2)
    items = {
        "pairs": pairs,
        "flags": pa.array(number % 2 == 0),
        "huge": pa.array(number.astype(np.uint64) + np.uint64(1 << 63)),
        "small": pa.array(number.astype(np.int8)),
    }
    columns = {key: pa.ListArray.from_arrays(offsets, values) for key, values in items.items()}
    path = tmp_path_factory.mktemp("table") / "a.parquet"
    parquet.write_table(pa.table({"number": pa.array(np.arange(100)), **columns}), path)
    return path


@pytest.mark.slow_together
@pytest.mark.parametrize(
    ("key", "fill"),
    [
        ("pairs", -1),
        ("pairs", NAN),
        ("flags", False),
        ("flags", 1),
        ("huge", (1 << 64) - 1),
        ("huge", np.uint64(5)),
        ("small", -128),
    ],
)
def test_both_ways_pad_items_of_any_kind_alike(
    key: str, fill: Any, table: Path, tmp_path: Path
) -> None:
    loaded = [
        splits(
            table,
            tmp_path / "s",
            keys={"number"},
            keys_padded={key: (2, fill)},
            tcut=f"{key} > 3 || number < 10",
            skim=skim,
        )
        for skim in (True, False)
    ]
    assert loaded[0] == loaded[1]


@pytest.mark.parametrize(
    ("key", "fill"),
    [("huge", -1), ("huge", 1.5), ("small", 128), ("small", NAN), ("pairs", [1]), ("pairs", None)],
)
@pytest.mark.parametrize("skim", [True, False])
def test_both_ways_refuse_a_fill_that_the_items_cannot_hold(
    skim: bool, key: str, fill: Any, table: Path, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=f"cannot pad '{key}': cannot fill with"):
        load_root(table, tmp_path / "s", keys={"number"}, keys_padded={key: (2, fill)}, skim=skim)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    "keys_padded",
    [
        {"jets": (2, "x")},
        {"jets": (2, 1e300)},
        {"matrix": (2, NAN)},
        {"is_good": (2, 0)},
        {"are_hard": (2, 2)},
        {"whole": (2, NAN)},
        {"whole": (2, 1 << 63)},
        {"jets": (1 << 30, 0)},
        {"name": (2, 0)},
        {"nested": (2, 0)},
    ],
    ids=str,
)
@pytest.mark.parametrize("skim", [True, False])
def test_both_ways_refuse_to_pad_before_anything_is_read(
    skim: bool, keys_padded: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    kind = "tuple" if keys_padded.keys() & {"name", "nested"} else "tree"
    files, _ = arguments_of(kind, folder)
    with pytest.raises(OptionError, match=r"cannot pad|a row would have"):
        load_root(
            files,
            tmp_path / "s",
            keys={"number"},
            keys_padded=keys_padded,
            aliases={"are_hard": "jets > 500", "whole": "int(jets)"},
            skim=skim,
        )
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("key", ["name", "nested", "words"])
def test_columns_that_no_skim_holds_are_refused_before_the_conversion(
    key: str, folder: Path, tmp_path: Path
) -> None:
    files, _ = arguments_of("tuple", folder)
    message = rf"column {key!r} is (text|nested); load_root\(skim=False\) .* load it from the col"
    with pytest.raises(ColumnError, match=message):
        load_root(files, tmp_path / "s", keys={"number", key})
    assert not (tmp_path / "s").exists()
    loader = load_root(files, tmp_path / "s", keys={"number", key}, skim=False)
    assert next(iter(loader)).keys() >= {"number", key}


def test_groups_are_inputs_of_branches_and_aliases(make_file: MakeFile, tmp_path: Path) -> None:
    loader = load_root(
        RFileConfig(make_file(num=200), "tree", {"process": "ttH"}),
        tmp_path / "s",
        keys={"weight"},
        keys_padded={"jet_pt": (2, -1), "twice": (2, -1), "alone": (3, NAN)},
        groups={"jets": ["jet_pt", "twice"], "event": ["nJets", "met"]},
        dtype={"event": "float32"},
        aliases={"twice": "jet_pt * 2", "alone": "jet_pt"},
        tcut="jet_pt > 10 && nBTags_77 > 0",
        batch_size=32,
    )
    for batch in loader:
        assert batch.keys() == {
            *("weight", "alone", "alone_mask", "jets", "jets_mask", "event", "process", "_index")
        }
        entries = batch["_index"]
        is_real = np.arange(2) < (entries % 4)[:, None]
        pt = np.where(is_real, entries[:, None] + 0.25, -1)
        twice = np.where(is_real, 2 * pt, -1)
        assert np.array_equal(batch["jets"], np.stack([pt, twice], axis=-1).astype("f4"))
        assert np.array_equal(batch["jets_mask"], is_real)
        event = np.stack([entries % 4, entries / 8], axis=-1)
        assert np.array_equal(batch["event"], event.astype("f4"))
        assert np.all((entries >= 10) & (entries % 4 > 0) & (entries % 3 > 0))


def test_groups_alone_are_enough(make_file: MakeFile, tmp_path: Path) -> None:
    loader = load_root(make_file(), tmp_path / "s", keys=set(), groups={"jets": ["jet_pt"]})
    batch = next(iter(loader))
    assert batch.keys() == {"jets", "_index"}
    assert isinstance(batch["jets"], Jagged)


def test_a_key_may_be_in_a_group_and_by_itself(make_file: MakeFile, tmp_path: Path) -> None:
    loader = load_root(make_file(), tmp_path / "s", keys={"m*"}, groups={"event": ["met"]})
    batch = next(iter(loader))
    assert np.array_equal(batch["met"], batch["event"][:, 0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": ["met"]}, "groups must be a mapping of names"),
        ({"groups": {"event": "met"}}, "the group 'event' is a list of keys"),
        ({"groups": {"event": []}}, "the group 'event' is a list of keys"),
        ({"groups": {"event": ["met", "met"]}}, "the group 'event' has the key 'met' twice"),
        ({"groups": {"event": ["m*"]}}, r"a pattern cannot be in a group, got 'm\*'"),
        ({"groups": {"event": [3]}}, "a key is a text other than '_index', got 3"),
        ({"groups": {"nJets": ["met"]}}, "the name 'nJets' of a group is that of a key, too"),
        ({"groups": {"process": ["met"]}}, "the name 'process' of a group is that of a key, too"),
        ({"groups": {"_index": ["met"]}}, "the name '_index' of a group is reserved"),
        (
            {"groups": {"j": ["jet_pt"], "j_mask": ["met"]}, "keys_padded": {"jet_pt": (2, 0)}},
            "the name 'j_mask' of the mask of the group 'j' is that of a group, too",
        ),
        ({"dtype": "float32"}, "one dtype is for all groups, and there are none; name keys"),
        (
            {"groups": {"event": ["met"]}, "dtype": {"evnt": "f4"}},
            "no key and no group; nearest: 'event'",
        ),
        ({"groups": {"event": ["met", "nJets"]}}, "'event' differ in dtype"),
        ({"groups": {"n*": ["met"], "nBTags_77": ["met"]}, "keys": {"n*"}}, "'n.*' of a group is"),
        ({"dtype": {"event": "f4"}, "groups": {"event": ["event"]}}, "'event', which is a key and"),
    ],
    ids=str,
)
def test_wrong_groups_are_refused_before_the_conversion(
    options: dict[str, Any], message: str, make_file: MakeFile, tmp_path: Path
) -> None:
    files = RFileConfig(make_file(), "tree", {"process": "ttH"})
    with pytest.raises(OptionError, match=message):
        load_root(files, tmp_path / "s", **{"keys": {"nJets"}, **options})
    assert not (tmp_path / "s").exists()


def test_groups_that_do_not_fit_together_are_refused_before_the_conversion(
    make_file: MakeFile, tmp_path: Path
) -> None:
    with pytest.raises(ColumnError, match="keys of the group 'all' do not fit together"):
        load_root(make_file(), tmp_path / "s", keys=set(), groups={"all": ["met", "jet_pt"]})
    assert not (tmp_path / "s").exists()


def test_a_missing_key_of_a_group_names_the_nearest(make_file: MakeFile, tmp_path: Path) -> None:
    with pytest.raises(MissingKeyError, match="nearest: 'nJets'"):
        load_root(
            make_file(), tmp_path / "s", keys=set(), groups={"g": ["njets"]}, tcut="njets > 1"
        )


def test_the_error_for_an_unwritable_skim_shows_the_way_out(
    make_file: MakeFile, tmp_path: Path
) -> None:
    file, path = make_file(), tmp_path / "s"
    convert(file, path, keys={"nJets"})
    (path / "skims").write_text("in the way")
    message = r"load_root\(skim=False\) makes no"
    with pytest.raises((DiskError, ReadOnlyStoreError), match=message) as caught:
        load_root(file, path, keys={"nJets"})
    # What the disk said is left as it was.
    assert type(caught.value.__cause__) is type(caught.value)
    assert "load_root" not in str(caught.value.__cause__)
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.errno == caught.value.__cause__.errno
    assert len(load_root(file, path, keys={"nJets"}, skim=False)) == 1


class Interrupting(ThreadPoolExecutor):
    """Does something else before it takes its first, or each, task of a skim."""

    def __init__(self, path: Path, interrupt: Callable[[], object], *, times: int) -> None:
        super().__init__(2)
        self.path, self.interrupt, self.times = path, interrupt, times

    def submit(self, *args: Any, **kwargs: Any) -> "Future[Any]":
        if self.times and any(self.path.glob("skims/*.tmp")):
            self.times -= 1
            self.interrupt()
        return super().submit(*args, **kwargs)


@pytest.mark.parametrize("keys", [{"nJets"}, {"nJets", "eventNumber", "jet_pt"}])
def test_load_root_skims_its_own_files_while_others_convert(
    keys: set[str], make_file: MakeFile, tmp_path: Path
) -> None:
    ours, theirs, path = make_file("a.root", 60), make_file("b.root", 90), tmp_path / "s"

    def convert_theirs() -> None:
        convert(theirs, path, keys=keys, progress=False)

    with Interrupting(path, convert_theirs, times=1) as executor:
        loader = load_root(
            ours,
            path,
            keys={"eventNumber"},
            keys_padded={"jet_pt": (2, 0)},
            tcut="nJets > 1",
            work=executor,
        )
        assert executor.times == 0
    found = sorted(int(number) - (1 << 60) for batch in loader for number in batch["eventNumber"])
    assert found == [i for i in range(60) if i % 4 > 1]


def test_other_files_in_each_attempt_are_an_error(make_file: MakeFile, tmp_path: Path) -> None:
    ours, theirs, path = make_file("a.root", 60), make_file("b.root", 90), tmp_path / "s"

    def convert_theirs() -> None:
        convert(theirs, path, keys={"eventNumber"}, progress=False)

    message = "other processes keep converting other files into"
    with (
        Interrupting(path, convert_theirs, times=99) as executor,
        pytest.raises(StoreLockedError, match=message),
    ):
        load_root(ours, path, keys={"eventNumber"}, work=executor)
