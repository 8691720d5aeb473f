"""Serves the clients' lines: strictly one after the other for each session.

    queue --> read --+--> answered at once, or step by step       --> Reply
                     +--> Act command --> the log --> settle()    --> Reply
                     +--> history query --> `questions`           --> Reply
                     +--> slow work, or a request --> `jobs`      --> any of these

Until registration completes no line is acknowledged; the entry that opens the session
acknowledges all of them, so that a node that takes over replays them.
"""

from collections import deque

from roost.chat.applied import Applied
from roost.chat.commands import Act, Operation
from roost.chat.commands.sessions import CloseSession
from roost.chat.ids import SessionId
from roost.chat.state import State
from roost.ircd.accounts.login import abort_exchange, count_line
from roost.ircd.config import Config
from roost.ircd.context import Context, Gradual, Job, Question, Request, Result
from roost.ircd.delivery.deliveries import Deliveries
from roost.ircd.rendering.lines import Line
from roost.ircd.replies.labels import finish
from roost.ircd.serving import registration, resumption
from roost.ircd.serving.answers import Answers
from roost.ircd.serving.environment import Environment
from roost.ircd.serving.gradual import STEPS_PER_TICK, GoingAnswer
from roost.ircd.serving.jobs import Jobs
from roost.ircd.serving.questions import Questions
from roost.ircd.serving.reading import read
from roost.ircd.serving.results import send_results
from roost.ircd.serving.takeover import TOO_LATE, Takeover
from roost.ircd.sessions.directory import Directory
from roost.ircd.sessions.groups import Groups
from roost.ircd.sessions.outbox import Outbox
from roost.ircd.sessions.recent import RecentEntries
from roost.ircd.sessions.session import LocalSession, Phase
from roost.protocol import trunk as frames
from roost.protocol.trunk import Close, Lines, Refuse


