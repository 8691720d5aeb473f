"""Whom each of the last entries concerned, so that a session looks only at what concerned it.

    room -> what happened in it     user -> what was done to or by it     nickname -> its presence

A dead node's sessions move together, and each has to find the few things that it missed among all
that happened. The index is made when the first of them asks, and used until the next entry.
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from roost.chat.applied import Applied
from roost.chat.changes import (
    AccountChanged,
    AwayChanged,
    Change,
    HostChanged,
    Invited,
    Joined,
    Kicked,
    MetadataChanged,
    NickChanged,
    OperatorsTold,
    Parted,
    Quitted,
    ReadMarked,
    RealnameChanged,
    Redacted,
    RoomModesChanged,
    RoomRenamed,
    Said,
    SessionResumed,
    SubscriptionsChanged,
    TopicChanged,
    UserModesChanged,
    Wallopped,
    WentOffline,
    WentOnline,
)
from roost.chat.hosts import NOTICES_MODE
from roost.chat.ids import FoldedNick, Position, RoomId, UserId
from roost.chat.operators import WALLOPS_MODE
from roost.chat.refusals import Refusal
from roost.chat.state import Session, User
from roost.irc.casemapping import fold_nick
from roost.ircd.replies.operator_lines import mode_of
from roost.ircd.sessions.recent import RecentEntries

Place: TypeAlias = "tuple[str, int | str]"
"""A kind of key, and the key."""


_LISTENING = (NOTICES_MODE, WALLOPS_MODE)


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
        places += [("mode", letter) for letter in _LISTENING]
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
                places = _places(result)
                if places:
                    happening = Happening(next(numbers), applied, result)
                    for place in dict.fromkeys(places):
                        self._happenings.setdefault(place, []).append(happening)


def _places(change: Change) -> Sequence[Place]:
    """Name the rooms, users and nicknames that a change concerns."""
    match change:
        case Said() if change.recipient:
            return (_user(change.recipient), _user(change.source.user))
        case Said() | Joined() | Parted() | TopicChanged() | RoomModesChanged() | RoomRenamed():
            return (_room(change.room), _user(change.source.user))
        case Redacted() if change.room:
            return (_room(change.room), _user(change.source.user))
        case Redacted():
            return (_user(change.recipient), _user(change.source.user))
        case Kicked() | Invited():
            return (_room(change.room), _user(change.user), _user(change.source.user))
        case Quitted() | NickChanged():
            return (*_rooms(change.rooms), _user(change.source.user))
        case AwayChanged() | RealnameChanged() | AccountChanged() | HostChanged():
            nick = FoldedNick(fold_nick(change.source.nick))
            return (*_rooms(change.rooms), _user(change.source.user), _nick(nick))
        case UserModesChanged() | SessionResumed() | SubscriptionsChanged():
            return (_user(change.source.user),)
        case ReadMarked():
            return [_user(user) for user in change.users]
        case MetadataChanged():
            nicks = [_nick(change.folded)] if change.folded else []
            return (*_rooms(change.rooms), _user(change.source.user), *nicks)
        case WentOnline() | WentOffline():
            return (_nick(change.folded),)
        case OperatorsTold() | Wallopped():
            return (("mode", mode_of(change)), _user(change.source.user))
    return ()


def _room(room: RoomId) -> Place:
    return ("room", room)


def _rooms(rooms: Iterable[tuple[RoomId, str]]) -> list[Place]:
    return [("room", room) for room, _ in rooms]


def _user(user: UserId) -> Place:
    return ("user", user)


def _nick(nick: FoldedNick) -> Place:
    return ("nick", nick)
