"""One node's IRC side, pure: sessions over the chat state, their commands, and how it all looks.

Start at `server.Server`; `dispatch` and `context` tell how a command is written.
"""

from roost.ircd.config import Config
from roost.ircd.server import Server
from roost.ircd.sessions.outbox import ServerOutput
from roost.protocol.mesh import Whisper

__all__ = ["Config", "Server", "ServerOutput", "Whisper"]
