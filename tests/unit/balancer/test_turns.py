"""What an event loop does for each line: counted with a loop that only takes notes."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

import pytest

from roost.balancer.client_poll import ClientPoll
from roost.balancer.engine.pacing import PaceConfig
from roost.balancer.engine.session_values import SessionLimits
from roost.balancer.engine.sessions import Session
from roost.balancer.turns import Turns
from roost.protocol.trunk import Lines
from unit.balancer.fakes import FakeTrunk, World

EARLY_S = 0.0014
"""A timer of uvloop may be this early: it counts in whole milliseconds, and rounds."""


class FakeLoop:
    def __init__(self) -> None:
        self.soon: list[Callable[[], object]] = []
        self.timers: list[tuple[float, Callable[[], object]]] = []
        self.callbacks = 0
        self.reader: Callable[[], object] | None = None
        """Reads clients."""

    def call_soon(self, callback: Callable[[], object]) -> None:
        self.soon.append(callback)

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> object:
        self.timers.append((delay_s, callback))
        return object()

    def add_reader(self, _file: int, read: Callable[[], object]) -> None:
        self.reader = read

    def remove_reader(self, _file: int) -> None:
        self.reader = None

    @property
    def is_reading(self) -> bool:
        return self.reader is not None

    def turn(self) -> None:
        """Run what is scheduled, but not what that schedules."""
        soon, self.soon = self.soon, []
        for callback in soon:
            self.callbacks += 1
            callback()


class Place:
    """An exchange with a node, two clients and the turns of a loop."""

    def __init__(self) -> None:
        limits = SessionLimits(lines_per_s=0, burst_lines=1000)
        self.world = World(pace=PaceConfig(), sessions=limits)
        self.trunk: FakeTrunk = self.world.trunk("n1").ready()
        self.client, self.session = self.world.client()
        self.world.finish_turn()
        self.trunk.frames.clear()
        self.loop = FakeLoop()
        self.ended = 0
        self.poll = ClientPoll()
        self.turns = Turns(self.world.exchange, self.poll, lambda: self.world.now, self._end)
        self.turns.start(cast("asyncio.AbstractEventLoop", cast("Any", self.loop)))

    def _end(self) -> None:
        self.ended += 1

    def say(self, *texts: bytes, session: Session | None = None) -> None:
        """Do what the frontend does with lines."""
        lines: list[bytes | None] = list(texts)
        self.world.exchange.client_spoke(session or self.session, lines, self.turns.now)
        self.turns.schedule_flush()

    def load(self) -> float:
        """Have so much said that lines are held; return for how long."""
        self.say(*[b"PING x"] * 500)
        self.loop.turn()
        assert len(self.trunk.take(Lines)) == 1
        ((delay_s, _),) = self.loop.timers
        self.loop.callbacks = self.ended = 0
        return delay_s

    def lines(self) -> int:
        return sum(len(frame.lines) for frame in self.trunk.take(Lines))


class Person:
    """A client with a socket, who says a line."""

    def __init__(self, place: Place) -> None:
        self.place = place
        _, self.session = place.world.client()
        place.trunk.frames.clear()
        self.here, self.there = socket.socketpair()
        place.poll.watch(self.here.fileno(), self)

    def readable(self) -> None:
        assert self.here.recv(1)
        self.place.say(b"PING x", session=self.session)

    def abort(self) -> None:
        raise AssertionError

    def close(self) -> None:
        self.place.poll.unwatch(self.here.fileno())
        self.here.close()
        self.there.close()


def test_a_lone_line_is_sent_at_the_end_of_its_turn() -> None:
    place = Place()
    place.say(b"PING x")
    assert place.lines() == 0
    place.loop.turn()
    assert place.lines() == 1
    assert place.loop.callbacks == place.ended == 1
    assert place.loop.soon == []
    assert place.loop.timers == []


def test_all_input_of_a_turn_has_one_callback() -> None:
    place = Place()
    place.turns.read_clock()
    place.say(b"PING x")
    place.turns.read_clock()
    place.say(b"PING y")
    place.loop.turn()
    assert place.lines() == 2
    assert place.loop.callbacks == 1
    assert place.loop.soon == []


def test_a_line_that_is_held_causes_nothing() -> None:
    place = Place()
    assert place.load() > 0.01
    for _ in range(20):
        place.world.now += 0.0005
        place.say(b"PING y")
        assert place.loop.soon == []
    assert len(place.loop.timers) == 1
    assert place.lines() == 0


def test_sockets_are_not_read_while_lines_are_held_and_all_are_read_before_the_next_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("roost.balancer.client_poll.READS_PER_TURN", 2)
    place = Place()
    people = [Person(place) for _ in range(5)]
    assert place.loop.reader is not None
    delay_s = place.load()
    assert not place.loop.is_reading
    for person in people:
        person.there.send(b"x")
    ((_, goes_off),) = place.loop.timers
    place.loop.timers.clear()
    place.world.now += delay_s
    goes_off()
    for _ in range(3):
        # What a node sends meanwhile reaches clients, but ends no wait.
        place.world.exchange.relay.write(place.session, b"hello\r\n")
        place.turns.schedule_flush()
        place.loop.turn()
        assert place.lines() == 0
    assert place.client.received == b"hello\r\n" * 3
    place.loop.turn()
    assert place.lines() == len(people)
    assert len(place.loop.timers) == 1, "the load is still high"
    assert not place.loop.is_reading
    for person in people:
        person.close()


def test_sockets_are_read_as_soon_as_something_comes_when_the_load_is_low() -> None:
    place = Place()
    place.load()
    ((_, goes_off),) = place.loop.timers
    place.loop.timers.clear()
    place.world.now += 1.0
    goes_off()
    place.loop.turn()
    person = Person(place)
    person.there.send(b"x")
    assert place.loop.reader is not None
    place.loop.reader()
    place.loop.turn()
    assert place.lines() == 1
    assert place.loop.reader is not None
    person.close()


def test_a_timer_that_is_early_sends_what_was_held_without_another_one() -> None:
    place = Place()
    delay_s = place.load()
    place.say(b"PING y")
    ((_, goes_off),) = place.loop.timers
    place.loop.timers.clear()
    place.world.now += delay_s - EARLY_S
    goes_off()
    place.loop.turn()
    assert place.lines() == 1
    assert place.loop.callbacks == 1
    assert len(place.loop.timers) == 1, "the load is still high"


def test_nothing_goes_on_when_nothing_came_while_lines_were_held() -> None:
    place = Place()
    delay_s = place.load()
    ((_, goes_off),) = place.loop.timers
    place.loop.timers.clear()
    place.world.now += delay_s
    goes_off()
    place.loop.turn()
    assert place.loop.callbacks == 1
    assert place.loop.soon == []
    assert place.loop.timers == []
    place.world.now += 1.0
    place.say(b"PING y")
    place.loop.turn()
    assert place.lines() == 1
    assert place.loop.timers == []


def test_answers_reach_clients_while_lines_are_held() -> None:
    place = Place()
    place.load()
    place.say(b"PING y")
    place.world.exchange.relay.write(place.session, b"hello\r\n")
    place.turns.schedule_flush()
    place.loop.turn()
    assert place.client.received == b"hello\r\n"
    assert place.lines() == 0


def test_a_stop_lasts_from_the_first_input_to_the_last_write() -> None:
    place = Place()
    place.turns.read_clock()
    place.world.now += 0.03
    place.say(b"PING x")
    place.world.now += 0.01
    place.loop.turn()
    longest_s = place.turns.stalls.statistics(place.world.now).longest_s
    assert abs(longest_s - 0.04) < 1e-9
    place.world.now += 5.0
    place.say(b"PING y")
    place.loop.turn()
    assert place.turns.stalls.statistics(place.world.now).longest_s == longest_s
