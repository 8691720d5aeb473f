"""The systems to measure: Roost, and what people would use instead.

Each context manager starts a system as its operators would, but without flood protection, on
loopback only and in a directory of its own.
"""

import contextlib
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.irc import Client
from benchmarks.processes import StartError, family, running, wait_until

CLIENTS_MAX = 20_000
PROXIED_MAX = 9_000
"""Each client takes two of the 20,000 files that a process can usually open."""
SERVERS = 3

ROOST = "Roost"
ROOST_ON_ETCD = "Roost, log in etcd"
ROOST_OF_7 = "Roost, 7 nodes"
INSPIRCD = "HAProxy + 3 InspIRCd"
INSPIRCD_LARGE = "2 HAProxy + 3 InspIRCd"
NGIRCD = "ngIRCd"
EJABBERD = "HAProxy + 3 ejabberd + PostgreSQL"

_PROBES = itertools.count()
_ROOST_CONFIG = """
log_level = "warning"

[balancer.sessions]
lines_per_s = 0

[node]
http_port = 0
"""


class System(msgspec.Struct, frozen=True):
    """A running system under test."""

    name: str
    port: int
    """Where clients connect."""
    roots: tuple[int, ...]
    """The processes that were started; their descendants count as well."""
    folder: Path
    tls_port: int = 0
    """Where clients connect by TLS; 0 if they cannot."""
    is_xmpp: bool = False
    """Whether clients speak XMPP instead of IRC."""
    backlog: int = 200
    """How many clients can connect at once."""
    url: str = ""
    """The HTTP address of Roost's status."""
    fallible: int = 0
    """A process that serves clients and may be killed; 0 if nobody may."""

    @property
    def processes(self) -> list[int]:
        """The ids of all processes of the system."""
        return [one for root in self.roots for one in family(root)]

    def status(self) -> Any:
        """Roost's `/status.json`."""
        with urllib.request.urlopen(f"{self.url}/status.json", timeout=5) as answer:  # noqa: S310
            return json.load(answer)


