"""Tests of what users meet first: the names, the README, and how quickly the package imports."""

import inspect
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import MemmpyError, MemmpyWarning
from memmpy.demo import write_demo_files

README = Path(__file__).parents[1] / "README.md"
PAGE = README.parent / "docs" / "guides" / "memmpy_0_1.md"

#: As users of the original memmpy know them.
SEED_SNIPPETS = [
    """
with WriteVector(path="data.mmpy", key="testdata") as memfile:
    # Append a single numpy array.
    # The shape and dtype will be inferred from the array.
    memfile.append(np.array([1, 2, 3]))

    # Append another numpy array of the same shape and dtype
    memfile.append(np.array([4, 5, 6]))

    # Extend the file by an array with an additional axis.
    memfile.extend(np.array([[7, 8, 9], [10, 11, 12]]))

memmap_data = read_vector(path="data.mmpy", key="testdata")
""",
    """
loader = SplitLoader(
    # provide a dict of memmap, ReadJagged or ReadShaped
    data={"first_memmap": memmap_data},
    batch_size=128,
    shuffle=True,
)

for batch in loader:
    ...
""",
    """
subindicies = compute_cut_batched(
    path="data.mmpy",
    expression="testdata > 5"
)
""",
    """
loader = SplitLoader(
    data={"first_memmap": memmap_data}, batch_size=128, shuffle=True, subindex=subindicies
)
""",
    """
loader = load_root(
    root_files=[
        RFileConfig(
            path="ttbb_mc16a.root",
            tree="tree1",
            metadata={"process": "ttbb", "year": "mc16a"},
        ),
        RFileConfig(
            path="ttH_mc16d.root",
            tree="tree2",
            metadata={"process": "ttH", "year": "mc16d"},
        ),
    ],
    path_mmap="data.mmpy",
    keys={"nJets", "nBTags_77"},
    # variable length arrays can be padded to the same length with a given value
    keys_padded={"jet_pt": (22, float("nan"))},
    batch_size=128,
    tcut="nJets >= 6 & nBTags_77 >= 2",
)
""",
]


@pytest.fixture
def demo_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_demo_files(tmp_path, num_events=2000, seed=1)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(snippets: list[str]) -> dict[str, object]:
    """Run snippets one after the other, as a user types them, and return their names."""
    names: dict[str, object] = {
        "np": np,
        **{name: getattr(memmpy, name) for name in memmpy.__all__},
    }
    for snippet in snippets:
        exec(compile(snippet, "<snippet>", "exec"), names)  # noqa: S102
    return names


def snippets_of(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def check_training_batches(loader: object) -> None:
    assert isinstance(loader, memmpy.SplitLoader)
    batches = list(loader)
    assert batches
    padded = {"jet_pt", "jet_pt_mask"}
    assert batches[0].keys() == {"nJets", "nBTags_77", *padded, "process", "year", "_index"}
    for batch in batches:
        assert batch["nJets"].min() >= 6
        assert batch["nBTags_77"].min() >= 2
        assert batch["jet_pt"].dtype == np.float32
        assert batch["jet_pt"].shape == (len(batch["_index"]), 22)
        assert batch["process"].dtype == np.uint64
    assert len({n for batch in batches for n in batch["process"].tolist()}) == 2


@pytest.mark.usefixtures("demo_folder")
def test_the_snippets_of_the_seed_run_as_written() -> None:
    names = run(SEED_SNIPPETS)
    memmap_data, subindices = names["memmap_data"], names["subindicies"]
    assert isinstance(memmap_data, np.memmap)
    assert memmap_data.shape == (4, 3)
    assert isinstance(subindices, np.ndarray)
    assert subindices.tolist() == [1, 2, 3]
    check_training_batches(names["loader"])


@pytest.mark.usefixtures("demo_folder")
@pytest.mark.skipif(not PAGE.exists(), reason="the docs are not beside the tests")
def test_the_snippets_of_the_page_on_the_original_memmpy_run_as_written() -> None:
    snippets = snippets_of(PAGE)
    assert len(snippets) == 3
    names = run(snippets)
    check_training_batches(names["loader"])
    memmap_data, subindices = names["memmap_data"], names["subindices"]
    assert isinstance(memmap_data, np.memmap)
    assert isinstance(subindices, np.ndarray)
    assert subindices.tolist() == [1, 2, 3]


@pytest.mark.usefixtures("demo_folder")
@pytest.mark.skipif(not README.exists(), reason="the README is not beside the tests")
def test_the_snippet_of_the_readme_runs_as_written() -> None:
    (snippet,) = snippets_of(README)
    data, batch = (run([snippet])[name] for name in ("data", "batch"))
    assert isinstance(data, memmpy.TrainingSet)
    assert data.classes == ("background", "signal")
    assert isinstance(batch, dict)
    assert batch["event"].shape == (len(batch["_index"]), 2)
    assert batch["jets"].shape == (*batch["jets_mask"].shape, 2) == (len(batch["_index"]), 12, 2)


@pytest.mark.skipif(not README.exists(), reason="the README is not beside the tests")
def test_the_readme_is_short_and_its_links_lead_to_files() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 150
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text) + re.findall(
        r'(?:src|srcset)="(.*?)"', text
    )
    assert len(links) > 15
    assert [link for link in links if not (README.parent / link).exists()] == []


