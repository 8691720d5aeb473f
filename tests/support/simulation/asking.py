"""Somebody who asks the cluster for something until it is settled, through any balancer."""

from collections.abc import Callable, Sequence

from roost.chat.commands.administration import Administration
from roost.protocol.orders import AdministerAnswer
from support.simulation.balancer import SimulatedBalancer
from support.simulation.world import World

PATIENCE_S = 2.0
"""How long to wait for one answer."""
PAUSE_S = 0.3


class SimulatedAsker:
    """One request, which is repeated under the same id, even more often than commands do."""

    def __init__(
        self,
        world: World,
        balancers: Sequence[SimulatedBalancer],
        request: str,
        operation: Administration,
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        self.request = request
        self.answer: AdministerAnswer | None = None
        """What settled it; every later answer is the same."""
        self._world = world
        self._balancers = balancers
        self._operation = operation
        self._settled = settled
        self._ask()

    def _ask(self) -> None:
        if self.answer is not None:
            return
        running = [balancer for balancer in self._balancers if balancer.is_up]
        if running:
            balancer = self._world.random.choice(running)
            balancer.desk.ask(self.request, self._operation, self._hear, self._world.now)
        self._world.at(self._world.random.uniform(PAUSE_S, PATIENCE_S), self._ask)

    def _hear(self, answer: AdministerAnswer) -> None:
        self._world.log(f"{self.request} hears {answer}")
        if answer.is_unsettled:
            return
        assert self.answer in (None, answer), f"{self.request}: {self.answer}, then {answer}"
        if self.answer is None:
            self.answer = answer
            self._settled()
