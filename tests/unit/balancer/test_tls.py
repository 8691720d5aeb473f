"""Clients over TLS and a real balancer."""

import asyncio
import contextlib
import shutil
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from roost.balancer import ClientLimits
from roost.balancer.certificates import TlsFiles
from roost.protocol.trunk import Attach, Close, Deliver, Join, Lines, Serving
from roost.wire import CredentialsError, parse_address
from support.loops import run, wait_until
from support.tls_files import fingerprint, self_signed, trusting
from unit.balancer.running import Client, RunningBalancer, run_balancer


@asynccontextmanager
async def run_tls_balancer(
    directory: Path, files: TlsFiles, **changes: Any
) -> AsyncIterator[RunningBalancer]:
    async with run_balancer(directory, tls=files, tls_port=0, **changes) as here:
        yield here


async def connect(here: RunningBalancer, context: ssl.SSLContext) -> Client:
    host, port = parse_address(here.addresses.tls_addresses[0])
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(
            host, port, ssl=context, server_hostname="localhost", limit=1 << 24
        )
    client = Client(reader, writer)
    here.keep(client)
    return client


def test_a_client_over_tls_is_served_like_any_other_and_marked_secure(tmp_path: Path) -> None:
    async def scenario() -> None:
        files = self_signed(tmp_path, "server")
        async with run_tls_balancer(tmp_path, files) as here:
            node = await here.node("n1")
            client = await connect(here, trusting(files))
            client.send(b"NICK a\r\nUSER a 0 * :A\r\n")
            (attach,) = await node.next(Attach)
            assert (attach.address, attach.is_secure, attach.certificate) == ("127.0.0.1", True, "")
            (lines,) = await node.next(Lines)
            assert lines.lines == (b"NICK a", b"USER a 0 * :A")
            node.show(Close(attach.session, 1, b"ERROR :bye\r\n"))
            assert await client.rest() == b"ERROR :bye\r\n"
            assert here.addresses.certificate == fingerprint(files)

    run(scenario())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("days", [30, -5])
def test_any_client_certificate_is_taken_and_the_node_gets_its_fingerprint(
    tmp_path: Path, version: ssl.TLSVersion, days: int
) -> None:
    async def scenario() -> None:
        files = self_signed(tmp_path, "server")
        own = self_signed(tmp_path, "alice", days=days)
        async with run_tls_balancer(tmp_path, files) as here:
            node = await here.node("n1")
            context = trusting(files, own)
            context.maximum_version = context.minimum_version = version
            await connect(here, context)
            (attach,) = await node.next(Attach)
            assert attach.certificate == fingerprint(own)
            other = await here.node("n2")
            node.connection.abort()
            (again,) = await other.next(Attach)
            assert (again.certificate, again.is_secure) == (fingerprint(own), True)

    run(scenario())


def test_tls_1_1_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        files = self_signed(tmp_path, "server")
        async with run_tls_balancer(tmp_path, files) as here:
            context = trusting(files)
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings(action="ignore"):
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
            with capture_logs() as logs, pytest.raises(ssl.SSLError):
                await connect(here, context)
            await wait_until(lambda: here.balancer.statistics().connections == 0)
            assert "it does not speak TLS 1.2 or later" in str(logs)

    run(scenario())


def test_a_large_message_reaches_many_clients_whole_and_in_order(tmp_path: Path) -> None:
    async def scenario() -> None:
        files = self_signed(tmp_path, "server")
        async with run_tls_balancer(tmp_path, files) as here:
            node = await here.node("n1")
            clients = [await connect(here, trusting(files)) for _ in range(4)]
            sessions = [attach.session for attach in await node.next(Attach, 4)]
            node.show(*(Serving(session, 1) for session in sessions), Join(1, tuple(sessions)))
            pieces = [b"%06d%s\r\n" % (number, b"x" * 4000) for number in range(600)]
            for piece in pieces:
                node.show(Deliver(1, 0, piece))
            expected = b"".join(pieces)
            for client in clients:
                async with asyncio.timeout(10):
                    assert await client.reader.readexactly(len(expected)) == expected

    run(scenario())


def test_who_does_not_read_is_cut_off_and_others_are_served(tmp_path: Path) -> None:
    async def scenario() -> None:
        files = self_signed(tmp_path, "server")
        limits = ClientLimits(unread_bytes_max=256 * 1024)
        async with run_tls_balancer(tmp_path, files, clients=limits) as here:
            node = await here.node("n1")
            client = await connect(here, trusting(files))
            (attach,) = await node.next(Attach)
            cast("asyncio.Transport", client.writer.transport).pause_reading()
            node.show(Serving(attach.session, 1), Join(1, (attach.session,)))

            def flood() -> bool:
                node.show(Deliver(1, 0, b"x" * 60_000 + b"\r\n"))
                return here.balancer.statistics().cut_off == 1

            await wait_until(flood)
            await here.sweep_until(lambda: here.balancer.statistics().connections == 0, step_s=1.0)

    run(scenario())


