"""Whether a client that was listed a room's members, and is then shown older changes, is misled.

    the list: alice, bob     then, older: alice is now al; alice's namesake of today joined before

A client takes alice for gone. It cannot tell that the alice in the list is somebody else.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto

from roost.chat.changes import Change, Joined, Kicked, NickChanged, Parted, Quitted
from roost.chat.ids import FoldedNick
from roost.irc.casemapping import fold_nick

TAKES_NAMES = NickChanged | Parted | Quitted | Kicked
"""What takes a name from a list."""


class Error(Enum):
    """How a client's list differs from the present names."""

    NONE = auto()
    TOO_FEW = auto()
    """Another list mends it."""
    TOO_MANY = auto()
    """Only a new beginning mends it, because a list takes no name away."""


def error_after(
    changes: Iterable[tuple[int, Change]],
    is_present: Callable[[FoldedNick], bool],
    lists: Sequence[int] = (),
) -> Error:
    """Return what a list of the present names is after `changes` that are older.

    They are numbered, and in order. Before those whose numbers `lists` has or skips, the client is
    listed the names that are present once more.
    """
    lost: set[FoldedNick] = set()
    added: set[FoldedNick] = set()

    def add(name: FoldedNick) -> None:
        if is_present(name):
            lost.discard(name)
        else:
            added.add(name)

    def remove(name: FoldedNick) -> bool:
        """Remove a name; return whether the client knew it."""
        if is_present(name):
            is_known = name not in lost
            lost.add(name)
        else:
            is_known = name in added
            added.discard(name)
        return is_known

    left = deque(lists)
    for number, change in changes:
        while left and left[0] <= number:
            left.popleft()
            lost.clear()
        former = FoldedNick(fold_nick(change.source.nick))
        match change:
            case Joined():
                add(former)
            case Parted() | Quitted():
                remove(former)
            case Kicked():
                remove(FoldedNick(fold_nick(change.nick)))
            case NickChanged():
                if remove(former):
                    add(FoldedNick(fold_nick(change.nick)))
    if added:
        return Error.TOO_MANY
    return Error.TOO_FEW if lost and not left else Error.NONE
