"""What the handler of a command gets: who asks, what it may read, and how it answers.

A handler answers by calling `reply`, `send`, `fail` and the like, any number of times. Its result
says what happens next:

    None                       nothing: the answer is complete
    (Operation, ...)           the log decides; its changes and refusals complete the answer
    Question(queries, show)    the history store is asked, then `show(context, answer)` is called
    Gradual(steps)             the answer is long and is made step by step
    Job(work, then)            slow work is done elsewhere, then `then(context, outcome)` is called
    Request(command, then)     the log orders a command other than `Act`; see `serving.jobs`

A handler never changes the chat state. A failed look-up raises `RefusedError`, which becomes the
same reply as a refusal by the state machine.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import msgspec

from roost.chat.applied import Applied
from roost.chat.changes import Change
from roost.chat.commands import Operation
from roost.chat.commands.accounts import Request as LogRequest
from roost.chat.history import Answer, Query
from roost.chat.hosts import is_operator
from roost.chat.ids import FoldedNick, FoldedRoom, Position, RoomId
from roost.chat.refusals import Reason, Refusal
from roost.chat.state import Room, State, User
from roost.instant import Instant
from roost.irc import casemapping
from roost.irc.capabilities import METADATA_ANY, Capability
from roost.irc.message import encode_tags
from roost.ircd.config import Config
from roost.ircd.rendering.line import Line
from roost.ircd.rendering.lines import body
from roost.ircd.rendering.name_lists import NameLists
from roost.ircd.rendering.render import render
from roost.ircd.rendering.viewer import At, Viewer
from roost.ircd.sessions.newcomers import Newcomers
from roost.ircd.sessions.session import LocalSession
from roost.ircd.sessions.work import Outcome, Work, WorkFailed
from roost.protocol.mesh import Whisper


class RefusedError(Exception):
    """A command is refused before it reaches the log, for one of the state machine's reasons."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class Question(msgspec.Struct, frozen=True):
    """Queries for the history store; the first answer that is not empty is shown."""

    queries: tuple[Query, ...]
    """Tried in order; the last answer is shown even if it is empty."""
    show: Callable[["Context", Answer], "Result"]
    """May do and return what a handler may."""
    is_quiet: bool = False
    """Whether the client did not ask, and is not told what could not be found."""


class Gradual(msgspec.Struct, frozen=True):
    """A long answer that is made step by step; see `ircd.serving.gradual`.

    Each step calls `reply` and the like, and takes no more than a millisecond or two. Other clients
    are served between two steps.
    """

    steps: Iterator[None]


class Replay(msgspec.Struct, frozen=True):
    """A room that a client has entered, or private messages, of which it is shown earlier ones."""

    room: RoomId
    """0 for private messages."""
    before: Position
    """The entry by which it entered, or registered."""
    since_ms: int = 0
    """Private ones from then on."""
    peer: str = ""
    """Whom they are from; empty for all that there are."""


class Job(msgspec.Struct, frozen=True):
    """Slow work that decides what the line does; see `serving.jobs`."""

    work: Work
    then: Callable[["Context", Outcome], "Result"]
    failed: Callable[["Context", WorkFailed], None] | None = None
    """Answers the client if the work could not be done."""


class Request(msgspec.Struct, frozen=True):
    """A command to the log that decides what the line does; see `serving.jobs`."""

    command: LogRequest
    """With the line's session, generation and number."""
    then: Callable[["Context", Applied], "Result"]


Result: TypeAlias = tuple[Operation, ...] | Question | Gradual | Job | Request | None


