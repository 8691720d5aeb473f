"""`roost status`: the cluster as its balancers see it, for people and programs."""

import http.client
import json
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from roost.cli.cluster import DEFAULT_DATA, RUN_FILE
from roost.cli.errors import UnreachableError, UsageError

TIMEOUT_S = 3.0
"""Enough for a balancer on the other side of the world."""
DEFAULT_URL = "http://127.0.0.1:8080"

_STATE_COLOURS = {
    "ready": "green",
    "starting": "yellow",
    "catching-up": "yellow",
    "configuring": "yellow",
}
"""Other states are red."""


class Neighbour(msgspec.Struct, frozen=True):
    """A node's link to another node."""

    name: str
    rtt_ms: float


class Node(msgspec.Struct, frozen=True):
    """A node, as it last reported."""

    name: str
    pid: int
    state: str
    leader: bool
    """Whether most of the ready nodes report that it leads."""
    position: int
    applied: int
    sessions: int
    neighbours: tuple[Neighbour, ...]
    reason: str = ""
    """Why it is in this state, for people; not part of `--json`."""
    votes: bool = True
    """Whether it is one of the nodes that keep the log together; not part of `--json`."""


class Balancer(msgspec.Struct, frozen=True):
    """A balancer, as it describes itself."""

    name: str
    pid: int
    address: str
    sessions: int
    waiting: int
    problems: tuple[str, ...] = ()
    """What is wrong with it or its links, for people; not part of `--json`."""


class Cluster(msgspec.Struct, frozen=True):
    """The contents of `/status.json`."""

    cluster: str
    balancers: tuple[Balancer, ...]
    nodes: tuple[Node, ...]
    members: tuple[str, ...] = ()
    """The nodes that belong to the cluster, as far as the balancers know; not part of `--json`."""
    version: int = 0
    """The cluster's version; 0 if the balancers do not tell. Not part of `--json`."""


class RunFile(msgspec.Struct, frozen=True):
    """The contents of `run.json`, which tells where a running `roost up` can be reached."""

    pid: int
    addresses: tuple[str, ...]
    """HOST:PORT for clients, one per balancer."""
    urls: tuple[str, ...]
    """The balancers' HTTP addresses."""


def read_run_file(data: Path) -> RunFile | None:
    """Return the run file in a data directory; None if there is none that can be read."""
    try:
        return msgspec.json.decode((data / RUN_FILE).read_bytes(), type=RunFile)
    except (OSError, msgspec.MsgspecError):
        return None


def find_urls(data: Path | None, url: str | None) -> tuple[str, ...]:
    """Return the balancers to ask: the given address, or those that run on the data directory.

    Raises:
        UnreachableError: nothing runs on the data directory.
    """
    if url is not None:
        return (url,)
    run_file = read_run_file(data or DEFAULT_DATA)
    if run_file is not None:
        return run_file.urls
    if data is None:
        return (DEFAULT_URL,)
    raise UnreachableError(f"no `roost up` is running on {data}")


def fetch(url: str, timeout_s: float = TIMEOUT_S) -> Cluster:
    """Ask one balancer for the status.

    Raises:
        UsageError: the address is not valid.
        UnreachableError: no balancer answers there.
    """
    parts = urllib.parse.urlsplit(url if "//" in url else f"//{url}", scheme="http")
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{url} is not a valid address: {error}") from error
    if parts.scheme != "http" or not host:
        raise UsageError(f"{url} is not a valid address: it must look like http://HOST:PORT")
    connection = http.client.HTTPConnection(host, port or 80, timeout=timeout_s)
    try:
        connection.request("GET", "/status.json")
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UnreachableError(f"no balancer answers at {url}: {why}") from error
    finally:
        connection.close()
    try:
        return msgspec.json.decode(body, type=Cluster)
    except msgspec.MsgspecError as error:
        raise UnreachableError(f"the server at {url} is not a Roost balancer") from error


def fetch_all(urls: Sequence[str]) -> Cluster:
    """Ask every balancer, and combine the answers.

    Raises:
        UnreachableError: none of them answers.
    """
    answers: list[Cluster] = []
    problems: list[UnreachableError] = []
    for url in urls:
        try:
            answers.append(fetch(url))
        except UnreachableError as problem:
            problems.append(problem)
    if not answers:
        raise problems[0]
    balancers = {balancer.name: balancer for one in answers for balancer in one.balancers}
    nodes: dict[str, Node] = {}
    for one in answers:
        for node in one.nodes:
            # A balancer with a trunk to a node knows more about it than one without.
            if node.name not in nodes or (node.pid and node.state == "ready"):
                nodes[node.name] = node
    return Cluster(
        answers[0].cluster,
        tuple(balancers[name] for name in sorted(balancers)),
        tuple(nodes[name] for name in sorted(nodes)),
        next((one.members for one in answers if one.members), ()),
        max(one.version for one in answers),
    )


def to_json(cluster: Cluster) -> str:
    """Return the status for programs."""
    plain: dict[str, Any] = msgspec.to_builtins(cluster)
    del plain["members"], plain["version"]
    for node in plain["nodes"]:
        del node["reason"], node["votes"]
    for balancer in plain["balancers"]:
        del balancer["problems"]
    return json.dumps(plain, indent=2)


def draw(cluster: Cluster) -> None:
    """Print the status for people."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    version = f", version {cluster.version}" if cluster.version else ""
    console.print(Text.assemble("Cluster ", (cluster.cluster, "bold"), version))
    nodes = Table(box=box.SIMPLE_HEAD)
    for heading in ("node", "state", "", "neighbours"):
        nodes.add_column(heading)
    for heading in ("sessions", "position", "lag", "pid"):
        nodes.add_column(heading, justify="right", no_wrap=True)
    newest = max((node.position for node in cluster.nodes), default=0)
    for node in cluster.nodes:
        state = Text(node.state, style=_STATE_COLOURS.get(node.state, "red"))
        if node.reason:
            state.append(f": {node.reason}", style="default")
        nodes.add_row(
            Text(node.name),
            state,
            Text("leader" if node.leader else "" if node.votes else "learns"),
            Text("\n".join(f"{peer.name} {peer.rtt_ms:.1f} ms" for peer in node.neighbours)),
            str(node.sessions),
            str(node.position),
            str(max(0, newest - node.applied)),
            str(node.pid) if node.pid else "",
        )
    console.print(nodes)
    balancers = Table(box=box.SIMPLE_HEAD)
    for heading in ("balancer", "address"):
        balancers.add_column(heading)
    for heading in ("sessions", "waiting", "pid"):
        balancers.add_column(heading, justify="right")
    for balancer in cluster.balancers:
        balancers.add_row(
            Text(balancer.name),
            Text(balancer.address),
            str(balancer.sessions),
            str(balancer.waiting),
            str(balancer.pid),
        )
    console.print(balancers)
    for balancer in cluster.balancers:
        for problem in balancer.problems:
            console.print(Text.assemble((f"{balancer.name}: ", "bold"), (problem, "red")))
