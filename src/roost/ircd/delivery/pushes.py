"""Decides which messages are pushed to which phones, on the node in charge of the log.

    Said --> a private one: its recipient; one to a room: whom it names --> those who are away
         --> a job for each of their devices --> gone: `DropPush` to the log

One node pushes, so each message is pushed once; while leadership changes, one may be lost or come
twice. To find out whom a message names costs a look-up for each of its words, however many there
are in the room.
"""

import re

from roost.chat.access import is_ctcp
from roost.chat.applied import Applied
from roost.chat.changes import Said
from roost.chat.commands.pushes import DropPush
from roost.chat.directory import account_of
from roost.chat.ids import AccountId, FoldedNick, UserId
from roost.chat.state import State, User
from roost.irc.capabilities import Capability
from roost.irc.casemapping import fold_nick
from roost.ircd.config import Config
from roost.ircd.push_keys import private_key
from roost.ircd.rendering.lines import encode
from roost.ircd.rendering.messages import lines_of_said
from roost.ircd.rendering.viewer import At
from roost.ircd.sessions.outbox import Outbox
from roost.ircd.sessions.work import Outcome, Pushed, SendPush

PENDING_MAX = 2000
"""Pushes that are under way; beyond that, messages are not pushed."""
AGE_MS_MAX = 60_000
"""Older messages are not pushed: a node that has just caught up would push old news."""
NAMED_MAX = 20
"""How many people one message can call, so that nobody rings everybody's phone."""
_WORD = re.compile(r"[A-Za-z0-9\[\]\\`_^{|}-]+")
_SHAPES = (Capability.MESSAGE_TAGS | Capability.SERVER_TIME | Capability.ACCOUNT_TAG).value
"""What the look of a pushed message depends on: it is one line, whatever the client can do."""


class Pushes:
    """The pushes that are under way."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._pending: dict[int, tuple[AccountId, str]] = {}
        self._last_ticket = 0

    def show(self, said: Said, applied: Applied, state: State, config: Config, now_ms: int) -> None:
        """Push a message to whom it concerns."""
        is_old = now_ms - applied.time_ms > AGE_MS_MAX
        if is_old or said.verb != "PRIVMSG" or is_ctcp(said.text, said.breaks):
            return
        for user in _concerned(said, state):
            account = account_of(state, user)
            if account is None or not account.pushes or not _is_away(user):
                continue
            at = At(applied.position, applied.time_ms, config.server_name)
            for endpoint, device in account.pushes.items():
                if len(self._pending) >= PENDING_MAX:
                    return
                # Tickets of jobs for clients are positive.
                self._last_ticket -= 1
                self._pending[self._last_ticket] = (account.id, endpoint)
                work = SendPush(
                    endpoint,
                    device.public_key,
                    device.secret,
                    _payload(said, at, device.capabilities),
                    private_key(state.secret),
                    config.push.contact,
                    now_ms,
                )
                self._outbox.job(self._last_ticket, work)

    def done(self, ticket: int, outcome: Outcome) -> None:
        """Forget a device that is gone."""
        account, endpoint = self._pending.pop(ticket, (AccountId(0), ""))
        if isinstance(outcome, Pushed) and outcome.is_gone and account:
            self._outbox.command(DropPush(account, endpoint))


def _concerned(said: Said, state: State) -> list[User]:
    """Return the users whom a message is for, or whom it names."""
    if said.recipient:
        user = state.users.get(said.recipient)
        return [user] if user is not None and user.id != said.source.user else []
    room = state.rooms.get(said.room)
    if room is None:
        return []
    found: dict[UserId, User] = {}
    for word in _WORD.findall(said.text):
        named = state.nicks.get(FoldedNick(fold_nick(word)))
        member = room.members.get(named) if named is not None else None
        if named is None or member is None or named == said.source.user:
            continue
        if member.status >= said.minimum_status:
            found[named] = state.users[named]
            if len(found) == NAMED_MAX:
                break
    return list(found.values())


def _is_away(user: User) -> bool:
    return bool(user.away) or not user.sessions


def _payload(said: Said, at: At, capabilities: int) -> bytes:
    """Write "exactly one IRC message as the payload, without the final CRLF"."""
    lines = lines_of_said(said, at, capabilities & _SHAPES)
    return encode(lines[0]).removesuffix(b"\r\n") if lines else b""
