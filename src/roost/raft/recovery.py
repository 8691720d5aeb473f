"""Recovery of a replica whose storage lost data: when it may vote and acknowledge again.

Raft rests on promises: a vote binds for its term, and an acknowledged entry is there when the next
leader is elected. A disk that loses data breaks promises unnoticed. So a damaged replica keeps
silent until the damage is repaired.

**Floor** (entries lost, term and vote intact). The floor is the last entry the replica is known to
have had. It neither votes nor stands for election until its log is at least as up to date as that.
An entry that was committed with its help in term t was acknowledged together with one of term t,
so floor_term >= t. When the log ends in a term above floor_term, it agrees with the log of a leader
elected after t, which has all that was committed in t (leader completeness). When it ends in
floor_term itself, at or after floor_index, it agrees with the same leader's log as before the loss
(log matching). Either way it has again what it acknowledged, so no election can outvote that.

**Amnesia** (everything lost). Let X be the replica, with n members and majorities of m.

1. *Which leader may it listen to?* X may have helped a leader of a higher term and forgotten it. If
   it now acknowledged entries of an older leader that does not know yet that it is deposed, two
   entries could be committed at one index. So X first learns its peers' terms, after its restart
   (each `VoteResponse` and each request tells one). It listens to a leader of term T only when
   n - m + 1 others had terms <= T. Any leader of a term t > T that X helped before its loss had
   made m - 1 others adopt t before that. Since (n - m + 1) + (m - 1) > n - 1, one member would be
   in both groups, with a term both above and not above T. Hence there was no such leader.
2. *When may it vote again?* When its log has reached the leader's commit index, and the entry there
   is of the leader's own term T. Let e be an entry that was or will be committed in term t with a
   forgotten acknowledgement of X; t <= T by 1. If t < T, the leader of T has e before its own first
   entry (X had no part in its election after the loss), so X now has e. If t = T, the leader
   counted X's old acknowledgement only until X's new link came up (`Progress.connected` resets
   `match`); what it committed with it lies within the commit index that it later told X. Links are
   ordered and die with the process at either end.
3. *Its forgotten votes.* In term T it counts as having voted for T's leader. A vote in a higher
   term can only matter to a candidate that still waits for it. Candidates give up after
   `election_s_max`, so X waits twice that from its start.

Until 1 holds, X sends the leader nothing; until 2 and 3 hold, it acknowledges but neither votes nor
stands for election. Acknowledging without voting is safe: no election is won with X's vote, so each
majority of voters shares a member that forgot nothing with each majority of acknowledgements. If
more than n - m others are down too, more was lost than a majority can repair, and X keeps silent
until they are back. A cluster of one never recovers: it has nobody to ask.
"""

import msgspec

from roost.raft.core import Core
from roost.raft.messages import VoteRequest
from roost.raft.quorum import majority


class Recovery:
    """Decides what a replica that lost data may do; idle on a sound one."""

    __slots__ = ("_asking_deadline", "_core", "_started", "_terms")

    def __init__(self, core: Core) -> None:
        self._core = core
        self._started = core.now.monotonic
        self._asking_deadline = core.now.monotonic
        self._terms: dict[str, int] = {}
        """The first term that each peer was heard in; its earlier terms were not above that."""
        self.check(0)

    def can_listen(self) -> bool:
        """Return whether a leader of the current term is certain not to be deposed."""
        if not self._core.hard.is_amnesiac:
            return True
        core = self._core
        # Its own lost promises count as well, even if by now it is to become a voter again.
        size = len(core.peers) + 1
        known = sum(self._terms.get(name, core.term + 1) <= core.term for name in core.peers)
        return known >= size - majority(size) + 1

    def heard(self, peer: str, term: int) -> None:
        """Note that a peer sent a message while its term was at most `term`."""
        if self._core.hard.is_amnesiac:
            self._terms.setdefault(peer, term)

    def next_deadline(self) -> float:
        """Return when to call `tick` next, in monotonic seconds; infinity if never."""
        return self._asking_deadline if self._is_asking() else float("inf")

    def tick(self) -> None:
        """Ask peers for their terms, by pre-votes for the current term, which cannot be won."""
        core = self._core
        if not self._is_asking() or core.now.monotonic < self._asking_deadline:
            return
        self._asking_deadline = core.now.monotonic + core.config.heartbeat_s
        question = VoteRequest(core.term, core.log.last_index, core.log.last_term, True, False)
        for peer in core.peers:
            if core.is_linked(peer) and peer not in self._terms:
                core.outbox.send(peer, question)

    def _is_asking(self) -> bool:
        core = self._core
        return core.hard.is_amnesiac and any(name not in self._terms for name in core.peers)

    def check(self, leader_commit: int) -> None:
        """Check whether the log has grown enough to repair the loss.

        `leader_commit` is the commit index that the leader of this term sent with the entries.
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
