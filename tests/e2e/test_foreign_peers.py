"""Nodes that do not belong to the cluster are refused with a clear log line."""

import contextlib
import datetime as dt
import json
import socket
import ssl
import subprocess
import tomllib
from pathlib import Path

from roost.cli.cluster import ClusterDirectory, ensure_certificates
from roost.ops import clock
from support.cluster import PATIENCE_S, ROOST, Cluster


def _trunk_address(cluster: Cluster) -> tuple[str, int]:
    values = tomllib.loads((cluster.data / "b1" / "config.toml").read_text())
    return values["trunk_host"], values["trunk_port"]


def _wait_logged(cluster: Cluster, start: int, *words: str) -> str:
    """Wait until a log line after `start` contains all the words; return it."""

    def find() -> str:
        for line in cluster.log()[start:].splitlines():
            if all(word in line for word in words):
                return line
        return ""

    cluster.wait_for(lambda _: find(), f"log line with {words}")
    line = find()
    assert json.loads(line)["level"] in {"warning", "error", "info"}
    return line


def test_a_node_of_another_cluster_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    before = cluster.status()
    start = len(cluster.log())
    own = tomllib.loads((cluster.data / "n1" / "config.toml").read_text())
    with ClusterDirectory(tmp_path / "other") as directory:
        files = ensure_certificates(
            directory, own["cluster"], {"n1": ("node", ())}, clock.utc_now()
        )
    flags = [
        *("--data", str(tmp_path / "foreign"), "--is-founding", "--mesh-port", "0"),
        *("--credentials.authority", str(files["n1"]["authority"])),
        *("--credentials.certificate", str(files["n1"]["certificate"])),
        *("--credentials.key", str(files["n1"]["key"])),
    ]
    with (tmp_path / "foreign.log").open("wb") as log:
        process = subprocess.Popen(
            [*ROOST, "node", "--config", str(cluster.data / "n1" / "config.toml"), *flags],
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    try:
        _wait_logged(cluster, start, '"process": "b1"', "refused")
        assert process.poll() is None, (tmp_path / "foreign.log").read_text()
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
    after = cluster.status()
    assert [node.pid for node in after.nodes] == [node.pid for node in before.nodes]
    assert all(node.state == "ready" for node in after.nodes)
    assert "refused" in (tmp_path / "foreign.log").read_text()


def test_an_expired_certificate_stops_a_node_before_it_dials(
    cluster: Cluster, tmp_path: Path
) -> None:
    own = tomllib.loads((cluster.data / "n1" / "config.toml").read_text())
    with ClusterDirectory(tmp_path / "old") as directory:
        long_ago = clock.utc_now() - dt.timedelta(days=1000)
        files = ensure_certificates(directory, own["cluster"], {"n1": ("node", ())}, long_ago)
    done = subprocess.run(
        [
            *(*ROOST, "node", "--config", str(cluster.data / "n1" / "config.toml")),
            *("--data", str(tmp_path / "data")),
            *("--credentials.authority", str(files["n1"]["authority"])),
            *("--credentials.certificate", str(files["n1"]["certificate"])),
            *("--credentials.key", str(files["n1"]["key"])),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 2
    assert "expired" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_certificate_of_another_authority_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    own = tomllib.loads((cluster.data / "n1" / "config.toml").read_text())
    with ClusterDirectory(tmp_path / "other") as directory:
        identity = {"n1": ("node", ())}
        files = ensure_certificates(directory, own["cluster"], identity, clock.utc_now())["n1"]
    # It trusts the balancer, as anybody who has seen its certificate could.
    context = _careless_context()
    context.load_cert_chain(files["certificate"], files["key"])
    line = _refused(cluster, "127.0.0.2", context)
    assert "authority" in line or "certificate" in line


def test_a_peer_without_a_certificate_is_refused(cluster: Cluster) -> None:
    assert "certificate" in _refused(cluster, "127.0.0.3", _careless_context())


def test_half_a_frame_and_no_tls_are_refused(cluster: Cluster) -> None:
    line = _refused(cluster, "127.0.0.4", None)
    assert "TLS" in line
    assert all(node.state == "ready" for node in cluster.status().nodes)


def _careless_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _refused(cluster: Cluster, source: str, context: ssl.SSLContext | None) -> str:
    """Dial the trunk from an address of our own; return the log line that refuses it."""
    start = len(cluster.log())
    with socket.create_connection(
        _trunk_address(cluster), timeout=PATIENCE_S, source_address=(source, 0)
    ) as raw:
        # The balancer may send an error or just close the connection.
        with contextlib.suppress(OSError):
            if context is None:
                raw.sendall(b"\x00\x00\x01\x00half a frame")
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(4096):
                    pass
            else:
                with context.wrap_socket(raw) as wrapped:
                    assert wrapped.recv(1) == b""
        return _wait_logged(cluster, start, '"process": "b1"', "peer-refused", source)
