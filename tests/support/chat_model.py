"""Drives a client's model line by line against a fake network, whose connection can break."""

from collections.abc import Callable
from random import Random

from roost.client.model import Conversation, EntryKind, Model, Moment, Problem, ProblemKind, Profile
from roost.client.model.effects import Effect
from support.fake_irc_network import START_MS, Connection, Network

LOST = Problem(ProblemKind.DROPPED, "The connection was lost.")


class Driver:
    """A model, its connection to a network, and the clock."""

    def __init__(self, network: Network, profile: Profile | None = None) -> None:
        self.network = network
        self.model = Model(profile or Profile(nick="alice", rooms=("#room",)), "run1")
        self.server: Connection | None = None
        self.up: list[bytes] = []
        self.steps = 0
        self.cut_at: int | None = None
        """The connection breaks after this many lines in both directions."""
        self.random = Random(0)
        self.effects: list[Effect] = []

    @property
    def moment(self) -> Moment:
        return Moment(float(self.steps), START_MS + 500_000_000 + self.steps)

    def connect(self) -> None:
        self.model.connecting("server:6667", self.moment)
        self.server = Connection(self.network)
        self.model.connected(self.moment, is_secure=False)
        self.collect()

    def collect(self) -> None:
        self.up.extend(self.model.take_lines())
        self.effects.extend(self.model.take_effects())

    def step(self) -> bool:
        """Transfer one line; return False if there is none or the connection has just broken."""
        server = self.server
        if server is None:
            return False
        self.collect()
        if server.out:
            self.model.receive(server.out.pop(0), self.moment)
        elif self.up:
            server.receive(self.up.pop(0))
        else:
            return False
        self.steps += 1
        self.collect()
        if self.steps == self.cut_at:
            self.cut()
            return False
        return True

    def cut(self) -> None:
        """Break the connection. The server still gets some of the lines, the client none."""
        server = self.server
        assert server is not None
        for line in self.up[: self.random.randint(0, len(self.up))]:
            server.receive(line)
        self.up.clear()
        self.server = None
        server.close()
        self.model.disconnected(self.moment, LOST, self.moment.monotonic_s + 1)
        self.effects.extend(self.model.take_effects())

    def settle(self) -> None:
        """Transfer lines until none is left; reconnect whenever the connection is gone."""
        for _ in range(10_000):
            if self.server is None:
                self.connect()
            if not self.step() and self.server is not None:
                return
        raise AssertionError("the lines never end")

    def room(self, name: str = "#room") -> Conversation:
        found = self.model.room(name)
        assert found is not None
        return found

    def said(self, name: str = "#room") -> list[tuple[str, str]]:
        """Return the messages that the client shows, as (sender, text)."""
        return [
            (entry.sender, entry.text)
            for entry in self.room(name).entries
            if entry.kind is EntryKind.MESSAGE
        ]


def run(driver: Driver, *acts: Callable[[], None]) -> None:
    """Perform actions one by one, and transfer a few lines after each."""
    for act in acts:
        act()
        for _ in range(3):
            if driver.server is None:
                driver.connect()
            driver.step()
    driver.settle()
