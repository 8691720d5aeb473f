"""Clients connect by every kind of listener and through proxies, while certificates change."""

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roost.ops import clock
from support.background_load import BackgroundLoad
from support.cluster import PATIENCE_S, POLL_S, Cluster
from support.dialling import plain, tls, websocket
from support.irc_client import IrcClient
from support.tls_clients import both_in_one, irssi_by_tls, weechat_by_tls
from support.tls_files import fingerprint, self_signed, trusting


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = clock.monotonic() + PATIENCE_S
    while not condition():
        assert clock.monotonic() < deadline, f"no {what}"
        time.sleep(POLL_S)


def test_nodes_die_under_clients_by_tls_and_websocket(
    start_cluster: Callable[..., Cluster],
) -> None:
    cluster = start_cluster()
    context = ssl.create_default_context(cafile=cluster.authority)
    dials = (
        tls(*cluster.tls_address, lambda: context),
        websocket(f"{cluster.http_url}/irc"),
        plain(*cluster.address),
    )
    with BackgroundLoad(cluster, clients=90, rooms=10, rate=60, dials=dials) as load:
        for name in ("n1", "n2", "n3"):
            cluster.wait_ready_nodes()
            with load.measured(f"kill -9 {name}", pause_ms_max=2000):
                cluster.wait_back(name, cluster.kill(name))


