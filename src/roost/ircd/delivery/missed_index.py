"""Whom each of the last entries concerned, so that a session looks only at what concerned it.

    room -> what happened in it     user -> what was done to or by it     nickname -> its presence

A dead node's sessions move together, and each has to find the few things that it missed among all
that happened. The index is made when the first of them asks, and used until the next entry.
"""

import itertools
from typing import NamedTuple, TypeAlias

from roost.chat.applied import Applied
from roost.chat.changes import Change, Kicked, Parted
from roost.chat.ids import Position
from roost.chat.refusals import Refusal
from roost.chat.state import Session, User
from roost.ircd.delivery.audience import audience
from roost.ircd.sessions.recent import RecentEntries

Place: TypeAlias = "tuple[str, int | str]"
"""A kind of key, and the key."""
_LISTENERS: Place = ("mode", "")
"""All changes that users with some mode are told of; these are few."""


class Happening(NamedTuple):
    """A change, the entry that it is of, and its place among all that are indexed."""

    number: int
    applied: Applied
    change: Change


class MissedIndex:
    """Finds what concerned a session since a position."""

    def __init__(self, recent: RecentEntries) -> None:
        self._recent = recent
        self._since = Position(0)
        self._until = Position(-1)
        self._happenings: dict[Place, list[Happening]] = {}

    def concerning(self, session: Session, user: User, since: Position) -> list[Happening]:
        """Give what may have been shown to a session after `since`, the newest first.

        Everything that was is among it, and so is everything that the user did. `since` must be
        reached by the recent entries, the newest of which made the state that `user` is of.
        """
        if self._until != self._recent.newest or since < self._since:
            self._make(since)
        own = self._happenings.get(("user", user.id), [])
        rooms = dict.fromkeys(user.rooms)
        for happening in own:
            if isinstance(happening.change, Parted | Kicked):
                rooms[happening.change.room] = None
        found = {happening.number: happening for happening in own}
        places: list[Place] = [("room", room) for room in rooms]
        places += [("nick", nick) for nick in session.monitored]
        # Also of those who listen no more: what they were told before is told from what they were.
        places.append(_LISTENERS)
        for place in places:
            for happening in self._happenings.get(place, ()):
                found[happening.number] = happening
        return [
            found[number]
            for number in sorted(found, reverse=True)
            if found[number].applied.position > since
        ]

    def _make(self, since: Position) -> None:
        self._since, self._until = since, self._recent.newest
        self._happenings = {}
        numbers = itertools.count()
        for applied in self._recent.after(since):
            for result in applied.results:
                if isinstance(result, Refusal):
                    continue
                happening = Happening(next(numbers), applied, result)
                for place in _places(result):
                    self._happenings.setdefault(place, []).append(happening)


def _places(change: Change) -> dict[Place, None]:
    """Return the rooms, users and nicknames that a change concerns: its audience and its source."""
    told = audience(change)
    places: list[Place] = [("room", room) for room in told.rooms]
    places += [("user", user) for user in (change.source.user, *told.users)]
    if told.watched:
        places.append(("nick", told.watched))
    if told.mode:
        places.append(_LISTENERS)
    return dict.fromkeys(places)
