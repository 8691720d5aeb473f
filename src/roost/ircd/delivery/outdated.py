"""Whether a client that was listed a room's members, and is then shown older changes, is misled.

    the list: alice, bob     then, older: alice is now al; alice's namesake of today joined before

A client takes alice for gone. It cannot tell that the alice in the list is somebody else.
"""

from collections.abc import Callable, Iterable

from roost.chat.changes import Change, Joined, Kicked, NickChanged, Parted, Quitted
from roost.chat.ids import FoldedNick
from roost.irc.casemapping import fold_nick

TAKES_NAMES = NickChanged | Parted | Quitted | Kicked
"""What takes a name from a list."""


def is_misled(changes: Iterable[Change], is_present: Callable[[FoldedNick], bool]) -> bool:
    """Return whether `changes` lead from the present names to others.

    The changes are those in the room since before the list, in order; the list has the names that
    are present.
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

    for change in changes:
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
    return bool(lost or added)
