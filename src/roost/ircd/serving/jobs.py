"""Lines that wait for slow work, or for the log, before it is known what they do.

A handler that cannot say at once what is to be done returns one of these (from `ircd.context`):

    Job(work, then)          the driver does the work off the event loop (`sessions.work` has the
                             kinds), then `then(context, outcome)` is called
    Request(command, then)   the log orders a command that is no Act, such as `CountLogin`; then
                             `then(context, applied)` is called

`then` may do all that a handler may: answer, raise `RefusedError`, and return any result, so also
operations or the next Job. For example, of a service's command:

    def identify(context, name, password):
        def then(context: Context, outcome: Outcome) -> Result:
            if outcome is not True:
                context.notice("The password is wrong")
                return None
            return (LogIn(account.id),)

        return Job(VerifyPassword(account.credentials.password, password), then)

(`accounts.login` has just this, with the attempts counted.) When the work could not be done,
because too much waits already, `then` is not called: the client gets FAIL
TEMPORARILY_UNAVAILABLE, or what the Job's `failed` says.

The client's later lines wait meanwhile, in order; nobody else's do. The line is not acknowledged
before it is done, so that a node that takes over hears it again. Two duties follow:

- A line that had its effect is not worked on again: its answer is made from the log's results by
  `serving.results`. So what is to be said of operations is said there, or before the Job, and not
  in `then` beside them; and `context.targets`, if `replies` needs it, is set before the Job.
- One that had none yet is worked on anew, so that a Request's command may be asked for twice by
  one line. Applying it twice must be harmless.
"""

from collections.abc import Callable
from typing import TypeAlias

from roost.chat.applied import Applied
from roost.chat.ids import SessionId
from roost.chat.state import State
from roost.ircd.context import Context, Job, RefusedError, Request, Result
from roost.ircd.replies.refusals import send_refusal
from roost.ircd.sessions.outbox import Outbox
from roost.ircd.sessions.session import LocalSession
from roost.ircd.sessions.work import Outcome, WorkFailed

GoOn: TypeAlias = Callable[[Context, Result], None]


class Jobs:
    """The lines that wait; at most one of each session."""

    def __init__(
        self, outbox: Outbox, is_served: Callable[[LocalSession], bool], go_on: GoOn
    ) -> None:
        """`go_on` is called with what came of a line, once that is known."""
        self._outbox = outbox
        self._is_served = is_served
        self._go_on = go_on
        self._next_ticket = 1
        self._jobs: dict[int, tuple[Context, Job]] = {}
        self._requests: dict[SessionId, tuple[Context, Request]] = {}

    def begin(self, context: Context, result: Job | Request) -> None:
        """Let a line wait."""
        context.session.waiting_line = context.line
        if isinstance(result, Request):
            self._requests[context.session.id] = (context, result)
            self._outbox.command(result.command)
            return
        ticket = self._next_ticket
        self._next_ticket += 1
        self._jobs[ticket] = (context, result)
        self._outbox.job(ticket, result.work)

    def done(self, ticket: int, outcome: Outcome) -> None:
        """Go on with a line whose work is done, or could not be."""
        context, job = self._jobs.pop(ticket, (None, None))
        if context is None or job is None or not self._is_served(context.session):
            return
        context.session.waiting_line = 0
        if not isinstance(outcome, WorkFailed):
            self._go_on(context, _attempt(context, lambda: job.then(context, outcome)))
            return
        if job.failed is not None:
            job.failed(context, outcome)
        else:
            context.fail("TEMPORARILY_UNAVAILABLE", text=outcome.reason)
        self._go_on(context, None)

    def settle(self, session: LocalSession, applied: Applied) -> None:
        """Go on with a line whose command the log has ordered; one that nobody waits for is old."""
        waiting = self._requests.get(session.id)
        if waiting is None:
            return
        context, request = waiting
        is_same = applied.line == context.line and applied.generation == session.generation
        if not is_same or applied.request != type(request.command).__name__:
            return
        del self._requests[session.id]
        session.waiting_line = 0
        if applied.failure:
            context.fail("UNKNOWN_ERROR", text="The command could not be processed")
            self._go_on(context, None)
        else:
            self._go_on(context, _attempt(context, lambda: request.then(context, applied)))

    def forget(self, session: LocalSession) -> None:
        """Wait no more for what a session asked for; its work may be going on."""
        self._requests.pop(session.id, None)

    def replace_state(self, state: State) -> None:
        """Go on with another state."""
        for context, _ in [*self._jobs.values(), *self._requests.values()]:
            context.state = state


def _attempt(context: Context, then: Callable[[], Result]) -> Result:
    try:
        return then()
    except RefusedError as error:
        send_refusal(context, error.refusal)
        return None
