"""Makes a node's end of the log, with the engine that its configuration names.

A directory belongs to one engine for good: positions of one mean nothing to the other.
"""

import contextlib
import random
from collections.abc import AsyncIterator, Callable

from roost.chat.versions import VERSION_MIN
from roost.instant import Instant
from roost.log import EmbeddedLog, EtcdConfig, EtcdLog, Log
from roost.log.requests import EtcdEffect, EtcdResult
from roost.node.config import LogConfig, NodeConfig
from roost.node.errors import StartError
from roost.node.store import DiskStore
from roost.raft.config import Config as RaftConfig

ENGINE_FILE = "log.engine"
"""Names the engine of a directory; one without it has the embedded log."""


def make_log(config: NodeConfig, raft: RaftConfig, store: DiskStore, now: Instant) -> Log:
    """Make the log.

    Raises:
        StartError: the data directory belongs to another engine.
    """
    engine, file = config.log.engine, config.data / ENGINE_FILE
    stored, history = store.take_stored(), store.history_state
    is_used = bool(stored.entries or stored.snapshot or history.applied)
    try:
        known = file.read_text().strip() if file.exists() else "embedded" if is_used else engine
        if known != engine:
            raise StartError(
                f"the log of {config.data} is {known}, and log.engine is {engine!r}: set it to "
                f"{known!r}, or begin a new cluster with an empty directory"
            )
        if engine == "embedded":
            return EmbeddedLog(raft, stored, random.random, now)
        file.write_text(f"{engine}\n")
    except OSError as error:
        raise StartError(f"cannot use {file}: {error.strerror}") from error
    etcd = EtcdConfig(
        cluster=config.cluster,
        versions=(VERSION_MIN, config.version_max),
        node=config.name,
        endpoints=len(config.log.endpoints),
        prefix=config.log.prefix,
    )
    last_term = history.terms[-1][1] if history.terms else 0
    return EtcdLog(etcd, (history.applied, last_term), random.random, now)


@contextlib.asynccontextmanager
async def asking_etcd(
    config: LogConfig, tell: Callable[[EtcdResult], None]
) -> AsyncIterator[Callable[[EtcdEffect], None] | None]:
    """Have what a log asks etcd done while the context lasts; None if the log is not there.

    Raises:
        StartError: the library is missing, or a certificate cannot be read.
    """
    if config.engine != "etcd":
        yield None
        return
    try:
        from roost.node.etcd.client import EtcdClient, EtcdTls
    except ImportError as error:
        raise StartError(
            f"log.engine etcd needs libraries ({error}): pip install 'roost[etcd]'"
        ) from error
    credentials = None
    if config.authority is not None:
        tls = EtcdTls(ca=config.authority, certificate=config.certificate, key=config.key)
        try:
            credentials = tls.credentials()
        except OSError as error:
            raise StartError(f"cannot read {error.filename}: {error.strerror}") from error
    client = EtcdClient(config.endpoints, credentials, tell)
    async with client.open():
        yield client.obey
