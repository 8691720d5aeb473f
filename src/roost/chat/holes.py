"""Holes: messages that no node keeps any more, between older and newer ones that are kept.

A hole comes from nodes that keep the last days only, if the one that keeps everything is away for
longer. It is no gap, since nobody can fill it, and it ends nothing: what is older is still served.
Clients whose question reaches over a hole are told so.
"""

from typing import NamedTuple

from roost.chat.ids import Position


class Hole(NamedTuple):
    """A range of positions, both ends included, whose rows no node keeps any more."""

    first: Position
    last: Position
    until_ms: int
    """Rows up to `last`, also lost ones, are not newer than this."""
    since_ms: int
    """Rows after `last` are not older than this."""


def with_hole(holes: tuple[Hole, ...], new: Hole) -> tuple[Hole, ...]:
    """Return holes in order, with another one; those that touch it become one with it."""
    apart = []
    for hole in holes:
        if hole.last + 1 < new.first or new.last + 1 < hole.first:
            apart.append(hole)
            continue
        later = max(hole, new, key=lambda one: one.last)
        first = min(hole.first, new.first)
        until_ms = max(hole.until_ms, new.until_ms)
        new = Hole(first, later.last, until_ms, later.since_ms)
    return tuple(sorted([*apart, new]))


def holes_from(holes: tuple[Hole, ...], first: Position) -> tuple[Hole, ...]:
    """Return what of holes is at a position or after it."""
    return tuple(
        hole._replace(first=max(hole.first, first)) for hole in holes if hole.last >= first
    )


def holes_until(holes: tuple[Hole, ...], last: Position) -> tuple[Hole, ...]:
    """Return what of holes is at a position or before it."""
    return tuple(
        hole if hole.last <= last else hole._replace(last=last, since_ms=0)
        for hole in holes
        if hole.first <= last
    )


def holes_without(holes: tuple[Hole, ...], first: Position, last: Position) -> tuple[Hole, ...]:
    """Return what of holes is not in a range of positions, both ends included."""
    earlier = holes_until(holes, Position(first - 1))
    return (*earlier, *holes_from(holes, Position(last + 1)))


def is_in_hole(holes: tuple[Hole, ...], first: Position, last: Position) -> bool:
    """Return whether a range of positions, both ends included, has a part in a hole."""
    return any(hole.first <= last and first <= hole.last for hole in holes)
