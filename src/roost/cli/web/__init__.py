"""Serves the terminal client to browsers, for `roost chat --web`.

Whoever opens the page has a client that runs as the user, so every request passes `Gate`. The page
loads nothing from other servers.
"""

from roost.cli.web.gate import Gate
from roost.cli.web.server import WebServer

__all__ = ["Gate", "WebServer"]
