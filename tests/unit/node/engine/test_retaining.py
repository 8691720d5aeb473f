"""Rooms that do not keep all of their history are looked at in turn, and trimmed on every node."""

import pytest

from roost.chat.commands.cluster import ForgetRoomHistory
from roost.chat.history import Held
from roost.chat.ids import Position, RoomId
from roost.chat.settings import Settings
from roost.chat.state import Retention, Room, State
from roost.node.engine.effects import FindKept, TrimHistory, TrimRoom
from roost.node.engine.holding import DAY_MS, TRIM_INTERVAL_S, Holding
from roost.node.engine.inputs import KeptFound, RoomTrimmed
from roost.node.engine.retaining import LOOK_S, Retaining

A, B = RoomId(5), RoomId(6)


@pytest.fixture
def state() -> State:
    rooms = {number: Room(number, f"#{number}", 0) for number in (A, B)}
    kept = {A: Retention(1000, 0), B: Retention(0, 50)}
    return State(time_ms=9000, rooms=rooms, retention=kept)


def test_the_node_in_charge_looks_at_each_room_in_turn(state: State) -> None:
    mind = Retaining(Holding(Held(), 0, ()))
    assert list(mind.look(state, 0.0, is_in_charge=False)) == []
    assert list(mind.look(state, 0.0, is_in_charge=True)) == [FindKept(A, "r:5", 8000, 0)]
    assert list(mind.look(state, 0.0, is_in_charge=True)) == []
    mind.receive(KeptFound(A, Position(7)))
    assert mind.take_commands(state) == [ForgetRoomHistory(A, Position(7))]
    assert mind.take_commands(state) == []
    assert list(mind.look(state, 0.0, is_in_charge=True)) == [FindKept(B, "r:6", 0, 50)]
    mind.receive(KeptFound(B, Position(0)))
    assert mind.take_commands(state) == []
    assert list(mind.look(state, LOOK_S - 1, is_in_charge=True)) == []
    assert len(list(mind.look(state, LOOK_S, is_in_charge=True))) == 1


def test_every_node_drops_what_the_log_says_in_steps(state: State) -> None:
    mind = Retaining(Holding(Held(), 0, ()))
    state.rooms[B].history_from = Position(7)
    trim = TrimRoom(B, Position(7))
    for has_more in (True, False):
        assert list(mind.look(state, 0.0, is_in_charge=False)) == [trim]
        mind.receive(RoomTrimmed(B, Position(7), has_more=has_more))
    assert list(mind.look(state, 0.0, is_in_charge=False)) == []
    state.rooms[B].history_from = Position(9)
    assert list(mind.look(state, 0.0, is_in_charge=False)) == [TrimRoom(B, Position(9))]


def test_what_was_found_before_a_room_was_dropped_does_no_harm(state: State) -> None:
    mind = Retaining(Holding(Held(), 0, ()))
    mind.receive(KeptFound(A, Position(7)))
    state.rooms[A].history_from = Position(8)
    assert mind.take_commands(state) == []
    mind.receive(KeptFound(A, Position(7)))
    del state.rooms[A]
    assert mind.take_commands(state) == [ForgetRoomHistory(A, Position(7))]
    assert list(mind.look(state, 0.0, is_in_charge=False)) == []


def test_the_clusters_settings_say_what_a_node_drops() -> None:
    holding = Holding(Held(), 0, ())
    holding.pass_time(100 * DAY_MS)
    mind = Retaining(holding)
    assert holding.take_trim([], 0.0) is None
    state = State(settings=Settings(history_days_max=30))
    list(mind.look(state, 0.0, is_in_charge=False))
    trim = holding.take_trim([], 1.0)
    assert isinstance(trim, TrimHistory)
    assert (trim.older_ms, trim.bytes_max) == (70 * DAY_MS, 0)
    holding.trimmed(Held(Position(7), 70 * DAY_MS), has_more=False)

    state = State(settings=Settings(history_mb_max=2))
    list(mind.look(state, 0.0, is_in_charge=False))
    trim = holding.take_trim([], 2.0)
    assert isinstance(trim, TrimHistory)
    assert (trim.older_ms, trim.bytes_max) == (0, 2_000_000)
    holding.trimmed(Held(Position(9), 71 * DAY_MS), has_more=False)
    assert holding.take_trim([], 2.0 + TRIM_INTERVAL_S / 2) is None
    # What would be too much again is not fetched from others.
    assert holding.missing_block(["n2"]) is None


def test_a_node_that_holds_fewer_days_goes_on_doing_so() -> None:
    holding = Holding(Held(), 7, ())
    holding.pass_time(100 * DAY_MS)
    holding.retain(30, 0)
    trim = holding.take_trim([], 0.0)
    assert trim is not None
    assert trim.older_ms == 93 * DAY_MS
