"""An entry that cannot be applied, because of a bug in Roost, stops nothing."""

import pytest

from roost.chat.applied import Applied
from roost.chat.apply import FAILED_ENTRIES_MAX, apply_entry
from roost.chat.changes import Said
from roost.chat.commands import Act, encode_command
from roost.chat.commands.messages import Say
from roost.chat.commands.rooms import Kick
from roost.chat.dispatch import operation_appliers
from roost.chat.ids import Position
from support.chat_invariants import check_invariants
from support.chat_world import ChatWorld

HI = Say("PRIVMSG", "#a", "hi")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> ChatWorld:
    def fail(*_: object) -> None:
        raise KeyError("a mistake")

    monkeypatch.setitem(operation_appliers, Kick, fail)
    world = ChatWorld()
    world.room_with("#a", "alice", "bob")
    return world


def enter(world: ChatWorld, line: int, *operations: Say | Kick) -> Applied:
    position = Position(world.state.position + 1)
    act = Act(world.sessions["alice"], 1, line, operations)
    applied = apply_entry(world.state, encode_command(act), position, position)
    check_invariants(world.state)
    return applied


def test_what_was_done_before_the_failure_stays_and_is_shown(world: ChatWorld) -> None:
    applied = enter(world, 50, HI, Kick("#a", "bob"), HI)
    (said,) = applied.results
    assert isinstance(said, Said)
    assert "a mistake" in applied.failure
    assert world.state.failed_entries == [applied.position]


def test_the_node_that_waits_for_a_failed_line_is_told(world: ChatWorld) -> None:
    applied = enter(world, 50, Kick("#a", "bob"))
    assert (applied.session, applied.generation, applied.line) == (world.sessions["alice"], 1, 50)


def test_a_failed_line_counts_as_done(world: ChatWorld) -> None:
    enter(world, 50, Kick("#a", "bob"))
    assert enter(world, 50, HI).is_duplicate
    assert enter(world, 51, HI).results


def test_only_the_last_failures_are_remembered(world: ChatWorld) -> None:
    last = [enter(world, 50 + n, Kick("#a", "bob")).position for n in range(FAILED_ENTRIES_MAX + 5)]
    assert world.state.failed_entries == last[5:]


def test_a_node_without_memory_stops_before_it_differs(
    world: ChatWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setitem(operation_appliers, Kick, fail)
    with pytest.raises(MemoryError):
        enter(world, 50, Kick("#a", "bob"))


def test_what_is_no_command_is_skipped(world: ChatWorld) -> None:
    position = Position(world.state.position + 1)
    applied = apply_entry(world.state, b"\xff\x00", position, 1)
    assert applied.failure.startswith("not a command")
    assert (applied.session, applied.results) == (0, ())
    assert world.state.position == position