class Serving:
    """The lines of all local sessions, and what they wait for."""

    def __init__(
        self,
        config: Config,
        state: State,
        outbox: Outbox,
        directory: Directory,
        groups: Groups,
        deliveries: Deliveries,
        recent: RecentEntries,
    ) -> None:
        self.environment = Environment(config, state)
        self._outbox = outbox
        self._directory = directory
        self._groups = groups
        self._deliveries = deliveries
        self._recent = recent
        self._answers = Answers(self.environment, outbox)
        self.takeover = Takeover(
            self.environment, outbox, directory, groups, recent, self._answers, self.refuse
        )
        self._waiting: dict[SessionId, Context] = {}
        self.questions = Questions(outbox, self._is_served, self._take_late)
        self.jobs = Jobs(outbox, self._is_served, self._take_late)
        self._going: deque[GoingAnswer] = deque()
        """Long answers, the one to be gone on with first."""
        self._unopened: list[Context] = []
        """Registrations that are to be asked for again at the next tick."""

    # Lines come in

    def take_lines(self, session: LocalSession, frame: Lines) -> None:
        """Queue the lines that are new, and handle what can be handled."""
        if frame.first > session.next_line:
            # A trunk is ordered, so this is a balancer that forgot lines: no answer would be right.
            self.refuse(session, "lines are missing")
            return
        if session.end_reason is None and session.phase is not Phase.ENDING:
            for line in frame.lines[session.next_line - frame.first :]:
                session.queue.append((session.next_line, line))
                session.next_line += 1
        if len(session.queue) > self.environment.config.queued_lines_max:
            session.queue.clear()
            session.end_reason = "Excess flood"
        self.pump(session)

    def pump(self, session: LocalSession) -> None:
        """Handle queued lines until one has to wait."""
        while session.queue and not session.is_busy:
            number, line = session.queue.pop(0)
            self._handle(session, number, line)
        if session.end_reason is not None and not session.queue and not session.is_busy:
            self._end(session, session.end_reason)

    def _handle(self, session: LocalSession, number: int, line: bytes | None) -> None:
        context = self.environment.context(session, number)
        count_line(context)
        result = read(context, line)
        effect = self.takeover.effect_of(session, number)
        if effect is not None:
            self._answer_again(context, effect, is_refused_now=not result)
            return
        for whisper in context.whispers:
            self._outbox.whisper(whisper)
            self._deliveries.whisper(whisper, self.environment.state, session.id)
        self._take(context, result)

    def _take(self, context: Context, result: Result) -> None:
        """Do what a handler's result says."""
        session = context.session
        if isinstance(result, Job | Request):
            self.jobs.begin(context, result)
        elif session.phase is Phase.REGISTERING:
            self._go_on_registering(context)
        elif isinstance(result, Question):
            self.questions.ask(context, result)
        elif isinstance(result, Gradual):
            session.waiting_line = context.line
            self._go_on(GoingAnswer(context, result))
        elif result:
            self._act(context, result)
        else:
            self._finish(context)

    def _take_late(self, context: Context, result: Result) -> None:
        self._take(context, result)
        self.pump(context.session)

    def _go_on_registering(self, context: Context) -> None:
        session = context.session
        session.registration.lines += 1
        is_flood = session.registration.lines > self.environment.config.registration_lines_max
        if session.end_reason is None and session.registration.is_complete and not is_flood:
            # Nothing yet, also no ACK of a label: the welcome or the refusal is the line's answer.
            abort_exchange(context)
            self._ask_to_open(context)
            return
        self._answers.send_registering(context)
        if session.end_reason is None and is_flood:
            session.queue.clear()
            session.end_reason = "Too many lines before registration"

    def _ask_to_open(self, context: Context) -> None:
        answered = context.session.registration
        if answered.part < answered.skipped_parts:
            # The client was told more after this attempt, so it was refused; that is not undone.
            registration.refuse_again(context)
            self._go_on_refused(context)
            return
        self._outbox.command(registration.open_session(context.session, context.line))
        self._wait(context)

    def _act(self, context: Context, operations: tuple[Operation, ...]) -> None:
        session = context.session
        self._outbox.command(Act(session.id, session.generation, context.line, operations))
        self._wait(context)

    def _wait(self, context: Context) -> None:
        context.session.waiting_line = context.line
        self._waiting[context.session.id] = context

    def _is_served(self, session: LocalSession) -> bool:
        return self._directory.by_id.get(session.id) is session

    # The log has spoken

    def settle(self, session: LocalSession, applied: Applied) -> None:
        """Answer the line that waits for this entry, if it is this session's."""
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
        self.pump(session)

    def _settle_line(self, context: Context, applied: Applied) -> None:
        if applied.failure:
            context.fail("UNKNOWN_ERROR", text="The command could not be processed")
        send_results(context, applied)
        self._finish(context)

    def _answer_again(self, context: Context, effect: Applied, *, is_refused_now: bool) -> None:
        """Answer a line as it was, or would have been, when it took effect."""
        if is_refused_now:
            # What could be done then cannot be done any more.
            context.lines.clear()
        self.takeover.catch_up(context.session, effect)
        self._settle_line(context, effect)

    def _finish(self, context: Context) -> None:
        """Send a line's whole answer."""
        self._answers.send(context, is_whole=True)
        self.takeover.line_done(context.session, context.line)

    def _go_on(self, going: GoingAnswer) -> None:
        """Send some more of a long answer."""
        context = going.context
        is_whole = going.step()
        self._answers.send(context, is_whole=is_whole)
        context.lines.clear()
        if not is_whole:
            self._going.append(going)
            return
        context.session.waiting_line = 0
        self.takeover.line_done(context.session, context.line)
        self.pump(context.session)

    def _settle_registration(self, context: Context, applied: Applied) -> None:
        session = context.session
        if applied.is_fenced:
            if registration.is_balancer_known(session, self.environment.state):
                session.end_reason = "Registration was overtaken, connect again"
            else:
                # The entry that announces the balancer is still on its way through the log.
                self._wait(context)
                self._unopened.append(context)
            return
        if applied.is_duplicate:
            self._settle_registered(context)
            return
        registration.send_refusals(context, applied)
        self._go_on_refused(context)

    def _go_on_refused(self, context: Context) -> None:
        """Say that the log refused; who could not resume may have said enough to register."""
        session = context.session
        self._answers.send_registering(context)
        if session.end_reason is None and session.registration.is_complete:
            self._ask_to_open(context)

    def _settle_registered(self, context: Context) -> None:
        """The client was registered when another node served it; its lines are replayed."""
        session = context.session
        known = self.environment.state.sessions[session.id]
        opening = self._recent.opening(session.id)
        resume = session.registration.resume
        if (opening is not None and opening.line > context.line) or (
            resume is not None and resume.user != known.user
        ):
            # This attempt was refused then, and the client tried something else.
            registration.refuse_again(context)
            self._go_on_refused(context)
            return
        session.opened_line = context.line
        if opening is not None:
            # Before that there was nothing to be shown to it.
            session.served = max(session.served, opening.position)
        generation = known.generation
        if generation < session.generation:
            self.takeover.ask_for(session)
        elif generation > session.generation:
            self.give_up(session)
        elif self._recent.reaches(session.served):
            self.open(session, context.line, is_new=False)
        else:
            self.refuse(session, TOO_LATE)

    def open(self, session: LocalSession, line: int, *, is_new: bool) -> None:
        """The log has registered the client: acknowledge everything up to `line`, and welcome.

        Unless that `is_new`, the client may have missed something since.
        """
        context = self._waiting.get(session.id)
        if context is not None and context.line == line:
            del self._waiting[session.id]
            session.waiting_line = 0
        else:
            context = self.environment.context(session, line)
        self.takeover.take_up(session)
        registration.send_welcome(context)
        seen = resumption.seen_before(context, self._recent.reaches)
        self._answers.reply(session, line, session.registration.part, finish(context), is_last=True)
        self.takeover.hand_over(
            session,
            has_missed=not is_new,
            seen=seen,
            # Who resumes has not forgotten the rooms.
            is_newcomer=session.registration.resume is None,
        )

    def replace_state(self, state: State) -> None:
        """Go on with another state; answers that are under way are made from it."""
        self.environment.state = state
        self.jobs.replace_state(state)
        going = [one.context for one in self._going]
        for context in [*self._waiting.values(), *self._unopened, *going]:
            context.state = state

    # Sessions that another node served before

    def fenced(self, session: LocalSession) -> None:
        """The log says that this node does not get the session."""
        if session.phase is Phase.ATTACHING:
            self._lose(session)

    def attached(self, session: LocalSession) -> None:
        """The log says that this node serves the session from now on."""
        if session.phase is not Phase.ATTACHING:
            return
        if not self._recent.reaches(session.served):
            self.refuse(session, TOO_LATE)
        elif session.opened_line:
            self.open(session, session.opened_line, is_new=False)
        else:
            self.takeover.take_up(session)
            self._answers.show(session, frames.Serving(session.id, session.generation))
            self.takeover.hand_over(session, has_missed=True)

    # Time

    def tick(self) -> None:
        """Go on with long answers, and ask again for what the log was not ready to take."""
        for _ in range(STEPS_PER_TICK):
            going = self._going.popleft() if self._going else None
            if going is not None and self._is_served(going.context.session):
                self._go_on(going)
        unopened, self._unopened = self._unopened, []
        for context in unopened:
            session = context.session
            if self._waiting.get(session.id) is context:
                self._ask_to_open(context)

    # Sessions end

    def _end(self, session: LocalSession, reason: str) -> None:
        """End a session whose lines are all done."""
        if (
            session.phase is Phase.REGISTERING
            and session.generation == 1
            and not session.waiting_line
        ):
            self.close(session, reason)
        else:
            # The log may know it, or be about to: this node or an earlier one asked for that.
            session.phase = Phase.ENDING
            self._outbox.command(CloseSession(session.id, reason))

    def close(self, session: LocalSession, reason: str) -> None:
        """Forget a session that the log has closed, or never opened, and tell its client."""
        self._say_goodbye(session, f"{session.address} ({reason})")

    def supersede(self, session: LocalSession) -> None:
        """Forget a session that its client goes on with elsewhere, and tell whoever is here."""
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
            # Nobody is to be served elsewhere; what is left is that everybody else learns of it.
            session.queue.clear()
            self._end(session, session.end_reason or "Connection closed")
            return
        item = Refuse(session.id, session.generation, reason)
        self._outbox.item(session.balancer, item)
        self.give_up(session)

    def give_up(self, session: LocalSession) -> None:
        """Serve a session no more; its client stays, with another node."""
        self._groups.leave_all(session)
        self.forget(session)

    def forget(self, session: LocalSession) -> None:
        """Serve a session no more, without a word."""
        self._waiting.pop(session.id, None)
        self.jobs.forget(session)
        self._groups.forget(session)
        self._directory.remove(session)

    def _lose(self, session: LocalSession) -> None:
        """The log did not take a line: the session is closed, or another node's."""
        if session.id in self.environment.state.sessions:
            self.give_up(session)
        else:
            self.close(session, "Session ended")
