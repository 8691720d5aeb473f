"""Whether a replica that lost storage may vote, stand and acknowledge; and how it gets well.

Raft rests on promises: a vote binds for its term, and an acknowledged entry is there when the next
leader is elected. A disk that loses data breaks them behind everybody's back. The damage is
contained by silence until it is repaired.

**Floor** (entries lost, term and vote intact). The floor is the last entry the replica is known to
have had. It neither votes nor stands until its log is at least as up to date as that. An entry
that was committed with its help in term t was acknowledged together with one of term t, so
floor_term >= t. When the log ends in a term above floor_term, it agrees with the log of a leader
elected after t, which has all that was committed in t (leader completeness). When it ends in
floor_term itself, at or after floor_index, it agrees with the same leader's log as before the loss
(log matching). Either way what it acknowledged is there again, and cannot be outvoted.

**Amnesia** (everything lost). Let X be the replica, with n members and majorities of m.

1. *Which leader may it listen to?* X may have helped a leader of a higher term and forgotten it; if
   it acknowledged entries of an older one that does not know yet that it is deposed, two entries
   could be committed at one index. So X first learns, from its peers and after its restart, their
   terms (each `VoteResponse` and each request tells one). It listens to a leader of term T
   only when n - m + 1 others had terms <= T. Any leader of a term t > T that X helped
   before its loss had made m - 1 others adopt t before that; (n - m + 1) + (m - 1) > n - 1,
   so one would be in both groups, with a term at once above and not above T. Hence there was none.
2. *When may it vote again?* When its log has reached the leader's commit index, and the entry
   there is of the leader's own term T. Let e be an entry committed, or yet to be committed, in
   term t with an acknowledgement of X's that is forgotten; t <= T by 1. If t < T, the leader
   of T has e before its first own entry (X had no part in its election after the loss), so X has
   e now. If t = T, the leader counted X's old acknowledgement only until X's new link came up
   (`Progress.connected` resets `match`); what it committed thanks to it lies within the
   commit index that it told X later. Links are ordered and die with the process at either end.
3. *Its forgotten votes.* In term T it counts as having voted for T's leader. A vote in a higher
   term can only matter to a candidate that still waits for it: candidates give up after
   `election_s_max`, so X waits twice that from its start.

Until 1 is settled X is mute towards the leader; until 2 and 3 are it acknowledges but neither
votes nor stands. Acknowledging without voting is sound: no election is won with X's vote, so each
majority of voters shares a member that forgot nothing with each majority of acknowledgements.
If more than n - m others are away too, more was lost than a majority can make good, and X
stays silent until they are back. A cluster of one never recovers: it has nobody to ask.
"""

import msgspec

from roost.raft.core import Core
from roost.raft.messages import VoteRequest


class Standing:
    """Watches over a replica whose storage lost something; idle on a sound one."""

    __slots__ = ("_asking_deadline", "_core", "_needed", "_started", "_terms")

    def __init__(self, core: Core) -> None:
        self._core = core
        self._started = core.now.monotonic
        self._asking_deadline = core.now.monotonic
        self._needed = len(core.config.members) - core.quorum + 1
        self._terms: dict[str, int] = {}
        """The first term that each peer was heard to be in, which bounds all its earlier ones."""
        self.review(0)

    def can_listen(self) -> bool:
        """Whether a leader of the current term can be trusted to be no deposed one."""
        if not self._core.hard.is_amnesiac:
            return True
        term = self._core.term
        return sum(known <= term for known in self._terms.values()) >= self._needed

    def heard(self, peer: str, term: int) -> None:
        """A peer spoke, and was in `term` or below when it did."""
        if self._core.hard.is_amnesiac:
            self._terms.setdefault(peer, term)

    def next_deadline(self) -> float:
        """When `tick` has something to do; infinity on a replica that remembers."""
        return self._asking_deadline if self._is_asking() else float("inf")

    def tick(self) -> None:
        """Ask those whose term is unknown; a pre-vote for the own term asks for nothing else."""
        core = self._core
        if not self._is_asking() or core.now.monotonic < self._asking_deadline:
            return
        self._asking_deadline = core.now.monotonic + core.config.heartbeat_s
        question = VoteRequest(core.term, core.log.last_index, core.log.last_term, True, False)
        for peer in core.peers:
            if core.connected[peer] and peer not in self._terms:
                core.outbox.send(peer, question)

    def _is_asking(self) -> bool:
        return self._core.hard.is_amnesiac and len(self._terms) < len(self._core.peers)

    def review(self, leader_commit: int) -> None:
        """The log has grown, as the leader wants it: see whether the loss is made good.

        `leader_commit` is the commit index that the leader of this term told with it.
        """
        core = self._core
        hard = core.hard
        log = core.log
        if hard.floor_term or hard.floor_index:
            floor = (hard.floor_term, hard.floor_index)
            if (log.last_term, log.last_index) >= floor:
                core.hard = msgspec.structs.replace(hard, floor_term=0, floor_index=0)
        if (
            hard.is_amnesiac
            and core.leader
            and core.commit_index >= leader_commit
            and log.term_at(core.commit_index) == hard.term
            and core.now.monotonic >= self._started + 2 * core.config.election_s_max
            and self.can_listen()
        ):
            core.hard = msgspec.structs.replace(core.hard, is_amnesiac=False, voted_for=core.leader)
