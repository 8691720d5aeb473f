"""How many are enough."""

from collections.abc import Iterable


def majority(members: int) -> int:
    """The fewest of `members` such that any two groups of them share a member."""
    return members // 2 + 1


def committed_index(matches: Iterable[int]) -> int:
    """The highest index that a majority has, given what each member has (5.3, 5.4)."""
    ordered = sorted(matches, reverse=True)
    return ordered[len(ordered) // 2]
