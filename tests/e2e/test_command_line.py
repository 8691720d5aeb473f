"""Mistakes on the command line cause one clear line and exit code 2."""

import socket
import tomllib
from pathlib import Path

import pytest

from support.cluster import Cluster, run_roost


def _error(*arguments: str) -> str:
    """Run a command that must fail; return its one line of error."""
    done = run_roost(*arguments)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("roost: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_help_names_every_command() -> None:
    done = run_roost("--help")
    assert done.returncode == 0
    for command in ("up", "init", "node", "balancer", "status"):
        assert command in done.stdout


def test_an_unknown_flag_is_named() -> None:
    done = run_roost("up", "--nodse", "3")
    assert done.returncode == 2
    assert "--nodse" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    file = tmp_path / "up.toml"
    file.write_text("hots = 3\n")
    assert _error("up", "--config", str(file)).endswith("unknown key hots: did you mean host?")
    file.write_text("nodes = 'three'\n")
    assert "nodes: it must be a whole number, not text" in _error("up", "--config", str(file))


@pytest.mark.parametrize("data", ["/proc/roost", "/dev/null/roost"])
def test_a_data_directory_that_cannot_be_written_is_named(data: str) -> None:
    assert f"cannot write to the data directory {data}: " in _error("up", "--data", data)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        flags = ("--data", str(tmp_path / "data"))
        error = _error("up", *flags, "--port", port, "--http-port", "0")
        assert (
            f"cannot listen on 127.0.0.1:{port}: it is in use; choose another with --port" in error
        )
        error = _error("up", *flags, "--port", "0", "--http-port", port)
        assert f"127.0.0.1:{port}: it is in use; choose another with --http-port" in error


def test_too_many_nodes_are_refused(tmp_path: Path) -> None:
    error = _error("up", "--data", str(tmp_path / "data"), "--nodes", "99")
    assert "nodes: it must be a whole number <= 32" in error
    assert not (tmp_path / "data").exists()


def test_a_second_up_on_the_same_directory_is_refused(cluster: Cluster) -> None:
    error = _error("up", "--data", str(cluster.data), "--port", "0", "--http-port", "0")
    assert "another `roost up` is running on" in error


def test_a_second_node_on_the_same_directory_is_refused(cluster: Cluster) -> None:
    done = run_roost("node", "--config", str(cluster.data / "n1" / "config.toml"))
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert str(cluster.data / "n1" / "data") in done.stderr
    assert cluster.node("n1").state == "ready"


def test_a_node_refuses_the_data_of_another(cluster: Cluster, tmp_path: Path) -> None:
    values = tomllib.loads((cluster.data / "n1" / "config.toml").read_text())
    assert values["name"] == "n1"
    data = tmp_path / "stolen"
    data.mkdir()
    for file in (cluster.data / "n2" / "data").iterdir():
        if file.is_file():
            (data / file.name).write_bytes(file.read_bytes())
    config = str(cluster.data / "n1" / "config.toml")
    done = run_roost("node", "--config", config, "--data", str(data), "--mesh-port", "0")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "n2" in done.stderr


def test_status_without_a_cluster_says_so(tmp_path: Path) -> None:
    done = run_roost("status", "--data", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("roost: no `roost up` is running on")
