"""Serves the clients' lines; those of one session strictly one after the other.

    queue --> read --+--> answered at once, or step by step       --> Reply
                     +--> Act command --> the log --> settle()    --> Reply
                     +--> history query --> `questions`           --> Reply
                     +--> slow work, or a request --> `jobs`      --> any of these

No line is acknowledged until registration completes. The entry that opens the session acknowledges
all of them, so that a node that takes over before can replay them.
"""

from collections import deque
from collections.abc import Collection

from roost.chat.applied import Applied
from roost.chat.commands import Act, Operation
from roost.chat.commands.sessions import CloseSession
from roost.chat.ids import SessionId
from roost.chat.state import State
from roost.chat.versions import VERSION
from roost.ircd.accounts.login import abort_exchange, count_line
from roost.ircd.context import Context, Gradual, Job, Question, Request, Result
from roost.ircd.delivery.deliveries import Deliveries
from roost.ircd.delivery.siblings import list_members
from roost.ircd.rendering.line import Line
from roost.ircd.replies.labels import finish
from roost.ircd.replies.refusals import refuse_too_new
from roost.ircd.serving import registration, resumption
from roost.ircd.serving.answers import Answers
from roost.ircd.serving.environment import Environment
from roost.ircd.serving.gap import send_answer_lost
from roost.ircd.serving.gradual import STEPS_PER_TURN, GoingAnswer
from roost.ircd.serving.jobs import Jobs
from roost.ircd.serving.questions import Questions
from roost.ircd.serving.reading import read
from roost.ircd.serving.replaying import Replays, replays_for
from roost.ircd.serving.results import send_results
from roost.ircd.serving.takeover import TOO_LATE, Takeover
from roost.ircd.sessions.directory import Directory
from roost.ircd.sessions.groups import Groups
from roost.ircd.sessions.outbox import Outbox
from roost.ircd.sessions.recent import RecentEntries
from roost.ircd.sessions.session import LocalSession, Phase
from roost.protocol import trunk as frames
from roost.protocol.trunk import Close, Lines, Refuse

TAKEOVERS_PER_TURN = 50
"""Sessions that the node begins to serve in a turn: some milliseconds of work."""


