"""Commands that a node proposes by itself, and not for a client."""

from collections.abc import Callable, Iterator

from roost.chat.commands import Command
from roost.chat.commands.administration import ExpireTokens
from roost.chat.commands.cluster import SetSecret, SetServicesHost
from roost.chat.commands.sessions import BalancerLost, ExpireAbsent
from roost.chat.presence import is_expiry_due
from roost.chat.state import State
from roost.chat.tokens import is_any_token_due
from roost.instant import Instant
from roost.ircd.config import Config as IrcConfig
from roost.ircd.config import services_host
from roost.log import Log, Policy
from roost.node.engine.census import Census

SESSIONS_ENDED = 800
"""Sessions of a lost balancer that one entry ends, in some 15 ms; the next tick goes on."""
HAND_OVER_S = 1.0
"""How long a node that stops waits for another leader."""
SECRET_BYTES = 32
"""It is the key of HMAC-SHA-256 digests, and as long as they are."""


def on_election(
    state: State, irc: IrcConfig, random_bytes: Callable[[int], bytes] | None
) -> Iterator[Command]:
    """Yield what a new leader proposes."""
    if random_bytes is not None and not state.secret:
        # Two leaders may both propose one; the first to be applied counts.
        yield SetSecret(random_bytes(SECRET_BYTES))
    host = services_host(irc)
    if state.services_host != host:
        yield SetServicesHost(host)


def while_leading(state: State, census: Census, now: Instant) -> Iterator[Command]:
    """Yield what a leader proposes as time passes."""
    for name, incarnation in census.lost(state.balancers, state.incarnations, now.monotonic):
        yield BalancerLost(name, incarnation, SESSIONS_ENDED)
    if is_expiry_due(state, now.wall_ms):
        yield ExpireAbsent()
    if is_any_token_due(state, now.wall_ms):
        yield ExpireTokens()


def tend(log: Log, state: State, now: Instant) -> None:
    """Take a step towards a log that the cluster's nodes keep, once the cluster names them."""
    if state.nodes:
        settings = state.settings
        policy = Policy(settings.voters_max, settings.voter_absence_s_max)
        log.tend(tuple(state.nodes), policy, now)
