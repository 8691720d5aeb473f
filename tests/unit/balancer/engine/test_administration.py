"""A balancer passes requests on to a node, and its answers to whoever asked."""

import pytest

from roost.balancer.engine.administration import ASKING_MAX, AdministrationDesk
from roost.balancer.engine.health import HealthConfig
from roost.balancer.engine.node_pool import NodePool
from roost.balancer.engine.strategy import StrategyConfig
from roost.chat.commands.administration import RedeemToken
from roost.protocol.orders import AdministerAnswer
from roost.protocol.trunk import Ask, FromBalancer, Status, Told
from unit.balancer.fakes import hello, status

REDEEM = RedeemToken("t", "mine")


class FakeTrunk:
    """Records what is sent."""

    def __init__(self) -> None:
        self.sent: list[FromBalancer] = []

    def send(self, frame: FromBalancer) -> None:
        self.sent.append(frame)

    def drop(self, reason: str) -> None:
        raise AssertionError(reason)


class Desk:
    """A desk with nodes."""

    def __init__(self) -> None:
        self.pool = NodePool(StrategyConfig(), HealthConfig())
        self.desk = AdministrationDesk(self.pool)
        self.answers: list[AdministerAnswer] = []

    def add(self, name: str, report: Status) -> FakeTrunk:
        trunk = FakeTrunk()
        node, _ = self.pool.announce(hello(name), trunk, 0.0)
        node.report = report
        node.health.reported(report.state, report.reason, 0.0)
        self.pool.refresh(0.0)
        return trunk

    def ask(self) -> None:
        self.desk.ask("r", REDEEM, self.answers.append, 0.0)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_leader_is_asked_and_answers_once(desk: Desk) -> None:
    first, second = (desk.add(name, status(leader="n2")) for name in ("n1", "n2"))
    desk.ask()
    assert (first.sent, second.sent) == ([], [Ask(1, "r", REDEEM)])
    desk.desk.told("n1", Told(1, "not asked"))
    assert not desk.answers
    desk.desk.told("n2", Told(1, "", b"sealed"))
    desk.desk.told("n2", Told(1, "", b"again"))
    assert desk.answers == [AdministerAnswer("", b"sealed")]


def test_a_drained_node_can_be_asked_and_one_that_is_cut_off_cannot(desk: Desk) -> None:
    cut_off = desk.add("n1", status("isolated", "linked to 0 neighbours"))
    desk.ask()
    assert desk.answers == [AdministerAnswer("no node is ready", is_unsettled=True)]
    drained = desk.add("n2", status("draining", "drained by an operator"))
    desk.ask()
    assert (cut_off.sent, drained.sent) == ([], [Ask(1, "r", REDEEM)])


def test_a_request_whose_node_is_lost_is_unsettled(desk: Desk) -> None:
    desk.add("n1", status())
    desk.ask()
    desk.desk.node_lost("n2")
    assert not desk.answers
    desk.desk.node_lost("n1")
    (answer,) = desk.answers
    assert answer.is_unsettled
    assert "n1 was lost" in answer.problem


def test_what_waits_is_limited(desk: Desk) -> None:
    desk.add("n1", status())
    for _ in range(ASKING_MAX + 1):
        desk.ask()
    (answer,) = desk.answers
    assert answer.is_unsettled


def test_a_node_is_not_asked_for_what_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RedeemToken, "SINCE", 3)
    desk = Desk()
    trunk = desk.add("n1", status())
    desk.ask()
    assert desk.answers == [AdministerAnswer("n1 does not know this yet: upgrade all nodes first")]
    assert not any(isinstance(frame, Ask) for frame in trunk.sent)


def test_a_node_that_does_not_speak_the_clusters_version_is_outdated() -> None:
    desk = Desk()
    desk.add("n1", status())
    desk.pool.announce(hello("n2", speaks=(1, 1)), FakeTrunk(), 0.0)
    judge = desk.pool.judge
    nodes = {node.name: node for node in desk.pool}
    assert judge(nodes["n2"], status(version=1)) == ("ready", "")
    assert judge(nodes["n1"], status(version=2)) == ("ready", "")
    state, reason = judge(nodes["n2"], status(version=1))
    assert state == "outdated"
    assert "the cluster is at version 2, and this node speaks up to 1" in reason


def test_a_balancer_says_whom_the_clusters_version_waits_for() -> None:
    pool = NodePool(StrategyConfig(), HealthConfig())
    for name, speaks in (("n1", (1, 2)), ("n2", (1, 1)), ("n3", (1, 1))):
        pool.announce(hello(name, speaks=speaks), FakeTrunk(), 0.0)
    assert pool.why_not_raised() == (
        "the cluster stays at version 1 until n2, n3 can speak 2, as docs/upgrading.md says"
    )
    for name in ("n2", "n3"):
        pool.announce(hello(name, speaks=(1, 2)), FakeTrunk(), 0.0)
    assert pool.why_not_raised() == ""
