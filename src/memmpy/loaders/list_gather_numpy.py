"""Takes lists with NumPy: for data for which compiling kernels does not pay."""

from collections.abc import Mapping
from typing import final

from memmpy.kernels import take_lists
from memmpy.loaders.batching import Lists
from memmpy.loaders.pagecache.pages import describe_mapped_column
from memmpy.typing import Entries

__all__ = ["NumpyListTaker"]


@final
class NumpyListTaker:
    """Takes lists of several columns at the same places: see `ListTaker`."""

    def __init__(self, lists: Mapping[str, Lists]) -> None:
        self._lists = {
            key: (held, describe_mapped_column(key, held[1])) for key, held in lists.items()
        }

    def take(self, numbers: Entries) -> dict[str, Lists]:
        """Return content and offsets by key of the lists at some places, which are in range."""
        return {
            key: take_lists(*held, entries=numbers, compiled=False, of=name)
            for key, (held, name) in self._lists.items()
        }
