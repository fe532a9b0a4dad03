"""Writes columns of a store to files, and computed values as friend trees of its ROOT files."""

from memmpy.export.alignment import FriendTree, plan_friends
from memmpy.export.columns_file import ColumnsFile, export_columns
from memmpy.export.files_aside import files_aside
from memmpy.export.friends import Friend, write_friend, write_friends

__all__ = [
    "ColumnsFile",
    "Friend",
    "FriendTree",
    "export_columns",
    "files_aside",
    "plan_friends",
    "write_friend",
    "write_friends",
]
