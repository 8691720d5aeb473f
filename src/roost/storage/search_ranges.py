"""Ranges of whole numbers, both ends included: in order, with something between any two."""

from bisect import bisect_right
from typing import TypeAlias

Ranges: TypeAlias = tuple[tuple[int, int], ...]

RANGES_MAX = 500
"""More are made fewer, by what lies between them."""


def with_range(ranges: Ranges, first: int, last: int) -> Ranges:
    """Return ranges with another one."""
    before = tuple(one for one in ranges if one[1] + 1 < first)
    after = tuple(one for one in ranges if last + 1 < one[0])
    joined = ranges[len(before) : len(ranges) - len(after)]
    if joined:
        first, last = min(first, joined[0][0]), max(last, joined[-1][1])
    return _bounded((*before, (first, last), *after))


def without_range(ranges: Ranges, first: int, last: int) -> Ranges:
    """Return ranges without what is in another one."""
    left: list[tuple[int, int]] = []
    for start, end in ranges:
        if start < first:
            left.append((start, min(end, first - 1)))
        if last < end:
            left.append((max(start, last + 1), end))
    return tuple(left)


def find_range(ranges: Ranges, number: int) -> tuple[int, int] | None:
    """Return the range that a number is in."""
    index = bisect_right(ranges, number, key=lambda one: one[0]) - 1
    return ranges[index] if index >= 0 and number <= ranges[index][1] else None


def _bounded(ranges: Ranges) -> Ranges:
    if len(ranges) <= RANGES_MAX:
        return ranges
    half = len(ranges) // 2
    return ((ranges[0][0], ranges[half][1]), *ranges[half + 1 :])
