"""Tests of the splits that a store records, and of calls that must agree with them."""

import logging
import multiprocessing
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import RFileConfig, SplitError, SplitLoader, Splits, WriteVector
from memmpy.errors import (
    ColumnError,
    CorruptStoreError,
    DiskError,
    MissingKeyError,
    OptionError,
    SplitWarning,
)
from memmpy.splits import policy
from memmpy.store import METADATA, read_metadata
from tests.documents import rewrite
from tests.splits.files import values_of, write_events, write_file

NUM = 3000
SPLITS = ("train", "val", "test")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store of two files with run and event numbers, whose splits nobody asked for."""
    files = [
        write_events(
            tmp_path / f"{i}.root", np.arange(NUM) + i * NUM, run=np.full(NUM, 7 + i, np.uint32)
        )
        for i in range(2)
    ]
    memmpy.convert(files, tmp_path / "s", keys={"run", "event", "gid"}, progress=False)
    return tmp_path / "s"


def load(store: Path, **options: Any) -> SplitLoader:
    files = sorted(store.parent.glob("*.root"))
    return memmpy.load_root(files, store, keys={"event"}, progress=False, **options)


def from_skim(store: Path, **options: Any) -> SplitLoader:
    return SplitLoader(memmpy.skim(store, keys=["event"], progress=False), **options)


DOORS: dict[str, Callable[..., SplitLoader]] = {
    "load_root": load,
    "load_root_of_columns": lambda store, **options: load(store, skim=False, **options),
    "loader": lambda store, **options: memmpy.open(store).loader(keys=["event"], **options),
    "SplitLoader of a store": lambda store, **options: SplitLoader(memmpy.open(store), **options),
    "SplitLoader of a skim": from_skim,
    "SplitLoader of columns": lambda store, **options: SplitLoader(
        memmpy.load_memmaps(store, ["event"]), **options
    ),
}
doors = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS.keys())


@doors
def test_without_a_split_all_events_come_and_nothing_is_recorded(
    door: Callable[..., SplitLoader], store: Path
) -> None:
    for options in ({}, {"split": "all"}):
        loader = door(store, **options)
        assert sorted(values_of(loader, "event").tolist()) == list(range(2 * NUM))
        assert loader.splits is None
    assert memmpy.open(store).splits is None


@doors
def test_the_first_call_that_names_a_split_records_the_splits(
    door: Callable[..., SplitLoader], store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "memmpy"):
        loader = door(store, split="train")
    expected = Splits(by=("run", "event"))
    assert (loader.splits, memmpy.open(store).splits) == (expected, expected)
    assert [r.message for r in caplog.records if "has the splits" in r.message] == [
        f"{store} has the splits Splits(by=('run', 'event')) from now on"
    ]


@pytest.mark.slow_together
@doors
@pytest.mark.parametrize("other", DOORS.values(), ids=DOORS.keys())
def test_doors_agree_on_the_side_of_each_event(
    door: Callable[..., SplitLoader], other: Callable[..., SplitLoader], store: Path
) -> None:
    train = values_of(door(store, split="train"), "event")
    rest = [values_of(other(store, split=split), "event") for split in ("val", "test")]
    assert sorted([*train, *rest[0], *rest[1]]) == list(range(2 * NUM))
    run = 7 + np.arange(2 * NUM) // NUM
    numbers = Splits(by=("run", "event")).of({"run": run, "event": np.arange(2 * NUM)})
    assert (numbers[train] == 0).all()


@pytest.mark.slow_together
@doors
@pytest.mark.parametrize(
    "given",
    [
        Splits(by=("event", "run")),
        Splits(by=("event",)),
        Splits(by="file"),
        Splits(seed=1),
        Splits(fractions={"train": 0.5, "val": 0.25, "test": 0.25}),
        Splits(num_folds=5),
        Splits(fold_by="event % 2", num_folds=2),
    ],
    ids=str,
)
def test_a_call_that_disagrees_shows_both(
    door: Callable[..., SplitLoader], given: Splits, store: Path
) -> None:
    memmpy.open(store).loader("train", splits=Splits(by=("run", "event")))
    fold = None if given.num_folds is None else 0
    with pytest.raises(SplitError) as error:
        door(store, split="test", splits=given, fold=fold)
    shown = str(error.value)
    assert "Splits(by=('run', 'event'))" in shown
    assert str(given) in shown
    assert "set_splits" in shown
    assert memmpy.open(store).splits == Splits(by=("run", "event"))


@doors
def test_a_call_that_repeats_the_splits_agrees(
    door: Callable[..., SplitLoader], store: Path
) -> None:
    first = door(store, split="test", splits=Splits(num_folds=4), fold=1)
    for given in (None, Splits(num_folds=4), Splits(by=("run", "event"), num_folds=4)):
        again = door(store, split="test", splits=given, fold=1)
        assert sorted(values_of(again, "event")) == sorted(values_of(first, "event"))


@doors
def test_a_store_with_splits_wants_the_split_named(
    door: Callable[..., SplitLoader], store: Path
) -> None:
    memmpy.open(store).set_splits(Splits(num_folds=3))
    with pytest.raises(
        SplitError, match="name the one to load, split='train', 'val' or 'test', with"
    ):
        door(store)
    with pytest.raises(SplitError, match=r"has folds: give one, fold=0 to 2"):
        door(store, split="train")
    with pytest.raises(OptionError, match="no fold 3 of 3"):
        door(store, split="train", fold=3)
    assert door(store, split="all").num_entries == 2 * NUM


@doors
def test_a_split_that_there_is_not_is_refused(
    door: Callable[..., SplitLoader], store: Path
) -> None:
    with pytest.raises(OptionError, match=r"no split 'trian': give .* or 'all'; nearest: 'train'"):
        door(store, split="trian")
    with pytest.raises(OptionError, match="splits= must be a Splits, such as"):
        door(store, split="train", splits=("run", "event"))


@pytest.mark.slow_together
@doors
@pytest.mark.parametrize(
    "options",
    [
        {"split": "trian"},
        {"split": "train", "fold": 1},
        {"split": "train", "splits": Splits(num_folds=3)},
        {"split": "train", "splits": Splits(num_folds=3), "fold": 3},
        {"split": 3},
    ],
    ids=str,
)
def test_a_call_that_fails_records_nothing(
    door: Callable[..., SplitLoader], options: dict[str, Any], store: Path
) -> None:
    with pytest.raises((OptionError, SplitError)):
        door(store, **options)
    assert memmpy.open(store).splits is None


def test_a_skim_of_another_order_records_nothing(store: Path) -> None:
    skim = memmpy.skim(store, keys=["gid"], progress=False)
    with pytest.raises(SplitError, match="not from the splits"):
        SplitLoader(skim, split="train", splits=Splits(by=("event",)))
    assert memmpy.open(store).splits is None


@pytest.mark.parametrize(
    "call",
    [
        lambda store: memmpy.skim(store, keys=["evnt"], splits=Splits()),
        lambda store: memmpy.skim(store, keys=["event"], cut="evnt > 3", splits=Splits()),
        lambda store: memmpy.skim(store, groups={"g": ["event", "run"]}, splits=Splits()),
        lambda store: SplitLoader(memmpy.open(store), split="train", subindex=[2 * NUM]),
        lambda store: memmpy.open(store).loader("train", cut="evnt > 3"),
        lambda store: memmpy.open(store).set_splits(Splits(by=("evnt",))),
    ],
)
def test_a_call_that_fails_otherwise_records_nothing(
    call: Callable[[Path], object], store: Path
) -> None:
    with pytest.raises(memmpy.MemmpyError):
        call(store)
    assert memmpy.open(store).splits is None


@pytest.mark.slow_together
@doors
@pytest.mark.parametrize("split", [["train"], {"train"}, b"train", 1.0, True, object()])
def test_what_is_no_split_is_refused(
    door: Callable[..., SplitLoader], split: Any, store: Path
) -> None:
    with pytest.raises(OptionError, match="no split"):
        door(store, split=split)


def test_a_batch_size_is_not_a_split(store: Path) -> None:
    with pytest.raises(OptionError, match=r"no split 128: .* batches is batch_size=128"):
        memmpy.open(store).loader(128)


@doors
def test_a_fold_that_there_is_not_is_refused_also_of_all_events(
    door: Callable[..., SplitLoader], store: Path
) -> None:
    for options in ({"fold": 2}, {"split": "all", "fold": 2}):
        with pytest.raises(SplitError, match=r"fold=2 was given, and Splits\(.*\) has no folds"):
            door(store, **options)
    memmpy.open(store).set_splits(Splits(num_folds=3))
    assert door(store, split="all", fold=2).num_entries == 2 * NUM
    with pytest.raises(OptionError, match="no fold 7 of 3 folds"):
        door(store, split="all", fold=7)


def test_splits_are_said_before_hours_of_conversion(store: Path, tmp_path: Path) -> None:
    memmpy.open(store).set_splits(Splits(num_folds=3))
    missing = [RFileConfig(tmp_path / "missing.root")]
    for options in ({}, {"split": "train"}, {"split": "test", "splits": Splits(seed=1)}):
        with pytest.raises(SplitError):
            memmpy.load_root(missing, store, keys={"x"}, **options)
    with pytest.raises(SplitError, match=r"this call gives the splits .*: name the one to load, "):
        memmpy.load_root(missing, tmp_path / "new", keys={"x"}, splits=Splits())


def test_set_splits_changes_them_for_all_later_calls(store: Path) -> None:
    opened = memmpy.open(store)
    opened.loader("train")
    opened.set_splits(Splits(by=("event",), num_folds=5))
    assert opened.splits == Splits(by=("event",), num_folds=5)
    assert opened.loader("test", fold=0).splits == opened.splits
    opened.set_splits(None)
    assert memmpy.open(store).splits is None
    assert opened.loader().num_entries == 2 * NUM


def test_set_splits_needs_columns_that_name_events(store: Path) -> None:
    opened = memmpy.open(store)
    with pytest.raises(MissingKeyError, match=r"no column 'evnt' .* to name events; nearest: 'ev"):
        opened.set_splits(Splits(by=("evnt",)))
    opened.add("half", "event * 0.5")
    with pytest.raises(ColumnError, match=r"'half' .* cannot name events"):
        opened.set_splits(Splits(by=("half",)))
    assert opened.splits is None


def test_split_of_and_fold_of_tell_the_side_of_entries(store: Path) -> None:
    opened = memmpy.open(store)
    with pytest.raises(SplitError, match="has no splits yet"):
        opened.split_of()
    opened.set_splits(Splits(num_folds=4))
    columns = {key: np.asarray(opened[key]) for key in ("run", "event")}
    splits = Splits(by=("run", "event"), num_folds=4)
    assert opened.fold_of().tolist() == splits.fold_of(columns).tolist()
    entries = np.array([5, 4000, 17])
    assert opened.split_of(entries, fold=2).tolist() == splits.of(columns, fold=2)[entries].tolist()
    with pytest.raises(SplitError, match="has folds"):
        opened.split_of()
    with pytest.raises(OptionError, match="out of range"):
        opened.fold_of([2 * NUM])


def test_convert_records_splits_and_reads_what_names_events(tmp_path: Path) -> None:
    file = write_events(tmp_path / "a.root", np.arange(100), run=np.full(100, 3))
    done = memmpy.convert(file, tmp_path / "s", keys={"gid"}, splits=Splits(), progress=False)
    assert memmpy.open(tmp_path / "s").splits == Splits(by=("run", "event"))
    assert set(done.read[str(file)]) == {"gid", "run", "event"}
    batch = next(memmpy.open(tmp_path / "s").loader("train", keys=["gid"]).batches(0))
    assert set(batch) == {"gid", "_index"}
    # A later call without splits reads them of new files, too.
    more = write_events(tmp_path / "b.root", np.arange(100, 200), run=np.full(100, 3))
    memmpy.convert([file, more], tmp_path / "s", keys={"gid"}, progress=False)
    assert len(memmpy.open(tmp_path / "s")["event"]) == 200


def test_what_names_events_is_handed_out_only_if_asked_for(tmp_path: Path) -> None:
    file = write_events(tmp_path / "a.root", np.arange(100))
    loader = memmpy.load_root(
        file, tmp_path / "s", keys={"gid"}, split="train", batch_size=100, progress=False
    )
    assert set(next(loader.batches(0))) == {"gid", "_index"}


def test_a_key_that_names_events_may_be_an_alias(tmp_path: Path) -> None:
    file = write_events(tmp_path / "a.root", np.arange(100))
    options: dict[str, Any] = {"splits": Splits(by=("number",)), "progress": False}
    for aliases in ({"number": "event"}, {"number": "event * 2 + 1"}):
        path = tmp_path / f"s{len(aliases['number'])}"
        memmpy.load_root(file, path, keys={"gid"}, aliases=aliases, split="train", **options)
        # The store knows what the name stands for.
        again = memmpy.load_root(file, path, keys={"gid"}, split="val", progress=False)
        assert again.splits == Splits(by=("number",))


def test_what_names_events_may_be_a_column_of_ones_own(store: Path) -> None:
    opened = memmpy.open(store)
    opened.add("pair", "event * 1000 + run")
    opened.set_splits(Splits(by=("pair",)))
    assert load(store, split="train").splits == Splits(by=("pair",))
    write_events(store.parent / "2.root", np.arange(10), run=np.arange(10, dtype=np.uint32))
    with pytest.raises(ColumnError, match=r"'pair'.* is stale: .*compute 'pair' again"):
        load(store, split="train")


def test_names_that_the_files_have_and_the_store_does_not_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = write_events(tmp_path / "a.root", np.arange(100), run=np.arange(100))
    memmpy.convert(file, tmp_path / "s", keys={"gid"}, progress=False)
    with pytest.raises(SplitError, match=r"the store lacks 'run', 'event' of its files"):
        memmpy.open(tmp_path / "s").loader("train", fold=0, splits=Splits(num_folds=3))
    with caplog.at_level(logging.WARNING, "memmpy"):
        loader = memmpy.open(tmp_path / "s").loader("train")
    assert loader.splits == Splits(by="file")
    said = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    (message,) = said
    assert message.startswith(f"events of {tmp_path / 's'} are named by file and entry: ")
    assert "the store lacks 'run', 'event' of its files; convert with splits=," in message


@pytest.mark.parametrize("splits", [Splits(), Splits(by="file")])
def test_variations_in_files_of_their_own_need_a_name(splits: Splits, tmp_path: Path) -> None:
    files = [
        RFileConfig(
            write_file(tmp_path / f"{name}.root", {"t": {"x": np.arange(100.0)}}),
            metadata={"process": "ttH", "variation": name},
        )
        for name in ("nominal", "JES_up")
    ]
    options: dict[str, Any] = {"keys": {"x"}, "split": "train", "progress": False}
    if splits.by is None:
        with pytest.raises(SplitError, match="several trees or variations of one file"):
            memmpy.load_root(files, tmp_path / "s", splits=splits, **options)
    else:
        with pytest.warns(SplitWarning, match="the variations 'JES_up', 'nominal' of"):
            memmpy.load_root(files, tmp_path / "s", splits=splits, **options)


@pytest.mark.parametrize(
    ("splits", "before", "after"),
    [
        (Splits(by=("ev",)), {"ev": "event"}, {"ev": "event + 7"}),
        (Splits(by=("ev",)), {"ev": "event"}, {"ev": "run"}),
        (
            Splits(by=("event",), fold_by="f", num_folds=2),
            {"f": "event % 2"},
            {"f": "(event + 1) % 2"},
        ),
    ],
)
def test_what_names_events_keeps_its_meaning(
    splits: Splits, before: dict[str, str], after: dict[str, str], tmp_path: Path
) -> None:
    file = write_events(tmp_path / "a.root", np.arange(500), run=np.arange(500))
    fold = None if splits.num_folds is None else 0
    options: dict[str, Any] = {"keys": {"gid"}, "fold": fold, "progress": False}
    memmpy.load_root(file, tmp_path / "s", aliases=before, splits=splits, split="train", **options)
    with pytest.raises(SplitError, match=r"names events and was .*, now it is .*set_splits"):
        memmpy.load_root(file, tmp_path / "s", aliases=after, split="test", **options)
    memmpy.load_root(file, tmp_path / "s", aliases=before, split="test", **options)


def test_metadata_that_name_events_keep_their_texts(tmp_path: Path) -> None:
    file = write_events(tmp_path / "a.root", np.arange(500))
    more = write_events(tmp_path / "b.root", np.arange(500))

    def config(name: str) -> RFileConfig:
        return RFileConfig(file, metadata={"process": name})

    options: dict[str, Any] = {"keys": {"gid"}, "split": "train", "progress": False}
    memmpy.load_root(config("ttH"), tmp_path / "s", **options)
    with pytest.raises(SplitError, match="the metadata 'process' name events and were 'ttH'"):
        memmpy.load_root(config("tth"), tmp_path / "s", **options)
    files = [config("ttH"), RFileConfig(more, metadata={"process": "ttbb"})]
    assert memmpy.load_root(files, tmp_path / "s", **options).splits is not None


def test_a_column_of_ones_own_that_names_events_keeps_its_values(store: Path) -> None:
    def write(values: np.ndarray) -> None:
        with WriteVector(store, "mine") as column:
            column.extend(values)

    write(np.arange(2 * NUM))
    opened = memmpy.open(store)
    opened.loader("train", keys=["event"], splits=Splits(by=("mine",)))
    write(np.arange(2 * NUM))  # the same values
    memmpy.open(store).loader("train", keys=["event"])
    write(np.arange(2 * NUM)[::-1])
    again = memmpy.open(store)
    with pytest.raises(SplitError, match=r"'mine' .* was rewritten with other values"):
        again.loader("test", keys=["event"])
    again.set_splits(again.splits)
    assert again.loader("test", keys=["event"]).num_entries


def test_splits_that_cannot_be_recorded_are_said(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DiskError("no space left on the device")

    monkeypatch.setattr("memmpy.store.commit.write_atomically", fail)
    with pytest.warns(SplitWarning, match="are not recorded .*no space left"):
        loader = memmpy.open(store).loader("train", keys=["event"])
    assert loader.splits == Splits(by=("run", "event"))
    monkeypatch.undo()
    assert memmpy.open(store).splits is None


def test_a_warning_that_is_an_error_stops_each_call(tmp_path: Path) -> None:
    file = write_events(tmp_path / "a.root", np.zeros(5000, np.int64))
    for _ in range(3):
        with pytest.raises(SplitWarning, match="does not name the events"):
            memmpy.load_root(
                file,
                tmp_path / "s",
                keys={"gid"},
                splits=Splits(by=("event",)),
                split="train",
                progress=False,
            )


def test_a_skim_through_a_link_knows_its_store(store: Path, tmp_path: Path) -> None:
    skim = memmpy.skim(store, keys=["event"], splits=Splits(), progress=False)
    (tmp_path / "link").symlink_to(skim.path)
    fractions = {"train": 0.5, "test": 0.5}
    with pytest.raises(SplitError, match="has the splits"):
        SplitLoader(
            memmpy.Skim(tmp_path / "link"), split="test", splits=Splits(fractions=fractions)
        )


def test_a_skim_of_former_files_records_its_splits(store: Path) -> None:
    skim = memmpy.skim(store, keys=["event"], progress=False)
    other = write_events(store.parent / "c.root", np.arange(2 * NUM) + 5, run=np.ones(2 * NUM))
    memmpy.convert(other, store, keys={"gid"}, progress=False)
    SplitLoader(skim, split="train")
    assert memmpy.open(store).splits == Splits(by=("run", "event"))


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({"splits": None}, "splits: expected by or splits, and not both"),
        ({}, "splits: expected by or splits, and not both"),
        ({"by": "position", "splits": {}}, "splits: expected by or splits, and not both"),
        ({"by": "place"}, "splits.by: invalid enum value 'place'"),
        ({"splits": []}, "splits.splits: expected `object | null`"),
        ({"splits": {"by": 3}}, "splits.splits.by: expected `str | array | null`, got `int`"),
        ({"splits": {"by": "event"}}, "splits.splits.by: invalid enum value 'event'"),
        ({"splits": {"seed": "x"}}, "splits.splits.seed: expected `int`, got `str`"),
        ({"splits": {"val": 2}}, "splits.splits.val: expected `float` <= 1.0"),
        ({"splits": {"fractions": {"train": -1}}}, "splits.splits.fractions.train: expected"),
        ({"splits": {"folds": 3}}, "splits.splits: object contains unknown field `folds`"),
        ({"splits": {}, "notes": 1}, "splits.notes: expected `array`, got `int`"),
        ({"splits": {}, "made_of": "x"}, "splits.made_of: expected `str` matching regex"),
        ({"splits": {}, "own": {"x": ["0" * 16]}}, "splits.own.x: expected `array` of length 2"),
    ],
)
def test_damaged_splits_are_an_error_in_words(held: Any, message: str, store: Path) -> None:
    rewrite(store / METADATA, lambda fields: fields.update(splits=held))
    with pytest.raises(CorruptStoreError, match=re.escape(f"is damaged: {message}")):
        memmpy.open(store)


@pytest.mark.parametrize(
    ("branches", "expected"),
    [
        ({"event": "i8"}, ("event",)),
        ({"eventNumber": "u8", "runNumber": "u4"}, ("runNumber", "eventNumber")),
        (
            {"event": "u8", "run": "u4", "luminosityBlock": "u4"},
            ("run", "luminosityBlock", "event"),
        ),
        ({"event": "u8", "run": "f4"}, ("event",)),
        ({"mcChannelNumber": "u4", "eventNumber": "u8"}, ("mcChannelNumber", "eventNumber")),
        ({"run": "u4"}, "file"),
        ({"evt": "u4"}, "file"),
    ],
)
def test_none_takes_the_usual_columns(
    branches: dict[str, str], expected: Any, tmp_path: Path
) -> None:
    columns = {key: np.arange(200).astype(dtype) for key, dtype in branches.items()}
    file = write_file(tmp_path / "a.root", {"t": {"x": np.arange(200.0), **columns}})
    loader = memmpy.load_root(file, tmp_path / "s", keys={"x"}, split="train", progress=False)
    assert loader.splits == Splits(by=expected)


def test_none_takes_names_of_the_metadata(tmp_path: Path) -> None:
    files = [
        RFileConfig(
            write_events(tmp_path / f"{name}.root", np.arange(500)),
            metadata={"process": name, "year": "2018", "comment": name},
        )
        for name in ("ttH", "ttbb")
    ]
    loader = memmpy.load_root(files, tmp_path / "s", keys={"gid"}, split="train", progress=False)
    assert loader.splits == Splits(by=("process", "year", "event"))
    opened = memmpy.open(tmp_path / "s")
    arrays = {
        "process": ["ttH"] * 500 + ["ttbb"] * 500,
        "year": ["2018"] * 1000,
        "event": np.tile(np.arange(500), 2),
    }
    assert opened.split_of().tolist() == loader.splits.of(arrays).tolist()


def test_an_event_number_that_is_a_float_names_nothing(tmp_path: Path) -> None:
    file = write_events(tmp_path / "a.root", np.arange(100.0))
    with pytest.warns(SplitWarning, match="'event' holds floats, which name no event") as said:
        memmpy.load_root(file, tmp_path / "s", keys={"gid"}, split="train", progress=False)
    assert len(said) == 1
    with pytest.raises(SplitError, match="'event' holds floats"):
        memmpy.load_root(
            file, tmp_path / "t", keys={"gid"}, split="train", fold=0, splits=Splits(num_folds=3)
        )
    with pytest.raises(ColumnError, match="cannot name events"):
        memmpy.load_root(
            file, tmp_path / "u", keys={"gid"}, split="train", splits=Splits(by=("event",))
        )


def test_folds_and_variations_need_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trees = {name: {"x": np.arange(100.0)} for name in ("nominal", "JES_up")}
    file = write_file(tmp_path / "a.root", trees)
    configs = [RFileConfig(file, tree) for tree in trees]
    options: dict[str, Any] = {"keys": {"x"}, "progress": False}
    with pytest.raises(SplitError, match="several trees or variations of one file, an event"):
        memmpy.load_root(configs, tmp_path / "s", split="train", **options)
    assert not (tmp_path / "s" / METADATA).exists()  # before anything was read
    with pytest.raises(SplitError, match="With 3 folds, an event needs one name"):
        memmpy.load_root(
            configs[0], tmp_path / "s", split="train", fold=0, splits=Splits(num_folds=3), **options
        )
    with pytest.warns(SplitWarning, match=r"variations 'JES_up', 'nominal' of .* hold the"):
        memmpy.load_root(
            configs, tmp_path / "s", split="train", splits=Splits(by="file"), **options
        )
    options |= {"split": "train", "fold": 0}
    with pytest.warns(SplitWarning, match="the 3 folds of .* hold only for these files"):
        memmpy.load_root(configs[0], tmp_path / "t", splits=Splits("file", num_folds=3), **options)
    monkeypatch.setattr(policy, "_WARNED", set())  # as in another process
    memmpy.load_root(configs[0], tmp_path / "t", **options)  # a warning would be an error


def test_variations_share_a_side(tmp_path: Path) -> None:
    trees = {name: {"event": np.arange(2000)} for name in ("nominal", "JES_up", "JES_down")}
    file = write_file(tmp_path / "a.root", trees)
    configs = [RFileConfig(file, tree, {"variation": tree}) for tree in trees]
    loader = memmpy.load_root(
        configs, tmp_path / "s", keys={"event"}, split="test", batch_size=512, progress=False
    )
    numbers, counts = np.unique(values_of(loader, "event"), return_counts=True)
    assert (counts == 3).all()
    assert abs(len(numbers) - 200) < 60


def test_files_that_are_written_again_keep_their_sides(tmp_path: Path) -> None:
    def split(name: str) -> set[int]:
        return set(
            values_of(
                memmpy.load_root(
                    tmp_path / "a.root", tmp_path / "s", keys={"event"}, split=name, progress=False
                ),
                "event",
            ).tolist()
        )

    write_events(tmp_path / "a.root", np.arange(NUM))
    before = {name: split(name) for name in SPLITS}
    write_events(tmp_path / "a.root", np.arange(NUM)[::-1].copy())
    assert {name: split(name) for name in SPLITS} == before


def test_files_that_are_written_again_are_other_events_by_file(tmp_path: Path) -> None:
    options: dict[str, Any] = {"keys": {"event"}, "split": "train", "progress": False}
    splits = Splits(by="file")
    write_events(tmp_path / "a.root", np.arange(100))
    memmpy.load_root(tmp_path / "a.root", tmp_path / "s", splits=splits, **options)
    write_events(tmp_path / "a.root", np.arange(100))
    with pytest.warns(SplitWarning, match=r"a.root' was written again with another UUID") as said:
        memmpy.load_root(tmp_path / "a.root", tmp_path / "s", **options)
    assert len(said) == 1
    memmpy.load_root(tmp_path / "a.root", tmp_path / "s", **options)


def test_a_skim_in_the_order_of_other_tickets_is_refused(store: Path) -> None:
    skim = memmpy.skim(store, keys=["gid"], progress=False)
    memmpy.open(store).set_splits(Splits(by=("event",), seed=5))
    message = r"the tickets of the skim .* come from by=\('run', 'event'\), seed=0, and not from"
    with pytest.raises(SplitError, match=message):
        SplitLoader(skim, split="train")
    again = memmpy.skim(store, keys=["gid"], progress=False)
    assert SplitLoader(again, split="train").splits == Splits(by=("event",), seed=5)


def test_a_skim_without_splits_is_in_the_order_that_the_usual_ones_need(store: Path) -> None:
    skim = memmpy.skim(store, keys=["gid"], progress=False)
    assert SplitLoader(skim, split="train").splits == Splits(by=("run", "event"))


def test_a_skim_keeps_its_splits_once_its_store_holds_other_files(store: Path) -> None:
    skim = memmpy.skim(store, keys=["event"], splits=Splits(), progress=False)
    train = values_of(SplitLoader(skim, split="train"), "event")
    other = write_events(store.parent / "c.root", np.arange(50), run=np.arange(50))
    memmpy.convert(other, store, keys={"gid"}, progress=False)
    assert sorted(values_of(SplitLoader(skim, split="train"), "event")) == sorted(train)


def test_a_skim_without_its_store_is_split_by_its_own_names(store: Path, tmp_path: Path) -> None:
    skim = memmpy.skim(store, keys=["event"], splits=Splits(num_folds=3), progress=False)
    expected = values_of(SplitLoader(skim, split="test", fold=1), "event")
    shutil.copytree(skim.path, tmp_path / "away" / "alone")
    alone = memmpy.Skim(tmp_path / "away" / "alone")
    again = SplitLoader(alone, split="test", splits=Splits(num_folds=3), fold=1)
    assert values_of(again, "event").tolist() == expected.tolist()


def _train(path: str, seed: int, queue: Any) -> None:
    try:
        memmpy.open(path).loader("train", keys=["event"], splits=Splits(seed=seed))
    except SplitError:
        queue.put(None)
    else:
        queue.put(seed)


@pytest.mark.slow
def test_of_processes_that_race_one_records_its_splits_and_the_others_hear_it(store: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    workers = [context.Process(target=_train, args=(str(store), i, queue)) for i in range(3)]
    for worker in workers:
        worker.start()
    told = [queue.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    (winner,) = (seed for seed in told if seed is not None)
    assert memmpy.open(store).splits == Splits(by=("run", "event"), seed=winner)


def test_splits_that_cannot_be_understood_are_damage(store: Path) -> None:
    splits = {"by": ["event"], "num_folds": 3, "split_by": "event % 3"}
    rewrite(store / METADATA, lambda fields: fields.update(splits={"splits": splits}))
    with pytest.raises(CorruptStoreError, match="splits that cannot be read"):
        memmpy.open(store).loader("train")


def test_a_store_without_files_is_split_by_what_names_its_events(tmp_path: Path) -> None:
    with WriteVector(tmp_path / "s", "event") as column:
        column.extend(np.arange(1000))
    opened = memmpy.open(tmp_path / "s")
    assert opened.loader("train").splits == Splits(by=("event",))
    opened.set_splits(Splits(by="file"))
    assert abs(opened.loader("train").num_entries - 800) < 60


def test_a_store_that_can_only_be_read_is_split_and_keeps_no_record(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(Path(__file__).parents[1] / "stores" / "memmpy-0.1.2", tmp_path / "s")
    opened = memmpy.open(tmp_path / "s")
    longest = max(opened, key=lambda key: len(opened[key]))
    with caplog.at_level(logging.INFO, "memmpy"):
        nums = [opened.loader(split, keys=[longest]).num_entries for split in SPLITS]
    assert sum(nums) == len(opened[longest])
    assert opened.splits is None
    assert "are not recorded" in caplog.text


def test_an_old_store_takes_the_splits_of_the_first_call(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parents[1] / "stores" / "format-2", tmp_path / "s")
    opened = memmpy.open(tmp_path / "s")
    assert opened.splits is None
    key = next(iter(opened))
    loader = opened.loader("train", keys=[key])
    assert opened.splits == loader.splits
    assert read_metadata(tmp_path / "s").splits is not None
