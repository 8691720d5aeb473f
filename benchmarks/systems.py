"""The systems that are measured: Roost, and what people would use instead.

Each is started as its operators would, with its flood protection off and on loopback only, in a
folder of its own, and ended when its context is left.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.irc import Client
from benchmarks.processes import StartError, family, running, wait_until

CLIENTS_MAX = 20_000
PROXIED_MAX = 9_000
"""Each takes two of the 20,000 files that a process may commonly have open."""
SERVERS = 3

ROOST = "Roost"
INSPIRCD = "HAProxy + 3 InspIRCd"
NGIRCD = "ngIRCd"

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
    """Where its clients connect to."""
    roots: tuple[int, ...]
    """The processes that were started; theirs count as well."""
    folder: Path
    backlog: int = 200
    """How many clients may be on their way in at once."""
    url: str = ""
    """Roost's status over HTTP."""

    @property
    def processes(self) -> list[int]:
        """All processes of the system."""
        return [one for root in self.roots for one in family(root)]

    def status(self) -> Any:
        """Roost's `/status.json`."""
        with urllib.request.urlopen(f"{self.url}/status.json", timeout=5) as answer:  # noqa: S310
            return json.load(answer)


def free_ports(count: int) -> list[int]:
    """Find ports that nobody uses."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def greets(port: int) -> bool:
    """Whether somebody who connects can register, and so whether a server is behind the door."""
    return bool(_ask(port, "PING :x", " PONG "))


def _ask(port: int, question: str, end: str) -> str:
    """Register, ask something, and give what was said until `end`; empty when nobody answers."""
    with contextlib.suppress(OSError), Client(port, f"probe{next(_PROBES)}") as client:
        # Never the same name twice: the last one may not be gone yet on every server.
        client.wait_for(" 001 ")
        client.say(question)
        return "".join(client.wait_for(end))
    return ""


def _tool(name: str) -> str:
    """Find a program, also where only the administrator looks.

    Raises:
        StartError: it is not there.
    """
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise StartError(f"{name} is not installed; `make bench` installs it")
    return found


def version_of(name: str) -> str:
    """Say which version of a peer is measured."""
    option = {"haproxy": "-v"}.get(name, "--version")
    said = subprocess.run([_tool(name), option], capture_output=True, text=True, check=False)
    return said.stdout.splitlines()[0] if said.stdout else "unknown"


# Roost


@contextlib.contextmanager
def roost(folder: Path) -> Iterator[System]:
    """A balancer and three nodes, each change fsynced on a majority before anybody sees it."""
    config = folder / "roost.toml"
    config.write_text(_ROOST_CONFIG)
    data = folder / "data"
    program = Path(sys.executable).with_name("roost")
    ports = ("--port", "0", "--tls-port", "0", "--http-port", "0")
    command: list[str | Path] = [program, "up", "--config", config, "--data", data, *ports]
    run_file = data / "run.json"
    with running(command, folder / "roost.log") as process:
        wait_until(lambda: _is_whole(run_file), "Roost")
        run = json.loads(run_file.read_text())
        port = int(run["addresses"][0].rpartition(":")[2])
        wait_until(lambda: greets(port), "Roost's door")
        yield System(ROOST, port, (process.pid,), folder, url=run["urls"][0])


def _is_whole(run_file: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        url = json.loads(run_file.read_text())["urls"][0]
        with urllib.request.urlopen(f"{url}/status.json", timeout=5) as answer:  # noqa: S310
            nodes = json.load(answer)["nodes"]
        return len(nodes) == SERVERS and all(node["state"] == "ready" for node in nodes)
    return False


# HAProxy in front of three InspIRCd


@contextlib.contextmanager
def inspircd(folder: Path) -> Iterator[System]:
    """Three linked InspIRCd behind HAProxy, which gives a client to the one with the fewest."""
    ports = free_ports(2 * SERVERS + 1)
    doors, links, port = ports[:SERVERS], ports[SERVERS:-1], ports[-1]
    as_root = ["--runasroot"] if os.geteuid() == 0 else []
    with contextlib.ExitStack() as stack:
        roots = []
        for number in range(SERVERS):
            config = folder / f"inspircd{number}.conf"
            config.write_text(_inspircd_config(number, doors[number], links, folder))
            command = [_tool("inspircd"), "--nofork", *as_root, f"--config={config}"]
            log = folder / f"inspircd{number}.log"
            roots.append(stack.enter_context(running(command, log)).pid)
        for door in doors:
            wait_until(lambda door=door: greets(door), "InspIRCd")  # type: ignore[misc]
        wait_until(lambda: _is_linked(doors[0]), "InspIRCd's links")
        balancer = folder / "haproxy.cfg"
        balancer.write_text(_haproxy_config(port, doors))
        command = [_tool("haproxy"), "-db", "-f", str(balancer)]
        roots.append(stack.enter_context(running(command, folder / "haproxy.log")).pid)
        wait_until(lambda: greets(port), "HAProxy")
        yield System(INSPIRCD, port, tuple(roots), folder)


def _inspircd_config(number: int, door: int, links: list[int], folder: Path) -> str:
    # Each links to the first one: a tree, as InspIRCd has it.
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
            f'<bind address="127.0.0.1" port="{door}" type="clients">',
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


def _is_linked(door: int) -> bool:
    return _ask(door, "LINKS", " 365 ").count(" 364 ") == SERVERS


def _haproxy_config(port: int, doors: list[int]) -> str:
    servers = [f"  server s{number} 127.0.0.1:{door}" for number, door in enumerate(doors)]
    return "\n".join(
        [
            "global",
            f"  maxconn {PROXIED_MAX}",
            "defaults",
            "  mode tcp",
            "  timeout connect 10s",
            "  timeout client 1h",
            "  timeout server 1h",
            "listen irc",
            f"  bind 127.0.0.1:{port}",
            "  balance leastconn",
            *servers,
            "",
        ]
    )


# ngIRCd, alone


@contextlib.contextmanager
def ngircd(folder: Path) -> Iterator[System]:
    """One ngIRCd: the smallest thing that a club would run; nothing survives it."""
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
    command: list[str | Path] = [_tool("ngircd"), "--nodaemon", "--config", config]
    with running(command, folder / "ngircd.log") as process:
        wait_until(lambda: greets(port), "ngIRCd")
        # It lets ten wait to be accepted; to be turned away costs a client seconds.
        yield System(NGIRCD, port, (process.pid,), folder, backlog=8)


SYSTEMS = {ROOST: roost, INSPIRCD: inspircd, NGIRCD: ngircd}
