"""Tests of `memmpy convert`, as a user types it."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import awkward as ak
import click
import numpy as np
import pytest
import uproot
from click.testing import CliRunner, Result

from memmpy import Splits, load_memmaps, read_vector
from memmpy.cli import main
from memmpy.cli.parsing import parse_fills, parse_names, split_at_commas
from memmpy.splits import recorded_splits
from memmpy.store import read_metadata

MakeFile = Callable[..., Path]
COMMAND = [sys.executable, "-c", "from memmpy.cli import main; main()", "convert"]


def convert(*words: object) -> Result:
    return CliRunner().invoke(main, ["convert", *map(str, words)])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "s"


def test_keys_are_joined_by_commas_or_repeated(make_file: MakeFile, out: Path) -> None:
    done = convert(make_file(), "--out", out, "--keys", "met, nJets", "--keys", "weight")
    assert done.exit_code == 0, done.output
    assert set(load_memmaps(out)) == {"met", "nJets", "weight"}


def test_a_pattern_takes_all_that_match(make_file: MakeFile, out: Path) -> None:
    convert(make_file(), "--out", out, "--keys", "n*")
    assert {"nJets", "nBTags_77"} <= set(load_memmaps(out))


def write_brackets(path: Path) -> Path:
    with uproot.recreate(path) as file:
        lists = ak.Array([[1.0, 2.0], [], [3.0]])
        file.mkrntuple("t", {"hit.p[3]": lists, "hit.p3": lists, "x[2]": np.arange(3)})
    return path


def test_brackets_may_be_part_of_a_name(tmp_path: Path, out: Path) -> None:
    file = write_brackets(tmp_path / "a.root")
    done = convert(
        file,
        "--out",
        out,
        "--keys",
        "x[2],x2=`x[2]`",
        "--pad",
        "hit.p[3]:2:0",
        "--keys",
        "hit.p[45]",
    )
    assert done.exit_code != 0
    assert "the pattern 'hit.p[45]' matches no branch" in done.output
    done = convert(file, "--out", out, "--keys", "x[2],x2=`x[2]`", "--pad", "hit.p[3]:2:0")
    assert done.exit_code == 0, done.output
    assert set(load_memmaps(out)) == {"x[2]", "x2", "hit.p[3]"}


def test_a_key_is_renamed(make_file: MakeFile, out: Path) -> None:
    convert(make_file(), "--out", out, "--keys", "missing=met,nJets")
    assert set(load_memmaps(out)) == {"missing", "nJets"}


def test_pad_takes_length_and_fill(make_file: MakeFile, out: Path) -> None:
    convert(make_file(), "--out", out, "--pad", "jet_pt:4:nan")
    assert np.isnan(read_vector(out, "jet_pt")).any()
    assert read_vector(out, "jet_pt").shape == (10, 4)


def test_pad_can_rename(make_file: MakeFile, out: Path) -> None:
    convert(make_file(), "--out", out, "--pad", "pt=jet_pt:4:-1", "--keys", "jet_pt")
    assert read_vector(out, "pt").min() == -1
    assert set(load_memmaps(out)) == {"pt", "jet_pt"}


def test_an_alias_is_computed(make_file: MakeFile, out: Path) -> None:
    done = convert(make_file(), "--out", out, "--keys", "met,g", "--alias", "g=max(met, 2) * 0.001")
    assert done.exit_code == 0, done.output
    met = read_vector(out, "met")
    assert np.allclose(read_vector(out, "g"), np.maximum(met, 2) * 0.001)


def test_an_alias_of_a_used_alias_is_used(make_file: MakeFile, out: Path) -> None:
    done = convert(
        make_file(), "--out", out, "--keys", "b,met", "--alias", "a=met*2", "--alias", "b=a*3"
    )
    assert done.exit_code == 0, done.output
    columns = load_memmaps(out, ["b", "met"])
    assert np.array_equal(np.asarray(columns["b"]), np.asarray(columns["met"]) * 2 * 3)


def test_dtype_is_that_on_disk(make_file: MakeFile, out: Path) -> None:
    convert(make_file(), "--out", out, "--keys", "met", "--dtype", "met=float16")
    assert read_vector(out, "met").dtype == np.float16


def test_several_trees_are_taken_of_each_file(tmp_path: Path, out: Path) -> None:
    trees = {"nominal": 3, "syst_up": 2, "syst_down": 1, "other": 5}
    with uproot.recreate(tmp_path / "a.root") as file:
        for tree, num in trees.items():
            file.mktree(tree, {"x": "f8"}).extend({"x": np.full(num, float(num))})
    words = [tmp_path / "a.root", "--out", out, "--keys", "x", "--metadata", "variation={tree}"]
    done = convert(*words, "--tree", "nominal", "--tree", "syst_*")
    assert done.exit_code == 0, done.output
    names = [source.metadata["variation"] for source in read_metadata(out).sources]
    assert names == ["nominal", "syst_down", "syst_up"]
    assert read_vector(out, "x").tolist() == [3, 3, 3, 1, 2, 2]
    done = convert(*words, "--tree", "other")
    assert [source.metadata for source in read_metadata(out).sources] == [{"variation": "other"}]


def test_metadata_belongs_to_all_files(make_file: MakeFile, out: Path) -> None:
    files = [make_file("a.root"), make_file("b.root", first=10)]
    convert(*files, "--out", out, "--keys", "met", "--metadata", "process=ttH, b=1")
    assert [dict(s.metadata) for s in read_metadata(out).sources] == [{"process": "ttH, b=1"}] * 2


def test_numbers_and_totals_belong_to_all_files(make_file: MakeFile, out: Path) -> None:
    files = [make_file("a.root"), make_file("b.root", first=10)]
    options = ["--metadata", "year=2018", "--number", "xsec=1.5", "--number", "is_mc=true"]
    done = convert(*files, "--out", out, "--keys", "met", *options, "--total", "sum_w=tree:weight")
    assert done.exit_code == 0, done.output
    first, _ = read_metadata(out).sources
    assert (first.metadata, first.numbers.values) == (
        {"year": "2018"},
        {"xsec": 1.5, "is_mc": True},
    )
    assert set(read_vector(out, "sum_w")) == {1.5 * sum(range(20))}
    assert read_vector(out, "is_mc").dtype == np.bool_


def test_entries_are_chosen_in_each_file(make_file: MakeFile, out: Path) -> None:
    files = [make_file("a.root"), make_file("b.root", first=10)]
    convert(*files, "--out", out, "--keys", "met", "--entry-start", 2, "--entry-stop", 5)
    assert (read_vector(out, "met") * 8).tolist() == [2, 3, 4, 12, 13, 14]


RECIPE = """
store = "s.mmpy"
[[files]]
path = "a.root"
metadata = { process = "ttH", year = "x", xsec = 2 }
[[files]]
path = "b.root"
tree = "tree"
metadata = { process = "other", year = "x" }
entry_stop = 3
[convert]
keys = ["met2"]
keys_padded = { jet_pt = [2, nan] }
aliases = { met2 = "met * 2" }
dtype = { met2 = "float64" }
[splits]
by = ["eventNumber"]
"""


@pytest.fixture
def recipe(make_file: MakeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_file("a.root")
    make_file("b.root", first=10)
    (tmp_path / "data.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    return Path("data.toml")


def test_a_recipe_names_files_columns_splits_and_the_store(recipe: Path) -> None:
    done = convert(recipe)
    assert done.exit_code == 0, done.output
    metadata = read_metadata("s.mmpy")
    assert [dict(source.metadata) for source in metadata.sources] == [
        {"process": "ttH", "year": "x"},
        {"process": "other", "year": "x"},
    ]
    assert [source.num_entries for source in metadata.sources] == [10, 3]
    assert [source.numbers.values for source in metadata.sources] == [{"xsec": 2}, {}]
    met = read_vector("s.mmpy", "met2")
    assert met.dtype == np.float64
    assert met.tolist() == [number / 4 for number in range(13)]
    assert read_vector("s.mmpy", "jet_pt").shape == (13, 2)
    assert recorded_splits(metadata) == Splits(by=("eventNumber",))


def test_options_override_a_recipe(recipe: Path) -> None:
    done = convert(
        *(recipe, "--out", "other.mmpy", "--entry-start", 1, "--entry-stop", 4),
        *("--metadata", "year=y", "--number", "lumi=5", "--by", "runNumber,eventNumber"),
    )
    assert done.exit_code == 0, done.output
    assert not Path("s.mmpy").exists()
    metadata = read_metadata("other.mmpy")
    assert [dict(source.metadata) for source in metadata.sources] == [
        {"process": "ttH", "year": "y"},
        {"process": "other", "year": "y"},
    ]
    assert [source.numbers.values for source in metadata.sources] == [
        {"xsec": 2, "lumi": 5},
        {"lumi": 5},
    ]
    assert [source.num_entries for source in metadata.sources] == [3, 3]
    assert recorded_splits(metadata) == Splits(by=("runNumber", "eventNumber"))


def test_options_of_columns_replace_those_of_a_recipe(recipe: Path) -> None:
    recipe.write_text(RECIPE + "[training.inputs]\nx = ['weight']")
    done = convert(recipe, "--keys", "nJets", "--dtype", "nJets=int64")
    assert done.exit_code == 0, done.output
    columns = read_metadata("s.mmpy").columns
    assert {*columns} == {"nJets", "eventNumber", "process", "year", "xsec"}
    assert read_vector("s.mmpy", "nJets").dtype == np.int64


def test_without_keys_a_recipe_converts_what_its_training_set_needs(recipe: Path) -> None:
    text = RECIPE[: RECIPE.index("[convert]")]
    more = "[training]\ncut = 'nBTags_77 > 0'\n[training.inputs]\nx = ['2 * met']\n"
    recipe.write_text(text + more)
    done = convert(recipe)
    assert done.exit_code == 0, done.output
    assert {*read_metadata("s.mmpy").columns} >= {"met", "nBTags_77", "runNumber", "eventNumber"}
    assert not {*read_metadata("s.mmpy").columns} & {"weight", "jet_pt", "nJets"}


def test_a_dry_run_of_a_recipe_writes_nothing(recipe: Path) -> None:
    done = convert(recipe, "--dry-run")
    assert done.exit_code == 0, done.output
    assert "to do: read 2 files" in done.output
    assert not Path("s.mmpy").exists()


def test_a_recipe_names_friends(make_file: MakeFile, recipe: Path) -> None:
    make_file("friend_a.root", tree="scores", score=np.arange(10.0))
    recipe.write_text(
        """
        store = "s.mmpy"
        [[files]]
        path = "a.root"
        tree = "tree"
        friends = { scores = "friend_{stem}.root" }
        [convert]
        keys = ["score"]
        """
    )
    done = convert(recipe)
    assert done.exit_code == 0, done.output
    assert read_vector("s.mmpy", "score").tolist() == [*range(10)]


def test_convert_prints_a_report(make_file: MakeFile, out: Path) -> None:
    done = convert(make_file(), "--out", out, "--keys", "met,jet_pt")
    assert "read 1 file, wrote 2 columns" in re.sub(r"\s+", " ", done.output)
    assert "entries/s" in done.output


def test_a_second_run_says_that_the_store_has_all(make_file: MakeFile, out: Path) -> None:
    file = make_file()
    convert(file, "--out", out, "--keys", "met,jet_pt")
    done = convert(file, "--out", out, "--keys", "met,jet_pt")
    assert "nothing was done, the store has all 2 columns" in re.sub(r"\s+", " ", done.output)


def test_recreate_reads_again(make_file: MakeFile, out: Path) -> None:
    file = make_file()
    convert(file, "--out", out, "--keys", "met")
    done = convert(file, "--out", out, "--keys", "met", "--recreate")
    assert "read 1 file, wrote 1 column" in re.sub(r"\s+", " ", done.output)


def test_a_dry_run_prints_the_plan_and_writes_nothing(make_file: MakeFile, out: Path) -> None:
    done = convert(make_file(), "--out", out, "--keys", "met", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "to do: read 1 file, write 1 column" in done.output
    assert not out.exists()


def test_quiet_prints_nothing(make_file: MakeFile, out: Path) -> None:
    assert convert(make_file(), "--out", out, "--keys", "met", "--quiet").output == ""


def test_a_warning_shows_no_line_of_python(make_file: MakeFile, out: Path) -> None:
    options = ["--keys", "weight", "--alias", "weight=met * 1e9", "--dtype", "weight=float16"]
    done = convert(make_file(), "--out", out, *options)
    assert done.stderr.startswith("memmpy: warning: 9 values of 'weight' do not fit")
    assert ".py" not in done.stderr


@pytest.mark.slow
def test_processes_write_the_same_store(make_file: MakeFile, out: Path, tmp_path: Path) -> None:
    file = make_file(num=1000)
    options = ["--keys", "met,jet_pt", "--step-bytes", 1000]
    assert convert(file, "--out", out, *options).exit_code == 0
    done = convert(file, "--out", tmp_path / "p", *options, "--workers", 2)
    assert done.exit_code == 0, done.output
    assert read_metadata(out).columns == read_metadata(tmp_path / "p").columns


@pytest.mark.slow
def test_a_dask_cluster_does_the_work(make_file: MakeFile, out: Path) -> None:
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        done = convert(
            make_file(), "--out", out, "--keys", "met", "--dask", cluster.scheduler_address
        )
    assert done.exit_code == 0, done.output
    assert len(read_vector(out, "met")) == 10


def test_without_dask_it_says_how_to_install_it(
    make_file: MakeFile, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = convert(make_file(), "--out", out, "--keys", "met", "--dask", "tcp://x:1")
    assert done.exit_code == 2
    assert "pip install 'memmpy[dask]'" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.root", "--keys", "met"], "no such file: 'missing.root'"),
        (["FILE", "--keys", "mett"], "nearest: 'met'"),
        (["none.toml"], "no such file: 'none.toml'"),
    ],
)
def test_errors_are_printed_without_a_traceback(
    words: list[str],
    message: str,
    make_file: MakeFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check_error(words, message, make_file(), tmp_path, monkeypatch, status=1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--keys", "met"], "name FILES, or a recipe such as data.toml"),
        (["data.toml", "FILE"], "data.toml is a recipe, which names all files: give it alone"),
        (["missing.root"], "name the keys: --keys"),
        (["FILE", "--pad", "jet_pt:nan"], "--pad takes key:length:fill, such as jet_pt:22:nan"),
        (["FILE", "--pad", "jet_pt:x:nan"], "--pad takes key:length:fill"),
        (["FILE", "--pad", "jet_pt:2:nan,jet_pt:3:nan"], "--pad names 'jet_pt' twice"),
        (["FILE", "--keys", "=met"], "new=branch renames a branch, got '=met'"),
        (["FILE", "--keys", "a=met,a=weight"], "two branches, 'met' and 'weight'"),
        (["FILE", "--keys", "met", "--dtype", "met"], "--dtype takes name=value"),
        (["FILE", "--keys", "met", "--metadata", "ttH"], "such as process=ttH, got 'ttH'"),
        (["FILE", "--keys", "met", "--number", "x=ttH"], "such as xsec=1.23, got 'ttH'"),
        (["FILE", "--keys", "met", "--number", "x=nan"], "'x' is nan; leave 'x' out"),
        (
            ["FILE", "--keys", "met", "--number", "x=1", "--metadata", "x=1"],
            "--metadata and --number both name 'x'",
        ),
        (["FILE", "--keys", "met", "--total", "x"], "such as sum_w=Runs:genEventSumw, got 'x'"),
        (["FILE", "--keys", "met", "--total", "x=tree"], "the total 'x' is 'tree'; write 'tree:"),
        (["FILE", "--keys", "a", "--alias", "a=met", "--alias", "a=x"], "--alias names 'a' twice"),
        (
            ["FILE", "--keys", "a=met", "--alias", "a=weight"],
            "'a' is defined twice, as 'weight' and 'met'",
        ),
        (["FILE", "--keys", "met", "--alias", "a=met * 2"], "nothing uses the alias 'a'"),
        (["FILE", "--keys", "met", "--workers", "2", "--dask", "x"], "exclude each other"),
        (["FILE", "--keys", "met", "--workers", "0"], "--workers"),
        (
            ["FILE", "--keys", "met", "--step-bytes", "0"],
            "--step-bytes must be an integer of",
        ),
        (["FILE", "--pad", "jet_pt:3:1e400"], "1e400 is too large for a float64; write inf"),
        (["FILE", "--pad", "jet_pt:3:-1e400"], "-1e400 is too large for a float64; write inf"),
        (["FILE", "--pad", "jet_pt:-1:0"], "a length is an integer in 0 <= length"),
        (["FILE", "--keys", "met", "--entry-start", "-1"], "0 <= start <= stop"),
    ],
)
def test_a_usage_error_has_status_2(
    words: list[str],
    message: str,
    make_file: MakeFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check_error(words, message, make_file(), tmp_path, monkeypatch, status=2)


def check_error(
    words: list[str],
    message: str,
    file: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    status: int,
) -> None:
    monkeypatch.chdir(folder)
    done = convert(*(file if word == "FILE" else word for word in words), "--out", "s")
    assert done.exit_code == status
    assert message in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "[convert]",
            "[convrt]",
            "data.toml, line 11: a recipe has no 'convrt'; nearest: 'convert'",
        ),
        ('keys = ["met2"]', 'keys = ["met"]', "line 11: nothing uses the alias 'met2'"),
        ('store = "s.mmpy"', "", "data.toml names no store: write store = 'data.mmpy' at its top"),
        ('path = "a.root"', 'pth = "a.root"', "line 4: [[files]] has no 'pth'; nearest: 'path'"),
    ],
)
def test_a_wrong_recipe_is_an_error_with_its_line(
    old: str, new: str, message: str, recipe: Path
) -> None:
    recipe.write_text(RECIPE.replace(old, new, 1))
    done = convert(recipe)
    assert done.exit_code == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("store = 's'\n[convert]\nkeys = ['met']", "has no files: write [[files]] with path"),
        ("store = 's'\n[[files]]\npath = 'a.root'", "name the keys: --keys"),
    ],
)
def test_a_recipe_without_files_or_keys_converts_nothing(
    text: str, message: str, recipe: Path
) -> None:
    recipe.write_text(text)
    done = convert(recipe)
    assert done.exit_code == 2
    assert message in done.stderr


def test_without_a_recipe_the_store_is_needed(recipe: Path) -> None:
    done = convert("a.root", "--keys", "met")
    assert done.exit_code == 2
    assert "name the store: --out data.mmpy" in done.stderr


def test_a_comma_in_brackets_joins_nothing() -> None:
    assert split_at_commas(["a, b", "x=min(c,d),[e,f]*", ""]) == ["a", "b", "x=min(c,d)", "[e,f]*"]


def interrupted(file: Path, out: Path, *more: str) -> tuple[int, list[str]]:
    """Return how a conversion ends, and what it says, if Ctrl-C comes once something is read."""
    options = ["--out", str(out), "--keys", "*", "--step-bytes", "20000", *more]
    with subprocess.Popen([*COMMAND, str(file), *options], stderr=subprocess.PIPE) as process:
        journal = out / "unfinished" / "journal.jsonl"
        while not journal.exists() and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    return process.returncode, errors.decode().splitlines()


@pytest.fixture
def long_file(tmp_path: Path) -> Path:
    """Return a file that takes a while: of many small baskets."""
    with uproot.recreate(tmp_path / "long.root") as file:
        tree = file.mktree("tree", {"x": "f8", "y": "f8"})
        for i in range(1000):
            tree.extend({"x": np.arange(1000.0) + i, "y": np.arange(1000.0)})
    return tmp_path / "long.root"


@pytest.mark.slow
def test_ctrl_c_names_the_finished_part(long_file: Path, out: Path) -> None:
    for _ in range(10):  # it may come before the first line of the journal
        status, lines = interrupted(long_file, out)
        assert status == 130
        assert len(lines) == 1
        if not lines[0].endswith("is unchanged"):
            break
    assert lines[0].startswith("memmpy: interrupted; the finished part is in ")


@pytest.mark.slow
def test_after_ctrl_c_the_same_command_finishes(long_file: Path, out: Path) -> None:
    interrupted(long_file, out)
    assert convert(long_file, "--out", out, "--keys", "*").exit_code == 0
    assert len(read_vector(out, "x")) == 1_000_000


@pytest.mark.slow
def test_processes_say_nothing_of_ctrl_c(long_file: Path, out: Path) -> None:
    assert len(interrupted(long_file, out, "--workers", "2")[1]) == 1


@pytest.mark.slow
def test_processes_end_with_a_command_that_is_killed(long_file: Path, out: Path) -> None:
    options = ["--out", str(out), "--keys", "*", "--step-bytes", "20000", "--workers", "2"]
    with subprocess.Popen([*COMMAND, str(long_file), *options], stdout=subprocess.PIPE) as process:
        while not (out / "unfinished" / "journal.jsonl").exists() and process.poll() is None:
            time.sleep(0.001)
        process.kill()
        process.communicate(timeout=60)  # until no process has its stdout any more
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("fill", ["inf", "-Infinity", "nan"])
def test_fills_that_are_not_finite_can_be_typed(fill: str, make_file: MakeFile, out: Path) -> None:
    assert convert(make_file(), "--out", out, "--pad", f"jet_pt:4:{fill}").exit_code == 0
    assert not np.isfinite(read_vector(out, "jet_pt")[0]).any()


def test_a_constant_is_not_infinite_by_a_slip() -> None:
    with pytest.raises(click.UsageError, match="1e400 is too large for a float64"):
        parse_names([], ["limit=1e400"])[1]
    assert parse_names([], ["limit=inf"])[1] == {"limit": float("inf")}


def test_constants_are_numbers_booleans_or_texts() -> None:
    texts = ["a=6", "b=-0.5", "c=true", "d=False", "e=ttH", "f='6'", "g=x=y"]
    values = {"a": 6, "b": -0.5, "c": True, "d": False, "e": "ttH", "f": "6", "g": "x=y"}
    found = parse_names([], texts)[1]
    assert found == values
    assert [type(value) for value in found.values()] == [type(value) for value in values.values()]


def test_missing_values_get_the_replacement(out: Path, tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = pa.table({"run": [1, None], "tag": ["a", None], "pt": [[1.0], None]})
    parquet.write_table(table, tmp_path / "a.parquet")
    fills = ["--missing", "run=-1", "--missing", "tag='?'", "--missing", "pt=[]"]
    done = convert(tmp_path / "a.parquet", "--out", out, "--keys", "*", *fills)
    assert done.exit_code == 0, done.output
    assert read_vector(out, "run").tolist() == [1, -1]
    assert "int64, missing as -1" in done.output
    recipe = "[[files]]\npath = 'a.parquet'\nmissing = { run = 'none' }\n"
    (tmp_path / "data.toml").write_text(recipe)
    done = convert(tmp_path / "data.toml", "--out", out, "--keys", "run", "-n")
    assert "?int64, missing kept" in done.output


def test_fills_are_numbers_texts_lists_and_none() -> None:
    texts = ["a=1", "b=0.5", "c=true", "d=x", "e=[]", "f=none", "g='none'", "h=''"]
    fills = {"a": 1, "b": 0.5, "c": True, "d": "x", "e": [], "f": None, "g": "none", "h": ""}
    assert parse_fills(texts) == fills
