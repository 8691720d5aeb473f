"""Commands that this node has asked for and not yet seen applied.

A proposal can be lost: its leader may die, its link may break. So every command is kept until it
comes back out of the log, and asked for again when there is another leader or when it takes too
long. Asking twice is harmless: the state machine drops what it has done already. The encoded
command itself is the key: equal bytes are the same wish.
"""

from collections.abc import Iterable

RETRY_S = 1.0
"""After this long without being applied a command is asked for again; a commit takes
milliseconds, so anything slower was probably lost."""


class PendingCommands:
    """The commands in flight, oldest first."""

    def __init__(self) -> None:
        self._asked: dict[bytes, float] = {}
        self._unasked: dict[bytes, None] = {}

    def __len__(self) -> int:
        return len(self._asked) + len(self._unasked)

    def add(self, data: bytes) -> None:
        """Keep a new command, to be asked for at the next `take_due`."""
        if data not in self._asked:
            self._unasked[data] = None

    def settle(self, data: bytes) -> None:
        """Forget a command that the log has delivered."""
        if self._asked:
            self._asked.pop(data, None)
        if self._unasked:
            self._unasked.pop(data, None)

    def ask_again(self) -> None:
        """Have everything asked for once more, in the first order: there is another leader."""
        if self._asked:
            everything = dict.fromkeys(self._asked)
            everything.update(self._unasked)
            self._unasked = everything
            self._asked = {}

    def take_due(self, now: float) -> list[bytes]:
        """Give what must be asked for now; it counts as asked from now on."""
        if self._asked and now - next(iter(self._asked.values())) >= RETRY_S:
            self.ask_again()
        due = list(self._unasked)
        self._asked.update(dict.fromkeys(due, now))
        self._unasked = {}
        return due

    def put_back(self, commands: Iterable[bytes]) -> None:
        """Undo `take_due`: nobody could be asked."""
        returned = dict.fromkeys(commands)
        for data in returned:
            self._asked.pop(data, None)
        returned.update(self._unasked)
        self._unasked = returned

    def next_deadline(self) -> float:
        """When the oldest command in flight is to be asked for again; infinity when none is."""
        return next(iter(self._asked.values())) + RETRY_S if self._asked else float("inf")
