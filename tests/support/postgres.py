"""A PostgreSQL server of its own, which tests can kill, stop and cut off."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from roost.ops import clock

BINARIES = Path("/usr/lib/postgresql/15/bin")
USER = "postgres"
START_S_MAX = 30.0


class PostgresServer:
    """A server on loopback, in a directory of its own. The context runs it."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="roost-postgres-"))
        self._user = USER if os.geteuid() == 0 else None
        if self._user:
            # It refuses to run as root.
            shutil.chown(self.directory, self._user, self._user)
        self.port = _free_port()
        self._disks: list[Path] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._run(
            "initdb",
            "-D",
            self._data,
            "-U",
            "roost",
            "-A",
            "trust",
            "-N",
            "--no-locale",
            "-E",
            "UTF8",
        )

    @property
    def _data(self) -> str:
        return str(self.directory / "data")

    def url(self, database: str) -> str:
        return f"postgresql://roost@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [str(BINARIES / program), *arguments],
            user=self._user,
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def sql(self, database: str, statement: str) -> str:
        """Run a statement and return its output, unaligned."""
        address = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "roost", "-d", database)
        return self._run("psql", *address, "-v", "ON_ERROR_STOP=1", "-Atc", statement).strip()

    def create(self, database: str) -> str:
        """Make an empty database and return its URL."""
        self.sql("postgres", f"CREATE DATABASE {database}")
        return self.url(database)

    def small_disk(self) -> Path:
        """Return a directory on a disk of its own, with 24 MB."""
        directory = self.directory / f"small{len(self._disks)}"
        directory.mkdir()
        options = "size=24m" + (f",uid={self._user},mode=0700" if self._user else "")
        command = ["mount", "-t", "tmpfs", "-o", options, "roost-test", str(directory)]
        subprocess.run(command, check=True, timeout=10)
        self._disks.append(directory)
        return directory

    def start(self) -> None:
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(BINARIES / "postgres"),
                    *("-D", self._data, "-k", str(self.directory), "-p", str(self.port)),
                    *("-c", "listen_addresses=127.0.0.1", "-c", "max_connections=60"),
                ],
                user=self._user,
                cwd=self.directory,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = clock.monotonic() + START_S_MAX
        while not self._is_ready():
            assert clock.monotonic() < deadline, (self.directory / "log").read_text()
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.directory / "log").read_text()
        with contextlib.suppress(AssertionError):
            return self.sql("postgres", "SELECT 1") == "1"
        return False

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and all its processes."""
        assert self._process is not None
        for process in (self._process.pid, *_children(self._process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def kill(self) -> None:
        """Kill all processes, as a crash does."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(10)

    def stop(self) -> None:
        """Freeze all processes; connections stay open and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.go_on()
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(10)
        for disk in self._disks:
            subprocess.run(["umount", str(disk)], check=True, timeout=10)
        shutil.rmtree(self.directory, ignore_errors=True)


def _children(parent: int) -> list[int]:
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in found]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Relay:
    """Passes connections on to a server, until it is cut: then nothing comes through any more."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._is_open = threading.Event()
        self._is_open.set()
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def cut(self) -> None:
        """Let nothing through; connections stay open."""
        self._is_open.clear()

    def join(self) -> None:
        """Let everything through again."""
        self._is_open.set()

    def close(self) -> None:
        self._is_open.set()
        # Only this wakes a thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for end in self._ends:
            end.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._port))
                except OSError:
                    client.close()
                    continue
                self._ends += [client, server]
                self._start(self._pass, client, server)
                self._start(self._pass, server, client)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._is_open.wait()
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
