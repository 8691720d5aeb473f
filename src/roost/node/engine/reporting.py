"""When balancers are told how this node is, and with what.

They are told at once when the state or the leader changes, and otherwise at intervals. What only
people look at is added then, and not worked out at each turn.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from roost.chat.state import State
from roost.node.engine.activity import Activity
from roost.node.engine.balancers import Balancers
from roost.node.engine.pending import PendingCommands
from roost.protocol.trunk import Status


class Report(NamedTuple):
    """What every balancer is to be told now."""

    status: Status
    is_new_state: bool


class Reporting:
    """Remembers what balancers were told last."""

    def __init__(self, interval_s: float, pending: PendingCommands, balancers: Balancers) -> None:
        self.activity = Activity()
        """To be told what is applied."""
        self._interval_s = interval_s
        self._pending = pending
        self._balancers = balancers
        self._told: tuple[str, str, int] = ("", "", 0)
        self._due = float("-inf")

    @property
    def is_ready(self) -> bool:
        """Whether balancers were told that this node is ready."""
        return self._told[0] == "ready"

    def take(
        self, present: tuple[str, str, int], status: Callable[[], Status], state: State, now: float
    ) -> Report | None:
        """Return what to tell now, if it is time to; it counts as told.

        `present` is the node's state, the leader and the term: what is told at once.
        """
        told, self._told = self._told, present
        if told == present and now < self._due:
            return None
        self._due = now + self._interval_s
        full = status()
        full = msgspec.structs.replace(
            full,
            latency=self._pending.latency(now),
            rooms=self.activity.busiest(state, now),
            balancers=self._balancers.reports,
        )
        return Report(full, is_new_state=told[0] != present[0])
