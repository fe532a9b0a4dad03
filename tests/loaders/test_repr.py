"""What loaders say of themselves."""

import numpy as np

from memmpy import SimpleLoader, SplitLoader


def test_one_of_a_thing_is_not_many() -> None:
    one = {"x": np.arange(1)}
    assert repr(SimpleLoader(one, 64)) == "SimpleLoader(1 entry, 1 batch of 64)"
    assert repr(SplitLoader(one, 64)).endswith(": 1 entry, 1 batch of 64)")
