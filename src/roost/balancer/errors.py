"""What can go wrong in a balancer.

BalancerError
 +-- RefusedNodeError    a node cannot be taken in: drop the link
 +-- TrunkError          a node broke the protocol: drop the link
"""


class BalancerError(Exception):
    """The base class; the text is for people."""


class RefusedNodeError(BalancerError):
    """A node's announcement is not acceptable."""


class TrunkError(BalancerError):
    """A node sent a frame that makes no sense here."""
