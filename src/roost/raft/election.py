"""Elections: candidacy, votes, and quick failover when a leader's process dies.

    silence, or the leader's link broke -> pre-vote (thesis 9.6): would you vote for me?
    a majority would                    -> term + 1, own vote to disk, request votes (5.2)
    a majority did, own vote on disk    -> won

A pre-vote changes nothing on either side, so a replica that is cut off, or wrong about the leader,
disturbs nobody; nor does a removed one (thesis 4.2.3). Votes are promises: they leave once they are
on disk. They are given to whoever deserves them, member or not, and by whoever is asked: the other
side may know of a newer configuration (thesis 4.1). Only those of voters are counted.
"""

from roost.raft.core import Core
from roost.raft.messages import TimeoutNow, VoteRequest, VoteResponse
from roost.raft.role import Role


class Election:
    """A replica's part in elections. Methods that can win one return True when they do."""

    __slots__ = ("_core", "_is_transfer", "_votes", "started_count", "won_count")

    def __init__(self, core: Core) -> None:
        self._core = core
        self._votes: dict[str, bool] = {}
        self._is_transfer = False
        self.started_count = 0
        self.won_count = 0
        if core.membership.voters == (core.name,):
            core.election_deadline = core.now.monotonic

    @property
    def supporters(self) -> tuple[str, ...]:
        """The members that voted for this replica in the election it just won."""
        return tuple(name for name, is_granted in self._votes.items() if is_granted)

    # Candidacy

    def tick(self) -> bool:
        if self._core.now.monotonic >= self._core.election_deadline:
            return self.start_pre_vote()
        return False

    def start_pre_vote(self) -> bool:
        """Ask whether an election could be won, if this replica can lead."""
        core = self._core
        if not core.can_stand:
            core.follow(core.term, "")
            core.reset_election_timer()
            return False
        core.become_pre_candidate()
        self._votes = {core.name: True}
        for peer in core.peers:
            if core.is_linked(peer):
                core.outbox.send(peer, self._request())
        return self._count()

    def start_election(self, *, is_transfer: bool) -> None:
        """Become a candidate in the next term (5.2). Its own vote counts once it is on disk."""
        core = self._core
        core.become_candidate()
        self.started_count += 1
        self._is_transfer = is_transfer
        self._votes = {}
        for peer in core.peers:
            if core.is_linked(peer):
                core.outbox.send_durably(peer, self._request())

    def receive_timeout_now(self, sender: str, message: TimeoutNow) -> None:
        """Start an election without a pre-vote: the leader hands over (thesis 3.10)."""
        core = self._core
        if message.term < core.term or core.role is Role.LEADER:
            return
        if message.term > core.term:
            core.follow(message.term, "")
        is_able = core.can_stand and core.role is not Role.CANDIDATE
        if is_able and core.leader in ("", sender):
            self.start_election(is_transfer=True)

    def own_vote_durable(self) -> bool:
        """Count the replica's own vote if it is on disk now."""
        core = self._core
        if core.role is not Role.CANDIDATE or not core.outbox.is_durable(core.hard):
            return False
        self._votes[core.name] = True
        return self._count()

    def _request(self) -> VoteRequest:
        core = self._core
        is_pre_vote = core.role is Role.PRE_CANDIDATE
        return VoteRequest(
            term=core.term + 1 if is_pre_vote else core.term,
            last_index=core.log.last_index,
            last_term=core.log.last_term,
            is_pre_vote=is_pre_vote,
            is_transfer=self._is_transfer and not is_pre_vote,
        )

    def receive_response(self, sender: str, message: VoteResponse) -> bool:
        """Count a vote, or a refusal."""
        core = self._core
        is_answer_to_pre_vote = message.is_pre_vote
        if is_answer_to_pre_vote and message.is_granted:
            # It carries the term that was asked for, which nobody may have entered yet.
            if core.role is not Role.PRE_CANDIDATE or message.term != core.term + 1:
                return False
        elif message.term > core.term:
            core.follow(message.term, "")
            return False
        role = Role.PRE_CANDIDATE if is_answer_to_pre_vote else Role.CANDIDATE
        if core.role is not role:
            return False
        if role is Role.CANDIDATE and message.is_granted:
            is_late = core.now.monotonic >= core.election_deadline
            if message.term != core.term or is_late:
                return False
        # A reordered refusal does not take back a vote.
        self._votes[sender] = message.is_granted or self._votes.get(sender, False)
        return self._count()

    def _count(self) -> bool:
        core = self._core
        granted = sum(self._votes.get(name, False) for name in core.membership.voters)
        if granted >= core.quorum:
            if core.role is Role.PRE_CANDIDATE:
                self.start_election(is_transfer=False)
                return False
            if core.name in self._votes:
                core.become_leader()
                self.won_count += 1
                return True
        self._retry_if_lost()
        return False

    def _retry_if_lost(self) -> None:
        """Retry soon if no majority can be reached any more, rather than wait for the time-out."""
        core = self._core
        own = core.membership.is_voter
        if sum(map(core.is_linked, core.peers)) + own < core.quorum:
            return
        possible = own + sum(self._votes.get(peer, core.is_linked(peer)) for peer in core.peers)
        if possible < core.quorum:
            core.election_deadline = min(core.election_deadline, core.retry_deadline())

    # Voting

    def receive_request(self, sender: str, message: VoteRequest) -> None:
        """Vote, or refuse with the current term."""
        core = self._core
        # Within the lease, not even the request's term is adopted (thesis 4.2.3).
        is_loyal = core.has_lease() and not message.is_transfer
        if message.term < core.term or (is_loyal and message.term > core.term):
            self._refuse(sender, message)
            return
        if message.term > core.term and not message.is_pre_vote:
            core.follow(message.term, "")
        is_free = message.term > core.term or core.hard.voted_for in ("", sender)
        if (
            core.is_sound
            and is_free
            and not is_loyal
            and not (core.leader and message.term == core.term)
            and core.log.is_up_to_date(message.last_term, message.last_index)
        ):
            self._grant(sender, message)
        else:
            self._refuse(sender, message)

    def _refuse(self, sender: str, message: VoteRequest) -> None:
        core = self._core
        core.outbox.send(sender, VoteResponse(core.term, False, message.is_pre_vote))

    def _grant(self, sender: str, message: VoteRequest) -> None:
        core = self._core
        if not message.is_pre_vote:
            core.vote_for(sender)
            core.reset_election_timer()
            core.outbox.send_durably(sender, VoteResponse(core.term, True, False))
            return
        core.outbox.send(sender, VoteResponse(message.term, True, True))
        # Of two simultaneous pre-candidates one yields. Otherwise each would vote for itself and
        # neither would win.
        mine = (core.log.last_term, core.log.last_index, core.name)
        if core.role is Role.PRE_CANDIDATE:
            if (message.last_term, message.last_index, sender) < mine:
                return
            core.follow(core.term, "")
            core.election_deadline = core.retry_deadline()
        elif core.role is Role.FOLLOWER:
            core.election_deadline = max(core.election_deadline, core.retry_deadline())

    # Links

    def peer_connected(self, name: str) -> None:
        """Ask a voter that connects while votes are being collected."""
        core = self._core
        if name in self._votes or name not in core.peers:
            return
        if core.role is Role.PRE_CANDIDATE:
            core.outbox.send(name, self._request())
        elif core.role is Role.CANDIDATE:
            core.outbox.send_durably(name, self._request())

    def peer_disconnected(self, name: str) -> None:
        """Start an election soon if the leader's process seems to have died."""
        core = self._core
        if core.role is Role.FOLLOWER:
            if name == (core.leader or core.hard.voted_for):
                delay = core.config.failover_s_max * core.random()
                core.election_deadline = min(core.election_deadline, core.now.monotonic + delay)
        elif core.role is not Role.LEADER:
            self._retry_if_lost()
