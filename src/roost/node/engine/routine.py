"""What a turn has to look at, which follows from its inputs.

    LOG     messages of the log, its disk, measurements         what the log wants
    LINES   clients' lines as well, or committed entries        that, and what clients want
    OTHER   anything else: a tick, links, answers, failures     everything

Most turns are of the first two kinds. They leave out to find out whether the node's state, its
neighbours or what it holds have changed, because nothing that changes these has happened. A tick
comes several times a second. One that only the log has asked for is the log's.
"""

from roost.log.requests import Answer, Watched
from roost.node.engine.inputs import (
    ClockMeasured,
    Input,
    LagMeasured,
    PeerFrameReceived,
    Persisted,
    RoundTripMeasured,
    Tick,
    TrunkFrameReceived,
)
from roost.protocol.trunk import BalancerReport, Batch, Lines
from roost.raft.messages import (
    AppendRequest,
    AppendResponse,
    Feed,
    FeedRequest,
    ProposeRequest,
    Report,
)

LOG = 0
LINES = 1
OTHER = 2

_QUIET = (Persisted, Answer, Watched, Tick, LagMeasured, RoundTripMeasured, ClockMeasured)
_OF_CLIENTS = frozenset({Batch, Lines})
_OF_THE_LOG = frozenset({AppendRequest, AppendResponse, ProposeRequest, Feed, FeedRequest, Report})


def kind_of(event: Input) -> int:
    """Return what an input makes a turn look at."""
    if isinstance(event, PeerFrameReceived):
        return LOG if type(event.frame) in _OF_THE_LOG else OTHER
    if isinstance(event, TrunkFrameReceived):
        if type(event.frame) is BalancerReport:
            # It is told to others with the next report.
            return LOG
        return LINES if type(event.frame) in _OF_CLIENTS else OTHER
    return LOG if isinstance(event, _QUIET) else OTHER
