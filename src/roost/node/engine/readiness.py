"""Whether a node can serve clients, and why not: what it tells the balancers.

A node that is cut off from the majority, behind, or without a working disk says so and gets no
clients. Everything that it confirmed before stays true.
"""

from collections.abc import Iterator

from roost.log import LogStatus
from roost.node.engine.astray import DIVERGED
from roost.node.engine.effects import LogEvent, RememberDrained

BEHIND_MAX = 1_000
"""Entries that a ready node can lag behind the leader's commit: less than a fifth of a second's
work at the highest rate of the log."""


class Readiness:
    """What decides whether the node is ready, apart from what `judge` is given."""

    def __init__(self, *, is_drained: bool = False) -> None:
        self._has_caught_up = False
        self.disk_failure = ""
        """Why the disk accepts no writes; empty if it does."""
        self.is_drained = is_drained
        """Whether an operator wants the node to serve no clients."""
        self.is_leaving = False
        """Whether the node is about to stop, and waits for its clients to be moved."""

    def drain(self, balancer: str, *, is_wanted: bool) -> Iterator[RememberDrained | LogEvent]:
        """Obey an operator whose order a balancer passed on."""
        if is_wanted != self.is_drained:
            self.is_drained = is_wanted
            yield RememberDrained(is_wanted)
            event = "drained" if is_wanted else "undrained"
            yield LogEvent("info", event, {"balancer": balancer})

    def disk_failed(self, reason: str) -> Iterator[LogEvent]:
        """Note that the disk accepts no writes."""
        if not self.disk_failure:
            yield LogEvent("error", "disk-failed", {"reason": reason})
        self.disk_failure = reason

    def disk_recovered(self) -> Iterator[LogEvent]:
        """Note that the disk accepts writes again."""
        if self.disk_failure:
            yield LogEvent("info", "disk-recovered", {})
        self.disk_failure = ""

    def judge(
        self,
        *,
        astray: str = "",
        removal: str,
        outdated: str = "",
        peers: int,
        voters: int,
        log: LogStatus,
        applied: int,
        history_missing: int,
        clock_offset_ms: int,
        has_time: bool,
        is_configured: bool,
        is_stopping: bool,
    ) -> tuple[str, str]:
        """Return the state in one word, and the reason for people (empty when ready).

        `peers` of the `voters` are linked: with this node, or if it does not vote without it, they
        must be a majority.
        """
        if self.disk_failure:
            return "disk", f"the disk accepts no writes: {self.disk_failure}"
        if astray:
            return DIVERGED, astray
        if is_stopping:
            return "draining", "the node is stopping"
        if removal:
            return "removed", removal
        if outdated:
            return "outdated", outdated
        needed = voters // 2 + (not log.is_voter)
        if log.is_kept_by_nodes and peers < needed:
            return "isolated", f"linked to {peers} neighbours, {needed} are needed"
        if log.fault:
            return log.fault
        if clock_offset_ms:
            direction = "ahead of" if clock_offset_ms > 0 else "behind"
            seconds = abs(clock_offset_ms) / 1000
            return "clock", f"its clock is {seconds:.1f} s {direction} the other nodes' clocks"
        if not has_time:
            return "clock", "no majority of the nodes has confirmed the time since it started"
        if log.lack:
            return "catching-up", log.lack
        behind = log.commit - applied
        if behind > BEHIND_MAX or (not self._has_caught_up and (behind > 0 or not applied)):
            lack = f"{behind} entries behind" if behind > 0 else "it has no entries yet"
            return "catching-up", lack
        self._has_caught_up = True
        if history_missing:
            return "catching-up", f"history of {history_missing} entries is still missing"
        if not is_configured:
            return "configuring", "the settings in its configuration do not apply yet"
        # Last, because clients are moved gently only off a node that could serve them.
        if self.is_leaving:
            return "draining", "the node is stopping"
        if self.is_drained:
            return "draining", "drained by an operator"
        return "ready", ""
