"""What the functions of all frameworks have in common: their loader, their errors, their places."""

import os
import pickle
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import islice
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import SplitLoader
from memmpy.errors import LoaderWarning, MissingPackageError, OptionError

os.environ.setdefault("KERAS_BACKEND", "jax")  # read when Keras is imported

PACKAGES: dict[str, Callable[[Any], Any]] = {
    "torch": memmpy.to_torch,
    "jax": memmpy.to_jax,
    "keras": partial(memmpy.to_keras, inputs="x"),
    "xgboost": memmpy.to_xgboost,
    "lightgbm": memmpy.to_lightgbm,
    "pandas": memmpy.to_pandas,
}
ITERABLES: dict[str, Callable[[SplitLoader], Any]] = {
    "torch": memmpy.to_torch,
    "torch, resident": partial(memmpy.to_torch, resident=True),
    "jax": memmpy.to_jax,
}


@pytest.fixture(params=ITERABLES)
def convert(request: pytest.FixtureRequest) -> Callable[[SplitLoader], Any]:
    pytest.importorskip(request.param.partition(",")[0])
    return ITERABLES[request.param]


def make(num: int = 103) -> SplitLoader:
    return SplitLoader({"x": np.arange(num, dtype=np.float32)}, 10, seed=3)


def entries_of(batches: Any) -> list[list[int]]:
    """Return the entries of batches, without those that fill the last one for JAX."""
    return [[int(one) for one in batch["_index"] if one != -1] for batch in batches]


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("given", [{"x": np.ones(3)}, None, np.ones(3)])
def test_what_is_no_loader_is_refused(package: str, given: Any) -> None:
    with pytest.raises(
        OptionError, match=rf"to_{package} takes a loader, .*{type(given).__name__}"
    ):
        PACKAGES[package](given)


def test_a_feature_matrix_needs_the_loader_of_its_batch() -> None:
    with pytest.raises(OptionError, match="feature_matrix takes a loader"):
        memmpy.feature_matrix({"x": np.arange(3)}, [1])  # type: ignore[arg-type]


@pytest.mark.parametrize("package", PACKAGES)
def test_without_its_package_one_line_says_what_to_install(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError) as caught:
        PACKAGES[package](make())
    way_out = f"pip install 'memmpy[{package}]'"
    assert str(caught.value) == f"to_{package} needs the package {package!r}: {way_out}"


@pytest.mark.parametrize("package", ["xgboost", "lightgbm", "pandas"])
def test_what_takes_all_events_takes_no_part_of_them(package: str) -> None:
    pytest.importorskip(package)
    with pytest.raises(OptionError, match="takes all events: give no rank="):
        PACKAGES[package](SplitLoader({"x": np.arange(4)}, rank=0, world_size=2))
    with pytest.raises(OptionError, match="has no entries"):
        PACKAGES[package](SplitLoader({"x": np.empty(0)}))


def test_an_empty_split_has_no_batches(convert: Callable[[SplitLoader], Any]) -> None:
    batches = convert(make(0))
    assert len(batches) == 0
    with pytest.warns(LoaderWarning, match="no batches"):
        assert list(batches) == []


@pytest.mark.skipif(find_spec("keras") is None, reason="Keras is not installed")
def test_an_empty_split_has_no_batches_for_keras() -> None:
    dataset = memmpy.to_keras(make(0), inputs="x")
    assert len(dataset) == 0
    assert list(dataset) == []


def test_whole_passes_lead_on_and_leave_the_loader(convert: Callable[[SplitLoader], Any]) -> None:
    loader = make()
    with convert(loader) as batches:
        next(iter(batches))
        assert batches.epoch == 0
        epochs = [entries_of(batches) for _ in range(2)]
    assert epochs == [entries_of(loader.batches(epoch)) for epoch in range(2)]
    assert epochs[0] != epochs[1]
    assert (batches.epoch, loader.epoch) == (2, 0)
    batches.set_epoch(0)
    assert entries_of(batches) == epochs[0]


@pytest.mark.parametrize("num", [0, 1, 5, 10, 11])
def test_a_state_resumes_an_epoch(convert: Callable[[SplitLoader], Any], num: int) -> None:
    first, second = convert(make()), convert(make())
    expected = [entries_of(make().batches(epoch)) for epoch in (1, 2)]
    first.set_epoch(1)
    begun = entries_of(islice(first, num))
    second.load_state_dict(first.state_dict())
    rest = entries_of(second) if num < len(first) else []
    assert begun + rest == expected[0]
    assert entries_of(second) == expected[1]


@pytest.mark.parametrize("package", ["torch", "jax"])
def test_a_copy_by_pickle_goes_on(package: str) -> None:
    pytest.importorskip(package)
    batches = ITERABLES[package](make())
    begun = entries_of(islice(batches, 4))
    copied = pickle.loads(pickle.dumps(batches))
    assert copied.state_dict() == batches.state_dict()
    copied.load_state_dict(batches.state_dict())
    assert begun + entries_of(copied) == entries_of(make().batches(0))
