"""Tests of what decides between NumPy and kernels."""

import pytest

from memmpy.kernels import jit
from memmpy.kernels.threshold import BYTES_MOVED, is_worth_compiling
from tests.processes import run_python


@pytest.mark.skipif(not jit.ENABLED, reason="Numba is switched off")
def test_kernels_pay_from_a_size_on() -> None:
    assert [is_worth_compiling(num, least=5) for num in (0, 4, 5, 6)] == [False, False, True, True]


@pytest.mark.slow
def test_no_job_is_worth_it_where_numba_is_switched_off() -> None:
    code = "from memmpy.kernels import is_worth_compiling; print(is_worth_compiling(9, least=5))"
    assert run_python(code, NUMBA_DISABLE_JIT="1") == "False\n"


@pytest.mark.slow
def test_a_small_job_does_not_import_numba() -> None:
    code = "import sys; from memmpy.kernels.threshold import is_worth_compiling\n"
    code += "print(is_worth_compiling(4, least=5), 'numba' in sys.modules)"
    assert run_python(code) == "False False\n"


TAKE = f"""
import sys
import numpy as np
from memmpy.jagged import Jagged
lists = Jagged(np.arange(2 * {BYTES_MOVED} // 8), np.arange(0, 2 * {BYTES_MOVED} // 8 + 1, 16))
"""


@pytest.mark.slow
def test_many_small_lists_are_taken_without_importing_numba() -> None:
    code = TAKE + "taken = lists[np.arange(20_000)]; print(len(taken), 'numba' in sys.modules)"
    assert run_python(code) == "20000 False\n"


@pytest.mark.slow
def test_lists_of_many_bytes_are_taken_by_kernels_unless_numba_is_switched_off() -> None:
    code = TAKE + "taken = lists[np.arange(len(lists))[::-1]]\n"
    code += (
        "assert taken.content.tolist() == lists.content.reshape(-1, 16)[::-1].ravel().tolist()\n"
    )
    code += "print('memmpy.kernels.lists_numba' in sys.modules)"
    assert run_python(code) == "True\n"
    assert run_python(code, NUMBA_DISABLE_JIT="1") == "False\n"


WITHOUT = """
import sys
import numpy as np
from memmpy.kernels import strip_headers, sum_lists, take_columns, take_lists
from memmpy.order import BlockOrder, Permutation, Subset
numbers, out = np.array([2, 0]), np.zeros(2, np.uint8)
rows = np.arange(24, dtype=np.uint8).reshape(3, 8)
take_columns([rows[:, 2]], numbers, out=[out], compiled=False)
take_lists(rows, np.array([0, 1, 2, 3]), entries=numbers, compiled=False)
sum_lists(rows[0], np.array([0, 8]), compiled=False)
strip_headers(rows[0], np.array([0, 8]), 4, np.dtype(">i4"), compiled=False)
BlockOrder(9, block_rows=3, window_blocks=2, key=0).windows(0, 1).places(compiled=False)
Permutation(9, key=0)(numbers, compiled=False)
Subset([np.ones(3, np.bool_)], num=3).select(numbers, compiled=False)
print("numba" in sys.modules)
"""


@pytest.mark.slow
def test_numpy_is_asked_for_without_importing_numba() -> None:
    assert run_python(WITHOUT) == "False\n"
