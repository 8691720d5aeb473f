"""Sessions, and the balancers that hold their connections."""

from typing import TypeAlias

from roost.chat.commands.payload import Payload
from roost.chat.ids import AccountId, SessionId, UserId


class OpenSession(Payload, frozen=True, tag=101):
    """Register a client."""

    session: SessionId
    generation: int
    line: int
    """The last line of the registration; this acknowledges all lines up to it."""
    nick: str
    username: str
    realname: str
    host: str
    capabilities: int
    is_secure: bool
    """The client is connected over TLS."""
    balancer: str
    """The balancer that chose the session's id; ignored unless the id is of its incarnation."""
    account: AccountId = AccountId(0)
    """The account whose credentials the node has verified; 0 for none."""
    certificate: str = ""
    """The client certificate's SHA-256 fingerprint in lower-case hexadecimal; empty for none."""
    metadata: tuple[tuple[str, str], ...] = ()
    """The metadata that the client set before it registered; the keys are valid and few enough."""
    subscribed: tuple[str, ...] = ()
    """The keys of metadata that it subscribed to."""
    away: str | None = None
    """The away message that it set before it registered, or None: "" means that somebody is there,
    and "*" that nobody is."""


class ResumeSession(Payload, frozen=True, tag=108):
    """Continue an earlier session over another connection.

    The new session replaces the old one without anybody noticing. The node has checked that the
    client holds the old session's token.
    """

    session: SessionId
    generation: int
    line: int
    """As in `OpenSession`."""
    previous: SessionId
    user: UserId
    """The user of `previous`."""
    capabilities: int
    is_secure: bool
    balancer: str


class AttachSessions(Payload, frozen=True, tag=103):
    """Let another node serve these sessions; commands of lower generations are then refused.

    A dead node's sessions move together: an entry for each would be the largest cost of a move.
    """

    sessions: tuple[tuple[SessionId, int], ...]
    """Each with its new generation; one with the same or a higher generation is left alone."""


class CloseSession(Payload, frozen=True, tag=104):
    """Close the session of a client whose connection is gone; harmless if it is closed already.

    It has no generation: a connection that is gone is gone for every node.
    """

    session: SessionId
    reason: str


class ExpireAbsent(Payload, frozen=True, tag=115):
    """Remove users who have been without a client for longer than the settings allow.

    The log's time decides who, so that a node's wrong clock removes nobody.
    """


class BalancerStarted(Payload, frozen=True, tag=105):
    """What `StartBalancer` was while balancers chose their incarnations; only in older logs."""

    name: str
    incarnation: int


class StartBalancer(Payload, frozen=True, tag=119):
    """Give a run of a balancer the next incarnation.

    Sessions of its earlier incarnations lost their connections. Those that can be resumed stay
    until `BalancerLost` names their incarnation.
    """

    name: str
    run: str
    """What the balancer drew at random when it started."""
    after: int
    """The balancer's newest incarnation as the proposer knows it, 0 for none. If the log has given
    a newer one since, this changes nothing: a proposal of an earlier run may come late."""


class BalancerLost(Payload, frozen=True, tag=106):
    """End an incarnation that no node has seen for the grace period."""

    name: str
    """Empty for one before the balancer's present incarnation."""
    incarnation: int
    sessions_max: int = 0
    """How many sessions end now, so that nobody waits until all have; 0 for all. The proposer goes
    on as long as some are left."""


SessionCommand: TypeAlias = (
    OpenSession
    | ResumeSession
    | AttachSessions
    | CloseSession
    | ExpireAbsent
    | BalancerStarted
    | StartBalancer
    | BalancerLost
)
