"""How the rows of a skim are shuffled, where events have one row or several."""

import math
import pickle
import re
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy import Shuffle, Skim, SplitLoader, Transaction, WriteVector, shuffle_score, skim
from memmpy.errors import LoaderWarning
from memmpy.loaders.shuffle import (
    ShuffleChoice,
    ShuffleOption,
    check_shuffle,
    choose_shuffle,
    warning_of_blocks,
)
from memmpy.order import Multiplicities, spread_of_blocks

BATCH_SIZE, NUM_EPOCHS, NUM_CLASSES = 256, 40, 16
#: A skim of 6,000 such rows is larger than what is always shuffled exactly: 16 MiB.
ROW_FLOATS, NUM_ROWS = 800, 6000
ROWS_OF_EVENTS = {"1": (1, 1), "2": (2, 2), "8": (8, 8), "30": (30, 30), "1 to 30": (1, 30)}


@pytest.fixture(scope="module")
def skims(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Skim]:
    """Return skims by the rows of their events; all rows of an event have the same class."""
    folder, made = tmp_path_factory.mktemp("skims"), dict[str, Skim]()

    def make(name: str) -> Skim:
        if name not in made:
            made[name] = make_skim(folder / name, *ROWS_OF_EVENTS[name])
        return made[name]

    return make


