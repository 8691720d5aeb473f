"""The turns of a balancer's event loop: inputs first, then one flush of what they led to.

    sockets, trunks --> exchange -- has work --> flush --> lines to nodes, writes to clients
                                                       --> lines are held: sockets are not read
    a timer --> sockets are read --> lines are not held --^

Each turn has one callback, at its end. While lines are held, clients wake the process for nothing.
"""

import asyncio
from collections.abc import Callable

from roost.balancer.client_poll import ClientPoll
from roost.balancer.engine.exchange import Exchange
from roost.balancer.engine.writing import write_some
from roost.ops.stalls import StallDetector


class Turns:
    """Decides nothing: the exchange says whether there is work, and until when lines are held."""

    def __init__(
        self,
        exchange: Exchange,
        poll: ClientPoll,
        read_clock: Callable[[], float],
        ended: Callable[[], None],
    ) -> None:
        """`read_clock` returns monotonic seconds; `ended` is called after each turn."""
        self._exchange = exchange
        self._poll = poll
        self._read_clock = read_clock
        self._ended = ended
        self._loop: asyncio.AbstractEventLoop | None = None
        self.now = read_clock()
        """The time, at most a sweep old, for what need not be exact."""
        self.stalls = StallDetector(self.now)
        self._is_end_due = False
        """Whether the end of this turn is scheduled."""
        self._is_flush_due = False
        self._is_holding = False
        """Whether a timer will end the wait for more lines, or what came meanwhile is read."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin with turns; before that, nothing is flushed."""
        self._loop = loop
        self._poll.start(loop)

    def stop(self) -> None:
        """Read no client any more."""
        self._poll.close()

    def read_clock(self) -> float:
        """Return the time in seconds, and note it."""
        self.now = self._read_clock()
        if not self._is_end_due:
            self._begin()
        return self.now

    def schedule_flush(self) -> None:
        """Flush lines and outboxes after all input of this turn, if there are any to flush."""
        if not self._is_flush_due and self._exchange.has_work:
            self._is_flush_due = True
            if not self._is_end_due:
                self.now = self._read_clock()
                self._begin()

    def _begin(self) -> None:
        if self._loop is not None:
            self._is_end_due = True
            self.stalls.begin(self.now)
            self._loop.call_soon(self._end)

    def _end(self) -> None:
        """Flush if there is work, and note how long the turn took."""
        self._is_end_due = False
        is_flushed = self._is_flush_due
        if is_flushed:
            self._flush()
        self.stalls.end(self._read_clock())
        if is_flushed:
            self.schedule_flush()
        self._ended()

    def _flush(self) -> None:
        """Send lines to the nodes, and outboxes to the clients."""
        self._is_flush_due = False
        self.now = now = self._read_clock()
        exchange = self._exchange
        exchange.showing.go_on(now)
        exchange.flush_lines(now)
        until = exchange.held_until
        if until is None:
            self._poll.resume()
        elif not self._is_holding and self._loop is not None:
            self._is_holding = True
            self._poll.hold()
            self._loop.call_later(until - now, self._release)
        write_some(exchange.relay.dirty)

    def _release(self) -> None:
        """Send the lines that were held, and hold others only if the load asks for it again.

        The timer may be a millisecond early, and is right: to wait for the rest of that would only
        wake the process again.
        """
        self._poll.begin()
        self._read_held()

    def _read_held(self) -> None:
        """Read what clients have sent while lines were held, in turns, and then send it."""
        self.read_clock()
        if self._loop is not None and self._poll.read_some():
            self._loop.call_soon(self._read_held)
            return
        self._is_holding = False
        self._exchange.release_lines()
        if self._exchange.has_work:
            self.schedule_flush()
        else:
            self._poll.resume()
