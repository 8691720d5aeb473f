"""Ports are free, or the error names the one that is not."""

import socket

import pytest

from roost.cli.errors import UsageError
from roost.cli.ports import choose_ports


def test_free_ports_are_all_different() -> None:
    ports = choose_ports([("127.0.0.1", 0, "--port")] * 5)
    assert len(set(ports)) == 5
    assert choose_ports([("127.0.0.1", ports[0], "--port")]) == ports[:1]


def test_a_port_in_use_is_named_with_its_flag() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError) as caught:
            choose_ports([("127.0.0.1", port, "--http-port")])
    assert str(caught.value) == (
        f"cannot listen on 127.0.0.1:{port}: it is in use; choose another with --http-port"
    )


def test_a_host_of_somebody_else_is_refused() -> None:
    with pytest.raises(UsageError, match=r"cannot listen on 192\.0\.2\.1:0"):
        choose_ports([("192.0.2.1", 0, "--port")])
