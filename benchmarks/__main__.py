"""All benchmarks, one after the other, each in a process of its own.

usage: python -m benchmarks [NAME ...] [--folder DIR] [--environments DIR] [--quick]

Names are those of `JOBS`, all where none is given. Files are made in `--folder`, a temporary one
unless it is told. Other loaders take part that have an environment in `--environments`; those
that are missing are installed there. Without it, memmpy is compared with what it needs itself:
memory maps by hand and `uproot.iterate`.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
JOBS = (
    "main_job",
    "conversion",
    "cuts",
    "histogram",
    "flat",
    "flat_cut",
    "padded",
    "padded_cut",
    "jagged",
    "jagged_cut",
    "beside_copy",
    "cold",
)
#: Events of each data set, and in a quick run.
EVENTS = {"flat": 4_000_000, "padded": 1_000_000, "jagged": 1_000_000, "cold": 20_000_000}
QUICK_EVENTS = {"flat": 200_000, "padded": 50_000, "jagged": 50_000, "cold": 8_000_000}


def command_of(job: str, folder: Path, pythons: Path | None, *, quick: bool) -> list[str]:
    """Return the command of a benchmark."""
    if job in {"main_job", "conversion", "cuts", "histogram"}:
        return [str(HERE / f"{job}.py")]
    if job == "beside_copy":
        num_events = str((QUICK_EVENTS if quick else EVENTS)["flat"])
        script = str(HERE / "loading" / "beside_copy.py")
        return [script, "--events", num_events, "--folder", str(folder)]
    data, _, has_cut = job.partition("_")
    num_events = str((QUICK_EVENTS if quick else EVENTS)[data])
    if job == "cold":
        seconds = "5" if quick else "15"
        script = str(HERE / "loading" / "cold.py")
        return [script, str(folder), "--rows", num_events, "--seconds", seconds]
    command = [str(HERE / "loading" / "compare.py"), "--data", data, "--events", num_events]
    command += ["--folder", str(folder), "--out", str(folder / f"{job}.json")]
    if has_cut:
        command.append("--cut")
    if pythons is not None:
        command += ["--pythons", str(pythons)]
    return command


def run(jobs: Sequence[str], folder: Path, pythons: Path | None, *, quick: bool) -> list[str]:
    """Run benchmarks, and return those that failed."""
    failed = []
    for job in jobs:
        command = command_of(job, folder, pythons, quick=quick)
        print(f"\n== {job}: python {' '.join(command)}", flush=True)
        if subprocess.run([sys.executable, *command], check=False).returncode:
            failed.append(job)
    return failed


def main() -> None:
    """Run what is asked for."""
    description = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=description)
    parser.add_argument("jobs", nargs="*", metavar="NAME", help=", ".join(JOBS))
    parser.add_argument("--folder", type=Path, help="where files are made, and kept")
    parser.add_argument("--environments", type=Path, help="virtual environments of other loaders")
    parser.add_argument("--quick", action="store_true", help="fewer events: to see that all runs")
    options = parser.parse_args()
    unknown = sorted(set(options.jobs) - set(JOBS))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(JOBS)}")
    if options.environments is not None:
        make = [sys.executable, str(HERE / "loading" / "environments.py")]
        subprocess.run([*make, str(options.environments)], check=True)
    with tempfile.TemporaryDirectory(prefix="benchmarks_") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        jobs = options.jobs or JOBS
        failed = run(jobs, folder, options.environments, quick=options.quick)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
