"""A balancer's configuration; each limit gives the reason for its default."""

import ipaddress
import re
from pathlib import Path

import msgspec

from roost.balancer.certificates import TlsFiles
from roost.balancer.engine.exchange_config import ExchangeConfig
from roost.balancer.engine.health import HealthConfig
from roost.balancer.engine.limits import check_limits
from roost.balancer.engine.moves import MoveConfig
from roost.balancer.engine.pacing import PaceConfig
from roost.balancer.engine.session_values import SessionLimits
from roost.balancer.engine.strategy import StrategyConfig
from roost.wire import Credentials
from roost.wire.identity import NAME_HINT, is_valid_name

TLS_PORT = 6697
"""IRC over TLS (RFC 7194)."""
_LOOPBACK = ("127.0.0.0/8", "::1/128")


class ClientLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of clients' connections."""

    connections_max: int = 20_000
    """Client connections in all: one core serves that many quiet clients, and they need about
    200 MB. Lower if the system allows fewer open files."""
    connections_per_address_max: int = 200
    """Client connections from one address (an IPv6 /64 network counts as one): a large office
    behind one router."""
    connects_burst: int = 200
    """Connections that one address may open at once: all that it may have, after its network was
    down."""
    connects_per_s: float = 2.0
    """Connections a second from one address after such a burst: more than any client tries; 0 sets
    no limit. Above it a connection is closed with a line that says so."""
    http_connections_max: int = 200
    """HTTP connections in all, besides those of WebSocket clients: probes, metrics, and people who
    look at the page."""
    http_connections_per_address_max: int = 50
    """HTTP connections from one address: the browsers of several people behind one router."""
    exempt_networks: tuple[str, ...] = _LOOPBACK
    """Networks to which the limits per address do not apply: gateways and bridges on this
    machine."""
    line_bytes_max: int = 4096 + 512
    """A line with its tags and its end: 4,096 bytes of tags (message-tags), and 512 (RFC 1459)."""
    unread_bytes_max: int = 4 * 1024 * 1024
    """Unread output above which a client is disconnected: minutes of the busiest rooms, or a whole
    CHATHISTORY answer on a slow line."""
    linger_s: float = 5.0
    """How long a client may take to read its last lines while its connection is being closed."""
    keepalive_s: int = 75
    """Idle time after which the system probes a connection: finds dead peers early, and keeps
    entries in most routers' tables alive."""
    handshake_s: float = 10.0
    """How long a TLS handshake, or a proxy's header, may take: several round trips on the slowest
    network."""
    handshakes_max: int = 4096
    """Concurrent TLS handshakes: a crowd that reconnects after a restart, which is some seconds'
    work and 80 MB. Above it new connections are closed."""

    def __post_init__(self) -> None:
        check_limits(
            self,
            at_least_1=(
                "connections_max",
                "connections_per_address_max",
                "http_connections_max",
                "http_connections_per_address_max",
                "keepalive_s",
                "handshakes_max",
                "connects_burst",
            ),
            positive=("linger_s", "handshake_s"),
            not_negative=("connects_per_s",),
        )
        if self.line_bytes_max < 512:
            raise ValueError("line_bytes_max must be at least 512")
        if self.unread_bytes_max < 64 * 1024:
            raise ValueError("unread_bytes_max must be at least 65536")
        _check_networks("exempt_networks", self.exempt_networks)


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """One balancer."""

    name: str
    """This balancer's name, as in its certificate."""
    cluster: str
    """The cluster's id, as in the certificates."""
    credentials: Credentials
    """This balancer's certificate and key, and the authority that it trusts."""
    host: str = "127.0.0.1"
    """Address to listen on for clients."""
    port: int = 6667
    """Port to listen on for clients in plain text; 0 picks a free one."""
    tls_port: int | None = None
    """Port to listen on for clients over TLS; 0 picks a free one. Default: 6697 if there is a
    certificate."""
    tls: TlsFiles = msgspec.field(default_factory=TlsFiles)
    unix_socket: Path | None = None
    """A Unix socket for clients on this machine."""
    unix_socket_mode: str = "600"
    """Permissions of the Unix socket, in octal: users who may read and write it may connect."""
    proxy_from: tuple[str, ...] = ()
    """Networks of trusted proxies in front of us. On the IRC ports each of their connections must
    begin with a PROXY header; over HTTP they send X-Forwarded-For and X-Forwarded-Proto."""
    http_host: str = "127.0.0.1"
    """Address to listen on for browsers, `/metrics` and the rest of HTTP."""
    http_port: int = 8080
    """Port to listen on for HTTP; 0 picks a free one."""
    https_port: int | None = None
    """Port to listen on at `host` for HTTPS, with the certificate of `tls`; none by default."""
    websocket_origins: tuple[str, ...] = ()
    """Origins (https://chat.example.org) whose pages may connect to `/irc`, besides our own; "*"
    is any. Clients other than web pages send no origin, and are always accepted."""
    trunk_host: str = "127.0.0.1"
    """Address to listen on for nodes."""
    trunk_port: int = 6700
    """Port to listen on for nodes; 0 picks a free one."""
    run_file: Path | None = None
    """A JSON file with the addresses, written once everything listens."""
    server_name: str = "roost.local"
    """The source of this balancer's own lines; the same as on the nodes."""
    ping_line: str = "PING :roost"
    """Sent to a silent client; the answer goes to the node, which ignores it."""
    stop_s: float = 0.8
    """How long to wait, when stopping, for nodes to confirm that the clients are gone."""
    clients: ClientLimits = msgspec.field(default_factory=ClientLimits)
    sessions: SessionLimits = msgspec.field(default_factory=SessionLimits)
    strategy: StrategyConfig = msgspec.field(default_factory=StrategyConfig)
    health: HealthConfig = msgspec.field(default_factory=HealthConfig)
    moves: MoveConfig = msgspec.field(default_factory=MoveConfig)
    pace: PaceConfig = msgspec.field(default_factory=PaceConfig)

    def __post_init__(self) -> None:
        for key in ("name", "cluster"):
            if not is_valid_name(getattr(self, key)):
                raise ValueError(f"{key} must be {NAME_HINT}, not {getattr(self, key)!r}")
        for key in ("port", "http_port", "trunk_port"):
            if not 0 <= getattr(self, key) <= 65535:
                raise ValueError(f"{key} must be from 0 to 65535, not {getattr(self, key)}")
        for key in ("tls_port", "https_port"):
            port = getattr(self, key)
            if port is not None and not 0 <= port <= 65535:
                raise ValueError(f"{key} must be from 0 to 65535, not {port}")
            if port is not None and self.tls.certificate is None:
                raise ValueError(f"{key} needs tls.certificate and tls.key")
        for origin in self.websocket_origins:
            if origin != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\s]+/?", origin.lower()):
                raise ValueError(
                    f'websocket_origins must each be like https://HOST or "*", not {origin!r}'
                )
        if not re.fullmatch("0?[0-7]{3}", self.unix_socket_mode):
            raise ValueError(
                f"unix_socket_mode must be three octal digits, not {self.unix_socket_mode!r}"
            )
        _check_networks("proxy_from", self.proxy_from)
        if not self.server_name.isascii() or " " in self.server_name or "." not in self.server_name:
            raise ValueError(f"server_name must look like a host name, not {self.server_name!r}")
        if not self.ping_line.isprintable() or not 1 <= len(self.ping_line.encode()) <= 510:
            raise ValueError("ping_line must be one printable line of at most 510 bytes")
        check_limits(self, not_negative=("stop_s",))

    @property
    def tls_port_or_default(self) -> int | None:
        """The port for TLS clients; None for none."""
        if self.tls_port is None and self.tls.certificate is not None:
            return TLS_PORT
        return self.tls_port

    def exchange(self) -> ExchangeConfig:
        """Return the part that the exchange needs."""
        return ExchangeConfig(
            name=self.name,
            cluster=self.cluster,
            server_name=self.server_name,
            ping_line=self.ping_line,
            sessions=self.sessions,
            strategy=self.strategy,
            health=self.health,
            moves=self.moves,
            pace=self.pace,
        )


def _check_networks(key: str, networks: tuple[str, ...]) -> None:
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from error
