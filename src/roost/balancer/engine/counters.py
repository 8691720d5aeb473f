"""What an exchange counts, for the metrics."""

import msgspec


class Counters(msgspec.Struct):
    """Events since the start."""

    sessions: int = 0
    lines: int = 0
    rebound: int = 0
    """Sessions that were given to another node, for whatever reason."""
    refused: int = 0
    """Sessions that a node did not take."""
    moved: int = 0
    """Sessions that moved as planned: off a draining node, or to make nodes even."""
