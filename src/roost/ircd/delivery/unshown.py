"""What takes too long to be shown in one turn: it is shown in steps, and nothing new is applied.

    entry --> shown at once
          --> steps, a few in each turn --> the next entry

So every client sees the entries in order, and each of them wholly or not at all, because balancers
wait for the end of an output. Meanwhile the node answers everybody else.
"""

from collections import deque
from collections.abc import Callable, Iterator

STEPS_PER_TURN = 8
"""Steps in one turn: each renders some 60 lines at most, in about half a millisecond."""


class Unshown:
    """The steps that are left."""

    def __init__(self) -> None:
        self.steps: deque[Iterator[None]] = deque()

    def __bool__(self) -> bool:
        return bool(self.steps)

    def begin(self, steps: Iterator[None]) -> None:
        """Do the first step, and leave the others to later turns."""
        if next(steps, self) is not self:
            self.steps.append(steps)

    def go_on(self, is_enough: Callable[[], bool]) -> None:
        """Do as many steps as a turn may, as long as not `is_enough`."""
        for _ in range(STEPS_PER_TURN):
            if not self.steps or is_enough():
                return
            self.begin(self.steps.popleft())

    def clear(self) -> None:
        """Forget everything, because the state was replaced."""
        self.steps.clear()
