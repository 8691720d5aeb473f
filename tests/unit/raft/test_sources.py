"""Whom a replica asks for what is committed, if no leader sends it anything."""

import random

from roost.raft.messages import Feed, FeedRequest
from support.raft_replica import Bench, entries


def asked(bench: Bench, seconds: float) -> set[str]:
    """Return who was asked while time passes, and nobody who was asked knows a leader."""
    bench.sent.clear()
    found: set[str] = set()
    for _ in range(round(seconds / 0.1)):
        bench.wait(0.1)
        sent, bench.sent = bench.sent, []
        for name in {name for name, message in sent if isinstance(message, FeedRequest)}:
            found.add(name)
            bench.receive(name, Feed(1, "", 0, 0, 0, ()))
    return found


def learner() -> Bench:
    """Return one whose file names b and c as voters; both are linked, and so are x and y."""
    bench = Bench(members=("b", "c"), random=random.Random(1).random)
    for name in "xy":
        bench.connect(name)
    return bench


def test_voters_are_asked_first() -> None:
    bench = learner()
    assert {name for name, one in bench.sent if isinstance(one, FeedRequest)} <= {"b", "c"}


def test_others_are_asked_if_the_voters_that_it_knows_know_no_leader() -> None:
    assert asked(learner(), 10.0) == {"b", "c", "x", "y"}


def test_whoever_knows_the_leader_is_asked_from_then_on() -> None:
    bench = learner()
    asked(bench, 10.0)
    for _ in range(50):
        bench.wait(0.1)
        sent, bench.sent = bench.sent, []
        names = {name for name, message in sent if isinstance(message, FeedRequest)}
        if "x" in names:
            bench.receive("x", Feed(4, "z", 0, 0, 1, entries(4)))
            break
    assert bench.replica.commit_index == 1
    for index in range(2, 20):
        bench.wait(0.1)
        assert {name for name, one in bench.sent if isinstance(one, FeedRequest)} <= {"x"}
        bench.sent.clear()
        bench.receive("x", Feed(4, "z", index - 1, 4, index, entries(4, first=index)))
    assert bench.replica.commit_index == 19
