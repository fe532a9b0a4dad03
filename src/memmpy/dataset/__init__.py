"""`Store`, what `memmpy.open` returns, and its maintenance."""

from memmpy.dataset.loader_columns import choose_of_cut
from memmpy.dataset.maintenance import Leftover, clean, repair_problems, verify
from memmpy.dataset.open_store import Store, open

__all__ = ["Leftover", "Store", "choose_of_cut", "clean", "open", "repair_problems", "verify"]
