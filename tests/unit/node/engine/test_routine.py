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
        (inputs.Tick(), OTHER),
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
