"""The rooms that exist: what somebody who has just come can choose from."""

import enum
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ListedRoom:
    """A room as LIST tells of it."""

    name: str
    """As the server has it: join with this."""
    members: int
    topic: str
    """Safe to show, without formatting codes."""


class ListingState(enum.Enum):
    """How far the list is."""

    UNKNOWN = "unknown"
    LOADING = "loading"
    COMPLETE = "complete"
    FAILED = "failed"


@dataclass(slots=True)
class RoomListing:
    """The rooms that exist; `Model.list_rooms` asks for them anew."""

    state: ListingState = ListingState.UNKNOWN
    rooms: list[ListedRoom] = field(default_factory=list)
    """The largest first, then by name; replaced as a whole when it is complete."""
    problem: str = ""
    revision: int = 0
