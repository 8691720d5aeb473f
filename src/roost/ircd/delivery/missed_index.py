"""An index of recent changes, so that a moved session looks only at those that may concern it.

    room -> changes in it    user -> changes to or by it    nickname -> changes that watchers see

The sessions of a dead node move together, and each of them must find the few changes that it
missed. The index is made when the first one asks, and used until the next entry.
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
"""A kind of key and the key."""
_LISTENERS: Place = ("mode", "")
"""The key of all changes that users with some mode are told of; there are few."""


class Happening(NamedTuple):
    """A change, its entry, and its number among all indexed changes."""

    number: int
    applied: Applied
    change: Change


class MissedIndex:
    """Finds the changes since a position that may concern a session."""

    def __init__(self, recent: RecentEntries) -> None:
        self._recent = recent
        self._since = Position(0)
        self._until = Position(-1)
        self._happenings: dict[Place, list[Happening]] = {}

    def concerning(self, session: Session, user: User, since: Position) -> list[Happening]:
        """Return what a session may have been shown after `since`, newest first.

        It includes everything that was shown, and everything that the user did. The recent entries
        must reach back to `since`, and the newest of them must have led to the state of `user`.
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
        # Even if the user has no such mode now: it may have had one then.
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
    """Return the keys of a change: its audience and its source."""
    told = audience(change)
    places: list[Place] = [("room", room) for room in told.rooms]
    places += [("user", user) for user in (change.source.user, *told.users)]
    if told.watched:
        places.append(("nick", told.watched))
    if told.mode:
        places.append(_LISTENERS)
    return dict.fromkeys(places)
