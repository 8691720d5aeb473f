"""The list of rooms that a user can choose from."""

import enum
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ListedRoom:
    """A room in the answer to LIST."""

    name: str
    """As the server writes it; use it to join."""
    members: int
    topic: str
    """Safe to show, without formatting codes."""


class ListingState(enum.Enum):
    """How far the list is loaded."""

    UNKNOWN = "unknown"
    LOADING = "loading"
    COMPLETE = "complete"
    FAILED = "failed"


@dataclass(slots=True)
class RoomListing:
    """The rooms of the server; `Model.list_rooms` loads them anew."""

    state: ListingState = ListingState.UNKNOWN
    rooms: list[ListedRoom] = field(default_factory=list)
    """The largest first, then by name; replaced as a whole when the answer is complete."""
    problem: str = ""
    revision: int = 0
