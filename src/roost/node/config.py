"""What a node is told when it starts. What must be equal on all nodes is in the chat state."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from roost.chat.settings import Settings
from roost.chat.versions import VERSION, VERSION_MIN
from roost.ircd.config import Config as IrcConfig
from roost.log import DEFAULT_PREFIX
from roost.wire import Credentials, Identity, parse_address
from roost.wire.identity import NAME_HINT, is_valid_name

MEMBERS_MAX = 32
"""So many nodes can each be linked to every other."""
WEIGHT_MAX = 1000
"""A node can get this many times the clients of the smallest one."""

_WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104 - to recognise, not to listen on

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


ARCHIVED_LOCAL_DAYS = 7.0
"""What a node with an archive holds itself: almost all questions are about the last days."""


class HistoryConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a node's history is, and how much of it."""

    engine: Literal["sqlite", "postgresql"] = "sqlite"
    """Where history is kept for good: "sqlite", in the nodes, or "postgresql", in a database."""
    url: str = ""
    """The database, with engine "postgresql": postgresql://USER:PASSWORD@HOST:PORT/DATABASE, the
    same for all nodes. A password may also be in ~/.pgpass."""
    local_days: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """How many days of history this node holds itself; 0 is all of it, or 7 with "postgresql". It
    asks the archive, or other nodes, for the rest. Without an archive, what no node holds is gone.
    """
    learner_days: Annotated[float, msgspec.Meta(ge=0)] = 7.0
    """The same for a node while it does not vote, if at least two linked ones hold more; 0 is all.
    """
    archive_days: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """How many days of history the database keeps, in whole weeks; 0 is all of it."""

    def __post_init__(self) -> None:
        is_url = self.url.startswith(("postgresql://", "postgres://"))
        if self.has_archive and not is_url:
            raise ValueError(
                "history.url must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE with"
                f' history.engine "postgresql", not {self.url!r}'
            )
        if self.url and not self.has_archive:
            raise ValueError('history.url needs history.engine = "postgresql"')
        if self.archive_days and not self.has_archive:
            raise ValueError('history.archive_days needs history.engine = "postgresql"')

    @property
    def has_archive(self) -> bool:
        """Whether history is kept for good outside of the nodes."""
        return self.engine == "postgresql"

    @property
    def days(self) -> float:
        """How many days a node holds itself; 0 is all."""
        return self.local_days or (ARCHIVED_LOCAL_DAYS if self.has_archive else 0.0)


class LogConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the log is.

    Raises:
        ValueError: a value is out of its range; the text names the key.
    """

    engine: Literal["embedded", "etcd"] = "embedded"
    """Who keeps the log: the nodes themselves (`embedded`), or an etcd cluster (`etcd`). It must be
    the same on all nodes, and cannot be changed later."""
    endpoints: tuple[str, ...] = ()
    """HOST:PORT of etcd's members, best of all of them."""
    prefix: str = DEFAULT_PREFIX
    """What all keys in etcd begin with; one for each Roost cluster."""
    authority: Path | None = None
    """PEM file of the authority of etcd's certificates; without it the connections to etcd are not
    encrypted."""
    certificate: Path | None = None
    """PEM file of the certificate that this node shows to etcd."""
    key: Path | None = None
    """PEM file of its private key."""

    def __post_init__(self) -> None:
        if self.engine == "etcd" and not self.endpoints:
            raise ValueError("log.endpoints must name the members of the etcd cluster")
        if self.engine == "embedded" and self.endpoints:
            raise ValueError('log.endpoints are only for log.engine = "etcd"')
        for address in self.endpoints:
            _check_address("log.endpoints", address)
        if not self.prefix.endswith("/"):
            raise ValueError(f"log.prefix must end with a slash, not be {self.prefix!r}")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("log.certificate and log.key belong together: give both or neither")
        if self.certificate is not None and self.authority is None:
            raise ValueError("log.certificate needs log.authority, which etcd's is checked by")


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A node's configuration.

    Raises:
        ValueError: a value is out of its range; the text names the key.
    """

    cluster: str
    """The cluster's id, as it stands in the certificates."""
    name: str
    """This node's name, as it stands in its certificate."""
    members: tuple[str, ...]
    """The nodes of the cluster when it was founded. What the cluster itself says about its nodes,
    once it runs, comes before this."""
    data: Path
    """The directory of the log, the history and the snapshots; locked while the node runs."""
    credentials: Credentials
    balancers: tuple[str, ...] = ()
    """HOST:PORT of every balancer's trunk listener."""
    mesh_host: str = "127.0.0.1"
    """Address to listen on for the other nodes."""
    mesh_port: Port = 0
    """Port to listen on for the other nodes; 0 picks a free one."""
    mesh_address: str = ""
    """HOST or HOST:PORT at which the other nodes reach this one; default: where it listens."""
    neighbours: dict[str, str] = {}
    """HOST:PORT of other nodes by name, for a start while no balancer can be reached."""
    http_host: str = "127.0.0.1"
    """Address to listen on for `/metrics` and the rest of HTTP."""
    http_port: Port = 0
    """Port to listen on for HTTP; 0 picks a free one."""
    weight: Annotated[int, msgspec.Meta(ge=1, le=WEIGHT_MAX)] = 1
    """Its share of the clients, relative to the other nodes' weights."""
    is_founding: bool = False
    """The cluster starts for the first time: an empty disk is genuine and does not mean lost data.
    """
    leave_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 10.0
    """How long a node that stops waits until its clients are on other nodes: twice what moving a
    thousand takes on a slow machine. Clients that are left notice nothing but a pause."""
    clock_offset_s_max: Annotated[float, msgspec.Meta(gt=0, le=60)] = 1.0
    """How many seconds this node's clock may differ from the other nodes' before it stops serving:
    far above what NTP leaves, far below what people notice."""
    balancer_grace_s: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    """How long a balancer may be unreachable from every node before its clients are gone for the
    others: in that time a client can connect to another balancer and resume."""
    run_file: Path | None = None
    """Where to write, as JSON, on which ports this node listens."""
    version_max: Annotated[int, msgspec.Meta(ge=VERSION_MIN, le=VERSION)] = VERSION
    """The newest version of the cluster that this node speaks. While one node speaks an older one,
    the cluster uses nothing new, and all nodes can go back to the release before."""
    history: HistoryConfig = HistoryConfig()
    log: LogConfig = LogConfig()
    irc: IrcConfig = IrcConfig()
    settings: Settings = Settings()
    """What must be equal on all nodes; see `chat.settings`. If nodes' configurations differ, the
    one that was changed last counts for all."""

    def __post_init__(self) -> None:
        for key, value in (("cluster", self.cluster), ("name", self.name)):
            if not is_valid_name(value):
                raise ValueError(f"{key} must be {NAME_HINT}, not {value!r}")
        for member in self.members:
            if not is_valid_name(member):
                raise ValueError(f"members must each be {NAME_HINT}, not {member!r}")
        if len(dict.fromkeys(self.members)) != len(self.members):
            raise ValueError("members must not name a node twice")
        if len(self.members) > MEMBERS_MAX:
            raise ValueError(f"members may be up to {MEMBERS_MAX}, not {len(self.members)}")
        if not self.members:
            raise ValueError("members must name the nodes with which the cluster was founded")
        if self.is_founding and self.name not in self.members:
            raise ValueError(f"members must include a founding node's own name, {self.name!r}")
        for address in self.balancers:
            _check_address("balancers", address)
        for address in self.neighbours.values():
            _check_address("neighbours", address)
        if self.settings.registration == "email" and not self.irc.mail.is_on:
            raise ValueError('settings.registration = "email" needs irc.mail.host, to send e-mail')
        if self.mesh_address:
            _check_address("mesh_address", self._with_port(self.mesh_address, 1))
        elif self.mesh_host in _WILDCARDS:
            raise ValueError(
                f"mesh_address must say how neighbours reach this node, "
                f"since it listens on every address (mesh_host {self.mesh_host!r})"
            )

    @property
    def identity(self) -> Identity:
        """This node's identity, as its certificate must show it."""
        return Identity(self.cluster, "node", self.name)

    def advertised_address(self, port: int) -> str:
        """Return where neighbours reach this node if it listens on `port`."""
        return self._with_port(self.mesh_address or self.mesh_host, port)

    @staticmethod
    def _with_port(address: str, port: int) -> str:
        """Add the port to an address that is only a host."""
        if address.startswith("["):
            return address if "]:" in address else f"{address}:{port}"
        colons = address.count(":")
        if colons == 1:
            return address
        return f"[{address}]:{port}" if colons else f"{address}:{port}"


def _check_address(key: str, address: str) -> None:
    try:
        parse_address(address)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error
