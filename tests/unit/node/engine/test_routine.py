"""A turn looks at what its inputs can have changed, and at nothing else."""

import pytest

from roost.chat.ids import Position
from roost.log.requests import Answer, Refusal, Watched, WatchEnded
from roost.node.engine import inputs
from roost.node.engine.routine import LINES, LOG, OTHER, kind_of
from roost.protocol.mesh import Gossip
from roost.protocol.trunk import Attach, Batch, Lines
from roost.raft.messages import AppendRequest, AppendResponse, TimeoutNow
from support.lone_node import LoneNode

SPOKE = Lines(1, 1, 1, (b"PING x",))


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (inputs.Persisted(1), LOG),
        (inputs.LagMeasured(1.0), LOG),
        (Answer(1, 0, 77, 5), LOG),
        (Watched(1, (), 5), LOG),
        (Refusal(1, 0, "unavailable", "gone"), OTHER),
        (WatchEnded(1, False, "reset"), OTHER),
        (inputs.PeerFrameReceived("n2", AppendRequest(1, 0, 0, 0, ())), LOG),
        (inputs.PeerFrameReceived("n2", AppendResponse(1, True, 3, 0)), LOG),
        (inputs.PeerFrameReceived("n2", TimeoutNow(1)), OTHER),
        (inputs.PeerFrameReceived("n2", Gossip(())), OTHER),
        (inputs.TrunkFrameReceived("b1", SPOKE), LINES),
        (inputs.TrunkFrameReceived("b1", Batch((SPOKE,))), LINES),
        (inputs.TrunkFrameReceived("b1", Attach(1, 1, "host", False, 0, 0, 0)), OTHER),
        (inputs.Tick(), LOG),
        (inputs.StorageFailed("full"), OTHER),
        (inputs.HistoryWritten(Position(1)), OTHER),
    ],
)
def test_an_input_says_what_its_turn_looks_at(event: inputs.Input, kind: int) -> None:
    assert kind_of(event) == kind


def test_what_is_not_routine_is_seen_in_the_same_turn() -> None:
    node = LoneNode()
    node.connect("b1")
    assert node.engine.status().state == "ready"
    node.sent.clear()
    node.take(inputs.StorageFailed("no space left"))
    assert [getattr(frame, "state", "") for _, frame in node.sent] == ["disk"]


def test_a_tick_that_only_the_log_has_asked_for_is_the_logs() -> None:
    node = LoneNode()
    node.take(inputs.Tick())
    heartbeat = node.engine.log.next_deadline()
    kinds = set()
    for _ in range(20):
        due = node.engine.next_deadline()
        is_the_logs = due == heartbeat and due < node.engine._tick_due
        kinds.add(is_the_logs)
        node.time = due
        node.engine.receive(inputs.Tick(), node.now())
        assert node.engine.needs_turn != is_the_logs, "a lone leader tells nobody that it lives"
        heartbeat = node.engine.log.next_deadline()
        if not is_the_logs:
            node.take()
    assert kinds == {False, True}


def test_a_tick_for_what_waits_to_be_written_is_not_the_logs() -> None:
    node = LoneNode()
    incarnation = node.connect("b1")
    node.say("b1", incarnation, 1, "NICK a", "USER a 0 * :a", "JOIN #room", "PRIVMSG #room :one")
    due = node.engine.history.write_deadline()
    assert node.time < due < float("inf")
    node.pass_time(due - node.time + 0.05)
    assert node.engine.history.write_deadline() == float("inf")
