"""Planned moves of sessions, which their clients do not notice."""

from roost.balancer.engine.moves import MoveConfig
from roost.balancer.engine.sessions import Session
from roost.balancer.engine.strategy import StrategyConfig
from roost.protocol.trunk import Attach, Lines, Release, Reply, Serving
from unit.balancer.fakes import FakeClient, FakeTrunk, World, status

AT_ONCE = StrategyConfig(ramp_s=0)


class Town:
    """Nodes that confirm their sessions, and registered clients."""

    def __init__(self, nodes: int, clients: int, **config: object) -> None:
        self.world = World(**config)  # type: ignore[arg-type]
        self.trunks: dict[str, FakeTrunk] = {}
        self.people: list[tuple[FakeClient, Session]] = []
        for number in range(1, nodes + 1):
            self.add(f"n{number}")
        for _ in range(clients):
            client, session = self.world.client()
            self.world.say(session, "USER")
            self.trunks[session.node].show(Reply(session.id, session.generation, 1, 0, True, b""))
            self.people.append((client, session))
        for trunk in self.trunks.values():
            trunk.frames.clear()

    def add(self, name: str) -> FakeTrunk:
        self.trunks[name] = self.world.trunk(name).ready()
        return self.trunks[name]

    @property
    def counts(self) -> list[int]:
        return [
            sum(session.node == name for _, session in self.people) for name in sorted(self.trunks)
        ]

    def live(self, seconds: float) -> None:
        """Let time pass, while nodes do what they are asked to."""
        for _ in range(round(seconds / 0.05)):
            self.world.pass_time(0.05, *self.trunks.values())
            self.confirm()

    def confirm(self) -> None:
        for trunk in self.trunks.values():
            for attach in trunk.take(Attach):
                if attach.acknowledged:
                    trunk.show(Serving(attach.session, attach.generation))
            for frame in trunk.take(Lines):
                last = frame.first + len(frame.lines) - 1
                trunk.show(Reply(frame.session, frame.generation, last, 0, True, b""))


def test_no_session_moves_while_the_nodes_are_even() -> None:
    town = Town(3, 90)
    town.live(5.0)
    assert town.world.exchange.counters.moved == 0


def test_a_node_that_joins_gets_its_share() -> None:
    town = Town(2, 300, strategy=AT_ONCE)
    town.add("n3")
    town.live(3.0)
    assert town.counts == [100, 100, 100]
    assert town.world.exchange.counters.moved == 100
    assert not any(client.received for client, _ in town.people)
    released = [
        one.session
        for name in ("n1", "n2")
        for frame in town.trunks[name].take(Release)
        for one in frame.sessions
    ]
    assert sorted(released) == sorted(s.id for _, s in town.people if s.node == "n3")


def test_a_node_that_joins_gets_its_share_slowly() -> None:
    town = Town(2, 300)
    town.live(11.0)
    town.add("n3")
    town.live(1.0)
    assert 0 < town.counts[2] < 40
    town.live(11.0)
    assert max(town.counts) - min(town.counts) <= 2


def test_moves_to_even_nodes_out_are_bounded_until_they_are_confirmed() -> None:
    town = Town(2, 300, strategy=AT_ONCE, moves=MoveConfig(at_once_max=7))
    third = town.add("n3")
    town.world.pass_time(1.5, *town.trunks.values())
    assert len(third.take(Attach)) == 7
    # A move that is not confirmed in time does not block the others for ever.
    town.world.pass_time(1.5, *town.trunks.values())
    assert len(third.take(Attach)) == 7


def test_sessions_with_unanswered_lines_are_not_moved_to_even_nodes_out() -> None:
    town = Town(2, 40, strategy=AT_ONCE)
    busy = [session for _, session in town.people[:20]]
    for session in busy:
        town.world.say(session, "WHO *")
    asked = {name: trunk.take(Lines) for name, trunk in town.trunks.items()}
    town.add("n3")
    town.live(2.0)
    assert town.counts[2] > 10
    assert all(session.generation == 1 for session in busy)
    for name, frames in asked.items():
        for frame in frames:
            town.trunks[name].show(Reply(frame.session, 1, frame.first, 0, True, b""))


def test_a_session_that_was_moved_is_left_alone_for_a_while() -> None:
    town = Town(2, 60, strategy=AT_ONCE)
    town.add("n3")
    town.live(2.0)
    assert town.counts == [20, 20, 20]
    moved = {session.id for _, session in town.people if session.generation == 2}
    for _, session in list(town.people):
        if session.node != "n3":
            town.world.exchange.client_lost(session, "gone", town.world.now)
    town.live(10.0)
    assert {s.id for _, s in town.people if s.is_open and s.generation > 2} == set()
    town.live(25.0)
    again = {s.id for _, s in town.people if s.generation > 2}
    assert again
    assert again <= moved


def test_a_draining_node_gives_all_sessions_away_and_gets_none() -> None:
    town = Town(3, 300)
    nobody = [town.world.client()[1] for _ in range(6)]
    town.trunks["n2"].say(status("draining", "drained by an operator"))
    town.live(1.0)
    assert town.counts == [150, 0, 150]
    assert not any(session.node == "n2" for session in nobody)
    assert not any(client.received for client, _ in town.people)
    assert town.world.client()[1].node != "n2"


def test_a_draining_node_keeps_sessions_with_unanswered_lines_for_a_moment() -> None:
    town = Town(2, 2)
    session = next(session for _, session in town.people if session.node == "n1")
    town.world.say(session, "WHO *")
    town.trunks["n1"].take(Lines)
    town.trunks["n1"].say(status("draining", "the node is stopping"))
    town.live(0.9)
    assert session.node == "n1"
    town.world.pass_time(0.3, *town.trunks.values())
    assert session.node == "n2"
    assert town.trunks["n2"].take(Lines) == [Lines(session.id, 2, 2, (b"WHO *",))]


def test_a_draining_node_keeps_its_clients_while_no_other_is_ready() -> None:
    town = Town(2, 10)
    for trunk in town.trunks.values():
        trunk.say(status("draining", "drained by an operator"))
    town.live(3.0)
    assert town.counts == [5, 5]
    town.trunks["n1"].say(status())
    town.live(1.0)
    assert town.counts == [10, 0]


def test_a_node_that_is_taken_back_gets_its_share_again() -> None:
    town = Town(2, 100)
    town.live(11.0)
    town.trunks["n1"].say(status("draining", "drained by an operator"))
    town.live(1.0)
    town.trunks["n1"].say(status())
    # Sessions that were just moved are not moved back during their cool-down.
    town.live(45.0)
    assert abs(town.counts[0] - town.counts[1]) <= 2
