"""What a command's handler is given: who asks, what may be read, and how to answer.

A handler answers by calling `reply`, `send`, `fail` and the like, any number of times; what it
returns says what else is to be done:

    None                       nothing: what was sent is the whole answer
    (Operation, ...)           the log decides; its changes and refusals make the answer's rest
    Question(queries, show)    the history store is asked, then `show(context, answer)` is called
    Gradual(steps)             the answer is long: it is made a step at a time
    Job(work, then)            slow work is done elsewhere, then `then(context, outcome)` is called
    Request(command, then)     the log orders a command that is no line's effect; see `serving.jobs`

It never changes the chat state. A look-up that fails raises `RefusedError`, which becomes the same
reply that a refusal by the state machine would.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import msgspec

from roost.chat.applied import Applied
from roost.chat.changes import Change
from roost.chat.commands import Operation
from roost.chat.commands.accounts import CountLogin, RegisterEarly
from roost.chat.history import Answer, Query
from roost.chat.hosts import is_operator
from roost.chat.ids import FoldedNick, FoldedRoom, Position
from roost.chat.refusals import Reason, Refusal
from roost.chat.state import Room, State, User
from roost.instant import Instant
from roost.irc import casemapping
from roost.irc.capabilities import Capability
from roost.irc.message import encode_tags
from roost.ircd.config import Config
from roost.ircd.rendering.lines import Line, body
from roost.ircd.rendering.render import render
from roost.ircd.rendering.viewer import At, Viewer
from roost.ircd.sessions.session import LocalSession
from roost.ircd.sessions.work import Outcome, Work, WorkFailed
from roost.protocol.mesh import Whisper


class RefusedError(Exception):
    """The command cannot be done, for a reason that the state machine also knows."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class Question(msgspec.Struct, frozen=True):
    """The history store is to be asked; the first answer that holds anything is shown."""

    queries: tuple[Query, ...]
    """Asked in order; the last one's answer is shown even when it is empty."""
    show: Callable[["Context", Answer], "Result"]
    """May do, and return, all that a handler may."""


class Gradual(msgspec.Struct, frozen=True):
    """The answer is long and is made a step at a time; see `ircd.serving.gradual`.

    Each step calls `reply` and the like; other clients are served between two of them.
    """

    steps: Iterator[None]


class Job(msgspec.Struct, frozen=True):
    """Slow work is to be done before it is known what the line does; see `serving.jobs`."""

    work: Work
    then: Callable[["Context", Outcome], "Result"]
    failed: Callable[["Context", WorkFailed], None] | None = None
    """What to say when the work could not be done."""


class Request(msgspec.Struct, frozen=True):
    """The log is asked for something before it is known what the line does; see `serving.jobs`."""

    command: CountLogin | RegisterEarly
    """Of the line's session, generation and number."""
    then: Callable[["Context", Applied], "Result"]


Result: TypeAlias = tuple[Operation, ...] | Question | Gradual | Job | Request | None


