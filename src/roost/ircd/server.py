"""One node's IRC side: clients' lines become commands, and changes become lines.

    receive(Attach, Lines, Detach) --> take_output().commands --> the log --> chat.apply
                                                                                  |
    take_output().items <-- show(applied) <---------------------------------------+

Pure: no I/O and no clock. All its state can be made again from the replicated state and from what
the balancers still hold. It never changes the chat state, and shows only what is committed.
"""

from collections.abc import Callable, Collection, Iterable
from itertools import islice

import msgspec

from roost.chat.applied import Applied
from roost.chat.changes import (
    CapabilitiesChanged,
    Change,
    MonitorChanged,
    OperatorsTold,
    Redacted,
    Rehashed,
    Said,
    SessionAttached,
    SessionClosed,
    SessionOpened,
    SessionResumed,
)
from roost.chat.commands.sessions import CloseSession
from roost.chat.history import Answer
from roost.chat.ids import Position, SessionId
from roost.chat.refusals import Refusal
from roost.chat.state import State
from roost.instant import Instant
from roost.ircd import commands
from roost.ircd.config import Config
from roost.ircd.delivery.deliveries import Deliveries
from roost.ircd.delivery.pushes import Pushes
from roost.ircd.rendering.name_lists import NameLists
from roost.ircd.serving.environment import Environment
from roost.ircd.serving.serving import Serving
from roost.ircd.serving.takeover import TOO_LATE
from roost.ircd.sessions.directory import Directory
from roost.ircd.sessions.groups import Groups
from roost.ircd.sessions.newcomers import Newcomers
from roost.ircd.sessions.outbox import Outbox
from roost.ircd.sessions.recent import RecentEntries
from roost.ircd.sessions.server_output import ServerOutput
from roost.ircd.sessions.session import LocalSession, Phase, Picture
from roost.ircd.sessions.work import Outcome
from roost.protocol.mesh import Whisper
from roost.protocol.trunk import Attach, Close, Detach, Lines, Release

assert commands.__all__ is not None, "importing the commands registers them"

_AVERAGE_SHARE = 0.2
"""The weight of the newest measurement in the moving average of deliveries."""


RELEASES_PER_TURN = 4000
"""Sessions forgotten in one turn, because other nodes serve them: some 6 ms."""