def test_plain_text_on_the_tls_port_is_refused_and_logged_in_plain_words(tmp_path: Path) -> None:
    async def scenario() -> None:
        files = self_signed(tmp_path, "server")
        async with run_tls_balancer(tmp_path, files) as here:
            for said, why in (
                (b"NICK alice\r\nUSER a 0 * :A\r\n", "it does not speak TLS"),
                (b"GET / HTTP/1.1\r\n\r\n", "it speaks HTTP, not TLS"),
            ):
                here.clock.monotonic += 5
                here.balancer.sweep()
                with capture_logs() as logs:
                    host, port = parse_address(here.addresses.tls_addresses[0])
                    client = Client(*await asyncio.open_connection(host, port))
                    here.keep(client)
                    client.send(said)
                    with contextlib.suppress(ConnectionResetError):
                        await client.rest()
                    await wait_until(lambda logs=logs: "tls-refused" in str(logs))  # type: ignore[misc]
                refused = [entry for entry in logs if entry["event"] == "tls-refused"]
                assert [entry["reason"] for entry in refused] == [why]
            assert here.balancer.statistics().connections == 0

    run(scenario())


def test_a_slow_handshake_times_out_and_too_many_are_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        files = self_signed(tmp_path, "server")
        limits = ClientLimits(handshakes_max=2)
        async with run_tls_balancer(tmp_path, files, clients=limits) as here:
            host, port = parse_address(here.addresses.tls_addresses[0])
            clients = []
            with capture_logs() as logs:
                for _ in range(3):
                    clients.append(Client(*await asyncio.open_connection(host, port)))
                    here.keep(clients[-1])
                assert await clients[2].rest() == b""
                assert "2 handshakes are under way" in str(logs)
                assert here.balancer.statistics().connections == 2
                await here.sweep_until(lambda: here.balancer.statistics().connections == 0)
                assert "it took too long" in str(logs)

    run(scenario())


def test_addresses_are_limited_before_their_handshakes(tmp_path: Path) -> None:
    async def scenario() -> None:
        files = self_signed(tmp_path, "server")
        limits = ClientLimits(connections_per_address_max=1, exempt_networks=())
        async with run_tls_balancer(tmp_path, files, clients=limits) as here:
            await connect(here, trusting(files))
            with pytest.raises((ConnectionError, ssl.SSLError)):
                await connect(here, trusting(files))
            assert here.balancer.statistics().turned_away == 1

    run(scenario())


def test_a_new_certificate_is_shown_to_new_clients_and_old_ones_stay(tmp_path: Path) -> None:
    async def scenario() -> None:
        files = self_signed(tmp_path, "server")
        old, new = tmp_path / "old.pem", self_signed(tmp_path, "new")
        shutil.copy(str(files.certificate), old)
        old_files = TlsFiles(certificate=old, key=old)
        async with run_tls_balancer(tmp_path, files) as here:
            node = await here.node("n1")
            first = await connect(here, trusting(old_files))
            (attach,) = await node.next(Attach)
            shutil.copy(str(new.certificate), str(files.certificate))
            with capture_logs() as logs:
                await here.sweep_until(lambda: "certificate-refused" in str(logs), step_s=2.5)
            assert "is not the unencrypted key" in str(logs)
            await connect(here, trusting(old_files))
            shutil.copy(str(new.key), str(files.key))
            with capture_logs() as logs:
                here.balancer.reload()
            assert logs[0]["sha256"] == fingerprint(new)
            await connect(here, trusting(new))
            node.show(Close(attach.session, 1, b"ERROR :bye\r\n"))
            assert await first.rest() == b"ERROR :bye\r\n"

    run(scenario())


@pytest.mark.parametrize("spoil", ["missing", "garbage", "expired", "foreign"])
def test_files_that_cannot_be_used_are_refused_at_the_start(tmp_path: Path, spoil: str) -> None:
    files = self_signed(tmp_path, "server", days=-1 if spoil == "expired" else 30)
    assert files.certificate is not None
    match spoil:
        case "missing":
            files.certificate.unlink()
        case "garbage":
            files.certificate.write_text("no certificate")
        case "foreign":
            shutil.copy(str(self_signed(tmp_path, "other").key), str(files.key))
        case _:
            pass

    async def scenario() -> None:
        async with run_tls_balancer(tmp_path, files):
            pass

    with pytest.raises(BaseExceptionGroup) as caught:
        run(scenario())
    assert caught.group_contains(CredentialsError, match="server")
