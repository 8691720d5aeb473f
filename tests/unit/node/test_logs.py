"""A node's data directory belongs to one engine of the log."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from roost.chat.ids import Position
from roost.instant import Instant
from roost.log import EmbeddedLog, EtcdLog, Snapshot
from roost.node.config import LogConfig, NodeConfig
from roost.node.engine.effects import HistoryState
from roost.node.errors import StartError
from roost.node.logs import asking_etcd, make_log
from roost.node.store import DiskStore
from roost.raft.config import Config
from roost.raft.messages import HardState, Stored
from roost.wire import Credentials

ETCD = LogConfig(engine="etcd", endpoints=("127.0.0.1:2379",))
SNAPSHOT = Snapshot(5, 1, 0, b"")


def make(path: Path, log: LogConfig, snapshot: Snapshot | None = None) -> object:
    credentials = Credentials(certificate=Path("c"), key=Path("k"), authority=Path("a"))
    config = NodeConfig(
        cluster="home",
        name="n1",
        members=("n1",),
        data=path,
        credentials=credentials,
        log=log,
    )
    stored = Stored(HardState(), snapshot, ())
    store: Any = SimpleNamespace(
        take_stored=lambda: stored, history_state=HistoryState(applied=Position(0))
    )
    raft = Config(name="n1", members=("n1",))
    return make_log(config, raft, cast("DiskStore", store), Instant(0.0, 0))


def test_an_empty_directory_takes_any_engine_and_keeps_it(tmp_path: Path) -> None:
    assert isinstance(make(tmp_path, ETCD), EtcdLog)
    assert isinstance(make(tmp_path, ETCD), EtcdLog)
    with pytest.raises(
        StartError, match=r"is etcd, and log\.engine is 'embedded': set it to 'etcd'"
    ):
        make(tmp_path, LogConfig())


def test_a_directory_with_an_embedded_log_does_not_change(tmp_path: Path) -> None:
    assert isinstance(make(tmp_path, LogConfig(), SNAPSHOT), EmbeddedLog)
    with pytest.raises(StartError, match=r"is embedded, and log\.engine is 'etcd'"):
        make(tmp_path, ETCD, SNAPSHOT)


def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    async def ask() -> None:
        async with asking_etcd(config, lambda _result: None):
            pass

    config = LogConfig(engine="etcd", endpoints=("e1:2379",), authority=tmp_path / "ca.pem")
    with pytest.raises(StartError, match=r"cannot read .*ca.pem"):
        asyncio.run(ask())
