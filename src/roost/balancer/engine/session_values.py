"""What a session holds: its limits, what its client knows, and the search for a node."""

import math

import msgspec

from roost.balancer.engine.limits import check_limits


class SessionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a session may cost the cluster, and its time-outs."""

    lines_max: int = 512
    """Unacknowledged lines: a few seconds of what anybody types or pastes, and far below what a
    node queues. Above it the client's socket is not read."""
    bytes_max: int = 128 * 1024
    """Bytes in unacknowledged lines; `lines_max` lines of full length would be 2 MiB for each
    client."""
    burst_lines: int = 100
    """Lines that may come at once: clients join many rooms when they connect."""
    lines_per_s: float = 25.0
    """Lines a second after such a burst, far above what people type; 0 sets no limit. What comes
    faster waits in the client's socket; nothing is lost."""
    registration_s: float = 60.0
    """How long a client may take to register: people answer password prompts in less."""
    idle_s: float = 120.0
    """Time without a line after which the client is pinged. Home routers forget connections that
    are silent for 5 minutes."""
    ping_timeout_s: float = 60.0
    """How long the answer to a ping may take: mobile networks pause for half a minute."""
    waiting_notice_s: float = 1.0
    """Time without a node after which a client is told that it waits; shorter pauses are common."""

    def __post_init__(self) -> None:
        check_limits(
            self,
            at_least_1=("lines_max", "bytes_max", "burst_lines"),
            positive=("registration_s", "idle_s", "ping_timeout_s"),
            not_negative=("lines_per_s", "waiting_notice_s"),
        )


class Known(msgspec.Struct, frozen=True, gc=False):
    """What a client knows of itself, in its nodes' words, which the balancer only repeats."""

    nick: str = ""
    rooms: tuple[str, ...] = ()
    """The rooms that it was in at `Session.position`."""


NOTHING_KNOWN = Known()


class Stranding(msgspec.Struct):
    """The search for a node that can serve a session."""

    since: float
    refused: dict[str, float] = {}
    """The nodes that refused it, and until when not to ask again."""
    search_at: float = -math.inf
    """Not to look for a node before this time."""
