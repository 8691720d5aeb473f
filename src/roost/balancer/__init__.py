"""The single door for clients: holds their connections, and gives each to a node.

`strategy`, `health`, `sessions`, `exchange` and what they stand on are pure; `server` gives them
sockets and time. The balancer knows lines, not IRC.
"""

from roost.balancer.config import ClientLimits, Config
from roost.balancer.server import Addresses, Balancer

__all__ = ["Addresses", "Balancer", "ClientLimits", "Config"]
