"""Groups of processes that train together by gloo, forked from one that has imported torch.

Run as a script with the groups as JSON, one after the other. A process that hangs ends by an alarm.
"""

import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

import memmpy
from memmpy import RFileConfig, Sampling, Shuffle, SplitLoader, Splits

#: Seconds until a group that hangs is ended.
TIMEOUT = 60

INPUTS: dict[str, Any] = {
    "inputs": {"x": ["met", "pt_1"]},
    "labels": {"background": "process == 'DY'", "signal": "process == 'ggH'"},
    "weight": "w",
    "spectators": ["event"],
    "missing": -999,
    "scale": "standard",
}
KINDS: dict[str, dict[str, Any]] = {
    "exact": {"shuffle": "exact"},
    "blocks": {"shuffle": Shuffle("blocks", block_rows=8, window_blocks=16)},
    "tensors": {"shuffle": "exact"},
    "sampling": {"sampling": Sampling({"background": 0.5, "signal": 0.5}, num_batches=40)},
}
NUM_EPOCHS, STEP_SIZE = 2, 12


def run_groups(*groups: Mapping[str, Any]) -> None:
    """Run groups of processes, each the name of a function, the number of ranks, and options.

    With ``"is_killed"``, all must be killed; with ``"may_die"``, rank 0 may.
    """
    command = [sys.executable, "-W", "ignore", "-m", "tests.training.rank_processes"]
    done = subprocess.run(
        [*command, json.dumps(groups, default=str)],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        timeout=TIMEOUT * (1 + len(groups)),
    )
    assert done.returncode == 0, done.stderr


def read_results(folder: Path, num_ranks: int, *, first: int = 0) -> list[Any]:
    """Return what each rank left, from the first one on."""
    files = (folder / f"result-{rank}" for rank in range(first, num_ranks))
    return [pickle.loads(file.read_bytes()) for file in files]


def leave_result(folder: str, rank: int, result: Any) -> None:
    Path(folder, f"result-{rank}").write_bytes(pickle.dumps(result))


def meet(rank: int, num_ranks: int, meeting: str) -> Any:
    """Join the other ranks, and return `torch.distributed`."""
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    wait = timedelta(seconds=TIMEOUT // 2)
    dist.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=num_ranks, timeout=wait
    )
    return dist


def load_all_sizes(rank: int, num_ranks: int, meeting: str, *, folder: str) -> None:
    """Go through epochs of all sizes, with a sum over all ranks at each step."""
    import torch

    dist, result = meet(rank, num_ranks, meeting), {}
    for num in range(1, 2 * 3 * num_ranks + 1):
        for drop_last in (False, True):
            loader = SplitLoader({"x": np.arange(num)}, 3, rank="auto", drop_last=drop_last)
            batches, num_others = [], []
            for batch in loader:
                number = torch.tensor([len(batch["x"])])
                dist.all_reduce(number)
                num_others.append(int(number) - len(batch["x"]))
                batches.append((batch["_index"].tolist(), batch["x"].tolist()))
            dist.barrier()
            result[num, drop_last] = (batches, num_others, len(loader))
    leave_result(folder, rank, result)


