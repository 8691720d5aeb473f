"""A small chat state, built by hand, that any command can be asked about.

There is no log and no node, because questions are answered from the state alone.
"""

import msgspec

from roost.chat.changes import OPERATOR, VOICE, Change, Said, Source
from roost.chat.history import (
    KIND_EVENT,
    KIND_MESSAGE,
    KIND_TAGMSG,
    Row,
    encode_change,
    identity_of,
    private_conversation,
    room_conversation,
)
from roost.chat.ids import AccountId, FoldedNick, FoldedRoom, Position, RoomId, SessionId, UserId
from roost.chat.state import Member, Room, Session, State, Topic, User
from roost.chat.step import source_of
from roost.instant import Instant
from roost.irc.parsing import parse
from roost.ircd import commands
from roost.ircd.config import Config
from roost.ircd.context import Context, Gradual, Question
from roost.ircd.serving.dispatch import dispatch
from roost.ircd.sessions.session import LocalSession, Phase
from support.chat_world import ensure_account
from support.memory_history import MemoryHistory

__all__ = ["MINUTE_MS", "NOW_MS", "Town"]

assert commands is not None  # imported so that the commands are registered

NOW_MS = 1_704_067_200_000
"""2024-01-01T00:00:00Z, the time of every question."""
MINUTE_MS = 60_000

_STATUSES = {"@": OPERATOR, "+": VOICE}


