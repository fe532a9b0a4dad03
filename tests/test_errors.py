"""Errors cross process boundaries whole: executors pickle them."""

import copy
import errno
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from memmpy import errors
from memmpy.errors import CutError, DiskError, MissingKeyError, UndecodableError

CLASSES: list[type[BaseException]] = [
    found for name in errors.__all__ if isinstance(found := getattr(errors, name), type)
]
SPECIAL: dict[type[BaseException], tuple[Any, ...]] = {
    CutError: ("wrong", "a >> b", 2, 4, "write >"),
    DiskError: ("the disk is full", errno.ENOSPC),
    MissingKeyError: ("no column 'x'", "x"),
    UndecodableError: ("branch 'x' cannot be decoded", "a.root", "tree;1", "x"),
}


def through_pickle(error: Any) -> Any:
    return pickle.loads(pickle.dumps(error))


@pytest.mark.parametrize("through", [through_pickle, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_arrives_with_its_words_and_attributes(
    kind: type[BaseException], through: Callable[[Any], Any]
) -> None:
    error = kind(*SPECIAL.get(kind, ("what went wrong",)))
    error.__dict__["__notes__"] = ["while reading a.root"]
    arrived = through(error)
    assert type(arrived) is kind
    assert str(arrived) == str(error)
    assert arrived.args == error.args
    assert vars(arrived) == vars(error)
    assert getattr(arrived, "errno", None) == getattr(error, "errno", None)
