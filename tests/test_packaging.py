"""Tests of what packages say: the conda recipe, the extras and the citation file."""

import re
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

tomllib = pytest.importorskip("tomllib", reason="it came with Python 3.11")
yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[1]
#: Packages that have another name on conda-forge.
CONDA_NAMES = {"isal": "python-isal", "xxhash": "python-xxhash"}

pytestmark = pytest.mark.skipif(
    not (ROOT / "conda").exists(), reason="the recipe is not beside the tests"
)


def project() -> dict[str, Any]:
    values: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return values


def recipe() -> dict[str, Any]:
    text = (ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8")
    context: dict[str, Any] = yaml.safe_load(text)["context"]
    filled = re.sub(r"\${{ (\w+) }}", lambda match: context[match[1]], text)
    values: dict[str, Any] = yaml.safe_load(filled)
    return values


def versions(requirements: list[str]) -> dict[str, str]:
    """Return the versions of each package that requirements allow, whatever the platform."""
    found = {}
    for requirement in map(Requirement, requirements):
        found[CONDA_NAMES.get(requirement.name, requirement.name)] = str(requirement.specifier)
    return found


def test_the_conda_recipe_needs_what_pyproject_needs() -> None:
    expected = versions(project()["project"]["dependencies"])
    expected["python"] = project()["project"]["requires-python"]
    assert versions(recipe()["requirements"]["run"]) == expected


def test_the_conda_recipe_builds_what_pyproject_builds() -> None:
    built, known = recipe(), project()
    requires = versions(known["build-system"]["requires"])
    assert requires.items() <= versions(built["requirements"]["host"][2:]).items()
    assert built["package"]["version"] == known["tool"]["hatch"]["version"]["fallback-version"]
    scripts = [f"{name} = {place}" for name, place in known["project"]["scripts"].items()]
    assert built["build"]["python"]["entry_points"] == scripts
    assert built["about"]["summary"] == known["project"]["description"]
    assert built["about"]["homepage"] == known["project"]["urls"]["Homepage"]


def test_the_extra_all_has_all_extras_but_those_that_pip_compiles() -> None:
    extras = project()["project"]["optional-dependencies"]
    (everything,) = map(Requirement, extras["all"])
    assert everything.name == "memmpy"
    assert everything.extras == extras.keys() - {"all", "test", "xrootd"}


def test_the_citation_file_agrees_with_pyproject() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    known = project()["project"]
    assert citation["title"] == known["name"]
    assert citation["license"] == known["license"]
    assert citation["repository-code"] == known["urls"]["Source"]
    assert [author["name"] for author in citation["authors"]] == [known["authors"][0]["name"]]