def free_ports(count: int) -> list[int]:
    """Return free ports."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def greets(port: int) -> bool:
    """Return whether a client can connect and register."""
    return bool(_ask(port, "PING :x", " PONG "))


def _ask(port: int, question: str, end: str) -> str:
    """Register, send a line, and return the answer up to `end`; empty if there is none."""
    with contextlib.suppress(OSError), Client(port, f"probe{next(_PROBES)}") as client:
        # Never use a name twice: the last client may not be gone yet on every server.
        client.wait_for(" 001 ")
        client.say(question)
        return "".join(client.wait_for(end))
    return ""


def tool(name: str) -> str:
    """Return the path of a program, which may be in an administrator's directory.

    Raises:
        StartError: it is not installed.
    """
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise StartError(f"{name} is not installed; `make bench` installs it")
    return found


def version_of(name: str) -> str:
    """Return the version of a program."""
    option = {"haproxy": "-v"}.get(name, "--version")
    said = subprocess.run([tool(name), option], capture_output=True, text=True, check=False)
    return said.stdout.splitlines()[0] if said.stdout else "unknown"


# Roost


def roost(folder: Path) -> contextlib.AbstractContextManager[System]:
    """Run a balancer and three nodes; a majority syncs each change before anybody sees it."""
    return _roost(folder, ROOST, ())


def roost_on_etcd(folder: Path) -> contextlib.AbstractContextManager[System]:
    """Run the same with three members of etcd, which keep the log."""
    tool("etcd")
    return _roost(folder, ROOST_ON_ETCD, ("--log", "etcd"))


def roost_of_7(folder: Path) -> contextlib.AbstractContextManager[System]:
    """Run a balancer and seven nodes, of which five vote and two learn."""
    return _roost(folder, ROOST_OF_7, ("--nodes", "7"), nodes=7)


@contextlib.contextmanager
def _roost(
    folder: Path, name: str, options: Sequence[str], nodes: int = SERVERS
) -> Iterator[System]:
    config = folder / "roost.toml"
    config.write_text(_ROOST_CONFIG)
    data = folder / "data"
    program = Path(sys.executable).with_name("roost")
    (tls_port,) = free_ports(1)
    ports = ("--port", "0", "--tls-port", str(tls_port), "--http-port", "0")
    command: list[str | Path] = [
        program,
        "up",
        "--config",
        config,
        "--data",
        data,
        *ports,
        *options,
    ]
    run_file = data / "run.json"
    with running(command, folder / "roost.log") as process:
        wait_until(lambda: _is_whole(run_file, nodes), "Roost")
        run = json.loads(run_file.read_text())
        port = int(run["addresses"][0].rpartition(":")[2])
        wait_until(lambda: greets(port), "Roost's clients")
        yield System(name, port, (process.pid,), folder, tls_port=tls_port, url=run["urls"][0])


def _is_whole(run_file: Path, count: int) -> bool:
    with contextlib.suppress(OSError, ValueError):
        url = json.loads(run_file.read_text())["urls"][0]
        with urllib.request.urlopen(f"{url}/status.json", timeout=5) as answer:  # noqa: S310
            nodes = json.load(answer)["nodes"]
        return len(nodes) == count and all(node["state"] == "ready" for node in nodes)
    return False


# HAProxy in front of three InspIRCd


def inspircd(folder: Path) -> contextlib.AbstractContextManager[System]:
    """Run three linked InspIRCd behind HAProxy, which picks the one with the fewest clients.

    HAProxy ends the clients' TLS.
    """
    return _inspircd(folder, INSPIRCD, 1)


def inspircd_large(folder: Path) -> contextlib.AbstractContextManager[System]:
    """Run the same with two HAProxy at one port, because one can open too few files for all."""
    return _inspircd(folder, INSPIRCD_LARGE, 2)


@contextlib.contextmanager
def _inspircd(folder: Path, name: str, proxies: int) -> Iterator[System]:
    ports = free_ports(2 * SERVERS)
    client_ports, links = ports[:SERVERS], ports[SERVERS:]
    as_root = ["--runasroot"] if os.geteuid() == 0 else []
    with contextlib.ExitStack() as stack:
        roots = []
        for number in range(SERVERS):
            config = folder / f"inspircd{number}.conf"
            config.write_text(_inspircd_config(number, client_ports[number], links, folder))
            command = [tool("inspircd"), "--nofork", *as_root, f"--config={config}"]
            log = folder / f"inspircd{number}.log"
            roots.append(stack.enter_context(running(command, log)).pid)
        for client_port in client_ports:
            wait_until(lambda client_port=client_port: greets(client_port), "InspIRCd")  # type: ignore[misc]
        wait_until(lambda: _is_linked(client_ports[0]), "InspIRCd's links")
        proxy = stack.enter_context(haproxy(folder, client_ports, proxies))
        wait_until(lambda: greets(proxy.port), "HAProxy")
        yield System(
            name,
            proxy.port,
            (*roots, *proxy.processes),
            folder,
            tls_port=proxy.tls_port,
            fallible=roots[-1],
        )


def _inspircd_config(number: int, client_port: int, links: list[int], folder: Path) -> str:
    # InspIRCd needs a tree: each server links to the first one.
    others = range(1, SERVERS) if number == 0 else [0]
    blocks = [
        f'<link name="s{other}.bench" ipaddr="127.0.0.1" port="{links[other]}" allowmask="*"'
        f' timeout="300" sendpass="secret" recvpass="secret">'
        for other in others
    ]
    if number:
        blocks.append('<autoconnect period="1" server="s0.bench">')
    return "\n".join(
        [
            f'<server name="s{number}.bench" id="{number}BB" description="b" network="bench">',
            '<admin name="a" nick="a" email="a@bench">',
            f'<bind address="127.0.0.1" port="{client_port}" type="clients">',
            f'<bind address="127.0.0.1" port="{links[number]}" type="servers">',
            '<module name="spanningtree">',
            *blocks,
            (
                '<connect allow="*" timeout="60" pingfreq="300" hardsendq="100M" softsendq="100M"'
                ' recvq="1M" threshold="1000000" commandrate="1000000000" fakelag="no"'
                f' localmax="{CLIENTS_MAX}" globalmax="{CLIENTS_MAX}" maxconnwarn="no"'
                ' resolvehostnames="no" useident="no" maxchans="100">'
            ),
            (
                f'<performance softlimit="{CLIENTS_MAX}" somaxconn="4096" clonesonconnect="no"'
                ' netbuffersize="65534" quietbursts="yes">'
            ),
            '<options splitwhois="no" defaultmodes="nt">',
            f'<pid file="{folder}/inspircd{number}.pid">',
            f'<path datadir="{folder}" logdir="{folder}">',
            "",
        ]
    )


def _is_linked(client_port: int) -> bool:
    return _ask(client_port, "LINKS", " 365 ").count(" 364 ") == SERVERS


class Proxy(msgspec.Struct, frozen=True):
    """A running HAProxy."""

    port: int
    tls_port: int
    processes: tuple[int, ...]


@contextlib.contextmanager
def haproxy(folder: Path, servers: Sequence[int], count: int = 1) -> Iterator[Proxy]:
    """Pass clients on to the port of the server that has the fewest; TLS ends here."""
    port, tls_port = free_ports(2)
    config = folder / "haproxy.cfg"
    certificate = write_certificate(folder)
    lines = [
        "global",
        f"  maxconn {PROXIED_MAX}",
        "defaults",
        "  mode tcp",
        "  timeout connect 10s",
        "  timeout client 1h",
        "  timeout server 1h",
        "listen clients",
        f"  bind 127.0.0.1:{port}",
        f"  bind 127.0.0.1:{tls_port} ssl crt {certificate}",
        "  balance leastconn",
        *(f"  server s{index} 127.0.0.1:{one}" for index, one in enumerate(servers)),
    ]
    config.write_text("\n".join([*lines, ""]))
    command = [tool("haproxy"), "-db", "-f", str(config)]
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(running(command, folder / "haproxy.log")) for _ in range(count)
        ]
        yield Proxy(port, tls_port, tuple(one.pid for one in processes))


def write_certificate(folder: Path) -> Path:
    """Write a certificate and its key (P-256, as Roost's) into one file."""
    key, certificate, both = (folder / f"proxy.{kind}" for kind in ("key", "crt", "pem"))
    subprocess.run(
        [
            *(tool("openssl"), "req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    both.write_text(certificate.read_text() + key.read_text())
    return both


# ngIRCd, alone


@contextlib.contextmanager
def ngircd(folder: Path) -> Iterator[System]:
    """Run a single ngIRCd, the smallest server that a club would use."""
    (port,) = free_ports(1)
    config = folder / "ngircd.conf"
    config.write_text(
        "\n".join(
            [
                "[Global]",
                "Name = irc.bench",
                "Info = bench",
                "Listen = 127.0.0.1",
                f"Ports = {port}",
                "MotdPhrase = bench",
                "[Limits]",
                "MaxConnections = 0",
                "MaxConnectionsIP = 0",
                "MaxPenaltyTime = 0",
                "MaxNickLength = 20",
                "PingTimeout = 300",
                "[Options]",
                "DNS = no",
                "Ident = no",
                "PAM = no",
                "",
            ]
        )
    )
    config.chmod(0o644)
    command: list[str | Path] = [tool("ngircd"), "--nodaemon", "--config", config]
    with running(command, folder / "ngircd.log") as process:
        wait_until(lambda: greets(port), "ngIRCd")
        # Its backlog is ten connections; a client that is turned away loses seconds.
        yield System(NGIRCD, port, (process.pid,), folder, backlog=8)
