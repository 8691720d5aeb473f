"""One node's IRC side, pure: the sessions of its clients, the commands, and the lines they see.

Start at `server.Server`; `serving.dispatch` and `context` show how a command is written.
"""

from roost.ircd.config import Config
from roost.ircd.server import Server
from roost.ircd.sessions.server_output import ServerOutput
from roost.protocol.mesh import Whisper

__all__ = ["Config", "Server", "ServerOutput", "Whisper"]