class Server:
    """See the module. Call `take_output` after the inputs of each turn."""

    def __init__(self, config: Config, state: State, random: Callable[[], float]) -> None:
        self._state = state
        self._outbox = Outbox()
        self._pushes = Pushes(self._outbox)
        self._is_pushing = config.push.is_on
        self.is_in_charge = False
        """Whether this node does what one node does for all."""
        self._directory = Directory()
        self._groups = Groups(self._outbox)
        self._recent = RecentEntries(config.recent_entries, state.position)
        self._names = NameLists(config.server_name)
        environment = Environment(config, state, self._names, self._directory.newcomers)
        self._unshown = environment.unshown
        self._deliveries = Deliveries(
            config.server_name,
            self._outbox,
            self._directory,
            self._groups,
            environment.context,
            environment.listings,
            environment.unshown,
        )
        self._serving = Serving(
            environment,
            self._outbox,
            self._directory,
            self._groups,
            self._deliveries,
            self._recent,
        )
        self._awaited_closes: dict[SessionId, tuple[str, int]] = {}
        """Sessions of other nodes: the balancer that waits for the close, and its generation."""
        self._released: dict[SessionId, LocalSession] = {}
        """Sessions that other nodes serve, and that are still to be forgotten."""
        self._random = random
        self._averaged_at: float | None = None
        self.deliveries = 0.0
        """Moving average of the lines per second that local clients get because of others."""

    @property
    def session_count(self) -> int:
        """The number of clients that are served here, registered or not."""
        return len(self._directory.by_id)

    @property
    def output_size(self) -> int:
        """How many bytes clients are to be sent so far in this turn, about."""
        return self._outbox.size

    def can_show(self, size_max: int) -> bool:
        """Return whether the next entry may be shown in this turn, up to `size_max` bytes."""
        return self._outbox.size < size_max and not self._unshown.steps

    @property
    def has_work(self) -> bool:
        """Whether there is something to do that needs no input: call `work` again."""
        return bool(self._released) or self._serving.has_work

    @property
    def is_showing(self) -> bool:
        """Whether the last entry is not wholly shown yet: the next one must wait."""
        return bool(self._unshown.steps)

    @property
    def reaches(self) -> Position:
        """The entry after which clients can be shown everything that they missed."""
        return self._recent.start

    def work(self, size_max: int) -> None:
        """Go on with what was put off, until clients are to be sent `size_max` bytes."""
        if self._released:
            for number in list(islice(self._released, RELEASES_PER_TURN)):
                self._forget_released(number)
        self._serving.work(size_max)

    def congested(self, balancers: Collection[str]) -> None:
        """Note which balancers have not read what they were sent; let what can wait for them."""
        self._serving.congested = balancers

    @property
    def newcomers(self) -> Newcomers:
        """The connections that are not registered yet, here and elsewhere."""
        return self._directory.newcomers

    # Balancers

    def trunk_connected(self, balancer: str) -> None:
        """Start afresh with a balancer whose trunk is up; its sessions come as attachments."""
        self._drop_balancer(balancer)

    def trunk_disconnected(self, balancer: str) -> None:
        """Forget the sessions of a balancer whose trunk is gone: another node serves them now."""
        self._drop_balancer(balancer)

    def _drop_balancer(self, balancer: str) -> None:
        self._outbox.forget_balancer(balancer)
        for session in self._directory.of_balancer(balancer):
            self._serving.forget(session)
        for number, (waiting, _) in list(self._awaited_closes.items()):
            if waiting == balancer:
                del self._awaited_closes[number]

    def receive(
        self, balancer: str, frame: Attach | Lines | Detach | Release, now: Instant
    ) -> None:
        """Handle a frame from a balancer."""
        if isinstance(frame, Lines):
            self.receive_lines(balancer, (frame,), now)
            return
        self._serving.environment.now = now
        if isinstance(frame, Release):
            self._release(balancer, frame)
        elif isinstance(frame, Attach):
            self._attach(balancer, frame)
        else:
            self._detach(balancer, frame)

    def receive_lines(self, balancer: str, frames: Iterable[Lines], now: Instant) -> None:
        """Handle lines of a balancer's clients, except for sessions that it has bound anew."""
        self._serving.environment.now = now
        for frame in frames:
            session = self._directory.by_id.get(SessionId(frame.session))
            if (
                session is not None
                and session.generation == frame.generation
                and session.balancer == balancer
            ):
                self._serving.take_lines(session, frame)

    def _attach(self, balancer: str, frame: Attach) -> None:
        number = SessionId(frame.session)
        former = self._directory.by_id.get(number)
        if former is not None:
            if former.generation >= frame.generation:
                return
            if not self._forget_released(number):
                self._serving.give_up(former)
        session = LocalSession(
            id=number,
            generation=frame.generation,
            balancer=balancer,
            address=frame.address,
            is_secure=frame.is_secure,
            next_line=frame.acknowledged + 1,
            served=Position(frame.position),
            certificate=frame.certificate,
            picture=Picture(frame.nick, frame.rooms) if frame.is_gap_allowed else None,
        )
        self._directory.add(session)
        if not frame.acknowledged:
            # The client does not know yet that it is registered: all its lines come again.
            session.registration.skipped_parts = frame.part
        elif number not in self._state.sessions and frame.position <= self._state.position:
            self._serving.close(session, "Session ended")
        elif not self._serving.takeover.can_serve(session):
            self._serving.refuse(session, TOO_LATE)
        else:
            session.skipped_parts = frame.part
            self._serving.takeover.ask_for(session)

    def _release(self, balancer: str, frame: Release) -> None:
        for released in frame.sessions:
            session = self._directory.by_id.get(SessionId(released.session))
            if (
                session is not None
                and session.balancer == balancer
                and session.generation <= released.generation
            ):
                session.queue = ()
                self._released[session.id] = session

    def _forget_released(self, number: SessionId) -> bool:
        """Forget a session if it is released; return whether it is."""
        session = self._released.pop(number, None)
        if session is None or self._directory.by_id.get(number) is not session:
            return False
        self._serving.forget(session)
        return True

    def _detach(self, balancer: str, frame: Detach) -> None:
        number = SessionId(frame.session)
        session = self._directory.by_id.get(number)
        if (
            session is not None
            and session.balancer == balancer
            and session.generation == frame.generation
        ):
            # What the client sent before it left still takes effect, in order.
            session.is_detached = True
            if session.end_reason is None:
                session.end_reason = frame.reason
            self._serving.pump(session)
            return
        # Even if it is not registered here: this node may be behind the log.
        self._outbox.command(CloseSession(number, frame.reason))
        self._awaited_closes[number] = (balancer, frame.generation)

    # The log

    def show(self, applied: Applied) -> None:
        """Show what an entry did; call this right after `chat.apply`, before the next entry.

        Everybody else is served before the client that asked, because its answer may change groups.
        """
        self._recent.add(applied)
        asking = self._directory.by_id.get(applied.session)
        for result in applied.results:
            # Most results are messages, so these are not tried for anything else.
            if type(result) is Said:
                self._show_message(result, applied, asking)
            elif type(result) is not Refusal:
                self._names.show(result, self._state)
                self._show_change(result, applied, asking)
        for number, generation in applied.fenced:
            session = self._directory.by_id.get(number)
            if session is not None and session.generation == generation:
                self._serving.fenced(session)
        if applied.closed:
            self._closed(applied.closed)
        if asking is not None and asking.id in self._directory.by_id:
            self._serving.settle(asking, applied)

    def reset(self, state: State) -> None:
        """Replace the state by a snapshot, because this node was far behind the others.

        The node cannot tell what the skipped entries showed, so the sessions go back to their
        balancers; only unregistered ones have missed nothing. Closings that were asked for are
        confirmed when their entries come.
        """
        self._state = state
        self._serving.environment.unshown.clear()
        self._serving.replace_state(state)
        self._recent.reset(state.position)
        for session in list(self._directory.by_id.values()):
            if session.phase is not Phase.REGISTERING or session.id in state.sessions:
                self._serving.refuse(session, "the node was too far behind")

    def _show_message(self, said: Said, applied: Applied, asking: LocalSession | None) -> None:
        replays = self._serving.replays
        if replays.asked:
            replays.note(said)
        self._deliveries.show_message(said, applied, asking, self._state)
        if self.is_in_charge and self._is_pushing:
            environment = self._serving.environment
            now_ms = environment.now.wall_ms
            self._pushes.show(said, applied, self._state, environment.config, now_ms)

    def _show_change(self, change: Change, applied: Applied, asking: LocalSession | None) -> None:
        match change:
            case Redacted():
                self._serving.replays.note(change)
                self._deliveries.show(change, applied, asking, self._state)
            case SessionOpened():
                self._open(change.session, applied)
            case SessionResumed():
                self._supersede(change.previous)
                self._open(change.session, applied)
            case SessionClosed():
                self._close(change)
            case CapabilitiesChanged():
                session = self._directory.by_id.get(change.session)
                if session is not None:
                    session.capabilities = change.after
                    self._groups.change_kind(session)
            case MonitorChanged():
                session = self._directory.by_id.get(change.session)
                if session is not None:
                    self._directory.watch(session, self._state.sessions[session.id].monitored)
            case SessionAttached():
                self._attached(change)
            case Rehashed():
                self._outbox.rehash()
            case OperatorsTold():
                self._outbox.operator_action(change.text)
                self._deliveries.show(change, applied, asking, self._state)
            case _:
                self._deliveries.show(change, applied, asking, self._state)

    def _open(self, number: SessionId, applied: Applied) -> None:
        session = self._directory.by_id.get(number)
        if (
            session is not None
            and session.phase is Phase.REGISTERING
            and session.generation == applied.generation
        ):
            self._serving.open(session, applied.line, is_new=True)

    def _supersede(self, number: SessionId) -> None:
        self._confirm_detached(number)
        session = self._directory.by_id.get(number)
        if session is not None:
            self._serving.supersede(session)

    def _attached(self, change: SessionAttached) -> None:
        session = self._directory.by_id.get(change.session)
        if session is None:
            return
        if session.generation < change.generation:
            # Another node serves it now; the balancer may have been unable to say so.
            self._serving.give_up(session)
        elif session.generation == change.generation:
            self._serving.attached(session)

    def _close(self, change: SessionClosed) -> None:
        self._confirm_detached(change.session)
        session = self._directory.by_id.get(change.session)
        if session is not None:
            self._serving.close(session, change.reason)

    def _closed(self, number: SessionId) -> None:
        """Close a session for good, even if it was never open."""
        self._confirm_detached(number)
        session = self._directory.by_id.get(number)
        if session is not None:
            self._serving.close(session, session.end_reason or "Session ended")

    def _confirm_detached(self, number: SessionId) -> None:
        detaching = self._awaited_closes.pop(number, None)
        if detaching is not None:
            balancer, generation = detaching
            self._outbox.item(balancer, Close(number, generation, b""))

    # History, slow work, and whispers

    def answer(self, ticket: int, answer: Answer, lack: str = "") -> None:
        """Take an answer from history; `lack` says why it may not be whole, if so."""
        self._serving.questions.answer(ticket, answer, lack)

    def answer_failed(self, ticket: int, reason: str) -> None:
        """Note that the history store could not answer."""
        self._serving.questions.answer_failed(ticket, reason)

    def take_answers(self, outcomes: Iterable[tuple[int, Answer | None, str]]) -> None:
        """Take what came of questions: an answer and its lack, or None and the reason."""
        for ticket, answer, text in outcomes:
            if answer is None:
                self.answer_failed(ticket, text)
            else:
                self.answer(ticket, answer, text)

    def job_done(self, ticket: int, outcome: Outcome) -> None:
        """Go on with a line whose slow work is done, or has failed."""
        if ticket < 0:
            self._pushes.done(ticket, outcome)
        else:
            self._serving.jobs.done(ticket, outcome)

    def whisper(self, whisper: Whisper) -> None:
        """Show a typing notice that comes from another node's client."""
        self._deliveries.whisper(whisper, self._state, SessionId(0))

    def reconfigure(self, config: Config) -> None:
        """Apply the settings that may change while clients are connected, and keep the others."""
        environment = self._serving.environment
        self._is_pushing = config.push.is_on
        environment.config = msgspec.structs.replace(
            environment.config,
            motd=config.motd,
            admin=config.admin,
            operators=config.operators,
            password=config.password,
            login=config.login,
            push=config.push,
        )

    # The turn

    def tick(self, now: Instant) -> None:
        """Update the moving average, and ask again for what the log could not take yet."""
        self._serving.environment.now = now
        self._serving.tick()
        seconds = 0.0 if self._averaged_at is None else now.monotonic - self._averaged_at
        if self._averaged_at is None or seconds > 0:
            self._averaged_at = now.monotonic
        if seconds > 0:
            newest = self._deliveries.count / seconds
            self._deliveries.count = 0
            self.deliveries += (newest - self.deliveries) * _AVERAGE_SHARE

    def take_output(self) -> ServerOutput:
        """Return what is to be sent, ordered and asked, and start anew."""
        self._serving.takeover.ask_together()
        output = self._outbox.take()
        output.is_whole = not self.is_showing
        return output
