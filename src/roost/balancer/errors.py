"""What can go wrong in a balancer.

BalancerError
 +-- RefusedNodeError    a node that announces itself cannot be let in: drop the link
 +-- TrunkError          a node broke the protocol: drop the link
"""


class BalancerError(Exception):
    """The root of what this package raises; its text is for people."""


class RefusedNodeError(BalancerError):
    """A node's announcement does not fit."""


class TrunkError(BalancerError):
    """A node sent a frame that makes no sense."""