def train(
    rank: int,
    num_ranks: int,
    meeting: str,
    *,
    folder: str,
    store: str,
    kind: str,
    die: Sequence[int] | None = None,
) -> None:
    """Train from the last checkpoint; write down the entries of each step, and a checkpoint.

    With `die`, the given rank kills all at the given step and moment of it: 0, 1 or 2.
    """
    import torch

    dist = meet(rank, num_ranks, meeting)
    torch.manual_seed(0)
    loader: Any
    loader = (
        memmpy.open(store)
        .training_set(**INPUTS)
        .loader(
            "train",
            batch_size=STEP_SIZE // num_ranks,
            rank="auto",
            num_threads=rank % 3,
            **KINDS[kind],
        )
    )
    if kind == "tensors":
        loader = memmpy.to_torch(loader)
    model = torch.nn.Linear(2, 1)
    checkpoint, log = Path(folder, "checkpoint"), Path(folder, f"log-{num_ranks}-{rank}")
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        loader.load_state_dict(state["loader"])

    def come_to(moment: int) -> None:
        if die is not None and [*die] == [rank, num_steps, moment]:
            os.killpg(0, signal.SIGKILL)

    num_steps = 0
    with log.open("a", encoding="utf-8") as file:
        while loader.epoch < NUM_EPOCHS:
            epoch = loader.epoch
            for batch in loader:
                step = loader.state_dict()
                come_to(0)
                model.zero_grad()
                x, weights = (torch.as_tensor(batch[key]) for key in ("x", "weight"))
                loss = model(x)[:, 0] * weights
                loss.sum().backward()
                for parameter in model.parameters():  # by hand, as DDP takes seconds to start
                    dist.all_reduce(parameter.grad)
                    parameter.data -= 1e-3 * parameter.grad
                place = epoch, (int(step["position"]) // STEP_SIZE or len(loader)) - 1
                file.write(json.dumps([*place, batch["_index"].tolist()]) + "\n")
                file.flush()
                come_to(1)
                if rank == 0:
                    state = {"model": model.state_dict(), "loader": step}
                    torch.save(state, checkpoint.with_suffix(".tmp"))
                    checkpoint.with_suffix(".tmp").replace(checkpoint)
                come_to(2)
                num_steps += 1
    parameters = [parameter.tolist() for parameter in model.parameters()]
    leave_result(folder, rank, (parameters, loader.state_dict()))


def score(
    rank: int, num_ranks: int, meeting: str, *, folder: str, store: str, batch_size: int
) -> None:
    """Score the test split in parts, gather the scores, and merge them on each rank."""
    dist = meet(rank, num_ranks, meeting)
    data = memmpy.open(store).training_set(**INPUTS)
    scores = data.scores()
    loader = data.loader("test", batch_size=batch_size, shuffle=False, rank="auto")
    num_filled = 0
    for batch in loader:
        num_filled += int((batch["_index"] == -1).sum())
        scores.add(batch, 1 / (1 + np.exp(-batch["x"].sum(axis=1))))
    gathered = [None] * num_ranks
    dist.all_gather_object(gathered, scores)
    whole = data.scores()
    whole.merge(gathered)  # type: ignore[arg-type]
    train = data.loader("train", rank="auto")
    same = data.loader("test", rank="auto", seed=4)
    leave_result(
        folder,
        rank,
        {
            "scores": whole,
            "num_own": len(scores),
            "num_filled": num_filled,
            "auc": whole.auc(),
            "overlap": (memmpy.overlap(train, loader), memmpy.overlap(loader, same)),
            "provenance": loader.provenance(),
        },
    )


def prepare(
    rank: int,
    num_ranks: int,
    meeting: str,
    *,
    folder: str,
    files: list[Any],
    die: int | None = None,
) -> None:
    """Convert, skim and fit at the same time as others, and write down what was done here.

    With `die`, rank 0 begins, and kills itself before it renames a file for the n-th time.
    """
    messages: list[str] = []
    num_renamed, has_begun = 0, Path(f"{meeting}-begun")

    def count(event: str, _arguments: Any) -> None:
        nonlocal num_renamed
        if event == "os.rename":
            num_renamed += 1
            has_begun.touch()
            if num_renamed == die:
                os.kill(os.getpid(), signal.SIGKILL)

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    logging.getLogger("memmpy").setLevel(logging.INFO)
    logging.getLogger("memmpy").addHandler(Listener())
    Path(f"{meeting}-{rank}").touch()
    while not all(Path(f"{meeting}-{other}").exists() for other in range(num_ranks)):
        time.sleep(0.001)  # until all are there
    if die is not None and rank == 0:
        sys.addaudithook(count)
    while die is not None and rank and not has_begun.exists():
        time.sleep(0.001)
    data = memmpy.training_set(
        [RFileConfig(path, "Events", {"process": process}) for path, process in files],
        Path(folder, "s.mmpy"),
        splits=Splits(by=("process", "run", "event"), num_folds=3, val=0.25),
        reweight=memmpy.Reweight({"met": [0, 30, 60, 200]}, to="signal"),
        **{**INPUTS, "scale": "robust"},
    )
    fits = [json.dumps(data.fit(fold).to_json()) for fold in range(3)]
    loader = data.loader("train", fold=1, batch_size=64, rank=rank, world_size=num_ranks)
    batches = [{key: values.copy() for key, values in batch.items()} for batch in loader]
    leave_result(folder, rank, (messages, fits, batches))


FUNCTIONS: dict[str, Callable[..., None]] = {
    function.__name__: function for function in (load_all_sizes, train, score, prepare)
}


def run_group(group: Mapping[str, Any]) -> None:
    """Fork the ranks of a group, and wait for them."""
    options = dict(group)
    function = FUNCTIONS[options.pop("function")]
    num_ranks, is_killed = options.pop("num_ranks"), options.pop("is_killed", False)
    may_die = options.pop("may_die", False)
    with tempfile.TemporaryDirectory() as meeting:
        pids: list[int] = []
        for rank in range(num_ranks):
            pid = os.fork()
            if not pid:
                try:
                    os.setpgid(0, pids[0] if pids else 0)
                    signal.alarm(TIMEOUT)
                    function(rank, num_ranks, f"{meeting}/meeting", **options)
                except BaseException:  # noqa: BLE001 - a fork must not go on with the code above
                    traceback.print_exc()
                    os._exit(1)
                os._exit(0)
            with suppress(OSError):  # it has done so itself
                os.setpgid(pid, pids[0] if pids else pid)
            pids.append(pid)
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    expected = [-signal.SIGKILL if is_killed else 0] * num_ranks
    if may_die and codes[0] == -signal.SIGKILL:
        expected[0] = codes[0]
    if codes != expected:
        sys.exit(f"{function.__name__} of {num_ranks} ranks ended with {codes}")


def main() -> None:
    import torch.distributed  # noqa: F401 - once, before the forks

    for group in json.loads(sys.argv[1]):
        run_group(group)


if __name__ == "__main__":
    main()