class Context:
    """One line that is being handled, and its answer so far."""

    __slots__ = (
        "_batch",
        "_batches",
        "command",
        "config",
        "label",
        "line",
        "lines",
        "now",
        "session",
        "state",
        "targets",
        "whispers",
    )

    def __init__(
        self,
        config: Config,
        state: State,
        session: LocalSession,
        now: Instant,
        line: int,
        command: str = "",
        label: str = "",
    ) -> None:
        self.config = config
        self.state = state
        """To be read only."""
        self.session = session
        self.now = now
        self.line = line
        """The line's number."""
        self.command = command
        """The command's name, for `fail` and the numerics that repeat it."""
        self.label = label
        """Empty when the client gave none or has not asked for labels."""
        self.lines: list[Line] = []
        """The answer so far."""
        self.targets: tuple[str, ...] = ()
        """What was typed, for replies that repeat it once the log has spoken."""
        self.whispers: list[Whisper] = []
        """Typing notices to be passed on, past the log."""
        self._batch = ""
        self._batches = 0

    # Who asks

    @property
    def user(self) -> User:
        """The registered user who asks."""
        return self.state.users[self.session.user]

    @property
    def nick(self) -> str:
        """How the client is addressed; "*" before registration has a nickname."""
        return self.session.nick

    @property
    def subscribed(self) -> tuple[str, ...]:
        """The keys of metadata that the client is told of."""
        known = self.state.sessions.get(self.session.id)
        return () if known is None else known.subscribed

    def has(self, capability: Capability) -> bool:
        """Whether the client negotiated `capability`."""
        # Without what the flag adds to "&", which would take ten times as long.
        return int.__and__(self.session.capabilities, capability) != 0

    # Answers

    def reply(self, numeric: str, *parameters: str) -> None:
        """Send a numeric; the client's name is put before `parameters`."""
        self.send(numeric, self.nick, *parameters)

    def send(
        self,
        command: str,
        *parameters: str,
        source: str = "",
        tags: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Send a message, from the server unless `source` says otherwise."""
        text = body(source or self.config.server_name, command, parameters)
        self.lines.append(Line(encode_tags(tags), text, self._batch))

    def notice(self, text: str) -> None:
        """Tell the client something in words."""
        self.send("NOTICE", self.nick, text)

    def fail(
        self, code: str, *context_parameters: str, text: str, is_specified: bool = False
    ) -> None:
        """Send a standard reply of type FAIL for this command.

        A client without standard-replies gets a notice with the same words, unless `is_specified`
        says that a specification which the client uses sends just this code.

        Source: ircv3.net/specs/extensions/standard-replies.
        """
        if is_specified or self.has(Capability.STANDARD_REPLIES):
            self.send("FAIL", self.command or "*", code, *context_parameters, text)
        else:
            self.notice(f"*** {self.command or 'Line'} failed: {text}")

    def show_change(self, change: Change, position: Position, time_ms: int) -> None:
        """Send a change of the client's own, or of history; some do not show to such a client."""
        at = At(position, time_ms, self.config.server_name)
        session = self.session
        viewer = Viewer(session.capabilities, session.user, subscribed=self.subscribed)
        for line in render(change, at, viewer):
            self.lines.append(line if line.batch else Line(line.tags, line.body, self._batch))

    @contextmanager
    def batch(self, kind: str, *parameters: str) -> Iterator[None]:
        """Put the lines that are sent meanwhile in a batch, if the client knows batches."""
        if not self.has(Capability.BATCH):
            yield
            return
        outer = self._batch
        reference = self.next_batch()
        self.send("BATCH", f"+{reference}", kind, *parameters)
        self._batch = reference
        try:
            yield
        finally:
            self._batch = outer
            self.send("BATCH", f"-{reference}")

    @contextmanager
    def within(self, reference: str) -> Iterator[None]:
        """Put the lines that are sent meanwhile in a batch that was begun already."""
        outer, self._batch = self._batch, reference
        try:
            yield
        finally:
            self._batch = outer

    def next_batch(self) -> str:
        """Make a batch reference that no other open batch of the session has."""
        self._batches += 1
        return f"{self.line:x}-{self._batches:x}"

    # Look-ups

    def require_operator(self) -> None:
        """Require that the client is an operator's.

        Raises:
            RefusedError: it is not.
        """
        if not is_operator(self.user):
            raise RefusedError(Refusal(Reason.NOT_NETWORK_OPERATOR))

    def find_user(self, nick: str) -> User:
        """Find who bears a nickname.

        Raises:
            RefusedError: nobody does.
        """
        user = self.state.nicks.get(FoldedNick(casemapping.fold_nick(nick)))
        if user is None:
            raise RefusedError(Refusal(Reason.NO_SUCH_NICK, nick))
        return self.state.users[user]

    def find_room(self, name: str) -> Room:
        """Find a room; whether the client may know of it is the caller's to ask.

        Raises:
            RefusedError: there is none of that name.
        """
        room = self.state.room_names.get(FoldedRoom(casemapping.fold_room(name)))
        if room is None:
            raise RefusedError(Refusal(Reason.NO_SUCH_ROOM, name))
        return self.state.rooms[room]
