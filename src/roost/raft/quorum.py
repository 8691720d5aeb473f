"""Majorities."""

from collections.abc import Iterable


def majority(members: int) -> int:
    """Return the smallest number such that any two groups of that size share a member."""
    return members // 2 + 1


def committed_index(matches: Iterable[int]) -> int:
    """Return the highest index that a majority has, given each member's (5.3, 5.4)."""
    ordered = sorted(matches, reverse=True)
    return ordered[len(ordered) // 2]
