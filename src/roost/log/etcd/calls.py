"""Requests to etcd that are repeated until they are answered, at one endpoint or another.

A request whose endpoint died, hangs or lost its leader may never be answered, or after seconds. So
it is sent again, to the next endpoint, after a moment. The endpoint that answers such
a repetition is asked first from then on.

Otherwise the endpoint that leads is asked first, because every other one has to ask it.
"""

from collections.abc import Callable
from math import inf

import msgspec

from roost.log.requests import Answer, KeepAlive, Operation, Put, Refusal, Request, Status, Txn

REPEAT_S_MIN = 0.05
REPEAT_S_MAX = 0.25
"""The wait before a request is repeated elsewhere is between these. An answer takes 2 ms, and an
election 400, during which requests get lost."""
REPEAT_LATENCIES = 4
"""It is so many times what an answer takes on average, so that a slow disk gets no more to do."""
PATIENT_AFTER = 10
"""After so many attempts, the wait is `LASTING_S`."""
REFUSED_S = 0.02
"""The wait after an endpoint has said that it cannot: it may have no leader for a moment."""
REFUSED_S_MAX = 0.1
LASTING_S = 0.5
"""The wait after a refusal that only people can change."""
REQUEST_S_MAX = 6.0
"""How long an endpoint may work on a request; etcd itself gives up after some 5 s."""
TOUCH_S_MAX = 1.5
"""How long after an answer a node counts as in touch. Elections take 0.4 s, and a request may have
been repeated before."""
SLOW_MS = 250.0
"""Answers that take longer than this, on average, are reported."""
LEADER_S = 5.0
"""How often the endpoints are asked which of them leads, and how long one that was taken because
another did not answer is kept."""
LEADER_ANSWER_S_MAX = 1.0
SMOOTHING = 0.2
"""The weight of one answer in the average."""


class _Call(msgspec.Struct):
    """An operation that is not answered yet."""

    operation: Operation
    done: Callable[[Answer], None]
    failed: Callable[[], None] | None
    began: float
    known_revision: int
    """An answer must be of this revision at least."""
    repeat_at: float
    endpoint: int
    attempts: int = 1