class Context(msgspec.Struct, eq=False):
    """One line that is being handled, and the answer so far; compared by identity."""

    config: Config
    state: State
    """Read only."""
    session: LocalSession
    now: Instant
    line: int
    """The line's number."""
    command: str = ""
    """The command's name, for `fail` and for numerics that repeat it."""
    label: str = ""
    """Empty if the client gave none, or did not negotiate labels."""
    names: NameLists | None = None
    """The members of big rooms; None where none is listed."""
    newcomers: Newcomers | None = None
    """Connections that are not registered yet; None if nobody counts them."""
    lines: list[Line] = []
    """The answer so far."""
    targets: tuple[str, ...] = ()
    """Names as the client typed them, for replies after the log has decided."""
    whispers: list[Whisper] = []
    """Typing notices to pass on; they bypass the log."""
    replays: list[Replay] = []
    """Rooms that the client has entered, whose earlier messages it is to be shown."""
    is_repeated: bool = False
    """Whether another node that takes over may give the rest of the answer in other words."""
    _batch: str = ""
    _batches: int = 0

    # Who asks

    @property
    def user(self) -> User:
        """The registered user who asks."""
        return self.state.users[self.session.user]

    @property
    def nick(self) -> str:
        """The nickname that numerics address; "*" before there is one."""
        return self.session.nick

    @property
    def subscribed(self) -> tuple[str, ...]:
        """The metadata keys that the client subscribed to."""
        known = self.state.sessions.get(self.session.id)
        return () if known is None else known.subscribed

    def has(self, capability: Capability) -> bool:
        """Return whether the client negotiated `capability`."""
        # The operator "&" of an IntFlag takes ten times as long.
        return int.__and__(self.session.capabilities, capability) != 0

    @property
    def knows_metadata(self) -> bool:
        """Whether the client negotiated one of the versions of METADATA."""
        return self.session.capabilities & METADATA_ANY != 0

    # Answers

    def reply(self, numeric: str, *parameters: str) -> None:
        """Send a numeric; the client's nickname goes before `parameters`."""
        self.send(numeric, self.nick, *parameters)

    def send(
        self,
        command: str,
        *parameters: str,
        source: str = "",
        tags: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Send a message; without `source` it is the server's own."""
        text = body(source or self.config.server_name, command, parameters)
        self.lines.append(Line(encode_tags(tags), text, self._batch))

    def notice(self, text: str) -> None:
        """Send the client a NOTICE from the server."""
        self.send("NOTICE", self.nick, text)

    def fail(
        self, code: str, *context_parameters: str, text: str, is_specified: bool = False
    ) -> None:
        """Send a standard reply of type FAIL for this command.

        A client without standard-replies gets a NOTICE with the same text, unless a specification
        that the client uses prescribes this very code (`is_specified`).

        Source: ircv3.net/specs/extensions/standard-replies.
        """
        if is_specified or self.has(Capability.STANDARD_REPLIES):
            self.send("FAIL", self.command or "*", code, *context_parameters, text)
        else:
            self.notice(f"*** {self.command or 'Line'} failed: {text}")

    def warn(self, code: str, *context_parameters: str, text: str) -> None:
        """Send a standard reply of type WARN for this command; specifications prescribe it."""
        self.send("WARN", self.command or "*", code, *context_parameters, text)

    def show_change(self, change: Change, position: Position, time_ms: int) -> None:
        """Send a change that the client caused, or one from history, if the client can show it."""
        at = At(position, time_ms, self.config.server_name)
        session = self.session
        viewer = Viewer(
            session.capabilities, session.user, subscribed=self.subscribed, nick=self.nick
        )
        for line in render(change, at, viewer):
            self.lines.append(line if line.batch else Line(line.tags, line.body, self._batch))

    @contextmanager
    def batch(self, kind: str, *parameters: str) -> Iterator[None]:
        """Put the lines that are sent meanwhile in a batch, if the client negotiated batches."""
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
        """Put the lines that are sent meanwhile in a batch that is already open."""
        outer, self._batch = self._batch, reference
        try:
            yield
        finally:
            self._batch = outer

    @property
    def label_batch(self) -> str:
        """The reference of the batch that has a labelled answer, the same on every node."""
        return f"{self.line:x}-0"

    def next_batch(self) -> str:
        """Return a batch reference that no other open batch of the session uses."""
        self._batches += 1
        return f"{self.line:x}-{self._batches:x}"

    def steps_that_differ(self) -> Iterator[None]:
        """Begin steps that another node would not cut into the same parts.

        A node that takes over then sends all of them, whatever the client has got of them.
        """
        self.is_repeated = True
        yield

    # Look-ups

    def require_operator(self) -> None:
        """Require that the user is a network operator.

        Raises:
            RefusedError: if not.
        """
        if not is_operator(self.user):
            raise RefusedError(Refusal(Reason.NOT_NETWORK_OPERATOR))

    def find_user(self, nick: str) -> User:
        """Find a user by nickname.

        Raises:
            RefusedError: nobody has that nickname.
        """
        user = self.state.nicks.get(FoldedNick(casemapping.fold_nick(nick)))
        if user is None:
            raise RefusedError(Refusal(Reason.NO_SUCH_NICK, nick))
        return self.state.users[user]

    def find_room(self, name: str) -> Room:
        """Find a room by name; the caller checks whether the client may know of it.

        Raises:
            RefusedError: there is no such room.
        """
        room = self.state.room_names.get(FoldedRoom(casemapping.fold_room(name)))
        if room is None:
            raise RefusedError(Refusal(Reason.NO_SUCH_ROOM, name))
        return self.state.rooms[room]
