"""`roost chat` ends when its terminal is gone: a closed window, SSH connection or tmux server."""

import asyncio
import contextlib
import os
import pty
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from roost.cli.status import read_run_file
from roost.ops import clock
from support.cluster import PATIENCE_S, Cluster
from support.namespaces import ip, require_namespaces
from support.web_chat import serve_chat

ENDING_S = 40.0
"""For a client, or for a client and its cluster, on a busy machine."""
STARTING_S = 60.0


class Window:
    """A pseudoterminal, and the client in it."""

    def __init__(
        self, home: Path, *arguments: str, is_controlling: bool, namespace: str = ""
    ) -> None:
        self._master, slave = pty.openpty()
        self.shown = b""
        # Without a controlling terminal there is no SIGHUP.
        network = ("ip", "netns", "exec", namespace) if namespace else ()
        session = ("setsid", "--ctty") if is_controlling else ("setsid",)
        self.process = subprocess.Popen(
            [*network, *session, sys.executable, "-m", "roost.cli", "chat", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "HOME": str(home), "TERM": "xterm-256color"},
        )
        os.close(slave)
        self._is_open = True
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while self._is_open:
            readable, _, _ = select.select([self._master], [], [], 0.05)
            if readable:
                try:
                    self.shown += os.read(self._master, 65536)
                except OSError:
                    return

    def vanish(self) -> None:
        """Close the terminal."""
        if self._is_open:
            self._is_open = False
            self._reader.join(PATIENCE_S)
            os.close(self._master)


@contextlib.contextmanager
def opened(
    home: Path, *arguments: str, is_controlling: bool, namespace: str = ""
) -> Iterator[Window]:
    window = Window(home, *arguments, is_controlling=is_controlling, namespace=namespace)
    try:
        yield window
    finally:
        window.vanish()
        window.process.kill()
        window.process.wait()


@pytest.mark.parametrize("is_controlling", [True, False])
def test_a_client_leaves_when_its_terminal_vanishes(
    cluster: Cluster, tmp_path: Path, is_controlling: bool
) -> None:
    host, port = cluster.address
    room, nick = f"#window{is_controlling:d}", f"gone{is_controlling:d}"
    arguments = (f"{host}:{port}", "--nick", nick, "--room", room)
    with cluster.client("neighbour") as neighbour:
        neighbour.register().join(room)
        with opened(tmp_path, *arguments, is_controlling=is_controlling) as window:
            neighbour.expect("JOIN", room, source=nick, patience_s=STARTING_S)
            # The terminal is still needed: nothing may end before it vanishes.
            neighbour.say(room, "hello")
            window.vanish()
            neighbour.expect("QUIT", source=nick, patience_s=ENDING_S)
            assert window.process.wait(ENDING_S) == 0


def test_a_client_leaves_when_the_server_of_its_browser_vanishes(
    cluster: Cluster, tmp_path: Path
) -> None:
    async def scenario() -> None:
        with serve_chat(cluster, tmp_path, "--nick", "webby", "--room", "#browser") as chat:
            origin = f"http://{chat.host}"
            url = f"{origin}{chat.path}ws?width=100&height=30"
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(url, origin=origin) as socket,
            ):
                await socket.receive()
                await asyncio.to_thread(
                    neighbour.expect, "JOIN", "#browser", source="webby", patience_s=STARTING_S
                )
                chat.process.kill()
                await asyncio.to_thread(
                    neighbour.expect, "QUIT", source="webby", patience_s=ENDING_S
                )

    with cluster.client("neighbour") as neighbour:
        neighbour.register().join("#browser")
        asyncio.run(scenario())


@pytest.fixture
def namespace() -> Iterator[str]:
    """Yield a network namespace in which the default ports are free."""
    require_namespaces()
    name = f"roost-window-{os.getpid()}"
    ip("netns", "add", name)
    try:
        ip("netns", "exec", name, "ip", "link", "set", "lo", "up")
        yield name
    finally:
        ip("netns", "delete", name)


@pytest.mark.parametrize("is_controlling", [True, False])
def test_a_cluster_of_its_own_ends_with_it(
    tmp_path: Path, namespace: str, is_controlling: bool
) -> None:
    data = tmp_path / "data"
    arguments = ("--local", "--data", str(data), "--nick", "alone", "--room", "#alone")
    with opened(tmp_path, *arguments, is_controlling=is_controlling, namespace=namespace) as window:
        deadline = clock.monotonic() + STARTING_S
        while b"#alone" not in window.shown or b"joined" not in window.shown:
            assert window.process.poll() is None
            assert clock.monotonic() < deadline, window.shown
            window.process.poll()
            threading.Event().wait(0.1)
        run_file = read_run_file(data)
        assert run_file is not None
        window.vanish()
        assert window.process.wait(ENDING_S) == 0
    assert read_run_file(data) is None
