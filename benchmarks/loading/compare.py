"""Shuffled batches of memmpy beside those of others, from files that all hold the same numbers.

usage: python benchmarks/loading/compare.py --data flat --events 2000000 --folder DIR [--cut]
    --pythons JSON_OR_FOLDER [--only NAME ...] [--out JSON]

Each loader runs in a process of its own, one after the other, and is checked: every event once,
its numbers those of the data set, and how well it is shuffled. What holds the files in the format
of each is written before and is not timed. Ratios are to the fastest other than a skim that
shuffles all and delivers each event at most once.

`--pythons` is a folder of virtual environments by name, as `environments.py` makes them, or a JSON
object (or a file of one) from name to Python. The environment `memmpy` is this Python unless
another is told. `--cut` asks for 30% of the events; files in formats of their own hold no others.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data import CUT, KINDS, make, open_source
from limits import copy_rate, disk_rate, row_rate
from ours import OURS
from peers import NOT_COMPARED, PEERS
from protocol import Contestant, Job
from stores import WRITING_ENVIRONMENT

HERE = Path(__file__).parent


def contestants() -> list[tuple[Contestant, Path]]:
    """Return all contestants, memmpy's first, each with the script that runs it."""
    return [
        *((contestant, HERE / "ours.py") for contestant in OURS.values()),
        *((contestant, HERE / "peers.py") for contestant in PEERS.values()),
    ]


def pythons_of(told: str | None) -> Mapping[str, str]:
    """Return the Python of each environment by name."""
    if told is None:
        return {}
    if Path(told).is_dir():
        return {path.parts[-3]: str(path) for path in Path(told).glob("*/bin/python")}
    text = Path(told).read_text() if Path(told).is_file() else told
    return dict(json.loads(text))


def limits_of(folder: Path, event_bytes: float) -> dict[str, float]:
    """Return what memory and the disk of a data set give at best."""
    largest = max(folder.glob("*.npy"), key=lambda path: path.stat().st_size)
    return {
        "cores": len(os.sched_getaffinity(0)),
        "copy_rate": copy_rate(),
        "row_rate": row_rate(round(event_bytes)),
        "disk_in_order": disk_rate(largest, size=1 << 20, num_threads=4, in_order=True),
        "disk_reads": disk_rate(largest, size=1 << 12, num_threads=32, in_order=False) / 4096,
    }


def ask(python: str, script: Path, name: str, job: Job, seconds: float) -> dict[str, Any]:
    """Let a contestant do a job in a process of its own, and return its answer."""
    command = [python, str(script), name, json.dumps(asdict(job))]
    environment = os.environ | {"TOKENIZERS_PARALLELISM": "false"}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            answer, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return {"name": name, "error": f"not done after {seconds:.0f} s"}
        finally:
            # Its workers too, where it has left any.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    for line in reversed(answer.splitlines()):
        if line.startswith('{"name": '):
            return dict(json.loads(line))
    last = (errors.strip().splitlines() or ["no message"])[-1]
    return {"name": name, "error": f"ended with {process.returncode}: {last}"}


def written(
    contestant: Contestant, script: Path, job: Job, pythons: Mapping[str, str], seconds: float
) -> dict[str, Any]:
    """Write the data set in the format of a contestant, unless it is there; return what it took."""
    known = Path(f"{job.store}.json")
    if Path(job.store).exists() and known.exists():
        return dict(json.loads(known.read_text()))
    environment = WRITING_ENVIRONMENT.get(contestant.store, contestant.environment)
    if environment not in pythons:
        return {"error": f"no environment {environment!r} to write {contestant.store} with"}
    answer = ask(pythons[environment], script, contestant.name, job, seconds)
    if "error" not in answer:
        known.write_text(json.dumps(answer))
    return answer


def row(contestant: Contestant, answer: Mapping[str, Any], best: float) -> str:
    """Return the line of the table of a contestant."""
    rate = answer["events"] / answer["seconds"] / 1e6
    once = ", ".join(
        f"{answer[key]:,} {key}" for key in ("repeated", "missing", "unknown") if answer[key]
    )
    return (
        f"{rate:8.3f} {rate / best if best else 0:6.2f}  {title(answer):26s} "
        f"{once or 'each event once':34s} {'yes' if answer['is_shuffled'] else 'NO ':3s} "
        f"{answer['score']:6.2f} {answer['correlation']:7.3f} {answer['reach']:6.2f} "
        f"{answer['first_seconds']:7.2f} {answer['peak'] / 1e6:7.0f} "
        f"{answer['peak_private'] / 1e6:7.0f}  {contestant.shuffles}"
        + "".join(f"\n{'':17s} {words}" for words in summary(answer["wrong"]))
    )


def summary(wrong: Sequence[str]) -> list[str]:
    """Return what is wrong with columns, a line each, the first few."""
    return [*wrong[:4], f"and {len(wrong) - 4} more"] if len(wrong) > 5 else list(wrong)


def title(answer: Mapping[str, Any]) -> str:
    """Return the name of a run."""
    number = answer.get("num_workers")
    workers = f", {number} worker{'s' * (number > 1)}" if number else ""
    return f"{answer['name']}{workers}"


