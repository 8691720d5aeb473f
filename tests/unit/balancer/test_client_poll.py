"""Sockets of clients, found readable by one look at all of them."""

import asyncio
import contextlib
import select
import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

import pytest

from roost.balancer.client_poll import ClientPoll


class FakeLoop:
    """Takes notes of what an event loop would watch."""

    def __init__(self) -> None:
        self.read: Callable[[], object] | None = None
        self.calls = 0
        self.faults: list[object] = []

    def add_reader(self, _file: int, read: Callable[..., object], *arguments: object) -> None:
        self.calls += 1
        self.read = partial(read, *arguments)

    def remove_reader(self, _file: int) -> None:
        self.calls += 1
        self.read = None

    @property
    def is_watching(self) -> bool:
        return self.read is not None

    def call_exception_handler(self, context: dict[str, object]) -> None:
        self.faults.append(context["exception"])


class FakeTransport:
    """Reads a byte at a time."""

    def __init__(self, poll: ClientPoll) -> None:
        self.poll = poll
        self.here, self.there = socket.socketpair()
        self.here.setblocking(False)
        self.seen = b""
        self.is_aborted = False
        self.closes: FakeTransport | None = None
        """The client that it closes when it is read."""
        poll.watch(self.here.fileno(), self)

    def readable(self) -> None:
        data = self.here.recv(1)
        assert data != b"!", "what is not expected"
        self.seen += data
        if self.closes is not None:
            self.closes.close()

    def abort(self) -> None:
        self.is_aborted = True
        self.close()

    def close(self) -> None:
        self.poll.unwatch(self.here.fileno())
        self.here.close()
        self.there.close()


class Place:
    def __init__(self) -> None:
        self.loop = FakeLoop()
        self.poll = ClientPoll()
        self.clients: list[FakeTransport] = []

    def start(self) -> None:
        self.poll.start(cast("asyncio.AbstractEventLoop", cast("Any", self.loop)))

    def client(self) -> FakeTransport:
        self.clients.append(FakeTransport(self.poll))
        return self.clients[-1]


@pytest.fixture
def place() -> Iterator[Place]:
    one = Place()
    one.start()
    with contextlib.closing(one.poll):
        yield one
        for client in one.clients:
            client.close()


def test_a_socket_is_read_when_something_has_come(place: Place) -> None:
    first, second = place.client(), place.client()
    second.there.send(b"x")
    assert place.loop.read is not None
    place.loop.read()
    assert (first.seen, second.seen) == (b"", b"x")


def test_nothing_is_watched_while_it_is_held_and_all_is_read_then(place: Place) -> None:
    first, second = place.client(), place.client()
    place.poll.hold()
    assert not place.loop.is_watching
    first.there.send(b"a")
    second.there.send(b"b")
    late = place.client()
    late.there.send(b"c")
    place.poll.begin()
    assert place.poll.read_some()
    assert (first.seen, second.seen, late.seen) == (b"a", b"b", b"c")
    assert not place.poll.read_some()
    assert not place.loop.is_watching
    place.poll.resume()
    assert place.loop.read is not None


def test_all_that_a_client_sent_in_pieces_is_read_together(place: Place) -> None:
    client = place.client()
    place.poll.hold()
    client.there.send(b"abc")
    place.poll.begin()
    while place.poll.read_some():
        pass
    assert client.seen == b"abc"


def test_holding_and_resuming_twice_costs_nothing(place: Place) -> None:
    before = place.loop.calls
    for _ in range(3):
        place.poll.resume()
    assert place.loop.calls == before
    for _ in range(3):
        place.poll.hold()
    assert place.loop.calls == before + 1


def test_a_turn_reads_some_and_who_sends_most_keeps_nobody_waiting(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roost.balancer.client_poll.READS_PER_TURN", 2)
    clients = [place.client() for _ in range(5)]
    for client in clients:
        client.there.send(b"x")
    clients[0].there.send(b"x" * 1000)
    place.poll.begin()
    turns = 1
    while place.poll.read_some():
        turns += 1
    assert turns == 4, "5 clients and one turn's reads more"
    assert all(client.seen for client in clients)


def test_a_client_that_another_ones_line_closed_is_not_read(place: Place) -> None:
    clients = [place.client() for _ in range(2)]
    for client, other in zip(clients, reversed(clients), strict=True):
        client.closes = other
        client.there.send(b"x")
    place.poll.begin()
    assert place.poll.read_some()
    assert not place.poll.read_some()
    assert sorted(client.seen for client in clients) == [b"", b"x"]


def test_a_fault_costs_one_client_its_connection(place: Place) -> None:
    first, second = place.client(), place.client()
    first.there.send(b"!")
    second.there.send(b"x")
    place.poll.begin()
    place.poll.read_some()
    assert first.is_aborted
    assert second.seen == b"x"
    assert len(place.loop.faults) == 1


def test_without_epoll_each_socket_is_watched_and_nothing_is_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(select, "epoll")
    place = Place()
    place.start()
    client = place.client()
    client.there.send(b"xy")
    place.poll.hold()
    assert place.loop.read is not None
    place.loop.read()
    place.poll.begin()
    assert not place.poll.read_some()
    assert client.seen == b"x"
    client.close()
    assert not place.loop.is_watching
    other = place.client()
    place.poll.close()
    assert not place.loop.is_watching
    other.close()


def test_a_client_may_go_after_the_end() -> None:
    place = Place()
    place.start()
    client = place.client()
    place.poll.close()
    client.close()
    late = place.client()
    late.close()
