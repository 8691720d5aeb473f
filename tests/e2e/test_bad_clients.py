"""Hostile and broken clients harm nobody else."""

import contextlib
import resource
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from support.cluster import Cluster

SILENT_CLIENTS = 2000
STRANGE_LINES = (
    b"PRIVMSG #bytes :nul \x00 inside",
    b"PRIVMSG #bytes :not \xff\xfe UTF-8",
    b"\xc3\x28\xa0\xa1 \x00\x01\x02",
    b":",
    b"@a=b",
    b"PRIVMSG" + b" x" * 300,
    b"@" + b"t" * 5000 + b" PRIVMSG #bytes :tags",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)


def _assert_undisturbed(cluster: Cluster, nick: str) -> None:
    """Check that two honest clients can talk, whatever else goes on."""
    room = f"#{nick}"
    with cluster.client(f"{nick}-a") as first, cluster.client(f"{nick}-b") as second:
        first.register().join(room)
        second.register().join(room)
        first.say(room, "can you hear me?")
        second.expect("PRIVMSG", room, "can you hear me?")


def test_an_endless_line_is_refused_or_cut_off(cluster: Cluster) -> None:
    with cluster.client("endless") as client:
        client.register()
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(200):
                client.send_bytes(b"x" * 65536)
            client.send_bytes(b"\r\n")
        answer = client.expect_any("417", "ERROR")
        assert answer.text
    _assert_undisturbed(cluster, "endless1")


def test_a_line_that_is_too_long_is_refused_and_the_next_one_served(cluster: Cluster) -> None:
    with cluster.client("longline") as client:
        client.register().join("#longline")
        client.send("PRIVMSG #longline :" + "y" * 2000, "PING still-here")
        client.expect("417")
        assert client.expect("PONG").text == "still-here"


def test_empty_lines_are_nothing(cluster: Cluster) -> None:
    with cluster.client("empty") as client:
        client.register()
        client.send_bytes(b"\r\n" * 500 + b"\n\n\r\n   \r\n")
        assert [line.command for line in client.sync() if line.command != "421"] == []


@pytest.mark.parametrize("number", range(len(STRANGE_LINES)))
def test_strange_bytes_reach_nobody(cluster: Cluster, number: int) -> None:
    # The clients of the case before may still be online for a moment, under their own names.
    nick = f"strange{number}"
    with cluster.client(nick) as strange, cluster.client(f"normal{number}") as normal:
        normal.register().join("#bytes")
        strange.register().join("#bytes")
        normal.expect("JOIN", "#bytes", source=nick)
        strange.send_bytes(STRANGE_LINES[number] + b"\r\n")
        strange.sync()
        assert [seen for seen in normal.sync() if seen.nick == nick] == []


def test_strange_bytes_instead_of_a_registration(cluster: Cluster) -> None:
    for data in (
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\r\n",
        b"\0" * 4096,
    ):
        with socket.create_connection(cluster.address) as stranger:
            stranger.sendall(data)
    _assert_undisturbed(cluster, "strange1")


def test_half_a_line_and_a_hang_up_is_nothing(cluster: Cluster) -> None:
    with cluster.client("half") as half, cluster.client("whole") as whole:
        whole.register().join("#half")
        half.register().join("#half")
        half.send_bytes(b"PRIVMSG #half :never fini")
        half.close()
        whole.expect("QUIT", source="half")
        assert not any(line.command == "PRIVMSG" for line in whole.received)


def test_a_flood_holds_up_nobody_else(cluster: Cluster) -> None:
    with cluster.client("flooder") as flooder:
        flooder.register().join("#flood")
        with contextlib.suppress(ConnectionError, TimeoutError):
            flooder.send(*(f"PRIVMSG #flood :{count}" for count in range(5000)))
        _assert_undisturbed(cluster, "flood1")


def test_a_client_that_never_reads_is_cut_off_alone(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    file = tmp_path / "up.toml"
    file.write_text(
        "[balancer.clients]\nunread_bytes_max = 65536\n"
        "[balancer.sessions]\nlines_per_s = 0\nburst_lines = 100000\n"
    )
    cluster = start_cluster(arguments=("--config", str(file)))
    with cluster.client("deaf") as deaf, cluster.client("talker") as talker:
        # Without echoes the sender itself has nothing to read.
        talker.register(capabilities=("message-tags",)).join("#deaf")
        deaf.keep_little()
        deaf.register().join("#deaf")
        talker.expect("JOIN", "#deaf", source="deaf")
        # More than the system's buffers hold, so that some must wait in the balancer.
        for count in range(60):
            talker.send(*(f"PRIVMSG #deaf :{count:04} {'z' * 400}" for _ in range(500)))
            quits = [line for line in talker.sync() if line.command == "QUIT"]
            if quits:
                break
        else:
            raise AssertionError("the one who does not read is still there")
        assert quits[0].nick == "deaf"
    _assert_undisturbed(cluster, "deaf1")


def test_silent_connections_hold_up_nobody_else(start_cluster: Callable[..., Cluster]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = SILENT_CLIENTS + 500
    assert hard == resource.RLIM_INFINITY or hard >= needed, "too few open files are allowed here"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    cluster = start_cluster()
    with contextlib.ExitStack() as stack:
        for _ in range(SILENT_CLIENTS):
            stack.enter_context(socket.create_connection(cluster.address))
        _assert_undisturbed(cluster, "silence1")
    cluster.wait_for(lambda status: status.balancers[0].sessions <= 2, "end of the silent ones")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
