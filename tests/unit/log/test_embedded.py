"""The embedded log shows a replica as what a node needs of a log."""

from roost.instant import Instant
from roost.log import Compact, EmbeddedLog, Entry, LogOutput, Persist, Persisted, Snapshot
from roost.raft.config import Config
from roost.raft.messages import AppendRequest, HardState, Message, SnapshotRequest, Stored


def now(seconds: float = 0.0) -> Instant:
    return Instant(seconds, int(seconds * 1000))


def open_log(*members: str, hard: HardState = HardState()) -> EmbeddedLog:  # noqa: B008
    config = Config(name=members[0], members=members)
    return EmbeddedLog(config, Stored(hard, None, ()), lambda: 0.5, now())


def take(log: EmbeddedLog) -> list[LogOutput]:
    """Obey an infinitely fast disk until nothing is left to do."""
    outputs = []
    while (output := log.take_output()) != LogOutput((), (), None, ()):
        outputs.append(output)
        for effect in output.effects:
            if isinstance(effect, Persist):
                log.receive(Persisted(effect.number), now())
    return outputs


def lead() -> EmbeddedLog:
    """Return the log of the only member, which leads."""
    log = open_log("a")
    log.tick(now(2.0))
    take(log)
    assert log.is_in_charge
    return log


def followed(log: EmbeddedLog, message: Message) -> None:
    log.peer_connected("b", now())
    log.receive_message("b", message, now())


def test_without_a_leader_nothing_can_be_confirmed() -> None:
    status = open_log("a", "b", "c").status()
    assert status.fault is not None
    assert status.fault[0] == "no-majority"
    assert lead().status().fault is None


def test_a_replica_that_lost_data_lacks_it_until_it_may_vote() -> None:
    log = open_log("a", "b", "c", hard=HardState(1, "", 1, 5))
    assert "may not vote" in log.status().lack


def test_a_follower_lacks_a_commit_of_the_present_term() -> None:
    log = open_log("a", "b", "c")
    entry = Entry(1, 1, 0, 0, b"")
    followed(log, AppendRequest(1, 0, 0, 0, (entry,)))
    assert "has not told it of a commit" in log.status().lack
    log.receive_message("b", AppendRequest(1, 1, 1, 1, ()), now())
    assert log.status().lack == ""


def test_a_follower_knows_how_far_its_leader_has_committed() -> None:
    log = open_log("a", "b", "c")
    followed(log, AppendRequest(1, 40, 1, 50, ()))
    assert log.status().commit == 50
    assert log.status().fault is None


def test_what_is_proposed_comes_out_once_it_is_durable() -> None:
    log = lead()
    assert log.propose([b"x"], now(2.0))
    outputs = take(log)
    assert [entry.data for output in outputs for entry in output.committed] == [b"x"]
    assert outputs[0].committed == ()


def test_a_snapshot_is_stored_and_a_newer_one_from_the_leader_replaces_it() -> None:
    log = lead()
    snapshot = Snapshot(1, 1, 0, b"state")
    log.compact(snapshot, 1)
    assert take(log)[0].effects == (Compact(snapshot, 1),)

    log = open_log("a", "b", "c")
    entry = Entry(1, 1, 0, 0, b"")
    followed(log, AppendRequest(1, 0, 0, 1, (entry,)))
    take(log)
    log.compact(snapshot, 1)
    log.receive_message("b", SnapshotRequest(1, 9, 1, 0, 0, b"newer", is_last=True), now())
    (first, *_) = take(log)
    assert first.snapshot == Snapshot(9, 1, 0, b"newer")
    assert not any(isinstance(effect, Compact) for effect in first.effects)
