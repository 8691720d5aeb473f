"""The flags of every command, one per field.

`options` builds the command line from these classes. Help texts and defaults stand nowhere else.
Nothing here may be slow to import, because `roost --help` loads it.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import typer

from roost.cli.cluster import DEFAULT_DATA, NODES_MAX
from roost.cli.configuration import merge, put_value
from roost.ops.level import Level

TLS_PORT = 6697
"""IRC's port for TLS (RFC 7194)."""

_ADDRESS_FORMS = "HOST, HOST:PORT, irc://HOST or ircs://HOST"

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
LogLevel = Annotated[
    Level,
    typer.Option(
        metavar="LEVEL", help="Least severe log lines to write: debug, info, warning or error."
    ),
]


class Sets(NamedTuple):
    """The keys that a flag of `roost up` sets in the files of its processes."""

    keys: tuple[str, ...]
    """Dotted, beginning with `balancer` or `node`."""


class UpConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The flags of `roost up`, which are also the keys of its file."""

    nodes: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=NODES_MAX)] | None,
        typer.Option(help="Number of nodes of a new cluster; 3 unless given."),
    ] = None
    balancers: Annotated[
        int, msgspec.Meta(ge=1, le=16), typer.Option(help="Number of balancers.")
    ] = 1
    data: Annotated[Path, typer.Option(help="Directory for everything the cluster stores.")] = (
        DEFAULT_DATA
    )
    host: Annotated[
        str,
        typer.Option(help="Address to listen on for clients and browsers."),
        Sets(("balancer.host", "balancer.http_host")),
    ] = "127.0.0.1"
    port: Annotated[
        Port,
        typer.Option(help="First balancer's port for clients; 0 picks a free one."),
    ] = 6667
    tls_port: Annotated[
        Port | None,
        typer.Option(help=f"The same for TLS clients; {TLS_PORT}, or a free one if --port is 0."),
    ] = None
    certificate: Annotated[
        Path | None,
        typer.Option(help="PEM certificate to show to clients; one is created by default."),
        Sets(("balancer.tls.certificate",)),
    ] = None
    key: Annotated[
        Path | None,
        typer.Option(help="Private key of --certificate."),
        Sets(("balancer.tls.key",)),
    ] = None
    http_port: Annotated[
        Port, typer.Option(help="First balancer's port for HTTP; 0 picks a free one.")
    ] = 8080
    log: Annotated[
        Literal["embedded", "etcd"],
        typer.Option(
            help="Who keeps the log: the nodes, or an etcd cluster of three on this machine.",
        ),
    ] = "embedded"
    history: Annotated[
        str,
        typer.Option(
            metavar="sqlite|URL",
            help="Where history is kept: in the nodes, or in the database postgresql://...",
        ),
    ] = "sqlite"
    restart: Annotated[
        bool, typer.Option("--restart/--no-restart", help="Restart a process that dies.")
    ] = True
    log_level: LogLevel = "info"
    logs: Annotated[
        bool | None,
        typer.Option(
            "--logs/--no-logs",
            help="Write logs to standard error, or to roost.log in the data directory; by default, "
            "to the file if standard error is a terminal.",
        ),
    ] = None
    balancer: dict[str, Any] = {}
    """Keys for the configuration of every balancer."""
    node: dict[str, Any] = {}
    """Keys for the configuration of every node."""

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together: give both or neither")
        if self.history != "sqlite" and not self.history.startswith(
            ("postgresql://", "postgres://")
        ):
            raise ValueError(
                f"history must be sqlite or postgresql://USER@HOST/DATABASE, not {self.history!r}"
            )

    @property
    def history_values(self) -> dict[str, str]:
        """The keys of every node's table `history`."""
        if self.history == "sqlite":
            return {}
        return {"engine": "postgresql", "url": self.history}

    @property
    def first_tls_port(self) -> int:
        """The first balancer's port for TLS; 0 is any free one."""
        if self.tls_port is None:
            return TLS_PORT if self.port else 0
        return self.tls_port

    def values_of(self, process: str) -> dict[str, Any]:
        """Return what to set in the files of every `process`: "balancer" or "node"."""
        values: dict[str, Any] = {}
        for field in msgspec.structs.fields(self):
            value = getattr(self, field.name)
            for part in getattr(field.type, "__metadata__", ()):
                if isinstance(part, Sets) and value is not None:
                    for key in part.keys:
                        put_value(values, key, value)
        tables = {"balancer": self.balancer, "node": self.node}
        return merge(values.get(process, {}), tables[process])


