"""What is needed to handle any line."""

from collections import deque

import msgspec

from roost.chat.state import State
from roost.instant import Instant
from roost.ircd.config import Config
from roost.ircd.context import Context
from roost.ircd.delivery.deliveries import Listings
from roost.ircd.delivery.unshown import Unshown
from roost.ircd.rendering.name_lists import NameLists
from roost.ircd.sessions.newcomers import Newcomers
from roost.ircd.sessions.session import LocalSession


class Environment(msgspec.Struct):
    """Configuration, state and time, shared by all parts of `serving` and replaced in place."""

    config: Config
    state: State
    names: NameLists
    newcomers: Newcomers
    listings: Listings = msgspec.field(default_factory=deque)
    unshown: Unshown = msgspec.field(default_factory=Unshown)
    now: Instant = Instant(0.0, 0)

    def context(self, session: LocalSession, line: int = 0) -> Context:
        """Make a context for a line; 0 is for what a client is told unasked."""
        return Context(
            self.config,
            self.state,
            session,
            self.now,
            line,
            "",
            "",
            self.names,
            self.newcomers,
        )
