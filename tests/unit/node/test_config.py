"""An invalid configuration of a node is an error that names the key."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from roost.node.config import HistoryConfig, LogConfig, NodeConfig
from roost.wire import Credentials, Identity

CREDENTIALS = Credentials(authority=Path("ca"), certificate=Path("c"), key=Path("k"))
GOOD: dict[str, Any] = {
    "cluster": "home",
    "name": "n1",
    "members": ("n1", "n2", "n3"),
    "data": Path("data"),
    "credentials": CREDENTIALS,
}


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("cluster", "two words", "cluster must be 1 to 63"),
        ("name", "", "name must be 1 to 63"),
        ("members", (), "members must name the nodes with which the cluster was founded"),
        ("members", ("n1", "n1"), "twice"),
        ("members", ("n1", "a/b"), "members must each be"),
        ("members", tuple(f"n{number}" for number in range(33)), "up to 32, not 33"),
        ("balancers", ("localhost",), "balancers: 'localhost' is not HOST:PORT"),
        ("neighbours", {"n2": "x:y"}, "neighbours: 'x:y' is not HOST:PORT"),
        ("mesh_host", "0.0.0.0", "mesh_address must say how neighbours reach this node"),
        ("mesh_address", "host:port", "mesh_address: 'host:port' is not HOST:PORT"),
    ],
)
def test_a_wrong_value_is_named(key: str, value: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        NodeConfig(**{**GOOD, key: value})


def test_an_unknown_key_and_a_wrong_port_are_refused() -> None:
    plain = {**GOOD, "data": "d", "credentials": {"authority": "a", "certificate": "c", "key": "k"}}
    assert msgspec.convert(plain, NodeConfig, dec_hook=_read).name == "n1"
    for wrong in ({"mash_port": 1}, {"mesh_port": 65536}, {"http_port": -1}, {"weight": 0}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({**plain, **wrong}, NodeConfig, dec_hook=_read)


def _read(kind: Any, value: Any) -> Any:
    return kind(value)


@pytest.mark.parametrize(
    ("mesh_host", "mesh_address", "advertised"),
    [
        ("127.0.0.1", "", "127.0.0.1:7"),
        ("::1", "", "[::1]:7"),
        ("0.0.0.0", "chat.example.org", "chat.example.org:7"),
        ("0.0.0.0", "chat.example.org:99", "chat.example.org:99"),
        ("::", "[2001:db8::1]:99", "[2001:db8::1]:99"),
        ("::", "[2001:db8::1]", "[2001:db8::1]:7"),
    ],
)
def test_neighbours_are_told_an_address_that_works(
    mesh_host: str, mesh_address: str, advertised: str
) -> None:
    config = NodeConfig(**GOOD, mesh_host=mesh_host, mesh_address=mesh_address)
    assert config.advertised_address(7) == advertised


def test_identity_is_what_the_certificate_must_show() -> None:
    assert NodeConfig(**GOOD).identity == Identity("home", "node", "n1")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"engine": "etcd"}, "log.endpoints must name the members of the etcd cluster"),
        ({"endpoints": ("e1:2379",)}, 'only for log.engine = "etcd"'),
        ({"engine": "etcd", "endpoints": ("e1",)}, "log.endpoints"),
        ({"prefix": "/roost"}, "log.prefix must end with a slash"),
        ({"certificate": Path("c.pem")}, "log.certificate and log.key belong together"),
        ({"certificate": Path("c"), "key": Path("k")}, "needs log.authority"),
    ],
)
def test_a_log_that_cannot_be_is_named(values: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        LogConfig(**values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"engine": "postgresql"}, "history.url must be"),
        ({"engine": "postgresql", "url": "mysql://x"}, "history.url must be"),
        ({"url": "postgresql://x/y"}, "needs history.engine"),
        ({"archive_days": 3.0}, "needs history.engine"),
    ],
)
def test_history_is_configured_wholly_or_not_at_all(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        HistoryConfig(**values)


def test_nodes_with_an_archive_hold_a_week_themselves() -> None:
    assert HistoryConfig().days == 0
    archived = HistoryConfig(engine="postgresql", url="postgresql://x/y")
    assert (archived.days, archived.has_archive) == (7, True)
