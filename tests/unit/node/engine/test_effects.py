"""An engine returns effects in the order in which to carry them out."""

import random
from typing import get_args

from roost.archive import Batch
from roost.chat.history import EVERYTHING, Held, Page
from roost.chat.holes import Hole
from roost.chat.ids import AccountId, Position, RoomId
from roost.chat.state import Erasure, State
from roost.instant import Instant
from roost.ircd.config import Config as IrcConfig
from roost.ircd.sessions.work import VerifyPassword
from roost.log import EmbeddedLog, Request, Watch
from roost.log.requests import KeepAlive
from roost.node.engine.config import EngineConfig
from roost.node.engine.effects import (
    AddGap,
    AnswerQuery,
    AskArchive,
    Compact,
    DiskEffect,
    DoWork,
    Effect,
    EraseHistory,
    ExportRows,
    FindKept,
    FollowNodes,
    ForgetHistory,
    HistoryState,
    HoldFrom,
    ImportRows,
    LogEvent,
    MakeSnapshot,
    NoteHole,
    ReloadConfiguration,
    RememberDrained,
    RememberVersion,
    RepairArchive,
    RetainArchive,
    SendToBalancers,
    SendToPeers,
    SetAside,
    TrimHistory,
    TrimRoom,
    WriteArchive,
    WriteHistory,
    in_order,
)
from roost.node.engine.engine import Engine
from roost.node.engine.inputs import PeerConnected, PeerFrameReceived, TrunkFrameReceived
from roost.protocol.trunk import Attach, Lines
from roost.raft.config import Config as RaftConfig
from roost.raft.messages import (
    AppendRequest,
    AppendResponse,
    Entry,
    HardState,
    Persist,
    Snapshot,
    Stored,
)
from support.lone_node import LoneNode

P = Position
ORDERED: list[Effect] = [
    LogEvent("info", "one", {}),
    LogEvent("info", "two", {}),
    RememberVersion(2),
    Persist(1, None, None, (), ()),
    Persist(2, None, None, (), ()),
    Request(1, 0, KeepAlive(1), 1.0),
    Watch(1, 0, b"", b"", 1),
    SendToPeers(()),
    SendToBalancers(()),
    ForgetHistory(P(0)),
    AddGap(P(1), P(2)),
    WriteHistory((), P(3), is_synced=True),
    Compact(Snapshot(3, 1, 0, b""), 2),
    AnswerQuery(4, Page("r:1", 10, is_newest=True)),
    ExportRows(5, P(1), P(2)),
    FindKept(RoomId(5), "r:5", 30, 0),
    ImportRows(6, (), P(1), P(2), is_gap=True),
    HoldFrom(Held(P(3), 30)),
    NoteHole(Hole(P(4), P(5), 50, 60)),
    TrimHistory(P(3), 30),
    EraseHistory(AccountId(5), Erasure((), P(9))),
    TrimRoom(RoomId(5), P(9)),
    AskArchive(8, Page("r:1", 10, is_newest=True), EVERYTHING),
    WriteArchive(Batch(P(1), (), P(2), P(3), 1)),
    RepairArchive(P(4), ()),
    RetainArchive(30),
    DoWork(7, VerifyPassword("hash", "sesame")),
    RememberDrained(True),
    ReloadConfiguration(),
    FollowNodes(("n1", "n2")),
    MakeSnapshot(P(3), State(position=P(3))),
    SetAside("it went astray"),
]


def test_effects_are_sorted_by_duty_and_those_of_one_kind_keep_their_order() -> None:
    assert in_order(ORDERED) == ORDERED
    chance = random.Random(7)
    for _ in range(20):
        mixed = ORDERED.copy()
        chance.shuffle(mixed)
        of_each_kind = {type(one): [e for e in mixed if type(e) is type(one)] for one in ORDERED}
        assert in_order(mixed) == [effect for kind in of_each_kind.values() for effect in kind]


def test_every_kind_of_effect_has_its_place() -> None:
    assert list(dict.fromkeys(type(effect) for effect in ORDERED)) == list(get_args(Effect))
    assert set(get_args(DiskEffect)) <= set(get_args(Effect))


def test_a_turn_gives_the_log_to_the_disk_before_anything_is_sent() -> None:
    node = LoneNode()
    session = node.connect("b1") << 27 | 1
    node.engine.receive(
        TrunkFrameReceived("b1", Attach(session, 1, "host", False, 0, 0, 0)), node.now()
    )
    lines = Lines(session, 1, 1, (b"NICK #bad", b"NICK alice", b"USER a 0 * :A"))
    node.engine.receive(TrunkFrameReceived("b1", lines), node.now())
    effects = node.engine.take_effects()
    assert [type(effect) for effect in effects] == [Persist, SendToBalancers]
    assert node.engine.take_effects() == []


def test_a_follower_confirms_entries_only_when_they_are_durable() -> None:
    now = Instant(0.0, 0)
    members = ("n1", "n2", "n3")
    config = EngineConfig(raft=RaftConfig(name="n2", members=members), irc=IrcConfig())
    history = HistoryState(applied=P(0))
    log = EmbeddedLog(config.raft, Stored(HardState(), None, ()), lambda: 0.5, now)
    engine = Engine(config, log, history, lambda: 0.5, now)
    engine.receive(PeerConnected("n1"), now)
    engine.take_effects()
    entry = Entry(1, 1, 0, 0, b"")
    engine.receive(PeerFrameReceived("n1", AppendRequest(1, 0, 0, 0, (entry,))), now)
    effects = engine.take_effects()
    (batch,) = [effect for effect in effects if isinstance(effect, Persist)]
    assert batch.entries == (entry,)
    assert [type(frame) for _, frame in batch.messages] == [AppendResponse]
    sent = [frame for e in effects if isinstance(e, SendToPeers) for _, frame in e.frames]
    assert not any(isinstance(frame, AppendResponse) for frame in sent)
