"""Lines that wait for slow work, or for the log, before they can take effect.

A handler that cannot decide at once returns one of these (from `ircd.context`):

    Job(work, then)          the driver does the work off the event loop (`sessions.work` has the
                             kinds), then `then(context, outcome)` is called
    Request(command, then)   the log orders a command other than `Act`, such as `CountLogin`, then
                             `then(context, applied)` is called

`then` may do what a handler may: answer, raise `RefusedError`, and return any result, including
operations or another Job. An example from a service:

    def identify(context, name, password):
        def then(context: Context, outcome: Outcome) -> Result:
            if outcome is not True:
                context.notice("The password is wrong")
                return None
            return (LogIn(account.id),)

        return Job(VerifyPassword(account.credentials.password, password), then)

(`accounts.login` does this, and counts the attempts.) If the work could not be done, because too
much is waiting already, `then` is not called: the client gets FAIL TEMPORARILY_UNAVAILABLE, or what
the Job's `failed` sends.

Meanwhile the client's later lines wait, in order; other clients' lines do not. The line is not
acknowledged until it is done, so that a node that takes over gets it again. Two duties follow:

- A line that has taken effect is not worked on again: `serving.results` makes its answer from the
  log's results. So `then` must not answer for operations that it returns; that belongs there, or
  before the Job. If the answer needs `context.targets`, set it before the Job.
- A line that has not taken effect is worked on again, so it may ask for a Request's command twice.
  Applying that command twice must be harmless.
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
    """The waiting lines, at most one for each session."""

    def __init__(
        self, outbox: Outbox, is_served: Callable[[LocalSession], bool], go_on: GoOn
    ) -> None:
        """`go_on` is called with the result of a line, once it is known."""
        self._outbox = outbox
        self._is_served = is_served
        self._go_on = go_on
        self._next_ticket = 1
        self._jobs: dict[int, tuple[Context, Job]] = {}
        self._requests: dict[SessionId, tuple[Context, Request]] = {}

    def begin(self, context: Context, result: Job | Request) -> None:
        """Start the work, or ask the log, and let the line wait."""
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
        """Go on with a line whose work is done, or has failed."""
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
        """Go on with the line whose command the log has ordered, if it still waits."""
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
        """Forget what a session waits for; its work may still be going on."""
        self._requests.pop(session.id, None)

    def replace_state(self, state: State) -> None:
        """Let waiting lines go on with another state."""
        for context, _ in [*self._jobs.values(), *self._requests.values()]:
            context.state = state


def _attempt(context: Context, then: Callable[[], Result]) -> Result:
    try:
        return then()
    except RefusedError as error:
        send_refusal(context, error.refusal)
        return None
