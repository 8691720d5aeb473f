"""Obeys a log: sends its requests to etcd's members over gRPC, and brings the results back.

    Request --> a call, which ends with Answer or Refusal
    Watch   --> a stream, in place of the one before; Watched, and at the end WatchEnded

It repeats nothing and chooses no endpoint: the log decides that. gRPC connects again by itself.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import grpc
import msgspec
import structlog

from roost.log.requests import (
    EtcdEffect,
    EtcdResult,
    KeepAlive,
    KeyValue,
    Refusal,
    Request,
    Watch,
    Watched,
    WatchEnded,
)
from roost.node.etcd import codec
from roost.node.etcd import messages as pb

_logger = structlog.get_logger()

OPTIONS = (
    # A page of batches or a large snapshot is longer than gRPC's default.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A member that restarts is back within a second.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 500),
    # Repetitions are the log's decision.
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
    # An idle connection that has died is found out by this, one in use by the log. etcd allows it
    # every 5 s.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
)
NEEDS_LEADER = (("hasleader", "true"),)
"""Has a member end a watch when it loses its leader."""


class EtcdTls(msgspec.Struct, frozen=True, kw_only=True):
    """Files with certificates in PEM."""

    ca: Path
    """The authority of etcd's certificates."""
    certificate: Path | None = None
    key: Path | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files.

        Raises:
            OSError: one cannot be read.
        """
        key = self.key.read_bytes() if self.key is not None else None
        chain = self.certificate.read_bytes() if self.certificate is not None else None
        return grpc.ssl_channel_credentials(self.ca.read_bytes(), key, chain)


class EtcdClient:
    """Connections to the members of an etcd cluster."""

    def __init__(
        self,
        endpoints: Sequence[str],
        credentials: grpc.ChannelCredentials | None,
        tell: Callable[[EtcdResult], None],
    ) -> None:
        """`endpoints` are HOST:PORT; without `credentials` the connections are not encrypted."""
        self._endpoints = endpoints
        self._credentials = credentials
        self._tell = tell
        self._channels: list[grpc.aio.Channel] = []
        self._calls: list[dict[str, Any]] = []
        self._tasks: asyncio.TaskGroup | None = None
        self._watch: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Obey while the context lasts."""
        for endpoint in self._endpoints:
            channel = self._connect(endpoint)
            self._channels.append(channel)
            self._calls.append({})
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                try:
                    yield
                finally:
                    self._tasks = None
                    for task in self._running:
                        task.cancel()
        finally:
            for channel in self._channels:
                await channel.close()

    def _connect(self, endpoint: str) -> grpc.aio.Channel:
        if self._credentials is None:
            return grpc.aio.insecure_channel(endpoint, options=OPTIONS)
        return grpc.aio.secure_channel(endpoint, self._credentials, options=OPTIONS)

    def obey(self, effect: EtcdEffect) -> None:
        """Begin to carry out what a log asks for."""
        if self._tasks is None:
            return
        if isinstance(effect, Watch):
            if self._watch is not None:
                self._watch.cancel()
            self._watch = self._run(self._tasks, self._follow(effect))
        else:
            self._run(self._tasks, self._ask(effect))

    def _run(
        self, tasks: asyncio.TaskGroup, work: Coroutine[None, None, None]
    ) -> asyncio.Task[None]:
        task = tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _ask(self, request: Request) -> None:
        method, message = codec.encode(request.operation)
        try:
            if isinstance(request.operation, KeepAlive):
                response = await self._ask_stream(request, method, message)
            else:
                call = self._call(request.endpoint, method)
                response = await call(message, timeout=request.seconds_max)
        except grpc.aio.AioRpcError as error:
            details = codec.reason_of(error.details())
            kind = codec.kind_of(error.code(), details)
            self._tell(Refusal(request.ticket, request.endpoint, kind, details))
        else:
            self._tell(codec.decode(request, response))

    async def _ask_stream(self, request: Request, method: codec.Method, message: Any) -> Any:
        """Ask once over a stream, which is how leases are renewed."""
        stream = self._stream(request.endpoint, method)(timeout=request.seconds_max)
        try:
            await stream.write(message)
            return await stream.read()
        finally:
            stream.cancel()

    async def _follow(self, watch: Watch) -> None:
        stream = self._stream(watch.endpoint, codec.WATCH)(metadata=NEEDS_LEADER)
        reason, is_compacted = "the stream has ended", False
        pairs: list[KeyValue] = []
        try:
            await stream.write(codec.encode_watch(watch))
            while (response := await stream.read()) is not grpc.aio.EOF:
                if response.canceled:
                    reason = codec.reason_of(response.cancel_reason)
                    is_compacted = response.compact_revision > 0
                    break
                if response.created:
                    self._tell(Watched(watch.ticket, (), watch.revision - 1))
                pairs.extend(
                    codec.pair(event.kv) for event in response.events if event.type == pb.EVENT_PUT
                )
                if pairs and not response.fragment:
                    self._tell(Watched(watch.ticket, tuple(pairs), pairs[-1].mod_revision))
                    pairs.clear()
        except grpc.aio.AioRpcError as error:
            reason = codec.reason_of(error.details())
        finally:
            stream.cancel()
        _logger.info("etcd-watch-ended", endpoint=self._endpoints[watch.endpoint], reason=reason)
        self._tell(WatchEnded(watch.ticket, is_compacted, reason))

    def _call(self, endpoint: int, method: codec.Method) -> Any:
        """Return a member's procedure; gRPC makes these slowly."""
        known = self._calls[endpoint]
        call = known.get(method.path)
        if call is None:
            call = known[method.path] = self._channels[endpoint].unary_unary(
                method.path, _serialize, method.response.FromString
            )
        return call

    def _stream(self, endpoint: int, method: codec.Method) -> Any:
        return self._channels[endpoint].stream_stream(
            method.path, _serialize, method.response.FromString
        )


def _serialize(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data
