"""Sessions, and the balancers that hold their connections."""

from typing import TypeAlias

from roost.chat.commands.payload import Payload
from roost.chat.ids import AccountId, SessionId, UserId


class OpenSession(Payload, frozen=True, tag=101):
    """A client has registered; refused when the nickname is taken."""

    session: SessionId
    generation: int
    line: int
    """The last line of the registration; everything up to it is acknowledged by this."""
    nick: str
    username: str
    realname: str
    host: str
    capabilities: int
    is_secure: bool
    """The client came in over TLS."""
    balancer: str
    """The name of the balancer that chose the session's id; refused unless it is known for it."""
    account: AccountId = AccountId(0)
    """The account that the client has proved to own; 0 for none."""
    certificate: str = ""
    """The client certificate's SHA-256 fingerprint in lower-case hexadecimal; empty for none."""
    metadata: tuple[tuple[str, str], ...] = ()
    """What the client said of itself before it was registered; keys are valid and few enough."""
    subscribed: tuple[str, ...] = ()
    """The keys of metadata that it asked to be told of."""
    away: str | None = None
    """The away message that it gave before it was registered, if it gave one: "" says that somebody
    is there, and "*" that nobody is."""


class ResumeSession(Payload, frozen=True, tag=108):
    """A client goes on with a session of before, over another connection.

    The new session takes the old one's place in everything that others can see; its node has
    checked that the client holds the old one's token.
    """

    session: SessionId
    generation: int
    line: int
    """As in `OpenSession`."""
    previous: SessionId
    user: UserId
    """Whose session `previous` was."""
    capabilities: int
    is_secure: bool
    balancer: str


class AttachSessions(Payload, frozen=True, tag=103):
    """Another node serves these sessions from now on.

    Commands of lower generations are refused. They come in numbers: a dead node's sessions are
    moved together, and an entry each would cost more than all the rest of it.
    """

    sessions: tuple[tuple[SessionId, int], ...]
    """Each with the generation that it gets, unless it has it already or a higher one."""


class CloseSession(Payload, frozen=True, tag=104):
    """The client's connection is gone; harmless when the session is closed already.

    Carries no generation: a client that is gone is gone for every node.
    """

    session: SessionId
    reason: str


class ExpireAbsent(Payload, frozen=True, tag=115):
    """Somebody has been without a client for longer than the settings allow.

    The log's time decides who, so that a clock that goes wrong throws nobody out.
    """


class BalancerStarted(Payload, frozen=True, tag=105):
    """A balancer announced a new incarnation; what it held before has no connection any more.

    Sessions that can be resumed stay until `BalancerLost` names their incarnation.
    """

    name: str
    incarnation: int


class BalancerLost(Payload, frozen=True, tag=106):
    """A balancer's incarnation has not been seen by any node for the grace period."""

    name: str
    """Empty for one that came before the balancer's present incarnation."""
    incarnation: int


SessionCommand: TypeAlias = (
    OpenSession
    | ResumeSession
    | AttachSessions
    | CloseSession
    | ExpireAbsent
    | BalancerStarted
    | BalancerLost
)