class Serving:
    """The lines of all local sessions, and the contexts that wait for the log."""

    def __init__(
        self,
        environment: Environment,
        outbox: Outbox,
        directory: Directory,
        groups: Groups,
        deliveries: Deliveries,
        recent: RecentEntries,
    ) -> None:
        self.environment = environment
        self._outbox = outbox
        self._directory = directory
        self._groups = groups
        self._deliveries = deliveries
        self._recent = recent
        self._answers = Answers(self.environment, outbox)
        ways = (self._answers, self.refuse, self.pump)
        self.takeover = Takeover(self.environment, outbox, directory, groups, recent, *ways)
        self._waiting: dict[SessionId, Context] = {}
        self.questions = Questions(outbox, self._is_served, self._take_late)
        self.replays = Replays(self._answers)
        self.jobs = Jobs(outbox, self._is_served, self._take_late)
        self._going: deque[GoingAnswer] = deque()
        """Long answers, in the order in which they continue."""
        self.congested: Collection[str] = ()
        """Balancers that have not read what they were sent; what can wait for them does."""
        self._unopened: list[Context] = []
        """Registrations to ask for again at the next tick."""

    # Lines come in

    def take_lines(self, session: LocalSession, frame: Lines) -> None:
        """Queue new lines, and handle those that need not wait."""
        if frame.first > session.next_line:
            # A trunk is ordered, so the balancer has forgotten lines: no answer would be right.
            self.refuse(session, "lines are missing")
            return
        first = session.next_line
        lines = frame.lines[first - frame.first :] if first > frame.first else frame.lines
        if session.end_reason is None and session.phase is not Phase.ENDING:
            session.next_line += len(lines)
            if len(lines) == 1 and not session.queue and not session.is_busy:
                # Most lines come alone, and need not be queued.
                self._handle(session, first, lines[0])
            else:
                session.queue = (*session.queue, *enumerate(lines, first))
        if len(session.queue) > self.environment.config.queued_lines_max:
            session.queue = ()
            session.end_reason = "Excess flood"
        if session.queue or session.end_reason is not None:
            self.pump(session)

    def pump(self, session: LocalSession) -> None:
        """Handle queued lines until one must wait."""
        while session.queue and not session.is_busy:
            number, line = session.queue[0]
            session.queue = session.queue[1:]
            self._handle(session, number, line)
        if session.end_reason is not None and not session.queue and not session.is_busy:
            self._end(session, session.end_reason)

    def _handle(self, session: LocalSession, number: int, line: bytes | None) -> None:
        context = self.environment.context(session, number)
        if session.sasl is not None:
            count_line(context)
        result = read(context, line)
        if session.handover is not None:
            effect = self.takeover.effect_of(session, number)
            if effect is not None:
                self._answer_again(context, effect, is_refused_now=not result)
                return
            if result is None and self.takeover.is_lost_in_gap(context):
                send_answer_lost(context)
        for whisper in context.whispers:
            self._outbox.whisper(whisper)
            self._deliveries.whisper(whisper, self.environment.state, session.id)
        self._take(context, result)

    def _take(self, context: Context, result: Result) -> None:
        """Do what a handler's result asks for."""
        session = context.session
        if context.state.version < VERSION and refuse_too_new(context, result):
            result = None
        # Most lines act, so for these nothing else is tried.
        if isinstance(result, tuple) and result and session.phase is not Phase.REGISTERING:
            self._act(context, result)
        elif isinstance(result, Job | Request):
            self.jobs.begin(context, result)
        elif session.phase is Phase.REGISTERING:
            self._go_on_registering(context)
        elif isinstance(result, Question):
            self.questions.ask(context, result)
        elif isinstance(result, Gradual):
            self._begin(context, result)
        else:
            self._conclude(context)

    def _take_late(self, context: Context, result: Result) -> None:
        self._take(context, result)
        self.pump(context.session)

    def _go_on_registering(self, context: Context) -> None:
        session = context.session
        session.registration.lines += 1
        is_flood = session.registration.lines > self.environment.config.registration_lines_max
        if session.end_reason is None and session.registration.is_complete and not is_flood:
            # Send nothing yet, not even ACK for a label: the welcome or the refusal is the answer.
            abort_exchange(context)
            self._ask_to_open(context)
            return
        self._answers.send_registering(context)
        if session.end_reason is None and is_flood:
            session.queue = ()
            session.end_reason = "Too many lines before registration"

    def _ask_to_open(self, context: Context) -> None:
        if registration.is_turned_away(context):
            self._answers.send_registering(context)
            return
        answered = context.session.registration
        if answered.part < answered.skipped_parts:
            # The client was told more after this attempt, so it was refused, and stays so.
            registration.refuse_again(context)
            self._go_on_refused(context)
            return
        self._outbox.command(registration.open_session(context.session, context.line))
        self._wait(context)

    def _act(self, context: Context, operations: tuple[Operation, ...]) -> None:
        session = context.session
        if session.handover is not None and self.takeover.is_answer_lost(session, context.line):
            send_answer_lost(context)
            self._finish(context)
            return
        self._outbox.command(Act(session.id, session.generation, context.line, operations))
        self._wait(context)

    def _wait(self, context: Context) -> None:
        context.session.waiting_line = context.line
        self._waiting[context.session.id] = context

    def _is_served(self, session: LocalSession) -> bool:
        return self._directory.by_id.get(session.id) is session

    # Results come from the log

    def settle(self, session: LocalSession, applied: Applied) -> None:
        """Answer the session's line that waits for this entry, if there is one."""
        if applied.generation != session.generation:
            return
        if applied.request:
            self.jobs.settle(session, applied)
            return
        if applied.line == session.waiting_line and session.id in self._waiting:
            context = self._waiting.pop(session.id)
            session.waiting_line = 0
            if session.phase is Phase.REGISTERING:
                self._settle_registration(context, applied)
            elif applied.is_fenced:
                self._lose(session)
                return
            else:
                self._settle_line(context, applied)
        if session.queue or session.end_reason is not None:
            self.pump(session)

    def _settle_line(self, context: Context, applied: Applied) -> None:
        if applied.failure:
            context.fail("UNKNOWN_ERROR", text="The command could not be processed")
        steps = send_results(context, applied, applied.results)
        if steps is None:
            self._conclude(context)
        else:
            self._begin(context, Gradual(steps))

    def _conclude(self, context: Context) -> None:
        """Finish an answer, after the earlier messages of rooms that the client has entered."""
        if context.replays and (question := self.replays.go_on(context)) is not None:
            self.questions.ask(context, question)
        elif context.line:
            self._finish(context)
        else:
            self._answers.send_some(context)

    def _answer_again(self, context: Context, effect: Applied, *, is_refused_now: bool) -> None:
        """Answer a line that took effect while another node served the session."""
        if is_refused_now:
            # It was possible then, and is not any more.
            context.lines.clear()
        self.takeover.catch_up(context.session, effect)
        self._settle_line(context, effect)

    def _finish(self, context: Context) -> None:
        """Send the whole answer to a line."""
        self._answers.send(context, is_whole=True)
        if context.session.handover is not None:
            self.takeover.line_done(context.session, context.line)

    def _begin(self, context: Context, gradual: Gradual) -> None:
        context.session.waiting_line = context.line
        self._go_on(GoingAnswer(context, gradual))

    def _go_on(self, going: GoingAnswer) -> None:
        """Send the next part of a long answer."""
        context = going.context
        is_whole = going.step()
        if not is_whole:
            self._answers.send_some(context)
            if context.line and context.is_repeated:
                context.session.part = max(context.session.part, context.session.skipped_parts)
            self._going.append(going)
        elif not context.line:
            self._answers.send_some(context)
        else:
            context.session.waiting_line = 0
            self._conclude(context)
            self.pump(context.session)

    def _settle_registration(self, context: Context, applied: Applied) -> None:
        session = context.session
        if applied.is_fenced:
            if not registration.is_balancer_known(session, self.environment.state):
                # The log does not know the balancer yet; its announcement is still on the way.
                self._wait(context)
                self._unopened.append(context)
            elif registration.can_begin_again(session, self.environment.state):
                # The entry that refused this attempt was in a snapshot. Another attempt, under a
                # higher generation, is not taken for this one.
                self.refuse(session, "the registration was overtaken")
            else:
                session.end_reason = "Registration was interrupted, connect again"
            return
        if applied.is_duplicate:
            self._settle_registered(context)
            return
        registration.send_refusals(context, applied)
        self._go_on_refused(context)

    def _go_on_refused(self, context: Context) -> None:
        """Send a refusal, then register a client that could not resume but sent NICK and USER."""
        session = context.session
        self._answers.send_registering(context)
        if session.end_reason is None and session.registration.is_complete:
            self._ask_to_open(context)

    def _settle_registered(self, context: Context) -> None:
        """Go on with a client that registered while another node served it."""
        session = context.session
        known = self.environment.state.sessions[session.id]
        opening = self._recent.opening(session.id)
        resume = session.registration.resume
        if (opening is not None and opening.line > context.line) or (
            resume is not None and resume.user != known.user
        ):
            # That attempt was refused, and the client went on to something else.
            registration.refuse_again(context)
            self._go_on_refused(context)
            return
        session.opened_line = context.line
        if opening is not None:
            # There was nothing to show to the client before that.
            session.served = max(session.served, opening.position)
        generation = known.generation
        if generation < session.generation:
            self.takeover.ask_for(session)
        elif generation > session.generation:
            self.give_up(session)
        else:
            self.takeover.grant(session)

    def open(self, session: LocalSession, line: int, *, is_new: bool) -> None:
        """Welcome a client that the log has registered, and acknowledge its lines up to `line`.

        Unless the registration `is_new`, the client may have missed something since.
        """
        environment, is_newcomer = self.environment, session.registration.resume is None
        context = self._waiting.get(session.id)
        if context is not None and context.line == line:
            del self._waiting[session.id]
            session.waiting_line = 0
        else:
            context = environment.context(session, line)
        self.takeover.take_up(session)
        registration.send_welcome(context)
        seen = resumption.seen_before(context, self._recent.reaches)
        self._answers.reply(session, line, session.registration.part, finish(context), is_last=True)
        # A resuming client still knows its rooms.
        has_missed = not is_new
        self.takeover.hand_over(session, has_missed=has_missed, seen=seen, is_newcomer=is_newcomer)
        if is_newcomer and is_new and self._is_served(session):
            unasked = environment.context(session)
            unasked.replays = replays_for(unasked, self._recent.opening(session.id))
            self._conclude(unasked)

    def replace_state(self, state: State) -> None:
        """Go on with another state, also in answers that are under way."""
        self.environment.state = state
        self.jobs.replace_state(state)
        self.environment.names.clear()
        self.replays.forget()
        going = [one.context for one in self._going]
        for context in [*self._waiting.values(), *self._unopened, *going]:
            context.state = state

    # Sessions that another node served before

    def fenced(self, session: LocalSession) -> None:
        """Drop a session that the log did not give to this node."""
        if session.phase is Phase.ATTACHING:
            self._lose(session)

    def attached(self, session: LocalSession) -> None:
        """Serve a session that the log has given to this node."""
        if session.phase is Phase.ATTACHING:
            self.takeover.grant(session)

    def _begin_serving(self, session: LocalSession) -> None:
        """Serve a session that another node served, now that its turn has come."""
        if not self.takeover.can_serve(session):
            self.refuse(session, TOO_LATE)
        elif session.opened_line:
            self.open(session, session.opened_line, is_new=False)
        else:
            self.takeover.take_up(session)
            self._answers.show(session, frames.Serving(session.id, session.generation))
            self.takeover.hand_over(session, has_missed=True)
        self.pump(session)

    # Time

    @property
    def has_work(self) -> bool:
        """Whether `work` has something to do."""
        granted, going = self.takeover.granted, self._going
        listings, congested = self.environment.listings, self.congested
        if not congested or self.environment.unshown:
            return bool(granted or going or listings or self.environment.unshown)
        return (
            any(session.balancer not in congested for session in granted)
            or any(one.context.session.balancer not in congested for one in going)
            or any(session.balancer not in congested for session, _ in listings)
        )

    def work(self, size_max: int) -> None:
        """Go on with what was put off, until clients are to be sent `size_max` bytes."""
        self.environment.unshown.go_on(lambda: self._outbox.size >= size_max)
        granted, going = self.takeover.granted, self._going
        takeovers = TAKEOVERS_PER_TURN if granted and self.takeover.prepare() else 0
        for _ in range(min(len(granted), takeovers)):
            if self._outbox.size >= size_max:
                return
            session = granted.popleft()
            if session.balancer in self.congested:
                granted.append(session)
            elif self._is_served(session) and session.phase is Phase.GRANTED:
                self._begin_serving(session)
        self._list_members()
        for _ in range(min(len(going), STEPS_PER_TURN)):
            if self._outbox.size >= size_max:
                return
            one = going.popleft()
            if one.context.session.balancer in self.congested:
                going.append(one)
            elif self._is_served(one.context.session):
                self._go_on(one)

    def _list_members(self) -> None:
        """Begin to tell clients who is in a room that got another name, a few at a time."""
        listings = self.environment.listings
        while listings and len(self._going) < STEPS_PER_TURN:
            session, room = listings.popleft()
            if self._is_served(session):
                context = self.environment.context(session)
                self._going.append(GoingAnswer(context, Gradual(list_members(context, room))))

    def tick(self) -> None:
        """Ask again for what the log could not take yet."""
        self.takeover.tick()
        unopened, self._unopened = self._unopened, []
        for context in unopened:
            session = context.session
            if self._waiting.get(session.id) is context:
                self._ask_to_open(context)

    # Sessions end

    def _end(self, session: LocalSession, reason: str) -> None:
        """End a session whose lines are all handled."""
        is_new = session.phase is Phase.REGISTERING and session.generation == 1
        if is_new and not session.waiting_line:
            self.close(session, reason)
        else:
            # The log may know it, or soon will, because this or an earlier node asked for it.
            session.phase = Phase.ENDING
            self._outbox.command(CloseSession(session.id, reason))

    def close(self, session: LocalSession, reason: str) -> None:
        """Forget a session that the log has closed or never opened, and tell its client."""
        self._say_goodbye(session, f"{session.address} ({reason})")

    def supersede(self, session: LocalSession) -> None:
        """Forget a session that was resumed over another connection, and tell the old one."""
        self._say_goodbye(session, "resumed from another connection")

    def _say_goodbye(self, session: LocalSession, text: str) -> None:
        context = self._waiting.get(session.id)
        if context is None:
            context = self.environment.context(session)
        payload = b""
        if not session.is_detached:
            context.lines = [Line("", f"ERROR :Closing link: {text}")]
            payload = finish(context)
        self._outbox.item(session.balancer, Close(session.id, session.generation, payload))
        self.forget(session)

    def refuse(self, session: LocalSession, reason: str) -> None:
        """Give a session back to its balancer, which picks another node."""
        if session.is_detached:
            # There is no client to serve elsewhere; but everybody else must learn that it left.
            session.queue = ()
            self._end(session, session.end_reason or "Connection closed")
            return
        reaches = 0 if self.takeover.can_serve(session) else self._recent.start
        item = Refuse(session.id, session.generation, reason, reaches)
        self._outbox.item(session.balancer, item)
        self.give_up(session)

    def give_up(self, session: LocalSession) -> None:
        """Stop serving a session whose client another node serves."""
        self._groups.leave_all(session)
        self.forget(session)

    def forget(self, session: LocalSession) -> None:
        """Stop serving a session without telling anybody; nothing more is done for it."""
        session.queue = ()
        session.end_reason = None
        self._waiting.pop(session.id, None)
        self.jobs.forget(session)
        self._groups.forget(session)
        self._directory.remove(session)

    def _lose(self, session: LocalSession) -> None:
        """Drop a session whose line the log fenced off: it is closed, or another node's."""
        if session.id in self.environment.state.sessions:
            self.give_up(session)
        else:
            self.close(session, "Session ended")