@pytest.mark.skipif(not README.exists(), reason="the README is not beside the tests")
def test_the_readme_does_not_install_the_original_memmpy() -> None:
    commands = re.findall(r"^pip install .*$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert commands
    assert all(" @ git+https://github.com/pwolle/memmpy" in command for command in commands)


@pytest.mark.skipif(not PAGE.exists(), reason="the docs are not beside the tests")
def test_the_reference_lists_every_error_and_warning() -> None:
    page = (PAGE.parents[1] / "reference" / "errors.md").read_text(encoding="utf-8")
    names = [
        name
        for name, value in vars(memmpy.errors).items()
        if isinstance(value, type) and issubclass(value, (MemmpyError, MemmpyWarning))
    ]
    listed = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert sorted(names) == sorted(listed | {"MemmpyError", "MemmpyWarning"})
    assert [name for name in names if f"{name}\n" not in page] == []


def test_every_public_name_is_there_and_has_a_docstring() -> None:
    for name in memmpy.__all__:
        value = getattr(memmpy, name)
        assert isinstance(value, str) or value.__doc__


def test_dir_shows_the_public_names_and_nothing_else() -> None:
    assert sorted(dir(memmpy)) == sorted([*memmpy.__all__, "open"])


def test_a_star_import_keeps_the_open_of_python() -> None:
    names: dict[str, object] = {}
    exec("from memmpy import *", names)  # noqa: S102
    assert "open" not in names


def public_callables() -> Iterator[tuple[str, Callable[..., object]]]:
    """Yield the public functions, classes and methods of classes, with their names."""
    for name in dir(memmpy):
        value = getattr(memmpy, name)
        is_class = isinstance(value, type)
        if callable(value) and not (is_class and issubclass(value, Exception)):
            yield name, value
        for method in vars(value) if is_class else ():
            if not method.startswith("_") and inspect.isfunction(getattr(value, method)):
                yield f"{name}.{method}", getattr(value, method)


def parameters_of(function: Callable[..., object]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def test_no_public_function_has_more_than_20_parameters_but_load_root_24() -> None:
    numbers = {name: len(parameters_of(function)) for name, function in public_callables()}
    assert numbers.pop("load_root") == 24
    assert len(numbers) > 50
    assert {name: num for name, num in numbers.items() if num > 20} == {}


def test_all_doors_of_loaders_have_the_same_options_in_the_same_order() -> None:
    options = ["splits", "split", "fold", "batch_size", "shuffle", "seed", "epoch", "drop_last"]
    options += ["num_threads", "rank", "world_size"]
    expected = inspect.signature(memmpy.load_root).parameters
    for door in (memmpy.load_root, memmpy.SplitLoader, memmpy.Store.loader):
        parameters = inspect.signature(door).parameters
        assert {name: parameters[name].default for name in options} == {
            name: expected[name].default for name in options
        }
        keywords = [name for name, one in parameters.items() if one.kind == one.KEYWORD_ONLY]
        in_order = [name for name in options if name in keywords]
        assert [name for name in keywords if name in options] == in_order


@pytest.mark.parametrize(
    "value", [memmpy.Splits(num_folds=5), memmpy.Shuffle("blocks", 64, 16), memmpy.Work(None, 5.0)]
)
def test_options_are_values(value: Any) -> None:
    assert pickle.loads(pickle.dumps(value)) == value == replace(value)
    assert hash(value) == hash(replace(value))
    with pytest.raises((FrozenInstanceError, TypeError)):
        value.seed = 3


@pytest.mark.parametrize(
    ("door", "names"),
    [
        (memmpy.convert, {"dtypes", "executor", "lock_timeout", "step_bytes"}),
        (memmpy.skim, {"executor", "lock_timeout"}),
        (memmpy.load_root, {"dtypes", "executor", "lock_timeout", "block_rows", "window_blocks"}),
        (memmpy.SplitLoader, {"block_rows", "window_blocks"}),
    ],
)
def test_what_a_value_holds_is_no_option_of_its_own(door: Any, names: set[str]) -> None:
    assert not names & {*parameters_of(door)}


@pytest.mark.slow
def test_importing_loads_no_slow_package() -> None:
    code = "import sys; names = {*sys.modules}; import memmpy; print(*({*sys.modules} - names))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    packages = {name.partition(".")[0] for name in done.stdout.split()}
    assert packages - sys.stdlib_module_names == {"memmpy"}


@pytest.mark.slow
def test_a_name_imports_its_room_and_no_other() -> None:
    code = "import memmpy, sys; memmpy.Jagged; print(*(n for n in sys.modules if 'memmpy.' in n))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    rooms = {name.split(".")[1] for name in done.stdout.split()}
    assert "jagged" in rooms
    assert rooms.isdisjoint({"conversion", "cuts", "dataset", "frameworks", "splits", "training"})


def test_a_misspelled_name_names_the_nearest() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'load_rot'; nearest: 'load_root'"):
        memmpy.load_rot  # type: ignore[attr-defined]  # noqa: B018


def test_the_errors_are_there_without_an_import_of_their_own() -> None:
    code = "import memmpy; assert issubclass(memmpy.errors.CutError, memmpy.MemmpyError)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_loading_batches_needs_neither_uproot_nor_awkward(tmp_path: Path) -> None:
    code = """
import sys, numpy as np, memmpy
with memmpy.WriteVector("s", "x") as column:
    column.extend(np.arange(100))
with memmpy.WriteJagged("s", "j") as column:
    for i in range(100):
        column.append(np.arange(i % 3))
cut = memmpy.compute_cut_batched("s", "x > 5")
loader = memmpy.SplitLoader(memmpy.load_memmaps("s"), batch_size=7, subindex=cut)
assert sum(len(batch["x"]) for batch in loader)
assert not {"uproot", "awkward"} & sys.modules.keys()
"""
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment)


def test_the_version_is_known() -> None:
    assert re.match(r"\d+\.\d+", memmpy.__version__)
