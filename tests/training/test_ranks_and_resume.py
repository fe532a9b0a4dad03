"""Tests of ranks in processes of their own: what they get, how they resume, what they make once."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import SplitLoader, Splits
from tests.training.rank_processes import (
    INPUTS,
    KINDS,
    NUM_EPOCHS,
    STEP_SIZE,
    read_results,
    run_groups,
)
from tests.training.samples import make_columns, write_file

pytest.importorskip("torch")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::memmpy.errors.LoaderWarning"),
]

NUM_EVENTS = 331
#: How often a conversion renames a file, at least.
NUM_RENAMED = 3


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of two processes with recorded splits."""
    folder = tmp_path_factory.mktemp("ranks")
    memmpy.convert(
        [
            memmpy.RFileConfig(path, "Events", {"process": process})
            for path, process in write_files(folder)
        ],
        folder / "s.mmpy",
        keys=["*"],
        splits=Splits(by=("process", "run", "event"), fractions={"train": 0.8, "test": 0.2}),
        progress=False,
    )
    return folder / "s.mmpy"


def write_files(folder: Path) -> list[tuple[Path, str]]:
    return [
        (write_file(folder / f"{process}{number}.root", make_columns(process, first, num)), process)
        for number, (process, first, num) in enumerate(
            (("DY", 0, NUM_EVENTS - 120), ("ggH", 0, 70), ("DY", 1000, 50))
        )
    ]


@pytest.mark.parametrize("num_ranks", [2, 4])
def test_ranks_share_epochs_of_any_size_in_equal_steps(tmp_path: Path, num_ranks: int) -> None:
    run_groups({"function": "load_all_sizes", "num_ranks": num_ranks, "folder": tmp_path})
    results = read_results(tmp_path, num_ranks)
    assert [*results[0]] == [(n, d) for n in range(1, 6 * num_ranks + 1) for d in (False, True)]
    for num, drop_last in results[0]:
        loader = SplitLoader({"x": np.arange(num)}, 3 * num_ranks, drop_last=drop_last)
        steps = [batch["_index"].tolist() for batch in loader]
        ranks = [result[num, drop_last] for result in results]
        assert {length for _, _, length in ranks} == {len(steps)}
        assert [len(batches) for batches, _, _ in ranks] == [len(steps)] * num_ranks
        for number, step in enumerate(steps):
            parts = [batches[number] for batches, _, _ in ranks]
            assert [one for index, _ in parts for one in index if one != -1] == step
            # Who has nothing of its own repeats an entry of the step, and says so.
            assert all(values == index or index == [-1] for index, values in parts)
            assert {value for _, values in parts for value in values} == {*step}
            sizes = [len(values) for _, values in parts]
            assert [others[number] for _, others, _ in ranks] == [sum(sizes) - n for n in sizes]
            assert max(sizes) - min(sizes) <= 1


def steps_of(folder: Path, num_ranks: int) -> dict[tuple[int, int], list[list[int]]]:
    """Return the entries of each rank at each step that all ranks wrote down."""
    steps: dict[tuple[int, int], list[list[int]]] = {}
    for rank in range(num_ranks):
        for line in (folder / f"log-{num_ranks}-{rank}").read_text().splitlines():
            epoch, step, index = json.loads(line)
            steps.setdefault((epoch, step), []).append(index)
    return {place: parts for place, parts in steps.items() if len(parts) == num_ranks}


@pytest.mark.parametrize("kind", KINDS)
def test_training_that_was_killed_goes_on_with_other_numbers_of_ranks(
    store: Path, tmp_path: Path, kind: str
) -> None:
    """Four ranks are killed at a random step; two and three go on in the same order."""
    data = memmpy.open(store).training_set(**INPUTS)
    one = data.loader("train", batch_size=STEP_SIZE, **KINDS[kind])
    expected = {
        (epoch, step): batch["_index"].tolist()
        for epoch in range(NUM_EPOCHS)
        for step, batch in enumerate(one.batches(epoch))
    }
    assert len(expected) == NUM_EPOCHS * len(one)
    random = np.random.default_rng(len(kind))
    step, rank = random.integers(1, len(expected)), random.integers(4)
    die = [int(rank), int(step), int(random.integers(3))]
    folders = {num_ranks: tmp_path / f"{num_ranks}" for num_ranks in (4, 2, 3)}
    for folder in folders.values():
        folder.mkdir()
    options = {"function": "train", "store": store, "kind": kind}
    run_groups({**options, "num_ranks": 4, "folder": folders[4], "is_killed": True, "die": die})
    for num_ranks in (2, 3):
        checkpoint = (folders[4] / "checkpoint").read_bytes()
        (folders[num_ranks] / "checkpoint").write_bytes(checkpoint)
    run_groups(*({**options, "num_ranks": n, "folder": folders[n]} for n in (2, 3)))

    def assert_as_expected(steps: dict[tuple[int, int], list[list[int]]]) -> None:
        for place, parts in steps.items():
            index = [entry for part in parts for entry in part if entry != -1]
            if kind == "sampling":  # each rank has the shares of its own, in an order of its own
                assert sorted(index) == sorted(expected[place])
                assert max(map(len, parts)) == min(map(len, parts))
            else:
                assert index == expected[place]

    before, num_done = steps_of(folders[4], 4), num_steps_of(folders[4] / "checkpoint", len(one))
    assert_as_expected(before)
    assert step - 1 <= num_done <= step + 1
    assert num_done - 1 <= len(before) <= num_done + 1
    for num_ranks in (2, 3):
        after = steps_of(folders[num_ranks], num_ranks)
        assert [*after] == [*expected][num_done:]
        assert_as_expected(after)
        results = read_results(folders[num_ranks], num_ranks)
        assert all(result == results[0] for result in results)
        assert results[0][1] == one.state_at(NUM_EPOCHS, 0)


