"""Administrators' requests that balancers pass on: they go to the log, and the outcome goes back.

    balancer --Ask--> Administer --> the log --> Outcome --> Told --> balancer

Any node can do this. A request that is repeated through another node has the same outcome.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping

from roost.chat.applied import Applied
from roost.chat.commands.administration import (
    Administer,
    Administration,
    RedeemToken,
    RemoveNode,
    ShowAccounts,
    ShowInvitations,
    ShowNodes,
    ShowRooms,
)
from roost.chat.outcome import Ending, Outcome
from roost.chat.refusals import Reason
from roost.chat.state import State
from roost.chat.tokens import sealed_for
from roost.chat.versions import why_too_new
from roost.log import Log
from roost.protocol.nodes import encode_nodes, view_nodes
from roost.protocol.people import encode_people, view_accounts, view_invitations, view_rooms
from roost.protocol.trunk import Ask, Told

WAITING_MAX = 64
"""Requests that wait for the log at once, for all balancers; people make few."""

UPGRADE_FIRST = "upgrade all nodes first, or remove those that are gone (`roost members`)"

_WORDS = {
    Ending.DONE: "",
    Ending.NODE_EXISTS: "a node named {subject} exists already: choose another name",
    Ending.TOKEN_UNKNOWN: "the cluster does not know this token: it expired more than a day ago or "
    "was withdrawn; make another one with `roost members add`",
    Ending.TOKEN_EXPIRED: "the token for {subject} expired at {time}; make another one with "
    "`roost members add`",
    Ending.TOKEN_USED: "another machine used this token for {subject} at {time}. If it was not "
    "yours, remove it with `roost members remove {subject}`; make another token with "
    "`roost members add`",
    Ending.TOO_MANY_TOKENS: "there are {detail} tokens already: wait until one is used or expires",
    Ending.TOKEN_INVALID: "the token for {subject} is not valid: {detail}",
    Ending.NODE_UNKNOWN: "no node named {subject} belongs to the cluster: choose from {detail}",
    Ending.NODE_NAME_INVALID: "a node cannot be called {subject!r}",
    Ending.TOO_MANY_NODES: "a cluster has up to {detail} nodes: remove one before adding {subject}",
    Ending.LAST_NODE: "{subject} is the only node: a cluster has at least one",
}

_REFUSALS: Mapping[int, str] = {
    Reason.NO_SUCH_ACCOUNT: "there is no such account any more",
    Reason.ACCOUNT_EXISTS: "the account {subject} exists already: choose another name",
    Reason.ACCOUNT_NAME_INVALID: "{subject} cannot be the name of an account: it needs letters, "
    "digits and _-[]\\`^{{}}| and does not begin with a digit or -",
    Reason.ACCOUNT_NAME_IN_USE: "somebody else uses the nickname {subject}: choose another name, "
    "or wait until they are gone",
    Reason.TOO_MANY_ACCOUNTS: "the cluster has no room for {subject}: see settings.accounts_max",
    Reason.NOT_SUSPENDED: "the account {subject} is not suspended",
    Reason.TOO_MANY_INVITATIONS: "there are {detail} invitations already: revoke one, or wait "
    "until one is used or expires",
    Reason.NO_SUCH_INVITATION: "there is no invitation {subject}: list them with `roost accounts "
    "invitations`",
    Reason.REGISTRATION_UNKNOWN: "registration cannot be {subject}: choose open, closed, "
    "invitation or email",
    Reason.NO_SUCH_ROOM: "there is no room {subject}: list them with `roost rooms list`",
    Reason.NOT_REGISTERED: "the room {subject} is not registered, so it belongs to nobody",
    Reason.ALREADY_REGISTERED: "the room {subject} belongs to that account already",
}
"""Why accounts and rooms could not be changed."""


def words_for(outcome: Outcome) -> str:
    """Return for people why a request was refused; empty if it was carried out."""
    milliseconds = int(outcome.detail) if outcome.detail.isdigit() else 0
    time = dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    if outcome.ending is Ending.REFUSED:
        words = _REFUSALS.get(outcome.reason, "this cannot be done")
        return words.format(subject=outcome.subject, detail=outcome.detail)
    return _WORDS[outcome.ending].format(subject=outcome.subject, detail=outcome.detail, time=time)


class AdministrationDesk:
    """The requests that wait for their entries, and who is to be told of each."""

    def __init__(self, why_held: Callable[[str], str] = lambda _: "") -> None:
        """`why_held` returns why a node must stay for the sake of history; empty if it need not."""
        self._why_held = why_held
        self._waiting: dict[str, tuple[Administration, dict[tuple[str, int], None]]] = {}

    def ask(
        self,
        balancer: str,
        frame: Ask,
        state: State,
        log: Log,
        propose: Callable[[Administer], None],
    ) -> Iterator[tuple[str, Told]]:
        """Take a request, and propose it; yield a refusal if that is not possible."""
        request = frame.request
        if newer := why_too_new(frame.operation, state.version):
            yield balancer, Told(frame.ticket, f"{newer}: {UPGRADE_FIRST}")
            return
        # Only running nodes know which others run; the log cannot decide this.
        if isinstance(frame.operation, RemoveNode) and request not in state.outcomes:
            name = frame.operation.name
            is_there = name in state.nodes
            if is_there and (why := log.why_needed(name, state.nodes) or self._why_held(name)):
                yield balancer, Told(frame.ticket, f"{name} cannot be removed now: {why}")
                return
        if request not in self._waiting and len(self._waiting) >= WAITING_MAX:
            problem = f"{WAITING_MAX} requests wait already; try again"
            yield balancer, Told(frame.ticket, problem)
            return
        _, askers = self._waiting.setdefault(request, (frame.operation, {}))
        askers[balancer, frame.ticket] = None
        propose(Administer(request, frame.operation))

    def settled(self, applied: Applied, state: State, log: Log) -> Iterator[tuple[str, Told]]:
        """Yield whom to tell what of an entry."""
        if applied.administered is None:
            return
        request, outcome = applied.administered
        operation, askers = self._waiting.pop(request, (None, {}))
        data = b""
        if outcome.ending is Ending.DONE and operation is not None:
            data = _answer(operation, state, log)
        for balancer, ticket in askers:
            yield balancer, Told(ticket, words_for(outcome), data)


def _answer(operation: Administration, state: State, log: Log) -> bytes:
    """Return the data that a request asks for."""
    match operation:
        case RedeemToken(token, claim):
            return sealed_for(state, token, claim)
        case ShowNodes():
            return encode_nodes(view_nodes(state, log.voters, log.members))
        case ShowAccounts():
            return encode_people(view_accounts(state, operation))
        case ShowInvitations():
            return encode_people(view_invitations(state))
        case ShowRooms():
            return encode_people(view_rooms(state, operation))
        case _:
            return b""
