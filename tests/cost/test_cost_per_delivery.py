"""The cost of a delivery: as a multiple of the least possible cost, and in calls of functions.

One thread runs the whole way of a message: lines into the exchange, over the trunk as bytes,
through a cluster of one node, back as bytes, and into every client's outbox. In turn with it runs a
bare loop that appends the same payloads to as many lists and joins them. The test compares the
processor times of both, so that a slow or busy machine changes nothing.

Calls can be counted exactly, so their limits are close to what there is: whoever adds work to each
message learns of it here.
"""

import cProfile
import gc
import time
from collections.abc import Callable

import pytest

from roost.balancer.engine.session_values import SessionLimits
from roost.balancer.engine.sessions import Session
from roost.node.engine.inputs import TrunkFrameReceived
from roost.protocol.trunk import (
    Attach,
    Batch,
    Incarnation,
    Lines,
    Output,
    Status,
    decode_from_balancer,
    decode_from_node,
    encode,
)
from support.lone_node import LoneNode
from unit.balancer.fakes import FakeClient, World

ROUNDS = 5
"""Runs of each, in turn. The minimum counts, because nothing interrupted that run."""
TEXT = "the quick brown fox jumps over the lazy dog"


class Chat:
    """A real balancer and node that exchange the trunk's bytes directly."""

    def __init__(self, rooms: int, members: int) -> None:
        limits = SessionLimits(lines_per_s=0)
        self.world = World(sessions=limits, has_incarnation=False)
        self.trunk = self.world.trunk("n1").ready()
        self.node = LoneNode()
        self.node.connect("b1")
        self.settle()
        self.clients: list[tuple[FakeClient, Session, str]] = []
        for number in range(rooms * members):
            client, session = self.world.client()
            room = f"#room{number % rooms}"
            self.world.say(session, f"NICK u{number}", "USER u 0 * :u", f"JOIN {room}")
            self.settle()
            self.clients.append((client, session, room))
        for client, _, _ in self.clients:
            assert b" 366 " in client.received

    def settle(self) -> None:
        """Exchange frames until none is left."""
        exchange, node = self.world.exchange, self.node
        while self.trunk.frames or node.sent:
            frames, self.trunk.frames = self.trunk.frames, []
            lines = tuple(frame for frame in frames if isinstance(frame, Lines))
            others: list[Attach | Batch] = [frame for frame in frames if isinstance(frame, Attach)]
            for frame in [*others, Batch(lines)]:
                received = decode_from_balancer(encode(frame))
                node.engine.receive(TrunkFrameReceived("b1", received), node.now())
            node.take()
            sent, node.sent = node.sent, []
            for _, output in sent:
                if isinstance(output, Output | Status | Incarnation):
                    decoded = decode_from_node(encode(output))
                    exchange.receive("n1", self.trunk, decoded, self.world.now)
            self.world.finish_turn()

    def talk(self, messages: int, at_once: int) -> int:
        """Send messages, some at once; return the number of deliveries."""
        before = self.world.exchange.relay.deliveries
        for first in range(0, messages, at_once):
            for number in range(first, first + at_once):
                _, session, room = self.clients[number % len(self.clients)]
                line = f"PRIVMSG {room} :{number} {TEXT}".encode()
                self.world.exchange.client_spoke(session, [line], self.world.now)
            self.world.finish_turn()
            self.settle()
        for client, _, _ in self.clients:
            client.received = b""
        return self.world.exchange.relay.deliveries - before


def calls(work: Callable[[], object]) -> int:
    """Count the functions that work calls, built-in ones included."""
    profile = cProfile.Profile()
    profile.enable()
    try:
        work()
    finally:
        profile.disable()
    return sum(entry.callcount for entry in profile.getstats())


def fan_out(messages: int, at_once: int, members: int) -> int:
    """Do the least that delivering messages to everybody in a room requires."""
    boxes: list[list[bytes]] = [[] for _ in range(members)]
    payload = f":u1!u@192.0.2.1 PRIVMSG #room0 :1 {TEXT}\r\n".encode()
    for _ in range(0, messages, at_once):
        for _ in range(at_once):
            for box in boxes:
                box.append(payload)
        for box in boxes:
            b"".join(box)
            box.clear()
    return messages * members


def seconds_each(work: Callable[[], int]) -> float:
    """Return the processor time that work takes per delivery."""
    begun = time.process_time()
    count = work()
    return (time.process_time() - begun) / count


@pytest.mark.parametrize(
    ("rooms", "members", "at_once", "messages", "ratio_max"),
    [
        pytest.param(1, 100, 20, 200, 45, id="rooms of 100"),
        pytest.param(20, 5, 20, 400, 700, id="rooms of 5"),
    ],
)
def test_a_delivery_costs_a_bounded_multiple_of_the_least(
    rooms: int, members: int, at_once: int, messages: int, ratio_max: float
) -> None:
    chat = Chat(rooms, members)
    assert chat.talk(messages, at_once) >= messages * (members - 1)
    gc.collect()
    gc.disable()
    try:
        ours, least = [], []
        for _ in range(ROUNDS):
            ours.append(seconds_each(lambda: chat.talk(messages, at_once)))
            least.append(seconds_each(lambda: fan_out(messages * 20, at_once, members)))
    finally:
        gc.enable()
    ratio = min(ours) / min(least)
    print(f"{min(ours) * 1e6:.2f} us, {ratio:.1f} times the least")
    assert ratio < ratio_max


def test_a_message_makes_few_calls_from_its_client_to_all_others() -> None:
    chat = Chat(20, 5)
    chat.talk(400, 20)
    each = calls(lambda: chat.talk(400, 20)) / 400
    print(f"{each:.1f} calls")
    assert each < 207


def test_a_node_without_a_member_of_the_room_applies_a_message_in_few_calls() -> None:
    chat, other = Chat(20, 5), LoneNode()

    def follow() -> None:
        written, chat.node.written = chat.node.written, []
        for first in range(0, len(written), 20):
            other.engine.log.propose(written[first : first + 20], other.now())
            other.take()

    follow()
    assert len(other.engine.state.users) == 100
    chat.talk(400, 20)
    each = calls(follow) / 400
    print(f"{each:.1f} calls")
    assert other.engine.state.position > 500
    assert each < 69
