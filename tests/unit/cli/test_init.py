"""The directories that `roost init` writes are complete and can be copied."""

import ssl
import tomllib
from pathlib import Path
from typing import Any

import pytest

from roost.balancer.certificates import ClientCertificate
from roost.balancer.config import Config as BalancerConfig
from roost.cli.configuration import read_config
from roost.cli.errors import UsageError
from roost.cli.flags import InitFlags
from roost.cli.init import init
from roost.node.config import NodeConfig
from roost.ops import clock
from roost.wire.authority import check_credentials
from roost.wire.identity import Identity

NODES = ("n1=10.0.0.1", "n2=10.0.0.2", "n3=10.0.0.3")


def _flags(data: Path, **changes: Any) -> InitFlags:
    values: dict[str, Any] = {"nodes": NODES, "balancers": ("b1=10.0.0.9",), "data": data}
    return InitFlags(**{**values, **changes})


def test_every_process_can_start_from_its_directory(tmp_path: Path) -> None:
    init(_flags(tmp_path / "made"))
    moved = tmp_path / "moved"
    (tmp_path / "made" / "n2").rename(moved)
    file = moved / "config.toml"
    node = read_config(NodeConfig, file)
    assert node.members == ("n1", "n2", "n3")
    assert node.data == moved / "data"
    assert node.balancers == ("10.0.0.9:6700",)
    assert node.neighbours == {"n1": "10.0.0.1:6800", "n3": "10.0.0.3:6800"}
    check_credentials(node.credentials, node.identity, now=clock.utc_now())
    file = tmp_path / "made" / "b1" / "config.toml"
    balancer = read_config(BalancerConfig, file)
    identity = Identity(node.cluster, "balancer", "b1")
    check_credentials(balancer.credentials, identity, now=clock.utc_now())


def test_processes_on_one_host_get_different_ports(tmp_path: Path) -> None:
    everywhere = "127.0.0.1"
    init(
        _flags(
            tmp_path,
            nodes=(f"n1={everywhere}", f"n2={everywhere}"),
            balancers=(f"b1={everywhere}",),
        )
    )
    ports = []
    for name in ("n1", "n2", "b1"):
        values = tomllib.loads((tmp_path / name / "config.toml").read_text())
        ports += [value for key, value in values.items() if key.endswith("port")]
    assert len(ports) == len(set(ports)) == 8


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"nodes": ("n1",)}, "--node n1: it must be NAME=HOST"),
        ({"nodes": ("n 1=host",)}, "--node n 1=host: a name is 1 to 63 ASCII letters"),
        ({"nodes": ("n1=a", "n1=b")}, "--node n1=b: the name n1 is taken"),
        ({"balancers": ("n1=a",)}, "n1 cannot be both a node and a balancer"),
        ({"nodes": tuple(f"n{i}=h{i}" for i in range(33))}, "up to 32 nodes, not 33"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], error: str) -> None:
    with pytest.raises(UsageError) as caught:
        init(_flags(tmp_path / "made", **changes))
    assert error in str(caught.value)
    assert not (tmp_path / "made").exists()


def test_a_cluster_is_not_made_over_another(tmp_path: Path) -> None:
    init(_flags(tmp_path))
    before = (tmp_path / "cluster.toml").read_text()
    with pytest.raises(UsageError, match="already contains a cluster"):
        init(_flags(tmp_path))
    assert (tmp_path / "cluster.toml").read_text() == before


def test_a_balancer_has_a_certificate_for_its_clients_beside_its_own(tmp_path: Path) -> None:
    init(_flags(tmp_path / "made"))
    file = tmp_path / "made" / "b1" / "config.toml"
    config = read_config(BalancerConfig, file)
    assert config.tls_port == 6697
    assert config.tls.certificate == file.parent / "clients.pem"
    shown = ssl.create_default_context(cafile=file.parent / "ca.pem")
    assert shown.get_ca_certs()
    ClientCertificate(config.tls, clock.utc_now)