class InitFlags(msgspec.Struct, frozen=True, kw_only=True):
    """The flags of `roost init`."""

    data: Annotated[Path, typer.Option(help="Directory to write; it must not hold a cluster.")]
    nodes: Annotated[
        tuple[str, ...],
        typer.Option("--node", help="NAME=HOST of a node, as the others reach it; repeatable."),
    ] = ()
    balancers: Annotated[
        tuple[str, ...], typer.Option("--balancer", help="NAME=HOST of a balancer; repeatable.")
    ] = ("b1=127.0.0.1",)
    local_nodes: Annotated[
        int, typer.Option("--nodes", help="Without --node: number of nodes on this machine.")
    ] = 3
    port: Annotated[int, typer.Option(help="Balancers' port for clients.")] = 6667
    tls_port: Annotated[int, typer.Option(help="Balancers' port for TLS clients.")] = TLS_PORT
    http_port: Annotated[int, typer.Option(help="Every process's port for HTTP.")] = 8080
    trunk_port: Annotated[int, typer.Option(help="Balancers' port for nodes.")] = 6700
    mesh_port: Annotated[int, typer.Option(help="Nodes' port for other nodes.")] = 6800


class ProcessFlags(msgspec.Struct, frozen=True, kw_only=True):
    """The flags of `roost node` and `roost balancer`, in addition to the keys of their files."""

    config: Annotated[Path | None, typer.Option(help="TOML file of the process.")] = None
    log_level: LogLevel = "info"
    is_listing_keys: Annotated[bool, typer.Option("--keys", help="List every key and exit.")] = (
        False
    )
    parent: Annotated[int | None, typer.Option(hidden=True)] = None
    """Exit together with the process of this id."""


class OperatorFlags(msgspec.Struct, frozen=True, kw_only=True):
    """How operators' commands find the cluster."""

    data: Annotated[Path | None, typer.Option(help="Data directory of the cluster.")] = None
    config: Annotated[Path | None, typer.Option(help="An operator's TOML file.")] = None


class LocalNodeFlags(msgspec.Struct, frozen=True, kw_only=True):
    """How commands find a running node on their own machine."""

    data: Annotated[
        Path | None, typer.Option(help="Data directory of the cluster; roost-data by default.")
    ] = None
    config: Annotated[Path | None, typer.Option(help="TOML file of a node instead.")] = None
    node: Annotated[str, typer.Option(help="With --data: the node; by default any.")] = ""


class BackupFlags(LocalNodeFlags, frozen=True, kw_only=True):
    """The flags of `roost backup`."""

    is_verifying: Annotated[
        bool, typer.Option("--verify", help="Make none, but read all that are there.")
    ] = False
    is_full: Annotated[
        bool, typer.Option("--full", help="Copy all history again, not only what is new.")
    ] = False
    keep: Annotated[
        int | None, typer.Option(help="Remove all but so many of the newest backups.")
    ] = None


class ExportFlags(LocalNodeFlags, frozen=True, kw_only=True):
    """The flags of `roost export`."""

    rooms: Annotated[
        tuple[str, ...], typer.Option("--room", "-r", help="A room ('#lobby'); repeatable.")
    ] = ()
    account: Annotated[
        str, typer.Option(help="A person: what they said and did, and their private messages.")
    ] = ""
    since: Annotated[
        str, typer.Option(help="Start there: 10m, 2h, 3d, 2026-01-31 or 2026-01-31T12:00:00Z.")
    ] = ""
    until: Annotated[str, typer.Option(help="End before that.")] = ""
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write to, instead of the output.")
    ] = None


