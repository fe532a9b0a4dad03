"""Tests of hundreds of cuts on the real files, entry by entry: memmpy against ROOT itself."""

import json
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from memmpy import RFileConfig, compute_cut_batched, convert
from memmpy.cuts import keys_of, parse
from memmpy.errors import CutError, CutWarning
from tests.conftest import REAL_DATA
from tests.cuts.root_referee import ANSWERS, digest, passing_entries, root_version
from tests.cuts.root_selections import CASES, REASONS, Case

ALIKE = [case for case in CASES if not case.differs]
UNLIKE = [case for case in CASES if case.differs]
#: Cuts in Python's words; they must do as ROOT does with the C++ one beside them.
IN_PYTHON = [case for case in CASES if case.python is not None]

Stores = Mapping[str, Path]
Answers = Mapping[tuple[str, str], Any]


def cut_of(case: Case) -> str:
    return f"{case.file.partition('.')[0]}: {case.cut}"


@pytest.fixture(scope="module")
def answers() -> Answers:
    """Return what ROOT answered, by file and cut."""
    frozen = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return {(answer["file"], answer["cut"]): answer for answer in frozen["cases"]}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """Return a store for each real file, of the branches that its cuts use."""
    if not (REAL_DATA / "facts.json").exists():
        pytest.skip("the real ROOT files are not there")
    folder = tmp_path_factory.mktemp("stores")
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    for case in CASES:
        for text in texts_of(case):
            keys[case.file, case.tree] |= keys_of(parse(text))
    for (file, tree), wanted in keys.items():
        convert(RFileConfig(REAL_DATA / file, tree), folder / file, keys=wanted, progress=False)
    return {file: folder / file for file, _ in keys}


@pytest.fixture(scope="module")
def root() -> None:
    """Skip where ROOT is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some versions of ROOT warn of themselves
        pytest.importorskip("ROOT")


def texts_of(case: Case) -> Iterator[str]:
    """Yield those texts of a case that can be read; of those alike, each must be."""
    if case.python is not None:
        yield case.python
    try:
        parse(case.cut)
    except CutError:
        assert case.differs
    else:
        yield case.cut


def selected(stores: Stores, case: Case, text: str) -> str:
    """Return the digest of the entries that memmpy selects."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CutWarning)
        return digest(compute_cut_batched(stores[case.file], text))


def test_every_case_has_an_answer_of_root_and_every_answer_a_case(answers: Answers) -> None:
    assert answers.keys() == {(case.file, case.cut) for case in CASES}


def test_as_many_cuts_are_compared_with_root_as_the_docs_say() -> None:
    assert len(ALIKE) == 370


def test_reasons_for_differing_are_those_in_use() -> None:
    assert REASONS.keys() == {case.differs for case in UNLIKE}


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("case", ALIKE, ids=cut_of)
def test_memmpy_selects_what_root_selects(case: Case, stores: Stores, answers: Answers) -> None:
    assert selected(stores, case, case.cut) == answers[case.file, case.cut]["digest"]


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("case", IN_PYTHON, ids=cut_of)
def test_pythons_words_select_what_root_selects(
    case: Case, stores: Stores, answers: Answers
) -> None:
    assert case.python is not None
    assert selected(stores, case, case.python) == answers[case.file, case.cut]["digest"]


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("case", UNLIKE, ids=cut_of)
def test_what_is_said_to_differ_from_root_differs_or_is_refused(
    case: Case, stores: Stores, answers: Answers
) -> None:
    try:
        assert selected(stores, case, case.cut) != answers[case.file, case.cut]["digest"]
    except CutError as error:
        assert case.differs in {"alternative", "entry", "readings"}, error  # noqa: PT017


@pytest.mark.root
@pytest.mark.real
@pytest.mark.parametrize("case", CASES, ids=cut_of)
def test_root_answers_as_it_did(case: Case, root: None, stores: Stores, answers: Answers) -> None:
    if case.differs in {"domain", "nan"} and not root_version().startswith("6.40"):
        pytest.skip("ROOT from 6.42 on gives NaN for sqrt(-1), and takes NaN for false")
    entries = passing_entries(REAL_DATA / case.file, case.tree, case.cut)
    answer = answers[case.file, case.cut]
    assert (len(entries), digest(entries)) == (answer["num_passing"], answer["digest"])
    assert case.differs or digest(entries) == selected(stores, case, case.cut)
