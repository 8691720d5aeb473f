"""Whole nodes on loopback: they start, find each other, serve clients, and shut down."""

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import msgspec
import pytest
from structlog.testing import capture_logs

from roost.chat.ids import Position
from roost.chat.snapshot import encode_state
from roost.chat.state import State
from roost.node import FailedError, Node, NodeConfig, StartError
from roost.node.files import RunFile
from roost.protocol import trunk as frames
from roost.protocol.trunk import Attach, Hello, Lines, Output, Reply, Status, Welcome
from roost.raft.messages import HardState, Persist, Snapshot
from roost.storage import DataDirectory, Identity, LogStore, StorageError
from roost.wire import (
    Credentials,
    admit,
    client_context,
    parse_address,
    serve,
    server_context,
)
from support.credentials import issue
from support.loops import CancelledLate, run, wait_until
from support.recorders import Recorder, Side


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    """Undo a node's tuning of the process's garbage collector."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def make_config(directory: Path, name: str = "n1", **changes: Any) -> NodeConfig:
    values: dict[str, Any] = {
        "cluster": "test",
        "name": name,
        "members": ("n1",),
        "data": directory / name / "data",
        "credentials": issue(directory, name),
        "is_founding": True,
        "run_file": directory / f"{name}.json",
    }
    return NodeConfig(**{**values, **changes})


@contextlib.asynccontextmanager
async def running(config: NodeConfig) -> AsyncIterator[RunFile]:
    """Run a node while the context lasts; give its run file."""
    assert config.run_file is not None
    path = config.run_file
    node = Node(config)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(node.run())
        await wait_until(lambda: path.exists() or task.done())
        try:
            yield msgspec.json.decode(path.read_bytes(), type=RunFile)
        finally:
            node.stop()


async def status_of(run_file: RunFile) -> dict[str, Any]:
    url = f"http://{run_file.http_address}/status.json"
    async with aiohttp.ClientSession() as client, client.get(url) as response:
        return msgspec.json.decode(await response.read(), type=dict[str, Any])


async def wait_ready(*run_files: RunFile) -> list[dict[str, Any]]:
    async with asyncio.timeout(10):
        while True:
            found = [await status_of(run_file) for run_file in run_files]
            if all(status["state"] == "ready" for status in found):
                return found


def replies(balancer: Recorder) -> bytes:
    """Return everything shown to session 1."""
    found = [frames.decode_from_node(body) for body in balancer.bodies]
    items = [item for frame in found if isinstance(frame, Output) for item in frame.items]
    return b"".join(item.payload for item in items if isinstance(item, Reply))


def test_a_node_alone_starts_says_where_it_is_and_ends(tmp_path: Path) -> None:
    config = make_config(tmp_path)

    async def scenario() -> None:
        async with running(config) as run_file:
            assert (run_file.name, run_file.pid) == ("n1", os.getpid())
            (status,) = await wait_ready(run_file)
            assert status["leader"] == "n1"
            assert status["applied"] >= 1

    run(scenario())
    assert config.run_file is not None
    assert not config.run_file.exists()


def test_what_was_applied_is_there_after_a_restart(tmp_path: Path) -> None:
    config = make_config(tmp_path)

    async def scenario() -> list[int]:
        positions = []
        for _ in range(2):
            async with running(config) as run_file:
                (status,) = await wait_ready(run_file)
                positions.append(status["applied"])
        return positions

    first, second = run(scenario())
    assert second > first


def test_three_nodes_find_each_other_and_agree_on_a_leader(tmp_path: Path) -> None:
    members = ("n1", "n2", "n3")

    async def scenario() -> None:
        async with contextlib.AsyncExitStack() as stack:
            run_files: dict[str, RunFile] = {}
            for name in reversed(members):
                config = make_config(
                    tmp_path,
                    name,
                    members=members,
                    neighbours={known: file.mesh_address for known, file in run_files.items()},
                )
                run_files[name] = await stack.enter_async_context(running(config))
            found = await wait_ready(*run_files.values())
            assert len({status["leader"] for status in found}) == 1
            await wait_until(lambda: (tmp_path / "n1/data/neighbours.json").exists())
            for status in await wait_ready(*run_files.values()):
                others = sorted(name for name in members if name != status["name"])
                assert sorted(known["name"] for known in status["neighbours"]) == others

    run(scenario())


def write_log(config: NodeConfig, hard_state: HardState, snapshot: Snapshot | None = None) -> None:
    """Give a node that does not run a log."""
    identity = Identity(config.cluster, config.name)
    with DataDirectory.open(config.data, identity, is_founding=True) as directory:
        log = LogStore(directory)
        log.load()
        log.write([Persist(1, hard_state, snapshot, (), ())])
        log.close()


def test_a_node_that_went_astray_begins_anew_in_the_same_process(tmp_path: Path) -> None:
    members = ("n1", "n2", "n3")
    stray = make_config(tmp_path, "n1", members=members)
    state = State()
    state.position = Position(2)
    write_log(stray, HardState(2), Snapshot(2, 2, 1, encode_state(state, 100)))
    aside = stray.data / "diverged-1"

    async def scenario() -> str:
        async with contextlib.AsyncExitStack() as stack:
            known: dict[str, str] = {}
            for name in ("n3", "n2"):
                config = make_config(tmp_path, name, members=members, neighbours=dict(known))
                write_log(config, HardState(5))
                run_file = await stack.enter_async_context(running(config))
                known[name] = run_file.mesh_address
            config = msgspec.structs.replace(stray, neighbours=known)
            await stack.enter_async_context(running(config))
            await wait_until(lambda: (aside / "diverged.json").exists())
            await wait_until(run_file_of(config).exists)
            run_file = msgspec.json.decode(run_file_of(config).read_bytes(), type=RunFile)
            (status,) = await wait_ready(run_file)
            return str(status["reason"])

    with capture_logs() as logs:
        reason = run(scenario())
    assert str(aside) in reason
    assert "entry 2 was committed here in term 2" in (aside / "diverged.json").read_text()
    assert (aside / "log.db").exists()
    events = [entry["event"] for entry in logs if entry["log_level"] in ("error", "critical")]
    assert events == ["diverged", "setting-aside"]


def run_file_of(config: NodeConfig) -> Path:
    assert config.run_file is not None
    return config.run_file


def test_a_node_serves_a_balancers_client(tmp_path: Path) -> None:
    async def scenario() -> None:
        side = Side()
        context = server_context(issue(tmp_path, "b1", "balancer"))
        async with serve("127.0.0.1", 0, context, side, admit("test", "node")) as listener:
            config = make_config(tmp_path, balancers=(f"127.0.0.1:{listener.port}",))
            async with running(config) as run_file:
                await wait_until(lambda: side.handlers and side.handlers[0].bodies)
                balancer = side.handlers[0]
                hello = frames.decode_from_node(balancer.bodies[0])
                assert isinstance(hello, Hello)
                assert (hello.name, hello.mesh_address) == ("n1", run_file.mesh_address)
                session = 1 << 27 | 1
                lines = (b"NICK alice", b"USER alice 0 * :Alice")
                for frame in (
                    Welcome(frames.PROTOCOL_VERSION, "test", "b1", 1, ()),
                    Attach(session, 1, "127.0.0.1", False, 0, 0, 0),
                    Lines(session, 1, 1, lines),
                ):
                    balancer.connection.send(frames.encode(frame))
                await wait_until(lambda: b" 001 alice " in replies(balancer))
                states = [
                    frame.state
                    for frame in map(frames.decode_from_node, balancer.bodies)
                    if isinstance(frame, Status)
                ]
                assert states[-1] == "ready"
            await wait_until(lambda: balancer.reasons)

    run(scenario())


def test_a_second_process_on_the_data_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(make_config(tmp_path)):
            with pytest.raises(StartError, match="in use by process"):
                await Node(make_config(tmp_path)).run()

    run(scenario())


def test_another_nodes_data_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(make_config(tmp_path)):
            pass
        other = make_config(tmp_path, "n2", members=("n2",), data=tmp_path / "n1" / "data")
        with pytest.raises(StartError, match="data directory of node 'n1'"):
            await Node(other).run()

    run(scenario())


def test_a_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    config = make_config(tmp_path, data=tmp_path / "file" / "data")
    with pytest.raises(StartError, match="cannot be the data directory"):
        run(Node(config).run())


def test_somebody_elses_certificate_is_a_clear_error(tmp_path: Path) -> None:
    config = make_config(tmp_path, credentials=issue(tmp_path, "n2"))
    with pytest.raises(StartError, match="is for roost://test/node/n2"):
        run(Node(config).run())


def test_a_missing_certificate_is_a_clear_error(tmp_path: Path) -> None:
    missing = tmp_path / "nothing.pem"
    credentials = Credentials(authority=missing, certificate=missing, key=missing)
    with pytest.raises(StartError, match=r"cannot read the certificate .*nothing\.pem"):
        run(Node(make_config(tmp_path, credentials=credentials)).run())


@pytest.mark.parametrize("key", ["mesh_port", "http_port"])
def test_a_port_in_use_is_a_clear_error(tmp_path: Path, key: str) -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(StartError, match=f"cannot listen on 127.0.0.1:{port}"):
                await Node(make_config(tmp_path, **{key: port})).run()

    run(scenario())


def test_a_disk_that_breaks_ends_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise StorageError("the disk is gone")

    monkeypatch.setattr(LogStore, "write", broken)
    with capture_logs() as logs, pytest.raises(FailedError, match="the disk is gone"):
        run(Node(make_config(tmp_path)).run())
    assert [log["log_level"] for log in logs if log["event"] == "node-failed"] == ["critical"]


def test_a_bug_in_a_callback_ends_the_node(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = make_config(tmp_path)
        assert config.run_file is not None
        node = Node(config)

        def break_something() -> None:
            raise LookupError("an invariant")

        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(node.run())
            await wait_until(config.run_file.exists)
            asyncio.get_running_loop().call_soon(break_something)
            with pytest.raises(FailedError, match="an invariant"):
                await task

    with contextlib.suppress(ExceptionGroup):
        run(scenario())


def test_an_error_within_the_event_loop_ends_no_node(tmp_path: Path) -> None:
    class Plain(asyncio.Protocol):
        transport: asyncio.WriteTransport | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.WriteTransport", transport)

    async def scenario() -> None:
        config = make_config(tmp_path)
        async with running(config) as run_file:
            host, port = parse_address(run_file.mesh_address)
            loop, protocol = asyncio.get_running_loop(), Plain()
            dial = loop.create_connection(
                lambda: protocol, host, port, ssl=client_context(config.credentials)
            )
            with pytest.raises(asyncio.CancelledError):
                await CancelledLate(dial, lambda: protocol.transport)
            assert protocol.transport is not None
            protocol.transport.write(b"to a transport that uvloop has closed")
            await wait_until(lambda: [log for log in logs if log["event"] == "loop"])
            (status,) = await wait_ready(run_file)
            assert status["state"] == "ready"

    with capture_logs() as logs:
        run(scenario())
    (error,) = [log for log in logs if log["event"] == "loop" and log["log_level"] == "error"]
    assert "the handler is closed" in error["error"]
