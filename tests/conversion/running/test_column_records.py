"""Clipped items of a conversion are counted, kept and warned of; and masks."""

import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st

from memmpy import Work, convert, load_root, read_vector
from memmpy.errors import ConversionWarning, InputFileError, OptionError
from memmpy.jagged import Clipping
from memmpy.store import METADATA, read_metadata
from tests.conftest import CLIPS, MakeFile
from tests.documents import rewrite

PADDED: dict[str, Any] = {"keys": {"nJets"}, "keys_padded": {"jet_pt": (2, 0.0)}}
#: Of 0 to 3 jets in turn, padding to two cuts off one in four events.
OF_20 = Clipping(30, 20, 5, 5, 3)


def warned_of(call: Any) -> tuple[Any, list[str]]:
    """Return what a call returns, and the warnings of conversion that it gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call()
    assert all(issubclass(one.category, ConversionWarning) for one in caught)
    return result, [str(one.message) for one in caught]


def write_lists(path: Path, counts: Sequence[int]) -> Path:
    with uproot.recreate(path) as file:
        file["tree"] = {"pt": ak.unflatten(np.ones(sum(counts)), np.array(counts, np.int64))}
    return path


def slowly(counts: Sequence[int], length: int) -> Clipping:
    return Clipping(
        sum(counts),
        len(counts),
        sum(max(0, num - length) for num in counts),
        sum(num > length for num in counts),
        max(counts, default=0),
    )


COUNTS = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=8), min_size=1, max_size=3)


@pytest.mark.slow
@CLIPS
@settings(max_examples=15)
@given(COUNTS, st.integers(0, 5), st.booleans())
def test_what_is_clipped_is_what_each_entry_loses(
    counts: list[list[int]], length: int, has_lists: bool
) -> None:
    with TemporaryDirectory() as folder:
        files = [write_lists(Path(folder, f"{i}.root"), one) for i, one in enumerate(counts)]
        asked: dict[str, Any] = {"keys_padded": {"p": (length, 0)}, "aliases": {"p": "pt"}}
        if has_lists:  # which are padded without reading the files again
            convert(files, Path(folder, "s"), keys={"pt"})
        else:  # the first file alone, then the others
            convert(files[:1], Path(folder, "s"), keys=(), **asked)
        done = convert(files, Path(folder, "s"), keys=(), **asked)
        assert done.clippings == {"p": (slowly([*chain(*counts)], length), length)}
        assert has_lists <= done.was_cached
        # A file that leaves takes its counts along.
        done = convert(files[1:] or files, Path(folder, "s"), keys=(), **asked)
        rest = [*chain(*(counts[1:] or counts))]
        assert done.clippings == {"p": (slowly(rest, length), length)}
        assert done.was_cached


@CLIPS
def test_processes_count_what_threads_do(make_file: MakeFile, tmp_path: Path) -> None:
    file = make_file(num=20)
    with ProcessPoolExecutor(1) as pool:
        done = convert(file, tmp_path / "s", work=Work(pool, step_bytes=1), **PADDED)
    assert done.clippings == {"jet_pt": (OF_20, 2)}


@CLIPS
def test_a_conversion_that_goes_on_counts_what_was_read_before(
    make_file: MakeFile, tmp_path: Path
) -> None:
    first, second = make_file("a.root"), make_file("b.root", first=10)
    whole = second.read_bytes()
    with uproot.open(second) as file:
        start = file["tree"]["jet_pt"].basket(0).cursor.index
    second.write_bytes(whole[:start] + bytes(1000) + whole[start + 1000 :])
    with pytest.raises(InputFileError):
        convert([first, second], tmp_path / "s", **PADDED)
    second.write_bytes(whole)
    done = convert([first, second], tmp_path / "s", **PADDED)
    assert done.clippings == {"jet_pt": (OF_20, 2)}


def test_each_clipped_key_warns_once_and_again_when_nothing_is_read(
    make_file: MakeFile, tmp_path: Path
) -> None:
    file = make_file(num=20)
    for was_cached in (False, True):
        done, notes = warned_of(lambda: convert(file, tmp_path / "s", **PADDED))
        assert done.was_cached is was_cached
        assert notes == [OF_20.warning("jet_pt", 2)]
        assert "padded" in str(done)
        words = "jet_pt to 2: 16.7 % of the items clipped, in 25.0 % of the entries"
        assert words in str(done)
        assert words in done._repr_html_()


def test_what_is_long_enough_says_nothing(make_file: MakeFile, tmp_path: Path) -> None:
    done = convert(make_file(), tmp_path / "s", keys=(), keys_padded={"jet_pt": (3, 0)})
    assert "clipped" not in str(done)


def test_a_column_of_before_has_no_counts(make_file: MakeFile, tmp_path: Path) -> None:
    file = make_file(num=20)
    warned_of(lambda: convert(file, tmp_path / "s", **PADDED))
    origin = read_metadata(tmp_path / "s").columns["jet_pt"].origin
    assert origin is not None
    assert origin.clipped == ((30, 5, 5, 3),)
    rewrite(tmp_path / "s" / METADATA, lambda m: m["columns"]["jet_pt"]["origin"].pop("clipped"))
    done, notes = warned_of(lambda: convert(file, tmp_path / "s", **PADDED))
    assert done.was_cached
    assert notes == []
    assert "clipped" not in str(done)


@CLIPS
@pytest.mark.parametrize("has_lists", [False, True])
def test_a_mask_says_which_items_are_real(
    has_lists: bool, make_file: MakeFile, tmp_path: Path
) -> None:
    fixed = np.full((12, 4), np.nan, np.float32)
    file = make_file(num=12, fixed=fixed)
    asked: dict[str, Any] = {
        "keys": {"jet_pt_mask", "fixed_mask", "twice_mask"},
        "keys_padded": {"jet_pt": (2, 0), "fixed": (5, 0), "twice": (3, 0)},
        "aliases": {"twice": "2 * jet_pt"},
    }
    if has_lists:
        convert(file, tmp_path / "s", keys={"lists", "fixed"}, aliases={"lists": "jet_pt"})
    done = convert(file, tmp_path / "s", **asked)
    counts = np.arange(12)[:, np.newaxis] % 4
    for key, expected in {
        "jet_pt_mask": np.arange(2) < counts,
        "fixed_mask": np.broadcast_to(np.arange(5) < 4, (12, 5)),
        "twice_mask": np.arange(3) < counts,
    }.items():
        mask = read_vector(tmp_path / "s", key)
        assert mask.dtype == np.bool_
        assert np.array_equal(mask, expected)
    if has_lists:  # only the expression needs the file
        assert list(done.read.values()) == [("jet_pt",)]
        assert {c.key for c in done.plan.columns if None in c.reusable} == {"twice", "twice_mask"}
    assert convert(file, tmp_path / "s", **asked).was_cached


@CLIPS
def test_another_length_makes_another_mask(make_file: MakeFile, tmp_path: Path) -> None:
    file = make_file(num=8)
    for length in (3, 2):
        convert(file, tmp_path / "s", keys={"jet_pt_mask"}, keys_padded={"jet_pt": (length, False)})
        mask = read_vector(tmp_path / "s", "jet_pt_mask")
        assert np.array_equal(mask, np.arange(length) < np.arange(8)[:, np.newaxis] % 4)


@CLIPS
def test_a_mask_does_not_serve_for_padded_values(make_file: MakeFile, tmp_path: Path) -> None:
    file = make_file(num=8, flag=ak.unflatten(np.zeros(8, np.bool_), [2] * 4 + [0] * 4))
    padded = {"flag": (2, False)}
    convert(file, tmp_path / "s", keys={"flag_mask"}, keys_padded=padded)
    convert(
        file,
        tmp_path / "s",
        keys=(),
        keys_padded={"flag_mask": (2, False)},
        aliases={"flag_mask": "flag"},
    )
    assert not read_vector(tmp_path / "s", "flag_mask").any()


def test_a_mask_takes_a_dtype(make_file: MakeFile, tmp_path: Path) -> None:
    convert(
        make_file(num=4),
        tmp_path / "s",
        keys={"jet_pt_mask"},
        keys_padded={"jet_pt": (3, 0)},
        dtype={"jet_pt_mask": "float32"},
    )
    mask = read_vector(tmp_path / "s", "jet_pt_mask")
    assert mask.dtype == np.float32
    assert mask.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]


def test_an_alias_of_that_name_is_no_mask(make_file: MakeFile, tmp_path: Path) -> None:
    convert(
        make_file(num=4),
        tmp_path / "s",
        keys={"jet_pt_mask"},
        keys_padded={"jet_pt": (3, 0)},
        aliases={"jet_pt_mask": "nJets + 1"},
    )
    assert read_vector(tmp_path / "s", "jet_pt_mask").tolist() == [1, 2, 3, 4]


def test_a_branch_of_that_name_is_an_error_with_the_way_out(
    make_file: MakeFile, tmp_path: Path
) -> None:
    file = make_file(num=4, jet_pt_mask=np.arange(4))
    with pytest.raises(OptionError, match=r"'jet_pt_mask' is a branch of .* an alias of it"):
        convert(file, tmp_path / "s", keys={"jet_pt_mask"}, keys_padded={"jet_pt": (3, 0)})
    padded: dict[str, Any] = {"keys_padded": {"pt": (3, 0)}, "aliases": {"pt": "jet_pt"}}
    convert(file, tmp_path / "s", keys={"jet_pt_mask", "pt_mask"}, **padded)
    assert read_vector(tmp_path / "s", "jet_pt_mask").tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "asked",
    [
        {"keys": {"jet_pt_mask"}},
        {"keys": (), "tcut": "jet_pt_mask > 1"},
        {"keys": (), "aliases": {"jet_pt_mask": "met"}},
    ],
)
def test_the_masks_of_loaded_columns_need_their_names(
    asked: dict[str, Any], make_file: MakeFile, tmp_path: Path
) -> None:
    file, padded = make_file(), {"jet_pt": (3, 0)}
    with pytest.raises(OptionError, match=r"pad 'jet_pt' under another name: keys_padded=\{'jet"):
        load_root(file, tmp_path / "s", keys_padded=padded, skim=False, **asked)
