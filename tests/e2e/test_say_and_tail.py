"""`roost say` and `roost tail` on a real cluster whose parts die: nothing lost or doubled."""

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from roost.ops import clock
from support.cluster import PATIENCE_S, ROOST, Cluster

FLOW_S = 60.0
"""Enough for some hundred messages on a busy machine."""


def arguments(cluster: Cluster, nick: str) -> list[str]:
    places = [f"--address={host}:{port}" for host, port in cluster.addresses]
    return [*places, "--nick", nick]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment without any user's settings."""
    home = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path),
    }
    return {**os.environ, **home}


def say(
    cluster: Cluster, environment: dict[str, str], *words: str, lines: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ROOST, "say", *arguments(cluster, "speaker"), *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=FLOW_S,
        input=lines,
        env=environment,
    )


class Tail:
    """A running `roost tail --json`, and its output so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.texts: list[str] = []
        self._process = process
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.texts.append(json.loads(line)["text"])

    def wait_for(self, text: str) -> None:
        deadline = clock.monotonic() + FLOW_S
        while text not in self.texts:
            if self._process.poll() is not None or clock.monotonic() > deadline:
                raise AssertionError(f"no {text!r}: {self.texts[-20:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def tailing(cluster: Cluster, environment: dict[str, str], room: str, *more: str) -> Iterator[Tail]:
    process = subprocess.Popen(
        [*ROOST, "tail", *arguments(cluster, "reader"), room, "--json", *more],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    tail = Tail(process)
    try:
        yield tail
    finally:
        tail.stop()


def test_what_is_said_is_printed_from_the_beginning_and_as_it_is_said(
    cluster: Cluster, environment: dict[str, str]
) -> None:
    room = "#printed"
    lines = "".join(f"line {number}\n" for number in range(250))
    assert say(cluster, environment, room, lines=lines).returncode == 0
    with tailing(cluster, environment, room, "--since", "1h") as tail:
        tail.wait_for("line 249")
        assert say(cluster, environment, room, "and", "now").returncode == 0
        tail.wait_for("and now")
    assert tail.texts == [*(f"line {number}" for number in range(250)), "and now"]


def test_failures_have_an_exit_code_and_one_line_of_reason(
    cluster: Cluster, environment: dict[str, str]
) -> None:
    nobody = say(cluster, environment, "nobody-here", "hello")
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert nobody.stderr.startswith("roost: There is nobody with that name here.")
    nothing = say(cluster, environment, "#room", lines="")
    assert nothing.returncode == 2
    assert "nothing to send" in nothing.stderr
    assert len((nobody.stderr + nothing.stderr).splitlines()) == 2


def tail_once(
    cluster: Cluster, environment: dict[str, str], room: str, *more: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ROOST, "tail", *arguments(cluster, "reader"), room, "--json", "--no-follow", *more],
        check=False,
        capture_output=True,
        text=True,
        timeout=FLOW_S,
        env=environment,
    )


def texts_of(tailed: subprocess.CompletedProcess[str]) -> list[str]:
    assert (tailed.returncode, tailed.stderr) == (0, "")
    return [json.loads(line)["text"] for line in tailed.stdout.splitlines()]


def test_as_many_lines_are_printed_as_were_asked_for(
    cluster: Cluster, environment: dict[str, str]
) -> None:
    room = "#many"
    texts = [f"line {number}" for number in range(314)]
    assert say(cluster, environment, room, lines="\n".join(texts)).returncode == 0
    # Who comes and goes does not count.
    with cluster.client("restless") as client:
        client.register()
        for _ in range(60):
            client.join(room)
            client.send(f"PART {room}")
    for _ in range(2):
        assert texts_of(tail_once(cluster, environment, room, "--lines", "200")) == texts[-200:]
    assert texts_of(tail_once(cluster, environment, room, "--lines", "400")) == texts
    assert texts_of(tail_once(cluster, environment, room)) == texts[-10:]


def test_a_room_that_does_not_exist_is_not_made_by_looking(
    cluster: Cluster, environment: dict[str, str]
) -> None:
    for _ in range(2):
        found = tail_once(cluster, environment, "#nowhere")
        assert (found.returncode, found.stdout) == (1, "")
        assert found.stderr == "roost: there is no room #nowhere\n"


def test_scripts_are_not_seen_where_the_room_allows_it(
    cluster: Cluster, environment: dict[str, str]
) -> None:
    room = "#quiet"
    with cluster.client("watcher") as watcher:
        watcher.register().join(room)
        watcher.send(f"MODE {room} -n+H")
        watcher.expect("MODE", room)
        first = ("one", "two", "three", "four", "five", "six")
        assert say(cluster, environment, room, lines="\n".join(first)).returncode == 0
        with tailing(cluster, environment, room) as tail:
            tail.wait_for("six")
            assert say(cluster, environment, room, "and now").returncode == 0
            tail.wait_for("and now")
        expected = [*first, "and now"]
        assert tail.texts == expected
        assert texts_of(tail_once(cluster, environment, room, "--lines", "2")) == expected[-2:]
        watcher.send(f"PRIVMSG {room} :done")
        seen = [watcher.read() for _ in range(len(expected) + 1)]
    assert [(line.command, line.text) for line in seen] == [
        ("PRIVMSG", text) for text in (*expected, "done")
    ]


@contextmanager
def opening_late(address: tuple[str, int], refusals: int) -> Iterator[int]:
    """Yield a port that closes some connections at once, and then leads to an address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with suppress(OSError):
            for _ in range(refusals):
                listener.accept()[0].close()
            with listener.accept()[0] as client, socket.create_connection(address) as server:
                back = threading.Thread(target=pump, args=(server, client))
                back.start()
                pump(client, server)
                back.join()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(PATIENCE_S)


