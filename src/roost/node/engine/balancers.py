"""The runs of balancers that this node has trunks to, and what the log says of each.

    Welcome(run) --> StartBalancer --> the log --> Incarnation --> the balancer
                                          `--> a later run has begun: the trunk is refused

A proposal may get lost, or come too late to count. So as long as the trunk is up and the log does
not know the run, it is proposed again.
"""

from collections.abc import Collection, Iterator

import msgspec

from roost.chat.balancers import RESTARTED, RunState, find_run, newest_incarnation
from roost.chat.commands.sessions import CloseSession, StartBalancer
from roost.chat.state import State
from roost.node.engine.census import Census
from roost.node.engine.endings import Endings
from roost.protocol.trunk import BalancerReport, FromNode, Incarnation, refusal

OVER = (
    "another run of this balancer began later, perhaps a second process with the same name; "
    "restart it, or give it a name of its own"
)


class Balancers:
    """What each balancer with a trunk is to be told; `census` has those that are served."""

    def __init__(self, census: Census, name: str, members: Collection[str]) -> None:
        """`name` is this node's; each member begins elsewhere to end a run's sessions."""
        self._census = census
        self._endings = Endings()
        names = sorted(members)
        self._share = names.index(name) / len(names) if name in names else 0.0
        self._runs: dict[str, str] = {}
        self._reports: dict[str, BalancerReport] = {}

    @property
    def reports(self) -> tuple[BalancerReport, ...]:
        """What the balancers with a trunk have told last."""
        return tuple(self._reports.values())

    def reported(self, name: str, report: BalancerReport) -> None:
        """Note what a balancer tells of itself, whatever name it gives."""
        self._reports[name] = msgspec.structs.replace(report, name=name)

    def connected(self, name: str, run: str) -> None:
        """Note a new trunk."""
        self._runs[name] = run
        self._census.trunk_connected(name, 0)

    def disconnected(self, name: str) -> bool:
        """Note that a trunk is gone; return whether the balancer was served."""
        was_served = self._census.has_trunk(name)
        self._runs.pop(name, None)
        self._reports.pop(name, None)
        self._census.trunk_disconnected(name)
        return was_served

    def look(
        self, state: State, now: float
    ) -> Iterator[StartBalancer | CloseSession | tuple[str, FromNode]]:
        """Yield what to propose, and what to tell whom; a `refusal` ends the service."""
        for name, run in list(self._runs.items()):
            known, incarnation = find_run(state, name, run)
            if known is RunState.OVER:
                yield name, refusal(OVER)
            elif known is not RunState.CURRENT:
                closings = self._close_former(state, name, now)
                if known is RunState.LOST or closings is None:
                    yield StartBalancer(name, run, newest_incarnation(state, name))
                else:
                    yield from closings
            elif not self._census.knows(name, incarnation):
                self._census.trunk_connected(name, incarnation)
                yield name, Incarnation(incarnation)

    def _close_former(self, state: State, name: str, now: float) -> list[CloseSession] | None:
        """Return what to propose before a balancer's former run ends; None if it may end now."""
        return self._endings.close_some(
            state,
            state.balancers.get(name, 0),
            RESTARTED,
            now,
            share=self._share,
            is_resumable_kept=True,
        )