def make_skim(path: Path, low: int, high: int) -> Skim:
    random = np.random.default_rng(3)
    counts = random.integers(low, high, 2 * NUM_ROWS // (low + high), endpoint=True)
    event = np.repeat(np.arange(len(counts)), counts)
    columns = {
        "event": event,
        "class": random.integers(0, NUM_CLASSES, len(counts))[event],
        "x": np.zeros((len(event), ROW_FLOATS), np.float32),
    }
    with Transaction(path) as transaction:
        for key, values in columns.items():
            with WriteVector(path, key, transaction=transaction) as column:
                column.extend(values)
    return skim(path, keys=[*columns], progress=False)  # in the order of event


def loader_of(data: Any, **options: Any) -> SplitLoader:
    return SplitLoader(data, BATCH_SIZE, **options)


def spread_of(loader: SplitLoader) -> float:
    """Return the spread of 40 epochs, whose own spread is about 1 %."""
    squares = [shuffle_score(loader, "class").spread ** 2 for _ in range(NUM_EPOCHS)]
    return math.sqrt(np.mean(squares))


def events_of(loader: SplitLoader) -> float:
    """Return how many events a whole batch has, on average."""
    batches = [batch["event"] for epoch in range(NUM_EPOCHS) for batch in loader.batches(epoch)]
    return float(np.mean([len(np.unique(one)) for one in batches if len(one) == BATCH_SIZE]))


@pytest.mark.slow
@pytest.mark.slow_together
@pytest.mark.parametrize("rows_of_events", ROWS_OF_EVENTS)
def test_default_batches_are_fair_whatever_the_rows_of_an_event(
    skims: Callable[[str], Skim], rows_of_events: str
) -> None:
    data = skims(rows_of_events)
    loader = loader_of(data, seed=1)
    assert spread_of(loader) <= 1.05
    assert events_of(loader) >= 0.95 * events_of(loader_of(data, seed=2, shuffle="exact"))


@pytest.mark.slow_together
@pytest.mark.parametrize("rows_of_events", ["2", "8", "30", "1 to 30"])
def test_blocks_of_shared_events_warn_once_of_the_spread_that_follows(
    skims: Callable[[str], Skim], rows_of_events: str
) -> None:
    data = skims(rows_of_events)
    with pytest.warns(LoaderWarning, match=r"give shuffle=True or 'exact'") as caught:
        loader = loader_of(data, shuffle="blocks")
    spread = spread_of(pickle.loads(pickle.dumps(loader)))  # a warning would be an error
    (message,) = [str(one.message) for one in caught]
    (warned,) = re.findall(r"batches of 256 spread up to ([0-9.]+) times", message)
    assert float(warned) > 1.05
    assert spread == pytest.approx(float(warned), rel=0.15)
    (others,) = re.findall(r"its event with ([0-9.]+) others", message)
    assert float(others) == pytest.approx(data.multiplicities().others, abs=0.005)


def test_the_windows_that_a_warning_proposes_are_fair(skims: Callable[[str], Skim]) -> None:
    with pytest.warns(LoaderWarning) as caught:
        loader_of(skims("2"), shuffle="blocks")
    message = str(caught[0].message)
    ((rows, blocks),) = re.findall(
        r"or Shuffle\('blocks', block_rows=(\d+), window_blocks=(\d+)\)$", message
    )
    shuffle = Shuffle("blocks", int(rows), int(blocks))
    loader = loader_of(skims("2"), shuffle=shuffle)  # a warning would be an error
    assert spread_of(loader) <= 1.05


@pytest.mark.parametrize(("row_bytes", "is_proposed"), [(100, True), (3200, False)])
def test_windows_that_take_too_much_memory_are_not_proposed(
    row_bytes: float, is_proposed: bool
) -> None:
    message = warning_of_blocks(
        ShuffleChoice("blocks", 64, 16, ""),
        Multiplicities({8: 10**7}),
        num_rows=8 * 10**7,
        row_bytes=row_bytes,
        batch_size=1024,
    )
    assert message is not None
    assert ("window_blocks=" in message) == is_proposed


def test_blocks_of_events_of_one_row_warn_of_nothing(skims: Callable[[str], Skim]) -> None:
    loader = loader_of(skims("1"), shuffle="blocks")  # a warning would be an error
    assert spread_of(loader) <= 1.05


@pytest.mark.parametrize("rows_of_events", ["1", "8"])
def test_the_default_order_is_the_same_with_any_threads_and_from_any_batch(
    skims: Callable[[str], Skim], rows_of_events: str
) -> None:
    def entries(num_threads: int, position: int) -> list[list[int]]:
        loader = loader_of(skims(rows_of_events), seed=5, num_threads=num_threads)
        batches = loader.batches(3, position=position)
        return [batch["_index"].tolist() for batch in islice(batches, 15 - position // BATCH_SIZE)]

    whole = entries(0, 0)
    assert whole == entries(1, 0) == entries(4, 0)
    assert whole[7:] == entries(2, 7 * BATCH_SIZE)


@pytest.mark.slow
def test_an_explanation_says_that_rows_share_events(skims: Callable[[str], Skim]) -> None:
    told = loader_of(skims("8")).explain()
    assert (told.shuffle, told.why) == ("exact", "a row shares its event with 7.00 others")
    assert told.why in str(told)
    told = loader_of(skims("1")).explain()
    assert (told.shuffle, told.why) == ("blocks", "rows that lie together are read together")


def choose(
    shuffle: ShuffleOption, multiplicities: Callable[[], Multiplicities], **changes: Any
) -> ShuffleChoice:
    options: dict[str, Any] = {"num_rows": 10**6, "row_bytes": 100.0, **changes}
    return choose_shuffle(check_shuffle(shuffle), multiplicities=multiplicities, **options)


EVENTS = st.dictionaries(st.integers(1, 40), st.integers(1, 10**6), min_size=1, max_size=6)


@given(num_events=EVENTS, num_single=st.integers(0, 10**9), batch_size=st.integers(1, 10**6))
def test_the_default_takes_blocks_only_if_they_mix_well_at_any_batch_size(
    num_events: dict[int, int], num_single: int, batch_size: int
) -> None:
    shared = Multiplicities(dict(Counter(num_events) + Counter({1: num_single})))
    num_rows = shared.num_rows
    chosen = choose(True, lambda: shared, num_rows=num_rows, row_bytes=2.0**25 / num_rows)
    if chosen.kind == "blocks":
        spread = spread_of_blocks(
            shared,
            num_rows=10**12,  # so that an epoch has more than one batch
            batch_size=batch_size,
            block_rows=chosen.block_rows,
            window_blocks=chosen.window_blocks,
        )
        assert spread <= 1.0501
    else:
        assert shared.others > 0.1


def test_a_few_shared_events_leave_blocks_the_default() -> None:
    few, many = Multiplicities({1: 1900, 2: 50}), Multiplicities({1: 1600, 2: 200})
    assert (few.others, many.others) == (0.05, 0.2)
    assert choose(True, lambda: few).kind == "blocks"
    assert choose(True, lambda: many).kind == "exact"


@pytest.mark.parametrize(
    ("shuffle", "row_bytes"), [(True, 10.0), (False, 100.0), ("exact", 100.0), ("blocks", 100.0)]
)
def test_rows_per_event_are_counted_only_if_the_choice_depends_on_them(
    shuffle: ShuffleOption, row_bytes: float
) -> None:
    def refuse() -> Multiplicities:
        raise AssertionError

    assert choose(shuffle, refuse, row_bytes=row_bytes).kind in {"none", "exact", "blocks"}
