"""Read markers are limited, and are part of snapshots."""

import pytest

from roost.chat import read_markers
from roost.chat.commands.messages import MarkRead
from roost.chat.refusals import Reason, Refusal
from roost.chat.snapshot import decode_state, encode_state
from support.chat_world import ChatWorld


@pytest.fixture
def world() -> ChatWorld:
    world = ChatWorld()
    for nick in ("alice", "bob"):
        world.open(nick)
    return world


def test_what_was_marked_longest_ago_is_forgotten(
    world: ChatWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_markers, "MARKERS_PER_USER_MAX", 2)
    for target, time_ms in (("#a", 1), ("#b", 1), ("#A", 2), ("#c", 1)):
        world.act("bob", MarkRead(target, time_ms))
    (markers,) = world.state.read_markers.values()
    assert list(markers.items()) == [("#a", 2), ("#c", 1)]


def test_markers_are_part_of_a_snapshot(world: ChatWorld) -> None:
    world.act("bob", MarkRead("#a", 1), MarkRead("alice", 1))
    copy = decode_state(encode_state(world.state))
    assert copy.read_markers == world.state.read_markers != {}


@pytest.mark.parametrize("target", ["", "#", "a b", "x" * 500, "#" + "x" * 500])
def test_what_names_nothing_is_refused(world: ChatWorld, target: str) -> None:
    refusal = Refusal(Reason.READ_MARKER, target)
    assert world.act("bob", MarkRead(target, 1)).results == (refusal,)
    assert world.state.read_markers == {}
