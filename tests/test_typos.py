"""A typo in the name of an argument, anywhere in the public API, names the nearest argument."""

import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import memmpy
from memmpy.errors import ArgumentError, argument_hints

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"


def public_objects() -> Iterator[Any]:
    """Yield all functions and classes of `memmpy`, and those that the reference documents."""
    for name in dir(memmpy):
        yield getattr(memmpy, name)
    for page in sorted(REFERENCE.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for module, name in re.findall(
            r"auto(?:class|function):: (memmpy[\w.]*)\.(\w+)$", text, re.MULTILINE
        ):
            if module != "memmpy.lightning" or find_spec("lightning"):
                yield getattr(import_module(module), name)


def callables() -> dict[str, tuple[Callable[..., Any], list[str], bool]]:
    """Return each public function, constructor and method, its arguments, and if it has `self`."""
    known: dict[str, tuple[Callable[..., Any], list[str], bool]] = {}
    for value in public_objects():
        if inspect.isfunction(value):
            known[value.__name__] = value, [*inspect.signature(value).parameters], False
        elif inspect.isclass(value) and not issubclass(value, Exception) and not is_protocol(value):
            if is_made_by_users(value):
                known[value.__name__] = value, [*inspect.signature(value).parameters], False
            for name in dir(value):
                method = inspect.getattr_static(value, name)
                if not name.startswith("_") and is_ours(method):
                    bound = getattr(value, name)
                    arguments = [*inspect.signature(bound).parameters]
                    has_self = inspect.isfunction(method)
                    known[f"{value.__name__}.{name}"] = bound, arguments[has_self:], has_self
    return {name: value for name, value in known.items() if value[1]}


def is_protocol(value: type) -> bool:
    return bool(getattr(value, "_is_protocol", False))


def is_made_by_users(value: type) -> bool:
    """Tell whether users call a class; the others are results."""
    return value.__name__ in memmpy.__all__ or value.__module__.endswith("data_module")


def is_ours(method: object) -> bool:
    function = getattr(method, "__func__", method)
    return inspect.isfunction(function) and function.__module__.startswith("memmpy")


CALLABLES = callables()


def test_the_public_api_is_found() -> None:
    assert {"load_root", "Splits", "Store.loader", "TrainingSet.loader", "Scores.add"} <= {
        *CALLABLES
    }
    assert len(CALLABLES) > 120


@pytest.mark.parametrize("name", CALLABLES)
def test_a_misspelled_argument_names_the_nearest(name: str) -> None:
    function, arguments, has_self = CALLABLES[name]
    for argument in arguments:
        typo = f"{argument[0]}{argument}"
        with pytest.raises(ArgumentError) as info:
            function(*[None] * has_self, **{typo: None})
        text = str(info.value)
        assert text.startswith(f"{name.rpartition('.')[2]}() has no argument {typo!r}; nearest: ")
        assert repr(argument) in text
        assert "\n" not in text


def add(first: int, *, second: int = 0) -> int:
    """Add two numbers."""
    if second == 13:
        raise TypeError("no number for hotels")
    return first + second


def test_a_function_with_hints_is_the_same_for_good_arguments() -> None:
    function = argument_hints(add)
    assert function(1, second=2) == 3
    assert inspect.signature(function) == inspect.signature(add)
    assert (function.__name__, function.__doc__) == (add.__name__, add.__doc__)


def test_an_argument_that_is_near_to_none_lists_the_arguments() -> None:
    with pytest.raises(ArgumentError, match=r"^add\(\) has no argument 'x'; it takes: first, sec"):
        argument_hints(add)(1, x=2)  # type: ignore[call-arg]


def test_a_value_that_needs_a_name_lists_the_names() -> None:
    @argument_hints
    class Thing:
        def act(self, split: str, *, fold: int = 0, size: int = 1) -> tuple[str, int, int]:
            return split, fold, size

    assert Thing().act("train", fold=2) == ("train", 2, 1)
    message = r"^act\(\) takes only split by position; name fold=, size=$"
    with pytest.raises(ArgumentError, match=message):
        Thing().act("train", 0)  # type: ignore[call-arg]


def test_other_errors_of_type_stay_as_they_are() -> None:
    with pytest.raises(TypeError, match=r"^no number for hotels$"):
        argument_hints(add)(1, second=13)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        argument_hints(add)()  # type: ignore[call-arg]


def test_a_wrong_argument_inside_of_a_function_is_no_typo_of_its_caller() -> None:
    @argument_hints
    def outer(*, second: int = 0) -> int:
        return add(1, secnd=second)  # type: ignore[call-arg]

    with pytest.raises(TypeError, match="unexpected keyword") as info:
        outer()
    assert not isinstance(info.value, ArgumentError)


def test_an_error_of_an_argument_is_an_option_error_and_a_type_error() -> None:
    with pytest.raises(TypeError, match="nearest: 'num_folds'"):
        memmpy.Splits(num_fold=5)  # type: ignore[call-arg]
    assert issubclass(ArgumentError, memmpy.errors.OptionError)