def test_certificates_change_under_load_and_nobody_is_dropped(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    files, new = self_signed(tmp_path, "server"), self_signed(tmp_path, "new")
    old = {name: path.read_bytes() for name, path in files_of(files).items()}
    arguments = ("--certificate", str(files.certificate), "--key", str(files.key))
    cluster = start_cluster(arguments=arguments)
    context = trusting(files)
    balancer = cluster.status().balancers[0].pid
    dial = tls(*cluster.tls_address, lambda: context)
    with BackgroundLoad(cluster, clients=60, rooms=6, rate=60, dials=(dial,)):
        assert shown(cluster) == fingerprint(files)
        for kind, path in files_of(files).items():
            shutil.copy(files_of(new)[kind], path)
        wait_until(lambda: "certificate-reloaded" in cluster.log(), "new certificate")
        assert shown(cluster) == fingerprint(new)
        files_of(files)["certificate"].write_text("nonsense")
        reload_now(balancer)
        wait_until(lambda: "certificate-refused" in cluster.log(), "refusal")
        assert shown(cluster) == fingerprint(new)
        for kind, content in old.items():
            files_of(files)[kind].write_bytes(content)
        reload_now(balancer)
        wait_until(lambda: shown(cluster) == fingerprint(files), "old certificate")


def files_of(files: object) -> dict[str, Path]:
    return {kind: getattr(files, kind) for kind in ("certificate", "key")}


def reload_now(balancer: int) -> None:
    os.kill(balancer, signal.SIGHUP)


def shown(cluster: Cluster) -> str:
    """Return the SHA-256 of the certificate that a new client sees."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(cluster.tls_address, PATIENCE_S) as sock,
        context.wrap_socket(sock) as client,
    ):
        certificate = client.getpeercert(binary_form=True)
        assert certificate is not None
        return hashlib.sha256(certificate).hexdigest()


PROXY = "127.0.0.9"
"""The address that HAProxy connects from, which no other client uses."""
HAPROXY = """
global
    log stdout format raw local0
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen v1
    bind 127.0.0.1:{v1}
    server b1 {plain} send-proxy source {proxy}
listen v2
    bind 127.0.0.1:{v2}
    server b1 {plain} send-proxy-v2 source {proxy}
listen v2tls
    bind 127.0.0.1:{v2tls} ssl crt {pem}
    server b1 {plain} send-proxy-v2-ssl source {proxy}
listen through
    bind 127.0.0.1:{through}
    server b1 {tls} send-proxy-v2 source {proxy}
"""


@contextlib.contextmanager
def haproxy(directory: Path, cluster: Cluster) -> Iterator[dict[str, int]]:
    """Run HAProxy in front of the cluster; return its ports."""
    names = ("v1", "v2", "v2tls", "through")
    with contextlib.ExitStack() as held:
        found = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in names]
        ports = {name: int(one.getsockname()[1]) for name, one in zip(names, found, strict=True)}
    own = files_of(self_signed(directory, "haproxy"))
    pem = directory / "both.pem"
    pem.write_bytes(own["certificate"].read_bytes() + own["key"].read_bytes())
    config = directory / "haproxy.cfg"
    addresses = {"plain": cluster.address, "tls": cluster.tls_address}
    where = {name: f"{host}:{port}" for name, (host, port) in addresses.items()}
    config.write_text(HAPROXY.format(proxy=PROXY, pem=pem, **ports, **where))
    with (directory / "haproxy.log").open("w") as log:
        process = subprocess.Popen(["haproxy", "-db", "-f", str(config)], stdout=log, stderr=log)
    try:
        for port in ports.values():
            wait_until(lambda port=port: can_connect(port), "HAProxy")  # type: ignore[misc]
        yield ports
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def can_connect(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def whois(client: IrcClient, nick: str) -> tuple[str, bool]:
    """Return the host of a user, and whether the connection is secure."""
    client.send(f"WHOIS {nick}")
    address = is_secure = ""
    while True:
        line = client.read()
        match line.command:
            case "378":
                address = line.text.split()[-1]
            case "671":
                is_secure = line.text
            case "318":
                return address, bool(is_secure)


def test_haproxy_in_front_tells_who_its_clients_are(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    config = tmp_path / "up.toml"
    config.write_text(f'[balancer]\nproxy_from = ["{PROXY}/32"]\n')
    cluster = start_cluster(arguments=("--config", str(config)))
    with haproxy(tmp_path, cluster) as ports, contextlib.ExitStack() as stack:
        for number, (door, is_secure) in enumerate(
            (("v1", False), ("v2", False), ("v2tls", True), ("through", True))
        ):
            source = f"127.0.1.{number + 1}"
            sock = socket.create_connection(
                ("127.0.0.1", ports[door]), PATIENCE_S, source_address=(source, 0)
            )
            if is_secure:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                sock = context.wrap_socket(sock)
            client = stack.enter_context(IrcClient(("127.0.0.1", 0), f"by{door}", over=sock))
            client.register()
            assert whois(client, f"by{door}") == (source, is_secure), door
        direct = stack.enter_context(cluster.client("direct"))
        direct.register()
        assert whois(direct, "direct") == ("127.0.0.1", False)
        direct.join("#doors")
        direct.send("PRIVMSG byv1 :hello")


@pytest.mark.parametrize("has_certificate", [False, True])
def test_irssi_and_weechat_talk_by_tls(
    cluster: Cluster, tmp_path: Path, has_certificate: bool
) -> None:
    suffix = int(has_certificate)
    room, ines, walter = f"#secure{suffix}", f"ines{suffix}", f"walt{suffix}"
    own = {
        nick: both_in_one(self_signed(tmp_path, nick)) if has_certificate else None
        for nick in (ines, walter)
    }
    with (
        irssi_by_tls(cluster, tmp_path / "irssi", ines, certificate=own[ines]) as irssi,
        weechat_by_tls(cluster, tmp_path / "weechat", walter, certificate=own[walter]) as walt,
        cluster.client(f"observer{suffix}") as observer,
    ):
        irssi.wait_for("Welcome")
        walt.wait_for("Welcome")
        irssi.type(f"/join {room}")
        walt.type(f"/join {room}")
        irssi.wait_for(walter)
        irssi.type("hello from irssi by TLS")
        walt.wait_for("hello from irssi by TLS")
        walt.type("hello from weechat by TLS")
        irssi.wait_for("hello from weechat by TLS")
        observer.register()
        for nick in (ines, walter):
            assert whois(observer, nick)[1], nick
