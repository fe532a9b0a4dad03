"""ROOT's words live here: trees, branches and baskets in, arrays out; and friend trees back."""

from memmpy.root.friends import Friend, write_friend, write_friends
from memmpy.root.reading import TreeFile

__all__ = ["Friend", "TreeFile", "write_friend", "write_friends"]