class Town:
    """Users, rooms and their messages."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config(server_name="roost.test", version="roost-1")
        self.state = State(time_ms=NOW_MS, created_ms=NOW_MS - 26 * 60 * MINUTE_MS)
        self.history = MemoryHistory()
        self._sessions: dict[str, LocalSession] = {}
        self._next = 1

    def _number(self) -> int:
        self._next += 1
        return self._next - 1

    def room(
        self,
        name: str,
        *,
        modes: str = "nt",
        topic: str = "",
        topic_minutes: int = 0,
        minutes: int = 0,
    ) -> Room:
        """Create a room; times are minutes before now."""
        room = Room(
            id=RoomId(self._number() * 64),
            name=name,
            created_ms=NOW_MS - minutes * MINUTE_MS,
            modes=modes,
        )
        if topic:
            room.topic = Topic(topic, "a!b@c", NOW_MS - topic_minutes * MINUTE_MS)
        self.state.rooms[room.id] = room
        self.state.room_names[FoldedRoom(name.lower())] = room.id
        return room

    def person(
        self,
        nick: str,
        *rooms: str,
        modes: str = "",
        away: str = "",
        account: str = "",
        realname: str = "",
        host: str = "host.test",
        idle_s: int = 0,
        is_secure: bool = False,
        capabilities: int = 0,
    ) -> User:
        """Add a user who is in `rooms` ("#r", "@#r", "+#r", "@+#r")."""
        number = self._number()
        user = User(
            id=UserId(number),
            nick=nick,
            username=nick.lower(),
            realname=realname or f"{nick} Real",
            host=host,
            account=account,
            account_id=ensure_account(self.state, account).id if account else AccountId(0),
            modes=modes,
            away=away,
            signed_on_ms=NOW_MS - 3_600_000,
            active_ms=NOW_MS - idle_s * 1000,
            sessions=(SessionId(number),),
        )
        self.state.users[user.id] = user
        self.state.nicks[FoldedNick(nick.lower())] = user.id
        self.state.sessions[SessionId(number)] = Session(
            id=SessionId(number),
            user=user.id,
            generation=1,
            last_line=0,
            capabilities=int(capabilities),
            is_secure=is_secure,
        )
        self._sessions[nick] = LocalSession(
            id=SessionId(number),
            generation=1,
            balancer="b1",
            address=host,
            is_secure=is_secure,
            next_line=1,
            phase=Phase.LIVE,
            user=user.id,
            nick=nick,
            capabilities=int(capabilities),
        )
        for word in rooms:
            name = word.lstrip("@+")
            room_id = self.state.room_names.get(FoldedRoom(name.lower()))
            room = self.state.rooms[room_id] if room_id else self.room(name)
            status = sum(_STATUSES[sign] for sign in word.partition("#")[0])
            room.members[user.id] = Member(status, Position(number))
            user.rooms = (*user.rooms, room.id)
        return user

    def find_room(self, name: str) -> Room:
        """Return the room with this name."""
        return self.state.rooms[self.state.room_names[FoldedRoom(name.lower())]]

    def source(self, nick: str) -> Source:
        """Return a user's identity, as changes name it."""
        user = self.state.users[self.state.nicks[FoldedNick(nick.lower())]]
        return source_of(user)

    # What was said

    def remember(
        self, position: int, change: Change, *conversations: str, time_ms: int, peer: str = ""
    ) -> None:
        """Store a change in conversations."""
        kind = KIND_EVENT
        if isinstance(change, Said):
            kind = KIND_TAGMSG if change.verb == "TAGMSG" else KIND_MESSAGE
        for conversation in conversations:
            self.history.rows.append(
                Row(
                    conversation,
                    Position(position),
                    change.part,
                    time_ms,
                    kind,
                    peer,
                    encode_change(change),
                )
            )

    def said(self, position: int, change: Change, room: str, *, time_ms: int | None = None) -> None:
        """Store a change in a room's history. Without a time, its position counts as seconds."""
        conversation = room_conversation(self.find_room(room).id)
        self.remember(position, change, conversation, time_ms=time_ms or position * 1000)

    def say(
        self,
        position: int,
        nick: str,
        room: str,
        text: str,
        *,
        verb: str = "PRIVMSG",
        tags: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Store a message in a room."""
        change = Said(
            part=0,
            source=self.source(nick),
            verb=verb,
            room=self.find_room(room).id,
            recipient=UserId(0),
            target=room,
            minimum_status=0,
            text=text,
            tags=tags,
            recipient_identity="",
            away="",
        )
        self.said(position, change, room)

    def whisper(self, position: int, nick: str, other: str, text: str) -> None:
        """Store a private message on both sides."""
        source, recipient = self.source(nick), self.source(other)
        theirs = identity_of(recipient)
        change = Said(
            part=0,
            source=source,
            verb="PRIVMSG",
            room=RoomId(0),
            recipient=recipient.user,
            target=recipient.nick,
            minimum_status=0,
            text=text,
            tags=(),
            recipient_identity=theirs,
            away="",
        )
        time_ms = position * 1000
        mine = identity_of(source)
        key = private_conversation(mine, recipient.nick.lower())
        self.remember(position, change, key, time_ms=time_ms, peer=recipient.nick)
        key = private_conversation(theirs, source.nick.lower())
        self.remember(position, change, key, time_ms=time_ms, peer=source.nick)

    # Asking

    def ask(self, nick: str, line: str) -> list[str]:
        """Send a line as a user, and return the whole answer."""
        session = self._sessions[nick]
        message = parse(line.encode())
        now = Instant(0.0, NOW_MS)
        context = Context(self.config, self.state, session, now, 1, message.command)
        result = dispatch(context, message)
        if isinstance(result, Question):
            answer = self.history.answer(result.queries[0])
            for query in result.queries[1:]:
                answer = answer or self.history.answer(query)
            result.show(context, answer)
        elif isinstance(result, Gradual):
            for _ in result.steps:
                pass
        else:
            assert result is None, "a question changes nothing"
        for sent in context.lines:
            assert len(sent.body.encode()) <= 510, f"too long: {sent.body}"
        return [_written(sent.tags, sent.batch, sent.body) for sent in context.lines]

    def configure(self, **changes: object) -> None:
        """Change the configuration."""
        self.config = msgspec.structs.replace(self.config, **changes)


def _written(tags: str, batch: str, body: str) -> str:
    """Return a line with its tags, the batch's first, as a session's outbox writes it."""
    all_tags = [f"batch={batch}"] if batch else []
    all_tags += [tags] if tags else []
    return f"@{';'.join(all_tags)} {body}" if all_tags else body
