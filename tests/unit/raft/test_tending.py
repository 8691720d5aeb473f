"""Which step the leader takes next, and that steps lead to the wanted group."""

import random

import pytest

from roost.raft.membership import is_single_change
from roost.raft.messages import AppendRequest, Configuration, Report
from roost.raft.tending import NOTHING, Policy, Standing, Step, next_step
from support.raft_cluster import Cluster
from support.raft_replica import Bench, entries

POLICY = Policy(voters_max=5, absence_s_max=60.0)
GOOD = Standing(is_sound=True, has_caught_up=True, is_durable=True)
NEW = Standing()
CLOSE = Standing(is_sound=True, has_caught_up=True)


def gone(seconds: float) -> Standing:
    return Standing(gone_s=seconds)


def step(
    voters: str,
    learners: str,
    nodes: str,
    leader: str = "a",
    policy: Policy = POLICY,
    **others: Standing,
) -> Step:
    """Return the next step; each letter is a node, which is well unless `others` says how it is."""
    standings = {name: others.get(name, GOOD) for name in voters + learners + nodes}
    group = Configuration(tuple(voters), tuple(learners))
    return next_step(leader, group, tuple(nodes), standings, policy)


def to(voters: str, learners: str = "") -> Step:
    return Step(Configuration(tuple(voters), tuple(learners)))


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (step("abc", "", "abc"), NOTHING),
        (step("abc", "", "abcde"), to("abc", "de")),
        (step("abc", "d", "abcd", d=NEW), NOTHING),
        (step("abc", "d", "abcd", d=CLOSE), Step(prepared="d")),
        (step("abc", "d", "abcd"), to("abcd")),
        (step("abcde", "fg", "abcdefg"), NOTHING),
        (step("abc", "de", "abcde", d=NEW), to("abce", "d")),
        (step("abc", "d", "abc"), to("abc")),
    ],
)
def test_new_nodes_learn_and_then_vote_up_to_five(found: Step, wanted: Step) -> None:
    assert found == wanted


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (step("abcde", "f", "abcdef", e=gone(10)), NOTHING),
        (step("abcde", "f", "abcdef", e=gone(70)), to("abcdef")),
        (step("abcdef", "", "abcdef", e=gone(70)), to("abcdf", "e")),
        (step("abcde", "f", "abcdef", e=gone(70), f=NEW), NOTHING),
        (step("abc", "", "abc", c=gone(900)), NOTHING),
        (step("abc", "d", "abcd", b=gone(70), c=gone(70)), NOTHING),
        (step("abcdef", "", "abcdef", e=gone(5)), to("abcdf", "e")),
    ],
)
def test_a_voter_that_is_gone_for_long_is_replaced(found: Step, wanted: Step) -> None:
    assert found == wanted


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (step("abcd", "", "abc"), to("abc")),
        (step("abc", "d", "abd"), to("abcd")),
        (step("abcd", "", "abd"), to("abd")),
        (step("abc", "d", "abd", d=NEW), NOTHING),
        (step("abc", "d", "abd", d=gone(1)), to("ab", "d")),
        (step("abc", "", "ab", b=gone(1)), NOTHING),
        (step("abc", "", "bc"), Step(is_handover=True)),
        (step("abcde", "", "bde"), to("abde")),
        (step("ab", "", "b"), Step(is_handover=True)),
    ],
)
def test_a_removed_node_leaves_the_group_the_leader_last(found: Step, wanted: Step) -> None:
    assert found == wanted


def test_a_smaller_limit_demotes_the_newest_but_never_the_leader() -> None:
    policy = Policy(voters_max=3, absence_s_max=60.0)
    assert step("abcde", "", "abcde", policy=policy) == to("abcd", "e")
    assert step("abcd", "e", "abcde", leader="d", policy=policy) == to("abd", "ec")


@pytest.mark.parametrize("seed", range(200))
def test_steps_are_allowed_keep_a_majority_and_end(seed: int) -> None:
    chance = random.Random(seed)
    names = "abcdefgh"
    nodes = "".join(sorted(chance.sample(names, chance.randint(1, 8))))
    voters = "".join(chance.sample(names, chance.randint(1, 6)))
    policy = Policy(chance.choice((1, 3, 5)), 60.0)
    standings = {
        name: GOOD if chance.random() < 0.8 else gone(chance.choice((1.0, 100.0))) for name in names
    }
    group = Configuration(tuple(voters))
    leader = voters[0]
    standings[leader] = GOOD
    for _ in range(40):
        found = next_step(leader, group, tuple(nodes), standings, policy)
        if found.is_handover:
            able = [name for name in group.voters if standings[name] == GOOD and name != leader]
            if not able:
                return
            leader = able[0]
            continue
        if found.configuration is None:
            break
        assert is_single_change(group, found.configuration)
        if found.configuration.voters != group.voters:
            up = [name for name in found.configuration.voters if standings[name] == GOOD]
            assert 2 * len(up) > len(found.configuration.voters)
        group = found.configuration
    else:
        raise AssertionError("the steps never end")
    if all(standing == GOOD for standing in standings.values()):
        assert sorted(group.members) == sorted(nodes)
        assert len(group.voters) == min(len(nodes), policy.voters_max)


def test_a_cluster_of_seven_has_five_voters_and_replaces_one_that_stays_away() -> None:
    cluster = Cluster(3, 21).start()
    cluster.wait_leader()
    for _ in range(4):
        cluster.add()

    def tend() -> None:
        for node in cluster.nodes.values():
            node.step(lambda replica, now: replica.tend(cluster.names, Policy(5, 3.0), now))
        cluster.at(cluster.time + 0.25, tend)

    def voters() -> tuple[str, ...]:
        leader = cluster.leader()
        return leader.up.configuration.voters if leader is not None else ()

    tend()
    cluster.run_until(lambda: len(voters()) == 5, 10.0)
    cluster.settle()
    gone = next(name for name in voters() if cluster.leader() is not cluster.nodes[name])
    cluster.nodes[gone].crash()
    cluster.run_until(lambda: gone not in voters() and len(voters()) == 5, 6.0)
    cluster.nodes[gone].start()
    cluster.run(5.0)
    assert gone not in voters()
    cluster.settle()


def test_a_voter_reports_with_an_answer_and_alone_only_if_there_is_none() -> None:
    bench = Bench()
    bench.append("b", 1, (0, 0), *entries(1))

    def reports_after(seconds: float, *, wants_answer: bool) -> int:
        bench.time += seconds
        message = AppendRequest(1, 1, 1, 1, (), wants_answer=wants_answer)
        bench.replica.receive("b", message, bench.now())
        bench.replica.tick(bench.now())
        output = bench.replica.take_output()
        return sum(isinstance(sent, Report) for _, sent in output.messages)

    reports_after(0.5, wants_answer=True)
    assert reports_after(0.3, wants_answer=True) == 0
    assert reports_after(0.3, wants_answer=False) == 0
    assert reports_after(0.1, wants_answer=True) == 1
    assert [reports_after(0.25, wants_answer=False) for _ in range(5)] == [0, 0, 0, 0, 1]
