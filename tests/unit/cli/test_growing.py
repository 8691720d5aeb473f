"""The nodes of `roost up` become more when it is asked, and fewer when the cluster says so."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roost.chat.commands.administration import AddNode, ShowNodes
from roost.cli.cluster import ClusterDirectory, ClusterFile, ensure_certificates
from roost.cli.console import Console
from roost.cli.errors import CommandError
from roost.cli.growing import Growth, growth_text, removed_nodes, take_in
from roost.cli.status import Cluster
from roost.cli.supervisor import Child, Supervisor
from roost.ops import clock
from roost.protocol.nodes import NodesView, NodeView, encode_nodes
from roost.wire.authority import key_hash, load_certificate

GROWN = ClusterFile(
    cluster="c", members=("n1", "n2"), nodes=("n1", "n2", "n3"), joining=("n3",), is_founded=True
)


class EndOfTestError(Exception):
    """Ends an endless loop."""


def make(directory: ClusterDirectory, cluster: ClusterFile) -> tuple[Growth, dict[str, Child]]:
    nodes = {name: Child(name, list) for name in cluster.local}
    return Growth(directory, cluster, list(nodes.values()), Console(None)), nodes


@pytest.fixture
def directory(tmp_path: Path) -> Any:
    with ClusterDirectory(tmp_path) as opened:
        yield opened


def test_removed_nodes_are_those_that_the_cluster_does_not_name() -> None:
    assert removed_nodes(GROWN, ()) == []
    assert removed_nodes(GROWN, ("n1", "n2")) == []
    assert removed_nodes(GROWN, ("n1", "n7")) == ["n2"]


def test_joining_nodes_start_once_the_cluster_has_taken_them_in(
    directory: ClusterDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    growth, nodes = make(directory, GROWN)
    assert growth.expected(("n1", "n2")) == ["n1", "n2"]
    assert nodes["n1"].released is None
    asked: list[tuple[Path, tuple[str, ...]]] = []

    def fake(path: Path, joining: tuple[str, ...]) -> list[str]:
        asked.append((path, joining))
        return list(joining)

    monkeypatch.setattr("roost.cli.growing.take_in", fake)
    assert asyncio.run(growth.take_in())
    assert nodes["n3"].released is not None
    assert nodes["n3"].released.is_set()
    assert growth.expected(("n1", "n2", "n3")) == ["n1", "n2", "n3"]
    assert not asyncio.run(growth.take_in())
    assert asked == [(directory.path, ("n3",))]
    assert growth.complete() == "Added n3 to the cluster, which had 2 nodes here."
    assert directory.open(None) == msgspec.structs.replace(GROWN, joining=())


def test_a_cluster_that_does_not_grow_is_not_asked(directory: ClusterDirectory) -> None:
    growth, _ = make(directory, directory.open(3))
    assert not asyncio.run(growth.take_in())
    assert growth.complete() == ""
    assert directory.open(None).is_founded


def test_several_new_nodes_are_named() -> None:
    grown = msgspec.structs.replace(
        GROWN, nodes=("n1", "n2", "n3", "n4", "n5"), joining=("n3", "n4", "n5")
    )
    text = growth_text(grown, ["n3", "n4", "n5"])
    assert text == "Added n3, n4 and n5 to the cluster, which had 2 nodes here."


def test_only_nodes_that_the_cluster_lacks_are_added_with_their_keys(
    directory: ClusterDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = directory.path
    made = ensure_certificates(
        directory, "c", {"n3": ("node", ()), "n4": ("node", ())}, clock.utc_now()
    )
    asked: list[object] = []

    def administer(*asking: Any) -> bytes:
        asked.append(asking[-1])
        known = NodeView(name="n3", host="", since_ms=0)
        return encode_nodes(NodesView(nodes=(known,), tokens=()))

    class Operator(msgspec.Struct):
        cluster: str = "c"
        balancers: tuple[str, ...] = ()
        credentials: None = None

    monkeypatch.setattr("roost.cli.growing.administer", administer)
    monkeypatch.setattr("roost.cli.growing.load_operator", lambda _flags: Operator())
    assert take_in(path, ("n3", "n4")) == ["n4"]
    key = key_hash(load_certificate(made["n4"]["certificate"]))
    assert asked == [ShowNodes(), AddNode("n4", "127.0.0.1", key)]


def test_a_refusal_is_not_taken_for_success(
    directory: ClusterDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    growth, nodes = make(directory, GROWN)

    def fake(_path: Path, _joining: tuple[str, ...]) -> list[str]:
        raise CommandError("a cluster has up to 8 nodes")

    monkeypatch.setattr("roost.cli.growing.take_in", fake)
    with pytest.raises(CommandError, match="up to 8 nodes"):
        asyncio.run(growth.take_in())
    assert nodes["n3"].released is not None
    assert not nodes["n3"].released.is_set()


def test_a_removed_node_is_stopped_and_not_run_again(
    directory: ClusterDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = directory.open(3)
    growth, nodes = make(directory, three)
    seen = [None, Cluster("c", (), ()), Cluster("c", (), (), ("n1", "n3"))]

    async def sleep(_seconds: float) -> None:
        if nodes["n2"].stopping.is_set():
            raise EndOfTestError

    async def scenario() -> None:
        supervisor = Supervisor(list(nodes.values()), is_restarting=True)
        await growth.follow(lambda: seen.pop(0), supervisor)

    monkeypatch.setattr("roost.cli.growing.asyncio.sleep", sleep)
    with pytest.raises(EndOfTestError):
        asyncio.run(scenario())
    assert not seen
    assert directory.open(None).local == ("n1", "n3")
    assert not nodes["n1"].stopping.is_set()
