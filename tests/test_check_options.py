import numpy as np
import pytest

from memmpy.checks import check_flag, check_integer, check_seed
from memmpy.errors import OptionError


@pytest.mark.parametrize("value", [1, np.int8(1), np.uint64(1)])
def test_integers_of_python_and_numpy_become_python_integers(value: object) -> None:
    for checked in (check_integer("n", value, minimum=1), check_seed("seed", value)):
        assert type(checked) is int
        assert checked == 1


@pytest.mark.parametrize("value", [True, np.True_, 1.0, "1", None, 0, -3])
def test_what_is_no_integer_of_the_range_is_refused_by_name(value: object) -> None:
    with pytest.raises(OptionError, match="batch_size must be an integer of at least 1, not"):
        check_integer("batch_size", value, minimum=1)


@pytest.mark.parametrize("value", [True, 1.0, "1", None, -1, 2**64])
def test_a_seed_has_64_bits(value: object) -> None:
    with pytest.raises(OptionError, match=r"seed must be an integer in 0 <= seed < 2\*\*64, not"):
        check_seed("seed", value)
    assert check_seed("seed", 2**64 - 1) == 2**64 - 1


@pytest.mark.parametrize("value", [1, 0, None, "yes", np.array([True])])
def test_a_flag_is_true_or_false(value: object) -> None:
    with pytest.raises(OptionError, match="shuffle must be True or False, not"):
        check_flag("shuffle", value)
    assert check_flag("shuffle", np.False_) is False
