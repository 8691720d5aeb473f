"""Whom an idle leader asks for answers to its heartbeats."""

from collections import Counter

import pytest

from roost.raft.messages import AppendRequest, AppendResponse
from support.raft_replica import Bench, entries


@pytest.mark.parametrize(("size", "asked"), [(3, 1), (5, 2)])
def test_an_idle_leader_has_followers_answer_in_turn_as_many_as_a_majority_takes(
    size: int, asked: int
) -> None:
    bench = Bench(size)
    bench.lead()
    answers: Counter[str] = Counter()
    for _ in range(10):
        bench.wait(0.2)
        sent, bench.sent = bench.sent, []
        heartbeats = [(name, m) for name, m in sent if isinstance(m, AppendRequest)]
        assert sorted(name for name, _ in heartbeats) == sorted(bench.peers)
        who = [name for name, message in heartbeats if message.wants_answer]
        assert len(who) == asked
        answers.update(who)
        for name in who:
            bench.acknowledge(name)
    assert set(answers.values()) == {5}


def test_all_followers_are_asked_once_one_is_late() -> None:
    bench = Bench()
    bench.lead()
    asked = []
    for _ in range(8):
        bench.wait(0.2)
        sent, bench.sent = bench.sent, []
        who = [n for n, m in sent if isinstance(m, AppendRequest) and m.wants_answer]
        asked.append(len(who))
        if "b" in who:
            bench.acknowledge("b")
        assert bench.replica.is_in_touch
    assert asked[:2] == [1, 1]
    assert asked[3:] == [2] * 5


def test_whoever_lacks_entries_is_asked_by_every_heartbeat() -> None:
    bench = Bench()
    bench.lead()
    bench.propose(b"x")
    bench.acknowledge("b")
    bench.sent.clear()
    for _ in range(2):
        bench.wait(0.2)
        assert [m.wants_answer for m in bench.take("c", AppendRequest)] == [True]
        bench.acknowledge("b")


def test_a_follower_answers_what_is_new_whether_it_is_asked_or_not() -> None:
    bench = Bench()
    bench.append("b", 1, (0, 0), *entries(1))
    bench.sent.clear()
    bench.wait(0.3)
    bench.receive("b", AppendRequest(1, 1, 1, 1, (), wants_answer=False))
    assert bench.take("b", AppendResponse) == []
    assert bench.replica.commit_index == 1
    bench.receive("b", AppendRequest(1, 1, 1, 1, entries(1, first=2), wants_answer=False))
    assert bench.take("b", AppendResponse) == [AppendResponse(1, True, 2, 0)]
    bench.receive("c", AppendRequest(2, 2, 1, 1, (), wants_answer=False))
    assert bench.take("c", AppendResponse) == [AppendResponse(2, True, 2, 0)]