def num_steps_of(checkpoint: Path, length: int) -> int:
    """Return the number of steps before a checkpoint, of epochs of some length."""
    import torch

    state = torch.load(checkpoint, weights_only=True)["loader"]
    return int(state["epoch"]) * length + int(state["position"]) // STEP_SIZE


def test_scores_of_two_ranks_are_those_of_one_process(store: Path, tmp_path: Path) -> None:
    data = memmpy.open(store).training_set(**INPUTS)
    loader = data.loader("test", batch_size=8192, shuffle=False)
    num = loader.num_entries
    # The last step has one event, so one rank repeats it.
    batch_size = next(size for size in range(3, num) if num % (2 * size) == 1)
    run_groups(
        {
            "function": "score",
            "num_ranks": 2,
            "folder": tmp_path,
            "store": store,
            "batch_size": batch_size,
        }
    )
    alone = data.scores()
    for batch in loader:
        alone.add(batch, 1 / (1 + np.exp(-batch["x"].sum(axis=1))))
    results = read_results(tmp_path, 2)
    assert sum(result["num_own"] for result in results) == len(alone) == num
    assert sorted(result["num_filled"] for result in results) == [0, 1]
    for result in results:
        for name in ("entries", "values", "labels", "weights", "folds"):
            np.testing.assert_array_equal(getattr(result["scores"], name), getattr(alone, name))
        assert result["auc"] == alone.auc()
        assert result["overlap"] == (0, num)  # of all ranks
        assert result["provenance"]["events"] == loader.provenance()["events"]
    assert results[0]["provenance"] == results[1]["provenance"]


def test_ranks_that_start_together_convert_skim_and_fit_once(tmp_path: Path) -> None:
    files = write_files(tmp_path)
    run_groups({"function": "prepare", "num_ranks": 4, "folder": tmp_path, "files": files})
    results = read_results(tmp_path, 4)
    messages = Counter(message for result in results for message in result[0])

    def num(text: str) -> int:
        return sum(n for message, n in messages.items() if text in message)

    for path, _ in files:
        assert num(f"of {path}") == 1, messages
    assert num("skimming ") == 1, messages
    # One pass for sums of all folds, and one for each fold of percentiles and of bins.
    assert num("reading all rows of ") == 1 + 2 * 3, messages
    assert all(result[1] == results[0][1] for result in results)
    # The store has one generation of each column, and all ranks together have each event once.
    generations = Counter(
        file.name.partition(".")[0] for file in (tmp_path / "s.mmpy").glob("*.npy")
    )
    assert max(generations.values()) <= 2  # content and offsets
    index = np.concatenate([batch["_index"] for result in results for batch in result[2]])
    own = np.sort(index[index != -1])
    loader = memmpy.training_set(
        [memmpy.RFileConfig(path, "Events", {"process": process}) for path, process in files],
        tmp_path / "s.mmpy",
        reweight=memmpy.Reweight({"met": [0, 30, 60, 200]}, to="signal"),
        **{**INPUTS, "scale": "robust"},
    ).loader("train", fold=1, batch_size=64)
    whole: dict[str, Any] = {key: [] for key in ("x", "weight", "_index")}
    for batch in loader:
        for key, parts in whole.items():
            parts.append(batch[key])
    joined = {key: np.concatenate(parts) for key, parts in whole.items()}
    np.testing.assert_array_equal(own, np.sort(joined["_index"]))
    order = np.argsort(joined["_index"])
    for result in results:
        for batch in result[2]:
            is_own = batch["_index"] != -1
            places = order[np.searchsorted(joined["_index"][order], batch["_index"][is_own])]
            assert batch["x"][is_own].tobytes() == joined["x"][places].tobytes()
            assert batch["weight"][is_own].tobytes() == joined["weight"][places].tobytes()


@pytest.mark.parametrize("die", [1, 2, 4, 7])
def test_ranks_finish_the_work_of_one_that_is_killed(tmp_path: Path, die: int) -> None:
    files, folders = write_files(tmp_path), [tmp_path / "killed", tmp_path / "whole"]
    for folder in folders:
        folder.mkdir()
    options = {"function": "prepare", "files": files}
    run_groups(
        {**options, "num_ranks": 3, "folder": folders[0], "die": die, "may_die": True},
        {**options, "num_ranks": 1, "folder": folders[1]},
    )
    # Later, another rank may be the one that makes the skim.
    assert die > NUM_RENAMED or not (folders[0] / "result-0").exists()
    (whole,) = read_results(folders[1], 1)
    for result in read_results(folders[0], 3, first=1):
        assert result[1] == whole[1]
    assert memmpy.verify(folders[0] / "s.mmpy") == []
