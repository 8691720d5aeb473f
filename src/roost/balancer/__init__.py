"""The load balancer: holds clients' connections, and gives each to a node.

`engine` decides, and is pure; the other modules give it sockets and time. The balancer knows lines,
not IRC.
"""

from roost.balancer.config import ClientLimits, Config
from roost.balancer.server import Addresses, Balancer

__all__ = ["Addresses", "Balancer", "ClientLimits", "Config"]
