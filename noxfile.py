"""What developers and CI run: `nox` for the usual, `nox -s NAME` for one."""

import json
import shutil
import subprocess
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests", "docs"]

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)


def is_found(python: str) -> bool:
    """Tell whether a Python runs: a name on the path may be a shim with nothing behind it."""
    name = f"python{python}"
    if shutil.which(name) is None:
        return False
    return subprocess.run([name, "--version"], capture_output=True, check=False).returncode == 0


#: None, and so the Python that runs nox, where none is found by name.
OLDEST_PYTHON = next(filter(is_found, PYTHONS), None)


def group(*names: str) -> tuple[str, ...]:
    """Return the requirements of dependency groups of pyproject.toml."""
    return nox.project.dependency_groups(PROJECT, *names)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and the layers that imports may cross."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports", env={"PYTHONPATH": "src"})


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    session.install(".", *group("types"))
    session.run("mypy", *session.posargs)


@nox.session
def typed(session: nox.Session) -> None:
    """Check that users find a type for each name, but for what comes from untyped packages."""
    session.install(".[jax,keras,lightning,plot,torch]", *group("typed"))
    command = ["pyright", "--verifytypes", "memmpy", "--ignoreexternal", "--outputjson"]
    report = json.loads(str(session.run(*command, silent=True, success_codes=[0, 1])))
    completeness = report["typeCompleteness"]
    unknown = completeness["exportedSymbolCounts"]
    session.log(f"{completeness['completenessScore']:.1%} of the names have a type: {unknown}")
    if unknown["withAmbiguousType"] or completeness["completenessScore"] < 0.99:
        session.error("run pyright --verifytypes memmpy --ignoreexternal to see which do not")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests; what follows `--` goes to pytest."""
    session.install("-e", ".[test]", *group("browser", "frameworks"))
    session.run("pytest", *session.posargs)


@nox.session
def servers(session: nox.Session) -> None:
    """Run the tests that read from real servers; `xrootd` comes from the system's packages."""
    session.install("-e", ".[test]", *group("servers"))
    session.run("pytest", "tests/sources", "tests/conversion/test_servers.py", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests and show the lines and branches that none of them takes."""
    session.install("-e", ".[test]", *group("coverage"))
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "--numprocesses=0", *session.posargs)
    session.run("coverage", "combine")
    session.run("coverage", "report")


@nox.session(python=OLDEST_PYTHON)
def minimums(session: nox.Session) -> None:
    """Run the tests on the oldest Python, with the lowest versions that pyproject.toml allows."""
    if OLDEST_PYTHON is None:
        session.skip(f"no Python found among {', '.join(PYTHONS)}")
    constraints = Path(session.create_tmp(), "minimums.txt").resolve()
    constraints.write_text(
        "".join(f"{line}\n" for line in floors(PROJECT["project"]["dependencies"]))
    )
    session.install(".[test]", "--constraint", str(constraints))
    session.run("pytest", *session.posargs)


def floors(requirements: list[str]) -> list[str]:
    """Turn `name>=version` to `name==version`."""
    pins = []
    for requirement in map(Requirement, requirements):
        pins += [
            f"{requirement.name}=={specifier.version}"
            for specifier in requirement.specifier
            if specifier.operator == ">="
        ]
    return pins


@nox.session
def wheel(session: nox.Session) -> None:
    """Build sdist and wheel into `dist`, check both, and test the wheel, out of reach of `src`."""
    session.install(*group("package"))
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build")
    (built,) = Path("dist").resolve().glob("*.whl")
    session.run("check-wheel-contents", str(built))
    session.run("twine", "check", "--strict", *map(str, built.parent.iterdir()))
    away = Path(session.create_tmp()).resolve()
    shutil.rmtree(away)
    away.mkdir()
    session.install(f"{built}[test]")
    shutil.copytree("tests", away / "tests")
    shutil.copy("pyproject.toml", away)  # pytest's options
    session.chdir(away)
    session.run("pytest", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the pages, running their notebooks; a warning is an error."""
    extras = "jax,keras,lightgbm,lightning,pandas,parquet,plot,report,torch,xgboost"
    session.install(f".[{extras}]", "scikit-learn", *group("docs"))
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks, each of which checks its answer; `-- --help` says what it takes."""
    session.install(".", *group("bench"))
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def stress(session: nox.Session) -> None:
    """Kill, fail, flip, contend and fuzz for half an hour; `-- --help` says what it takes."""
    session.install("-e", ".[test]")
    arguments = session.posargs or ["--minutes", "30", "all"]
    session.run("python", "-m", "tests.stress.run", *arguments)
