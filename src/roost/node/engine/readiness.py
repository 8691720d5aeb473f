"""Whether a node may serve clients, and why not: what it tells the balancers.

The judgement errs on the safe side: a node that is cut off from the majority, behind, or without
a working disk says so and is given no clients, while what it confirmed before stays true.
"""

BEHIND_MAX = 1_000
"""Entries that a ready node may lag behind the leader's commit; fewer than a fifth of a second's
work at the rate a log reaches."""


class Readiness:
    """What the judgement needs to remember."""

    def __init__(self, members: int) -> None:
        self._needed_peers = members // 2
        """With itself, this many neighbours are a majority."""
        self._has_caught_up = False
        self.leader_commit = 0
        """The highest commit index that a leader has told."""
        self.disk_failure = ""
        """Why the disk takes no writes; empty when it does."""
        self.is_drained = False
        """An operator wants the node to serve nobody."""
        self.is_leaving = False
        """The node is about to stop, and waits for its clients to be moved."""

    def judge(
        self,
        *,
        peers: int,
        is_in_touch: bool,
        leader: str,
        applied: int,
        history_missing: int,
        is_stopping: bool,
    ) -> tuple[str, str]:
        """Give the state in one word, and the reason in words for people (empty when ready)."""
        if self.disk_failure:
            return "disk", f"the disk takes no writes: {self.disk_failure}"
        if is_stopping:
            return "draining", "the node is stopping"
        if peers < self._needed_peers:
            return "isolated", f"linked to {peers} neighbours, {self._needed_peers} are needed"
        if not is_in_touch or not leader:
            return "no-majority", "no leader is in touch with a majority of the nodes"
        behind = self.leader_commit - applied
        if behind > BEHIND_MAX or (not self._has_caught_up and (behind > 0 or not applied)):
            lack = f"{behind} entries behind" if behind > 0 else "it has no entry yet"
            return "catching-up", lack
        self._has_caught_up = True
        if history_missing:
            return "catching-up", f"history of {history_missing} entries is still missing"
        # Only a node that could serve is drained gently: the others' clients cannot wait.
        if self.is_leaving:
            return "draining", "the node is stopping"
        if self.is_drained:
            return "draining", "drained by an operator"
        return "ready", ""
