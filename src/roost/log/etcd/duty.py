"""Who does what one node does for all: the holder of a lease in etcd.

A node looks regularly whether somebody holds the duty. That look is linearizable, so it also tells
whether etcd has a majority. Two nodes may believe for a moment that they hold it: everything that
the holder proposes is harmless when it is done twice, and what it deletes is guarded by the key.
"""

from math import inf

from roost.log.etcd.calls import Calls
from roost.log.etcd.records import Keys
from roost.log.requests import Answer, Compare, Delete, Get, Grant, KeepAlive, Put, Range, Txn

TTL_S = 5
"""A holder that dies is replaced after this. Nothing that it does is urgent."""
RENEW_S = 1.5
LOOK_S = 0.25
"""How often etcd is asked who holds the duty; a node that serves must know that etcd answers."""
REST_S = 15.0
"""How long a node that gave the duty up leaves it to others."""


class Duty:
    """The singular duties as one node sees them."""

    def __init__(self, keys: Keys, node: str, calls: Calls) -> None:
        self._keys = keys
        self._node = node
        self._calls = calls
        self._look_at = -inf
        self._is_looking = False
        self._lease = 0
        self._valid_until = -inf
        """When the lease ends, if it is not renewed before."""
        self._renew_at = inf
        self._rest_until = -inf
        self._is_standing = False
        self._is_leaving = False
        self.creation = 0
        """The revision that made this node the holder; 0 if it is not."""
        self.leader = ""
        """The holder, as far as is known."""

    @property
    def is_held(self) -> bool:
        """Whether this node holds the duty for certain."""
        return self.creation != 0 and self._calls.now < self._valid_until

    def compare(self) -> Compare:
        """Return the condition that this node holds the duty."""
        return Compare(self._keys.duty, self.creation, is_creation=True)

    def give_up(self) -> None:
        """Let another node have the duty; it is held until etcd has said so."""
        self._rest_until = self._calls.now + REST_S
        if self.creation and not self._is_leaving:
            self._is_leaving = True
            self._renew_at = inf
            release = Txn((self.compare(),), (Delete(self._keys.duty),))
            self._calls.start(release, self._released)

    def _released(self, _answer: Answer) -> None:
        self.lose()

    def tick(self) -> None:
        """Look, renew, or let go."""
        now = self._calls.now
        if self.creation and now >= self._valid_until:
            self.lose()
        if now >= self._look_at and not self._is_looking:
            self._is_looking = True
            self._look_at = now + LOOK_S
            look = Range(self._keys.duty)
            self._calls.start(look, self._looked)
        if now >= self._renew_at:
            self._renew_at = now + RENEW_S
            lease = self._lease
            self._calls.start(KeepAlive(lease), lambda answer: self._renewed(lease, answer, now))

    def next_deadline(self) -> float:
        """Return when to call `tick` next, in monotonic seconds."""
        look_at = inf if self._is_looking else self._look_at
        ends = self._valid_until if self.creation else inf
        return min(look_at, self._renew_at, ends)

    def _looked(self, answer: Answer) -> None:
        self._is_looking = False
        holder = answer.found[0] if answer.found else None
        self.leader = holder.value.decode(errors="replace").partition(" ")[0] if holder else ""
        if holder is None or holder.create_revision != self.creation:
            self.lose()
        if holder is None and not self._is_standing and self._calls.now >= self._rest_until:
            self._is_standing = True
            began = self._calls.now
            self._calls.start(Grant(TTL_S), lambda answer: self._granted(answer, began))

    def _granted(self, answer: Answer, began: float) -> None:
        duty, lease = self._keys.duty, answer.lease
        value = f"{self._node} {lease:x}".encode()
        claim = Txn(
            (Compare(duty, 0, is_creation=True),),
            (Put(duty, value, lease),),
            (Get(duty),),
        )
        # Counted from before the lease was asked for: it ends here before it ends there.
        valid_until = began + min(TTL_S, answer.ttl_s or TTL_S)
        self._calls.start(
            claim, lambda answer: self._claimed(answer, value, lease, valid_until), self._failed
        )

    def _failed(self) -> None:
        """Stand again later: the lease was gone before it was used."""
        self._is_standing = False

    def _claimed(self, answer: Answer, value: bytes, lease: int, valid_until: float) -> None:
        self._is_standing = False
        if answer.is_success:
            self.creation = answer.revision
        else:
            # An earlier attempt of the same claim may have made the key.
            ours = [one for one in answer.found if one.value == value]
            if not ours or self.creation:
                return
            self.creation = ours[0].create_revision
        self.leader = self._node
        self._lease, self._valid_until = lease, valid_until
        self._renew_at = self._calls.now + RENEW_S

    def _renewed(self, lease: int, answer: Answer, began: float) -> None:
        if lease != self._lease:
            return
        if answer.ttl_s:
            self._valid_until = began + min(TTL_S, answer.ttl_s)
        else:
            self.lose()

    def lose(self) -> None:
        """Note that this node does not hold the duty any more."""
        self.creation = 0
        self._is_leaving = False
        self._lease = 0
        self._renew_at = inf
        if self.leader == self._node:
            self.leader = ""
