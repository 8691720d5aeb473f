"""What every line is handled with."""

import msgspec

from roost.chat.state import State
from roost.instant import Instant
from roost.ircd.config import Config
from roost.ircd.context import Context
from roost.ircd.sessions.session import LocalSession


class Environment(msgspec.Struct):
    """Shared by all parts of `serving`: each may change between two lines."""

    config: Config
    state: State
    now: Instant = Instant(0.0, 0)

    def context(self, session: LocalSession, line: int = 0) -> Context:
        """Make a context for a line, or without one for what a client is told unasked."""
        return Context(self.config, self.state, session, self.now, line)
