"""Parses the filters of LIST: names, masks, and conditions (ELIST in ISUPPORT).

    C<m C>m   created less, more than m minutes ago
    T<m T>m   topic set less, more than m minutes ago
    <n  >n    fewer, more than n members
    *mask*    the name matches        !*mask*   it does not match

Source: modern.ircdocs.horse, "ELIST Parameter".
"""

import re

import msgspec

from roost.chat.ids import FoldedRoom
from roost.chat.state import Room
from roost.irc import casemapping
from roost.irc.masks import compile_mask

ELIST = "CMNTU"
"""The value of ELIST in ISUPPORT: the filters that LIST supports."""

PATTERNS_MAX = 10
"""Masks in one LIST: each of them is tried on every room, which takes time from everybody."""

_condition = re.compile(r"([CTct]?)([<>])(\d{1,9})", flags=re.ASCII)
_MINUTE_MS = 60_000


class TooManyPatternsError(Exception):
    """There are more than `PATTERNS_MAX` masks."""


class Condition(msgspec.Struct, frozen=True):
    """A condition of `kind` "C", "T" or "U"; `value` is in minutes, for "U" in members."""

    kind: str
    is_more: bool
    value: int


class RoomFilter(msgspec.Struct, frozen=True):
    """The rooms to list."""

    names: tuple[FoldedRoom, ...] = ()
    masks: tuple[re.Pattern[str], ...] = ()
    """A room is listed if its folded name is in `names` or matches one of these."""
    negated_masks: tuple[re.Pattern[str], ...] = ()
    """A room whose folded name matches one of these is not listed."""
    conditions: tuple[Condition, ...] = ()
    """All of them must hold."""

    @property
    def is_by_name(self) -> bool:
        """Whether all rooms are given by name, so that no others need to be looked at."""
        return bool(self.names) and not self.masks

    def accepts(self, folded: FoldedRoom, room: Room, now_ms: int) -> bool:
        """Return whether to list `room`, whose folded name is `folded`."""
        if not all(_holds(condition, room, now_ms) for condition in self.conditions):
            return False
        if any(mask.fullmatch(folded) for mask in self.negated_masks):
            return False
        if not self.names and not self.masks:
            return True
        return folded in self.names or any(mask.fullmatch(folded) for mask in self.masks)


def parse_filter(parameters: tuple[str, ...]) -> RoomFilter:
    """Parse the parameters of LIST; both may mix names, masks and conditions.

    Raises:
        TooManyPatternsError: there are more than `PATTERNS_MAX` masks.
    """
    names: dict[FoldedRoom, None] = {}
    wanted: dict[str, None] = {}
    unwanted: dict[str, None] = {}
    conditions: dict[Condition, None] = {}
    for word in ",".join(parameters[:2]).split(","):
        match = _condition.fullmatch(word)
        if match:
            kind = match[1].upper() or "U"
            conditions[Condition(kind, match[2] == ">", int(match[3]))] = None
        elif word.startswith("!"):
            unwanted[casemapping.fold_room(word[1:])] = None
        elif "*" in word or "?" in word:
            wanted[casemapping.fold_room(word)] = None
        elif word:
            names[FoldedRoom(casemapping.fold_room(word))] = None
    if len(wanted) + len(unwanted) > PATTERNS_MAX:
        raise TooManyPatternsError
    return RoomFilter(
        names=tuple(names),
        masks=tuple(compile_mask(mask) for mask in wanted),
        negated_masks=tuple(compile_mask(mask) for mask in unwanted),
        conditions=tuple(conditions),
    )


def _holds(condition: Condition, room: Room, now_ms: int) -> bool:
    if condition.kind == "U":
        value, limit = len(room.members), condition.value
    elif condition.kind == "C":
        value, limit = now_ms - room.created_ms, condition.value * _MINUTE_MS
    elif room.topic is not None:
        value, limit = now_ms - room.topic.time_ms, condition.value * _MINUTE_MS
    else:
        return False
    return value > limit if condition.is_more else value < limit