class RestoreFlags(msgspec.Struct, frozen=True, kw_only=True):
    """The flags of `roost restore`."""

    data: Annotated[
        Path | None, typer.Option(help="Directory of the new cluster: all of its nodes.")
    ] = None
    config: Annotated[
        Path | None, typer.Option(help="TOML file of one node of the new cluster instead.")
    ] = None
    nodes: Annotated[
        int | None, typer.Option(help="With --data: number of nodes; 3 by default.")
    ] = None
    position: Annotated[
        int | None, typer.Option("--backup", help="Number of the backup; the newest by default.")
    ] = None


class AddFlags(msgspec.Struct, frozen=True, kw_only=True):
    """The flags of `roost members add`."""

    data: Annotated[
        Path | None,
        typer.Option(help="Directory that `roost init` or `roost up` created, with its authority."),
    ] = None
    valid: Annotated[str, typer.Option(help="How long the token is valid: 30m, 1h, 2d.")] = "1h"
    mesh_port: Annotated[
        int | None, typer.Option(help="Its port for other nodes; by default like theirs.")
    ] = None
    http_port: Annotated[
        int | None, typer.Option(help="Its port for HTTP; by default like theirs.")
    ] = None


class JoinFlags(msgspec.Struct, frozen=True, kw_only=True):
    """The flags of `roost join`."""

    data: Annotated[
        Path | None, typer.Option(help="Directory for its files; by default the node's name.")
    ] = None
    start: Annotated[
        bool, typer.Option("--start/--no-start", help="Start the node; else only write its files.")
    ] = True
    log_level: LogLevel = "info"


class ClientFlags(msgspec.Struct, frozen=True, kw_only=True):
    """The flags of every command that connects as a client."""

    addresses: Annotated[
        tuple[str, ...],
        typer.Option(
            "--address", "-a", help=f"{_ADDRESS_FORMS}; repeat it for more servers of the network."
        ),
    ] = ()
    nick: Annotated[str, typer.Option("--nick", "-n", help="Your nickname.")] = ""
    account: Annotated[
        str,
        typer.Option(
            help="Account to log in to; its password comes from ROOST_PASSWORD or from "
            "password_command in the settings."
        ),
    ] = ""
    is_secure: Annotated[
        bool | None,
        typer.Option("--tls/--no-tls", help="Use TLS or not, whatever the address says."),
    ] = None
    fingerprint: Annotated[
        str,
        typer.Option(help="Trust only the certificate with this SHA-256 hash, in hexadecimal."),
    ] = ""
    authority: Annotated[
        Path | None,
        typer.Option("--ca", help="File with the authorities to trust instead of the system's."),
    ] = None
    is_insecure: Annotated[bool, typer.Option("--insecure", help="Accept any certificate.")] = False
    settings: Annotated[
        Path | None, typer.Option(help="Settings file to use instead of the default one.")
    ] = None


class ChatFlags(ClientFlags, frozen=True, kw_only=True):
    """The flags of `roost chat`."""

    addresses: Annotated[
        tuple[str, ...], typer.Argument(metavar="[ADDRESS]...", help=f"{_ADDRESS_FORMS}.")
    ] = ()
    rooms: Annotated[
        tuple[str, ...], typer.Option("--room", "-r", help="Room to join; repeatable.")
    ] = ()
    state: Annotated[
        Path | None, typer.Option(help="File to remember rooms, drafts and the like in.")
    ] = None
    is_local: Annotated[
        bool, typer.Option("--local", help="Start a cluster on this machine if none runs.")
    ] = False
    data: Annotated[Path | None, typer.Option(help="Data directory of the cluster of --local.")] = (
        None
    )
    is_web: Annotated[bool, typer.Option("--web", help="Serve the client to browsers.")] = False
    web_host: Annotated[str, typer.Option(help="Address to listen on with --web.")] = "127.0.0.1"
    web_port: Annotated[int, typer.Option(help="Port to listen on with --web.")] = 8000
    web_names: Annotated[
        tuple[str, ...],
        typer.Option("--web-name", help="Name of this server, such as a proxy's; repeatable."),
    ] = ()
    is_served: Annotated[bool, typer.Option("--served", hidden=True)] = False
    """This is the process that serves one browser."""
