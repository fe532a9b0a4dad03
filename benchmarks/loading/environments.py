"""Virtual environments of the loaders that memmpy is compared with.

usage: python benchmarks/loading/environments.py FOLDER [NAME ...]

Those that are there stay as they are. Options of pip come from its environment variables: for one,
`PIP_CONSTRAINT` chooses which PyTorch is installed.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

#: What to install for each. That of memmpy itself is the Python that runs the comparison.
ENVIRONMENTS: Mapping[str, Sequence[str]] = {
    "memmpy_old": ("memmpy==0.1.2",),
    "torch": ("torch", "numpy", "h5py", "uproot", "awkward", "tensordict", "webdataset"),
    "datasets": ("torch", "datasets"),
    "lance": ("torch", "pylance"),
    "litdata": ("torch", "litdata"),
    "streaming": ("torch", "mosaicml-streaming"),
    "grain": ("grain",),
    "weaver": ("torch", "weaver-core"),
    "root": ("--pre", "root"),
}


def python_of(folder: Path, name: str) -> Path:
    """Return the Python of an environment."""
    return folder / name / "bin" / "python"


def make(folder: Path, names: Sequence[str] = ()) -> None:
    """Make those environments that are not there, all where none is named."""
    for name in names or ENVIRONMENTS:
        python = python_of(folder, name)
        if python.exists():
            continue
        print(f"installing {' '.join(ENVIRONMENTS[name])}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder / name)], check=True)
        try:
            subprocess.run(
                [str(python), "-m", "pip", "install", "--quiet", *ENVIRONMENTS[name]], check=True
            )
        except subprocess.CalledProcessError:
            python.unlink()  # so that the next call tries again
            print(f"{name} could not be installed, and will not take part", flush=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2:])
