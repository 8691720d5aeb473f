"""Clients that are gone, until a node confirms that everybody else knows.

    client gone --> Detach to its node --> Close (confirmed)
                         | trunk lost first
                         +--> Detach to another node, as soon as there is one

Pure. Saying it twice is harmless; never saying it would leave a ghost in the rooms.
"""

from roost.balancer.engine.fleet import Fleet, Node
from roost.balancer.engine.sessions import Departure
from roost.protocol.trunk import Detach


class Departures:
    """What is still to be confirmed; what a node was told is kept with the node."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._untold: dict[int, Departure] = {}
        """Clients that went while there was no node to be told."""

    def __len__(self) -> int:
        return len(self._untold) + sum(len(node.departures) for node in self._fleet)

    @property
    def has_untold(self) -> bool:
        """Whether some wait for a node to be told."""
        return bool(self._untold)

    def depart(self, departure: Departure, node: Node | None = None) -> None:
        """Tell a node: this one if it is connected, else any that is ready, else the next."""
        if node is None or node.trunk is None:
            node = self._fleet.choose_for_departure()
        if node is None or node.trunk is None:
            self._untold[departure.session] = departure
            return
        node.departures[departure.session] = departure
        node.trunk.send(Detach(departure.session, departure.generation, departure.reason))

    def tell_again(self, lost: Node) -> None:
        """A node is lost: tell others what it did not confirm."""
        departures, lost.departures = lost.departures, {}
        for departure in departures.values():
            self.depart(departure)

    def tell_untold(self) -> None:
        """There is a node that can be told."""
        departures, self._untold = self._untold, {}
        for departure in departures.values():
            self.depart(departure)

    def confirm(self, node: Node, session: int) -> bool:
        """A node closed a session; tells whether it is a departed one."""
        return node.departures.pop(session, None) is not None
