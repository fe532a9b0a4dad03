"""The stress command: ``python -m tests.stress.run --minutes 10 all``.

It does to small stores what disks, kills, other processes and wrong files do, and prints a table of
what came of it, and each distinct fault. It exits with 1 if there is a fault.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any, NoReturn

from tests.stress.calls import Fault, Trials, failures, in_turns, kills
from tests.stress.children import run
from tests.stress.contention import contend
from tests.stress.flips import expected_of, flips, outcomes_of
from tests.stress.fuzz import TARGETS, fuzz
from tests.stress.operations import Place, make_place, write_other_formats
from tests.stress.outcomes import Tally
from tests.stress.shim import SHIM, Kind, Shim, build

__all__ = ["Budget", "main"]

#: Examples that a target of the fuzzing gets before the next one has its turn.
_EXAMPLES = 10


class Budget:
    """Says when a part has to end.

    Parameters
    ----------
    num_trials : int
        Most trials.
    seconds : float
        Most time.
    """

    def __init__(self, num_trials: int, seconds: float) -> None:
        self.num_trials, self.seconds = num_trials, seconds
        self._end = time.monotonic() + seconds

    def take(self, _: object = None) -> bool:
        """Take one trial, if there is one left."""
        self.num_trials -= 1
        return self.num_trials >= 0 and time.monotonic() < self._end


def _calls(
    make: Callable[[dict[Kind, int]], Iterator[Fault]],
) -> Callable[[Place, Budget, int], Tally]:
    def run_calls(place: Place, budget: Budget, seed: int) -> Tally:
        trials, tally = Trials(place, Shim(place.folder)), Tally()
        for name, fault in takewhile(budget.take, in_turns(trials, make, random.Random(seed))):
            where, outcome = trials.run(name, fault)
            tally.add(name, f"{fault} ({where})", outcome)
        return tally

    return run_calls


def _flips(place: Place, budget: Budget, seed: int) -> Tally:
    tally = Tally()
    todo = takewhile(budget.take, flips(place, random.Random(seed)))
    for flip, outcome in outcomes_of(todo, place):
        tally.add(flip.file.means, str(flip), outcome)
    return tally


def _contention(place: Place, budget: Budget, seed: int) -> Tally:
    tally = Tally()
    for role, outcome in contend(place, num=budget.num_trials, seconds=budget.seconds):
        tally.add(role, role, outcome)
    return tally


def _fuzz(place: Place, budget: Budget, seed: int) -> Tally:
    tally = Tally()
    run(lambda: write_other_formats(place.folder / "inputs"), log=place.log)
    expected_of(place)
    while True:
        for name, target in TARGETS.items():
            for example, outcome in fuzz(target, place, seed=seed, num=_EXAMPLES):
                if not budget.take():
                    return tally
                tally.add(name, example, outcome)
        seed += 1


PARTS: dict[str, Callable[[Place, Budget, int], Tally]] = {
    "kills": _calls(kills),
    "failures": _calls(failures),
    "flips": _flips,
    "contention": _contention,
    "fuzz": _fuzz,
}


def main() -> int:
    """Run what the command line says, and return the exit status."""
    options = _options()
    names = list(PARTS) if options.part == "all" else [options.part]
    memory = Path("/dev/shm")  # a disk in memory
    base = Path(tempfile.mkdtemp(prefix="stress-", dir=memory if memory.is_dir() else None))
    try:
        if SHIM not in os.environ and not {"kills", "failures"}.isdisjoint(names):
            shim = build(base)
            if shim is None:
                sys.stderr.write("kills and failures need cc, Linux and glibc\n")
                return 2
            _start_again(shim)
        warnings.simplefilter("ignore")
        return max([_run(name, base / name, options, len(names)) for name in names])
    finally:
        shutil.rmtree(base)


def _run(name: str, folder: Path, options: Any, num_parts: int) -> int:
    place = make_place(folder)
    start = time.monotonic()
    tally = PARTS[name](
        place, Budget(options.trials, 60 * options.minutes / num_parts), options.seed
    )
    sys.stdout.write(
        f"{name}, {time.monotonic() - start:.0f} s\n{tally.table()}\n{tally.report()}\n"
    )
    sys.stdout.flush()
    return int(tally.num_faults > 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.stress.run", description=__doc__)
    parser.add_argument("part", choices=[*PARTS, "all"], nargs="?", default="all")
    parser.add_argument("--minutes", type=float, default=10.0, help="of all parts together")
    parser.add_argument("--trials", type=int, default=sys.maxsize, help="of each part, at most")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _start_again(shim: Path) -> NoReturn:
    """Run this command with the shim, and end with its status."""
    preload = f"{shim}:{os.environ.get('LD_PRELOAD', '')}"
    environment = {**os.environ, SHIM: str(shim), "LD_PRELOAD": preload}
    command = [sys.executable, "-m", "tests.stress.run", *sys.argv[1:]]
    sys.exit(subprocess.run(command, env=environment, check=False).returncode)


if __name__ == "__main__":
    sys.exit(main())
