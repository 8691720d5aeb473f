"""Proxies in front of a real balancer, and clients on the same machine."""

import asyncio
import contextlib
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from roost.balancer import ClientLimits
from roost.protocol.trunk import Attach, Lines
from roost.wire import parse_address
from support.loops import run, wait_until
from support.tls_files import fingerprint, self_signed, trusting
from unit.balancer.engine.test_proxy_header import V4, header, tlv
from unit.balancer.running import Client, RunningBalancer, run_balancer

LINE = b"PROXY TCP4 192.0.2.1 198.51.100.1 50000 6667\r\n"
LOOPBACK = ("127.0.0.0/8",)


async def connect(here: RunningBalancer, address: str) -> Client:
    client = Client(*await asyncio.open_connection(*parse_address(address)))
    here.keep(client)
    return client


@pytest.mark.parametrize(
    ("said", "is_secure"),
    [(LINE, False), (header(), False), (header(V4 + tlv(0x20, b"\x01" + bytes(4))), True)],
)
def test_a_client_behind_a_proxy_has_its_own_address(
    tmp_path: Path, said: bytes, is_secure: bool
) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path, proxy_from=LOOPBACK) as here:
            node = await here.node("n1")
            client = await connect(here, here.addresses.address)
            for byte in said + b"NICK a\r\n":
                client.send(bytes([byte]))
                await wait_until(client.is_sent)
            (attach,) = await node.next(Attach)
            assert (attach.address, attach.is_secure) == ("192.0.2.1", is_secure)
            (lines,) = await node.next(Lines)
            assert lines.lines == (b"NICK a",)

    run(scenario())


def test_the_header_comes_before_tls(tmp_path: Path) -> None:
    async def scenario() -> None:
        files, own = self_signed(tmp_path, "server"), self_signed(tmp_path, "alice")
        async with run_balancer(tmp_path, proxy_from=LOOPBACK, tls=files, tls_port=0) as here:
            node = await here.node("n1")
            address = parse_address(here.addresses.tls_addresses[0])
            sock = socket.create_connection(address)
            sock.sendall(header())
            reader, writer = await asyncio.open_connection(
                sock=sock, ssl=trusting(files, own), server_hostname="localhost"
            )
            here.keep(Client(reader, writer))
            (attach,) = await node.next(Attach)
            assert attach.address == "192.0.2.1"
            assert attach.certificate == fingerprint(own)

    run(scenario())


@pytest.mark.parametrize(
    "said",
    [b"NICK a\r\nUSER a 0 * :A\r\n", b"PROXY TCP4 nonsense\r\n", b"\x16\x03\x01\x02\x00"],
)
def test_a_proxy_that_sends_no_proper_header_is_closed_and_logged(
    tmp_path: Path, said: bytes
) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path, proxy_from=LOOPBACK) as here:
            with capture_logs() as logs:
                client = await connect(here, here.addresses.address)
                client.send(said)
                with contextlib.suppress(ConnectionResetError):
                    assert await client.rest() == b""
            (refused,) = [entry for entry in logs if entry["event"] == "proxy-header-refused"]
            assert refused["address"] == "127.0.0.1"
            assert refused["reason"]
            assert here.balancer.statistics().sessions == 0

    run(scenario())


def test_a_missing_header_times_out(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path, proxy_from=LOOPBACK) as here:
            client = await connect(here, here.addresses.address)
            client.send(b"PROXY TCP4 ")
            with capture_logs() as logs:
                await here.sweep_until(lambda: "in time" in str(logs))
            assert await client.rest() == b""

    run(scenario())


def test_a_header_from_an_untrusted_address_is_an_irc_line(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path, proxy_from=("192.0.2.0/24",)) as here:
            node = await here.node("n1")
            client = await connect(here, here.addresses.address)
            client.send(LINE)
            (attach,) = await node.next(Attach)
            assert attach.address == "127.0.0.1"
            (lines,) = await node.next(Lines)
            assert lines.lines == (LINE.strip(),)

    run(scenario())


def test_limits_apply_to_the_client_behind_a_proxy(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = ClientLimits(connections_per_address_max=1)
        async with run_balancer(tmp_path, proxy_from=LOOPBACK, clients=limits) as here:
            for said in (LINE, header(V4.replace(b"\x01\xc6", b"\x02\xc6"))):
                (await connect(here, here.addresses.address)).send(said)
            await wait_until(lambda: here.balancer.statistics().sessions == 2)
            client = await connect(here, here.addresses.address)
            client.send(LINE)
            refusal = b"ERROR :Closing link: too many connections from 192.0.2.1: 1 are allowed\r\n"
            assert await client.rest() == refusal

    run(scenario())


def unix_client(here: RunningBalancer, path: Path) -> Any:
    return asyncio.open_unix_connection(str(path))


def test_a_local_client_connects_through_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "irc.sock"

    async def scenario() -> None:
        async with run_balancer(tmp_path, unix_socket=path, unix_socket_mode="660") as here:
            node = await here.node("n1")
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
            assert here.addresses.unix_socket == str(path)
            client = Client(*await unix_client(here, path))
            here.keep(client)
            client.send(b"NICK a\r\n")
            (attach,) = await node.next(Attach)
            assert (attach.address, attach.is_secure) == ("localhost", True)

    run(scenario())
    assert not path.exists()


def test_a_socket_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "irc.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))

    async def scenario() -> None:
        async with run_balancer(tmp_path, unix_socket=path) as here:
            here.keep(Client(*await unix_client(here, path)))
            await wait_until(lambda: here.balancer.statistics().connections == 1)

    run(scenario())


def test_files_and_sockets_in_use_are_not_replaced(tmp_path: Path) -> None:
    path, other = tmp_path / "irc.sock", tmp_path / "notes.txt"
    other.write_text("mine")

    async def scenario(where: Path) -> None:
        async with run_balancer(tmp_path, unix_socket=where):
            pass

    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen()
        for where, why in ((path, "another process listens"), (other, "something else")):
            with pytest.raises(BaseExceptionGroup) as caught:
                run(scenario(where))
            assert caught.group_contains(OSError, match=why)
    assert path.exists()
    assert other.read_text() == "mine"