class Calls:
    """All operations that are under way."""

    def __init__(self, endpoints: int, first: int) -> None:
        """`first` is the endpoint that is asked first."""
        self._endpoints = endpoints
        self.endpoint = first
        """The endpoint that is asked first."""
        self._calls: dict[int, _Call] = {}
        self._ticket = 0
        self._requests: list[Request] = []
        self._asked: dict[int, None] = {}
        """The questions who leads that are not answered yet."""
        self._ask_at = inf
        self._keep_until = -inf
        self.now = -inf
        """The present moment in monotonic seconds; set it before anything else is called."""
        self.touched = -inf
        """When the last operation began that was answered, in monotonic seconds."""
        self.revision = 0
        """The highest one that was seen."""
        self.cluster = 0
        """The id of the etcd cluster, once it is known."""
        self.latency_ms = 0.0
        self.failure = ""
        """What the last refusal said; empty after an answer."""
        self._full: dict[int, None] = {}
        """The operations that were refused because etcd had no space left."""
        self.is_denied = False
        self.went_back = 0
        """The revision that the store has gone back to; 0 if it has not."""
        self.is_other = False
        """Whether another etcd cluster answers."""

    @property
    def is_full(self) -> bool:
        """Whether etcd has no space left for something that is under way.

        What is not under way any more says nothing: a node that writes nothing else would be
        without space for ever.
        """
        return bool(self._full)

    def is_in_touch(self) -> bool:
        """Return whether etcd has answered lately, with a majority behind it."""
        return self.now - self.touched <= TOUCH_S_MAX

    def new_ticket(self) -> int:
        """Return a number that no other request or watch has."""
        self._ticket += 1
        return self._ticket

    def start(
        self,
        operation: Operation,
        done: Callable[[Answer], None],
        failed: Callable[[], None] | None = None,
    ) -> None:
        """Do an operation, then call `done`; repeat it until then.

        If it can never be done, because a lease or a revision is gone, `failed` is called.
        """
        ticket = self.new_ticket()
        now = self.now
        call = _Call(
            operation, done, failed, now, self.revision, now + self._wait_s(1), self.endpoint
        )
        self._calls[ticket] = call
        self._send(ticket, call)

    def drop(self) -> None:
        """Forget all operations."""
        self._calls.clear()
        self._full.clear()

    def answered(self, answer: Answer) -> None:
        """Take in an answer; late and repeated ones are ignored."""
        call = self._calls.get(answer.ticket)
        if call is None:
            self._learn_leader(answer)
            return
        is_by_majority = not isinstance(call.operation, KeepAlive)
        if is_by_majority and answer.revision < call.known_revision:
            self.went_back = answer.revision
            return
        if self.cluster and answer.cluster != self.cluster:
            self.is_other = True
            return
        self._forget(answer.ticket)
        if not self.cluster and self._endpoints > 1:
            self._ask_at = self.now
        self.cluster = answer.cluster
        if is_by_majority:
            self.revision = max(self.revision, answer.revision)
            self.touched = max(self.touched, call.began)
        self.latency_ms += SMOOTHING * ((self.now - call.began) * 1000 - self.latency_ms)
        self.failure = ""
        self.is_denied = False
        if isinstance(call.operation, Txn) and _puts(call.operation):
            self._full.clear()
        if call.attempts > 1:
            self._move_to(answer.endpoint)
        call.done(answer)

    def refused(self, refusal: Refusal) -> None:
        """Repeat what an endpoint could not do."""
        call = self._calls.get(refusal.ticket)
        if call is None:
            return
        if refusal.kind in ("compacted", "invalid"):
            self._forget(refusal.ticket)
            if call.failed is not None:
                call.failed()
            return
        self.failure = refusal.reason
        if refusal.kind == "full":
            self._full[refusal.ticket] = None
        self.is_denied = refusal.kind == "denied"
        if refusal.endpoint == call.endpoint:
            if refusal.kind == "unavailable" and refusal.endpoint == self.endpoint:
                self._move_to(self._next(self.endpoint))
            wait_s = min(REFUSED_S * call.attempts, REFUSED_S_MAX)
            call.repeat_at = self.now + (wait_s if refusal.kind == "unavailable" else LASTING_S)

    def tick(self) -> None:
        """Repeat what is due."""
        now = self.now
        self._ask_who_leads()
        for ticket, call in list(self._calls.items()):
            if now < call.repeat_at:
                continue
            call.attempts += 1
            call.endpoint = self._next(call.endpoint)
            call.repeat_at = now + self._wait_s(call.attempts)
            self._send(ticket, call)

    def next_deadline(self) -> float:
        """Return when to call `tick` next, in monotonic seconds."""
        repeat_at = min((call.repeat_at for call in self._calls.values()), default=inf)
        return min(repeat_at, self._ask_at)

    @property
    def has_requests(self) -> bool:
        """Whether there is anything to be sent."""
        return bool(self._requests)

    def take_requests(self) -> list[Request]:
        """Return what is to be sent, once."""
        requests, self._requests = self._requests, []
        return requests

    def _ask_who_leads(self) -> None:
        if self.now < self._ask_at:
            return
        self._ask_at = self.now + LEADER_S
        self._asked.clear()
        for endpoint in range(self._endpoints):
            ticket = self.new_ticket()
            self._asked[ticket] = None
            self._requests.append(Request(ticket, endpoint, Status(), LEADER_ANSWER_S_MAX))

    def _learn_leader(self, answer: Answer) -> None:
        is_leader = answer.is_success and answer.cluster == self.cluster
        if answer.ticket not in self._asked:
            return
        del self._asked[answer.ticket]
        # One that has just failed to answer may still believe that it leads.
        if is_leader and self.now >= self._keep_until:
            self.endpoint = answer.endpoint

    def _move_to(self, endpoint: int) -> None:
        """Ask an endpoint first, because another one did not answer."""
        self.endpoint = endpoint
        self._keep_until = self.now + LEADER_S

    def _forget(self, ticket: int) -> None:
        del self._calls[ticket]
        self._full.pop(ticket, None)

    def _wait_s(self, attempts: int) -> float:
        """Return how long to wait for the answer to an attempt."""
        if attempts > PATIENT_AFTER:
            return LASTING_S
        usual_s = REPEAT_LATENCIES * self.latency_ms / 1000
        return max(REPEAT_S_MIN, min(usual_s, REPEAT_S_MAX))

    def _send(self, ticket: int, call: _Call) -> None:
        self._requests.append(Request(ticket, call.endpoint, call.operation, REQUEST_S_MAX))

    def _next(self, endpoint: int) -> int:
        return (endpoint + 1) % self._endpoints


def _puts(txn: Txn) -> bool:
    return any(isinstance(step, Put) for step in txn.success)


def ignore(_answer: Answer) -> None:
    """Go on with nothing."""