def is_true(answer: Mapping[str, Any]) -> bool:
    """Return whether a run shuffled all events, and delivered none twice or wrong."""
    wrong = any("other" in words or "shape" in words for words in answer["wrong"])
    return bool(answer["is_shuffled"]) and not (answer["repeated"] or answer["unknown"] or wrong)


def print_table(answers: Sequence[dict[str, Any]], known: Mapping[str, Contestant]) -> None:
    """Print what came of all, the fastest first, and then those that failed."""
    done = [answer for answer in answers if "error" not in answer]
    done.sort(key=lambda answer: answer["events"] / answer["seconds"], reverse=True)
    others = [answer for answer in done if not answer["name"].startswith("memmpy skim")]
    best = max(
        (answer["events"] / answer["seconds"] / 1e6 for answer in others if is_true(answer)),
        default=0.0,
    )
    print(
        f"\n{'M ev/s':>8s} {'ratio':>6s}  {'loader':26s} {'events of an epoch':34s} {'all':3s} "
        f"{'score':>6s} {'corr':>7s} {'reach':>6s} {'first s':>7s} {'peak MB':>7s} {'private':>7s}"
        "  what it says it shuffles"
    )
    for answer in done:
        print(row(known[answer["name"]], answer, best))
    for answer in answers:
        if "error" in answer:
            print(f"{'FAILED':>15s}  {title(answer)}: {answer['error']}")


def main() -> None:
    """Run all, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", choices=KINDS, default="flat")
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--cut", action="store_true", help=f"events with {CUT}, 30%% of them")
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, required=True, help="where all files are kept")
    parser.add_argument("--pythons", help="a folder of environments, or JSON")
    parser.add_argument("--only", nargs="+", default=[], help="names of contestants")
    parser.add_argument("--seconds", type=float, default=1800, help="the most that a run may take")
    parser.add_argument("--out", type=Path, help="a file for all answers, as JSON")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no contestant is left behind
    pythons = {"memmpy": sys.executable, **pythons_of(options.pythons)}
    folder = make(options.folder, data=options.data, num_events=options.events, has_cut=options.cut)
    everyone = contestants()
    unknown = set(options.only) - {contestant.name for contestant, _ in everyone}
    if unknown:
        names = ", ".join(contestant.name for contestant, _ in everyone)
        raise SystemExit(f"no contestant {sorted(unknown)}; there are: {names}")
    event_bytes = open_source(folder, options.data).num_bytes / options.events
    limits = limits_of(folder, event_bytes)
    print(
        f"{options.data}: {options.events:,} events{f' with {CUT}' * options.cut}, batches of "
        f"{options.batch_size}, {limits['cores']} cores, load {os.getloadavg()[0]:.1f} before\n"
        f"memory is copied at {limits['copy_rate'] / 1e9:.1f} GB/s, "
        f"{limits['copy_rate'] / event_bytes / 1e6:.0f} M events/s; a plain loop takes "
        f"{limits['row_rate'] / 1e6:.0f} M events/s of {event_bytes:.0f} bytes in random order; "
        f"the disk gives {limits['disk_in_order'] / 1e6:.0f} MB/s in order and "
        f"{limits['disk_reads']:,.0f} reads of 4 KiB a second"
    )
    answers = []
    for contestant, script in everyone:
        if options.data not in contestant.kinds:
            continue
        if options.only and contestant.name not in options.only:
            continue
        if contestant.environment not in pythons:
            print(f"  {contestant.name}: no environment {contestant.environment!r}", flush=True)
            continue
        store = folder.with_name(f"{folder.name}.{contestant.store}") if contestant.store else ""
        for num_workers in contestant.num_workers:
            job = Job(
                verb="write",
                folder=str(folder.absolute()),
                data=options.data,
                num_events=options.events,
                batch_size=options.batch_size,
                seed=options.seed,
                num_workers=num_workers,
                has_cut=options.cut,
                store=str(store and Path(store).absolute()),
            )
            answer: dict[str, Any] = {"name": contestant.name, "num_workers": num_workers}
            made: dict[str, Any] = {}
            if store:
                made = written(contestant, script, job, pythons, options.seconds)
            if "error" in made:
                answer["error"] = f"writing: {made['error']}"
            else:
                told = Job(**{**asdict(job), "verb": "load"})
                python = pythons[contestant.environment]
                answer |= ask(python, script, contestant.name, told, options.seconds)
                answer["written"] = {key: made[key] for key in ("seconds", "bytes") if key in made}
            answers.append(answer)
            said = answer.get("error") or f"{answer['events'] / answer['seconds'] / 1e6:.3f} M ev/s"
            took = ""
            if made.get("seconds"):
                took = f" (written in {made['seconds']:.1f} s, {made['bytes'] / 1e6:.0f} MB)"
            print(f"  {title(answer)}: {said}{took}", flush=True)
    print_table(answers, {contestant.name: contestant for contestant, _ in everyone})
    for what, reason in NOT_COMPARED.items():
        print(f"   NOT COMPARED  {what}: {reason}")
    if options.out is not None:
        said = {
            "data": options.data,
            "events": options.events,
            "cut": CUT if options.cut else None,
            "batch_size": options.batch_size,
            "event_bytes": event_bytes,
            **limits,
            "answers": answers,
        }
        options.out.write_text(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
