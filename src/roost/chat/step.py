"""An entry while it is applied, and what it has done so far."""

from roost.chat.applied import Applied
from roost.chat.changes import OPERATOR, Change, Source
from roost.chat.ids import Position, RoomId
from roost.chat.refusals import Reason, Refusal
from roost.chat.state import Room, Session, State, User

BOT_MODE = "B"
"""The user mode of bots (ircv3.net/specs/extensions/bot-mode)."""


INVISIBLE_MODE = "i"
"""The user mode of those who are found only by whoever knows their nickname."""


class Step:
    """Collects an entry's results, and numbers its changes."""

    __slots__ = ("operation", "part", "position", "results", "session", "state", "time_ms")

    session: Session
    """The session whose operation is applied; unset while any other command is."""

    def __init__(self, state: State, position: Position, time_ms: int) -> None:
        self.state = state
        self.position = position
        self.time_ms = time_ms
        self.results: list[Change | Refusal] = []
        self.part = 0
        """The number of the next change."""
        self.operation = 0
        """The number of the operation within its line."""

    def changed(self, change: Change) -> None:
        """Note a change that was just made; its number has to be `part`."""
        self.results.append(change)
        self.part += 1

    def applied(self) -> Applied:
        """Return the outcome of a command that no client's line waits for."""
        return Applied(self.position, self.time_ms, results=tuple(self.results))

    def refused(self, reason: Reason, subject: str = "", detail: str = "") -> None:
        """Note that an operation was refused."""
        self.results.append(Refusal(reason, subject, detail))


def source_of(user: User) -> Source:
    """Return a user as the source of a change, with their present names."""
    is_bot = BOT_MODE in user.modes
    return Source(
        user.id, user.nick, user.username, user.host, user.account, is_bot, user.account_id
    )


def mask_of(user: User) -> str:
    """Return nick!user@host."""
    return f"{user.nick}!{user.username}@{user.host}"


def rooms_of(state: State, user: User) -> tuple[tuple[RoomId, str], ...]:
    """Return the ids and names of the rooms that a user is in."""
    return tuple((room, state.rooms[room].name) for room in user.rooms)


def cut(text: str, bytes_max: int) -> str:
    """Shorten a text to at most `bytes_max` bytes of UTF-8, at a character boundary."""
    if len(text) * 4 <= bytes_max:
        return text
    data = text.encode()
    return text if len(data) <= bytes_max else data[:bytes_max].decode(errors="ignore")


def has_operator_rights(room: Room, user: User) -> bool:
    """Return whether a user is an operator of a room."""
    member = room.members.get(user.id)
    return member is not None and bool(member.status & OPERATOR)