def test_saying_waits_for_a_server_as_long_as_it_was_told(
    cluster: Cluster, environment: dict[str, str]
) -> None:
    command = [*ROOST, "say", "--nick", "patient", "#late", "at last"]
    with opening_late(cluster.address, refusals=4) as port:
        said = subprocess.run(
            [*command, "--address", f"irc://127.0.0.1:{port}", "--timeout", str(FLOW_S)],
            check=False,
            capture_output=True,
            text=True,
            env=environment,
        )
    assert (said.returncode, said.stderr) == (0, "")
    said = subprocess.run(
        [*command, "--address", f"irc://127.0.0.1:{port}", "--timeout", "3"],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert said.returncode == 1
    assert said.stderr.startswith("roost: not confirmed within 3 s: ")


def keep_talking(
    cluster: Cluster, environment: dict[str, str], room: str, count: int
) -> tuple[subprocess.Popen[str], list[str]]:
    """Start `roost say` with many lines, which are written to its pipe one by one."""
    texts = [f"number {number}" for number in range(count)]
    process = subprocess.Popen(
        [*ROOST, "say", *arguments(cluster, "speaker"), "--timeout", str(FLOW_S), room],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdin is not None
    process.stdin.write("\n".join(texts))
    process.stdin.close()
    return process, texts


def wait_done(process: subprocess.Popen[str]) -> None:
    code = process.wait(FLOW_S)
    assert process.stderr is not None
    text = process.stderr.read()
    process.stderr.close()
    assert (code, text) == (0, "")


def test_a_killed_node_loses_and_doubles_nothing(
    start_cluster: Callable[..., Cluster], environment: dict[str, str]
) -> None:
    cluster = start_cluster()
    with tailing(cluster, environment, "#kill") as tail:
        assert say(cluster, environment, "#kill", "begin").returncode == 0
        tail.wait_for("begin")
        process, texts = keep_talking(cluster, environment, "#kill", 450)
        tail.wait_for("number 100")
        leader = cluster.leader()
        died = cluster.kill(leader)
        tail.wait_for("number 220")
        cluster.wait_back(leader, died)
        other = next(node.name for node in cluster.status().nodes if node.name != leader)
        cluster.kill(other)
        wait_done(process)
        tail.wait_for(texts[-1])
    assert tail.texts == ["begin", *texts]


@pytest.mark.parametrize("is_outside", [False, True])
def test_a_killed_balancer_loses_and_doubles_nothing(
    start_cluster: Callable[..., Cluster], environment: dict[str, str], is_outside: bool
) -> None:
    cluster = start_cluster(arguments=("--balancers", "2"))
    if is_outside:
        with cluster.client("operator") as operator:
            operator.register().join("#door")
            operator.send("MODE #door -n+H")
            operator.expect("MODE", "#door")
    with tailing(cluster, environment, "#door") as tail:
        assert say(cluster, environment, "#door", "begin").returncode == 0
        tail.wait_for("begin")
        process, texts = keep_talking(cluster, environment, "#door", 350)
        tail.wait_for("number 100")
        cluster.kill_balancer("b1")
        wait_done(process)
        tail.wait_for(texts[-1])
    assert tail.texts == ["begin", *texts]


def test_a_reader_whose_session_is_gone_fills_the_gap_from_history(
    start_cluster: Callable[..., Cluster], environment: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "short.toml"
    config.write_text("[node]\nbalancer_grace_s = 0.2\n", encoding="utf-8")
    flags: Sequence[str] = ("--balancers", "1", "--config", str(config))
    cluster = start_cluster(nodes=1, arguments=tuple(flags))
    with tailing(cluster, environment, "#gap", "--since", "1h") as tail:
        process, texts = keep_talking(cluster, environment, "#gap", 300)
        tail.wait_for("number 100")
        cluster.kill_balancer("b1")
        wait_done(process)
        tail.wait_for(texts[-1])
    assert tail.texts == texts
