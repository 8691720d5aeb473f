"""Ports are free, or the error names the one that is not."""

import socket
from pathlib import Path

import pytest

from roost.cli.errors import UsageError
from roost.cli.ports import choose_ports, former_port, free_or_any


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


def test_a_port_of_an_earlier_run_is_kept_if_it_is_free(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    assert former_port(file, "trunk_port") == 0
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        file.write_text(f"trunk_port = {port}\n")
        assert former_port(file, "trunk_port") == port
        assert free_or_any("127.0.0.1", port) == 0
    assert free_or_any("127.0.0.1", port) == port


@pytest.mark.parametrize("text", ["trunk_port = 'x'", "trunk_port = 99999", "no toml"])
def test_a_damaged_file_has_no_port(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    assert former_port(tmp_path / "config.toml", "trunk_port") == 0
