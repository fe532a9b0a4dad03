"""The record of a friend tree: a tree whose entries belong to those of a source, one to one."""

from collections.abc import Iterable

from memmpy.store.file_names import hash64, hash_text
from memmpy.store.json_types import Count, JsonObject

__all__ = ["FriendRecord", "id_with_friends"]


class FriendRecord(JsonObject, frozen=True):
    """One friend tree of a source, as it was when it was read.

    Parameters
    ----------
    name : str
        The name of the friend: ``name.branch`` is one of its branches.
    asked : str
        The tree as the user named it.
    path : str
        An absolute path, or a URL; that of the source where it is a tree of the same file.
    uuid : str
        The UUID of the file, 32 hexadecimal digits.
    size, mtime_ns : int
        As in `SourceRecord`.
    tree : str
        Path of the tree inside the file, with its cycle.
    tag : str
        As in `SourceRecord`.
    """

    name: str
    asked: str
    path: str
    uuid: str
    size: Count
    mtime_ns: int
    tree: str
    tag: str = ""

    @property
    def state(self) -> tuple[int, int, str]:
        """Size, time and tag, which change when the file does."""
        return self.size, self.mtime_ns, self.tag

    @property
    def content(self) -> str:
        """A text for the content of the tree, whatever the path of the file."""
        text = f"{self.uuid} {self.size} {self.mtime_ns} {self.tree}"
        return f"{text} {self.tag}" if self.tag else text


def id_with_friends(source_id: str, friends: Iterable[FriendRecord]) -> str:
    """Return the identity of entries that are made of a source and of friends, in their order."""
    text = "".join(f" with {friend.content}" for friend in friends)
    return hash_text(hash64(source_id + text)) if text else source_id
