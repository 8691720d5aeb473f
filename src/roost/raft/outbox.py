r"""What leaves a replica: at once, or once it is on disk.

    send -------------------------------------> Output.messages
    send_durably --> Persist.messages of the next batch
                 \-> held until the batches under way are durable, if there is nothing to write

Every promise (a vote, an acknowledgement) leaves durably. Batches become durable in order, so to
others a crash looks no different from a pause in which some messages were lost.

A learner promises nothing, so it writes nothing but snapshots, and these without waiting for the
disk (`is_lazy`). As soon as it is asked for a promise, all that is in memory is written first.
"""

from collections import deque

from roost.raft.log import Log
from roost.raft.messages import AppendResponse, HardState, Message, Persist, Snapshot

_Addressed = tuple[str, Message]


class Outbox:
    """Collects messages and writes, and tracks what is durable."""

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
        """Messages that wait for a batch, with its number, in the order of batches."""
        self._acknowledgement: tuple[str, int, int] | None = None
        self._hard_state = hard_state
        """The last hard state handed to the disk."""
        self._hard_state_number = 0
        self._number = 0
        self._persisted = 0
        self._in_flight: deque[list[int]] = deque()
        """[number, last index] of the batches handed to the disk but not yet durable."""
        self._snapshot: Snapshot | None = None
        self._unsaved_from = last_index + 1
        """The first index of the log that no batch has carried yet."""
        self.durable_index = last_index
        """The last index up to which the current log is on disk."""

    def send(self, receiver: str, message: Message) -> None:
        """Send a message with the next output."""
        self._messages.append((receiver, message))

    def send_durably(self, receiver: str, message: Message) -> None:
        """Send a message once everything up to now is on disk."""
        self._durable_messages.append((receiver, message))

    def acknowledge(self, leader: str, term: int, index: int) -> None:
        """Acknowledge the leader's entries up to `index` once they are durable.

        Only the last acknowledgement before an output is sent; it implies the others.
        """
        self._acknowledgement = (leader, term, index)

    def truncated(self, index: int) -> None:
        """Note that the log was cut from `index` on: writes of those entries no longer count."""
        self._unsaved_from = min(self._unsaved_from, index)
        self.durable_index = min(self.durable_index, index - 1)
        for batch in self._in_flight:
            batch[1] = min(batch[1], index - 1)

    def restarted(self, snapshot: Snapshot) -> None:
        """Store a snapshot that replaced the log."""
        self.truncated(1)
        self._snapshot = snapshot
        self._unsaved_from = snapshot.index + 1

    def replaced(self, snapshot: Snapshot) -> None:
        """Store a snapshot in place of entries that no batch has carried."""
        self._snapshot = snapshot
        self._unsaved_from = snapshot.index + 1

    def has_saved(self, index: int) -> bool:
        """Return whether a batch has carried the log up to `index`."""
        return self._unsaved_from > index

    def is_durable(self, hard_state: HardState) -> bool:
        """Return whether the hard state is on disk."""
        return self._hard_state is hard_state and self._persisted >= self._hard_state_number

    def persisted(self, number: int) -> None:
        """Note that all batches up to `number` are durable."""
        assert number <= self._number, "no such batch was handed out"
        self._persisted = max(self._persisted, number)
        while self._in_flight and self._in_flight[0][0] <= number:
            self.durable_index = max(self.durable_index, self._in_flight.popleft()[1])
        while self._held and self._held[0][0] <= number:
            self._messages.append(self._held.popleft()[1])

    def has_output(self, hard_state: HardState, last_index: int) -> bool:
        """Return whether there is anything to write or to send."""
        return (
            bool(self._messages or self._durable_messages)
            or self._acknowledgement is not None
            or self._snapshot is not None
            or hard_state is not self._hard_state
            or self._unsaved_from <= last_index
        )

    def take(
        self,
        hard_state: HardState,
        log: Log,
        *,
        is_forced: bool = False,
        is_lazy: bool = False,
    ) -> tuple[Persist | None, tuple[_Addressed, ...]]:
        """Return the writes to do, and the messages that may leave at once.

        With `is_forced` there is a batch even if it is empty, with `is_lazy` only if something is
        promised, or for a snapshot.
        """
        acknowledgement, self._acknowledgement = self._acknowledgement, None
        if is_lazy and acknowledgement is None and not self._durable_messages:
            messages = tuple(self._messages)
            self._messages.clear()
            return self._take_lazily(hard_state), messages
        is_changed = hard_state is not self._hard_state
        is_needed = is_changed or is_forced or self._snapshot is not None
        if not is_needed and self._unsaved_from > log.last_index:
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

    def _take_lazily(self, hard_state: HardState) -> Persist | None:
        """Return a batch with a snapshot, if there is one, that makes nothing durable."""
        snapshot, self._snapshot = self._snapshot, None
        if snapshot is None:
            return None
        self._number += 1
        self._in_flight.append([self._number, self.durable_index])
        return Persist(self._number, hard_state, snapshot, (), (), is_lazy=True)

    def _release(self, hard_state: HardState, acknowledgement: tuple[str, int, int] | None) -> None:
        """Send what waits for the disk although there is nothing new to write."""
        if acknowledgement is not None:
            leader, term, index = acknowledgement
            if self.is_durable(hard_state):
                # Answer a heartbeat at once even while the disk is slow: the batches under way
                # carry their own acknowledgements.
                index = min(index, self.durable_index)
                self.send(leader, AppendResponse(term, True, index, 0))
            else:
                self.send_durably(leader, AppendResponse(term, True, index, 0))
        if self._in_flight:
            self._held.extend((self._number, addressed) for addressed in self._durable_messages)
        else:
            self._messages.extend(self._durable_messages)
