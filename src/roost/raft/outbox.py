r"""What leaves a replica: at once, or when the disk has it.

    send -------------------------------------> Output.messages
    send_durably --> Persist.messages of the next batch
                 \-> held until the batches under way are durable, when there is nothing to write

Everything that promises something (a vote, an acknowledgement) goes the durable way. Batches become
durable in order, so what the outside sees is always a replica whose memory is a prefix of
what it did: a crash is no different from a pause with some messages lost.
"""

from collections import deque

from roost.raft.log import Log
from roost.raft.messages import AppendResponse, HardState, Message, Persist, Snapshot

_Addressed = tuple[str, Message]


class Outbox:
    """Collects messages and writes, and knows what is durable."""

    __slots__ = (
        "_acknowledgement",
        "_durable_messages",
        "_hard_state",
        "_hard_state_number",
        "_held",
        "_in_flight",
        "_messages",
        "_number",
        "_persisted",
        "_snapshot",
        "_unsaved_from",
        "durable_index",
    )

    def __init__(self, hard_state: HardState, last_index: int) -> None:
        self._messages: list[_Addressed] = []
        self._durable_messages: list[_Addressed] = []
        self._held: deque[tuple[int, _Addressed]] = deque()
        """Messages that wait for a batch by its number, in its order."""
        self._acknowledgement: tuple[str, int, int] | None = None
        self._hard_state = hard_state
        """The last one handed to the disk."""
        self._hard_state_number = 0
        self._number = 0
        self._persisted = 0
        self._in_flight: deque[list[int]] = deque()
        """[number, last index] of batches handed to the disk and not yet durable."""
        self._snapshot: Snapshot | None = None
        self._unsaved_from = last_index + 1
        """The first index of the log that no batch has carried yet."""
        self.durable_index = last_index
        """The log's last index that is on disk as it is now."""

    def send(self, receiver: str, message: Message) -> None:
        """Let a message leave with the next output."""
        self._messages.append((receiver, message))

    def send_durably(self, receiver: str, message: Message) -> None:
        """Let a message leave when everything up to now is on disk."""
        self._durable_messages.append((receiver, message))

    def acknowledge(self, leader: str, term: int, index: int) -> None:
        """Tell the leader that the log equals its own up to `index`, once that is durable.

        Only the last one before an output is sent: it says everything that the others would.
        """
        self._acknowledgement = (leader, term, index)

    def truncated(self, index: int) -> None:
        """The log was cut from `index` on; what is under way for these entries counts no more."""
        self._unsaved_from = min(self._unsaved_from, index)
        self.durable_index = min(self.durable_index, index - 1)
        for batch in self._in_flight:
            batch[1] = min(batch[1], index - 1)

    def restarted(self, snapshot: Snapshot) -> None:
        """The log was replaced by a snapshot, which has to be stored."""
        self.truncated(1)
        self._snapshot = snapshot
        self._unsaved_from = snapshot.index + 1

    def is_durable(self, hard_state: HardState) -> bool:
        """Whether the hard state is on disk."""
        return self._hard_state is hard_state and self._persisted >= self._hard_state_number

    def persisted(self, number: int) -> None:
        """All batches up to `number` are durable."""
        assert number <= self._number, "no such batch was handed out"
        self._persisted = max(self._persisted, number)
        while self._in_flight and self._in_flight[0][0] <= number:
            self.durable_index = max(self.durable_index, self._in_flight.popleft()[1])
        while self._held and self._held[0][0] <= number:
            self._messages.append(self._held.popleft()[1])

    def take(
        self, hard_state: HardState, log: Log
    ) -> tuple[Persist | None, tuple[_Addressed, ...]]:
        """Give the writes that are due, and the messages that may leave at once."""
        acknowledgement, self._acknowledgement = self._acknowledgement, None
        is_changed = hard_state is not self._hard_state
        if not is_changed and self._unsaved_from > log.last_index and self._snapshot is None:
            self._release(hard_state, acknowledgement)
            persist = None
        else:
            if acknowledgement is not None:
                leader, term, index = acknowledgement
                self.send_durably(leader, AppendResponse(term, True, index, 0))
            self._number += 1
            if is_changed:
                self._hard_state = hard_state
                self._hard_state_number = self._number
            persist = Persist(
                number=self._number,
                hard_state=hard_state if is_changed else None,
                snapshot=self._snapshot,
                entries=log.between(self._unsaved_from, log.last_index),
                messages=tuple(self._durable_messages),
            )
            self._in_flight.append([self._number, log.last_index])
            self._unsaved_from = log.last_index + 1
            self._snapshot = None
        self._durable_messages.clear()
        messages = tuple(self._messages)
        self._messages.clear()
        return persist, messages

    def _release(self, hard_state: HardState, acknowledgement: tuple[str, int, int] | None) -> None:
        """Pass on what waits for the disk though there is nothing new to write."""
        if acknowledgement is not None:
            leader, term, index = acknowledgement
            if self.is_durable(hard_state):
                # A heartbeat is answered at once even while the disk is slow: what is under
                # way carries its own acknowledgement.
                index = min(index, self.durable_index)
                self.send(leader, AppendResponse(term, True, index, 0))
            else:
                self.send_durably(leader, AppendResponse(term, True, index, 0))
        if self._in_flight:
            self._held.extend((self._number, addressed) for addressed in self._durable_messages)
        else:
            self._messages.extend(self._durable_messages)
