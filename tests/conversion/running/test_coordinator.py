"""One error reports all failures of a conversion."""

import pytest

from memmpy.conversion.running.coordinator import _raise_one_of
from memmpy.errors import UndecodableError


def test_a_single_failure_says_where_and_keeps_what_its_error_carries() -> None:
    error = UndecodableError("branch 'x' cannot be decoded", "a.root", "t;1", "x")
    with pytest.raises(UndecodableError, match=r"^entries 0 to 5: branch 'x' cannot") as caught:
        _raise_one_of([("entries 0 to 5", error)])
    assert (caught.value.file, caught.value.tree, caught.value.branch) == ("a.root", "t;1", "x")
    assert str(error) == "branch 'x' cannot be decoded"
