"""What an audience is; `audience` says which one a change has."""

from typing import Literal, TypeAlias

import msgspec

from roost.chat.ids import FoldedNick, RoomId, UserId

# Strings, because looking up a member of an enumeration takes longer than finding an audience.
Siblings: TypeAlias = Literal["like others", "always", "never"]
"""Whether the other clients of the user who caused a change are told.

"like others" tells them if they are in one of the rooms, for example.
"""

Answer: TypeAlias = Literal["apart", "change", "echo", "like others"]
"""What the answer tells the client that caused a change.

"apart": something else, or nothing; "change": the change; "echo": the change if the client
negotiated echo-message; "like others": the change if the client is in the audience.
"""


class Audience(msgspec.Struct, frozen=True, gc=False):
    """Everybody who is told of a change; `render` decides whether their clients can show it."""

    rooms: tuple[RoomId, ...] = ()
    """Rooms whose members are told."""
    minimum_status: int = 0
    """The status that these members must have."""
    users: tuple[UserId, ...] = ()
    """Users who are told wherever they are."""
    watched: FoldedNick = FoldedNick("")
    """The nickname whose watchers (MONITOR) are told; empty for nobody's."""
    watchers_need: int = 0
    """Capabilities that those watchers must have negotiated."""
    mode: str = ""
    """The user mode of those who are told because they listen; empty for none."""
    needs: int = 0
    """Capabilities that everybody must have negotiated; only ones that do not shape deliveries."""
    siblings: Siblings = "like others"
    answer: Answer = "apart"
    reaches_asker: bool = False
    """Whether the client that caused the change is also told like others."""
    is_whole_room: bool = False
    """Whether there is one room, whose members with equal capabilities all see the same."""
