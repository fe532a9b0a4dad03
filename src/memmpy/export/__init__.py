"""Writes values that were computed from a store as friend trees of its ROOT files."""

from memmpy.export.alignment import FriendTree, plan_friends
from memmpy.export.friends import Friend, write_friend, write_friends

__all__ = ["Friend", "FriendTree", "plan_friends", "write_friend", "write_friends"]
