"""Which clients are written to in a turn, and how much.

Between two turns lines of others get on their way, while the rest of a crowd, or of what one client
is sent, still waits to be written.
"""

from roost.balancer.engine.sessions import Client

WRITES_PER_TURN = 128
"""Clients written to in one turn, which takes about a millisecond if they get little."""
WRITTEN_PER_TURN = 2 * 1024 * 1024
"""Bytes after which a turn writes to no more clients: some milliseconds for TLS."""


def write_some(dirty: list[Client]) -> int:
    """Write to the first clients of a list, and remove those that are done; return the bytes."""
    written = count = 0
    unfinished: list[Client] = []
    for client in dirty[:WRITES_PER_TURN]:
        if written >= WRITTEN_PER_TURN:
            break
        count += 1
        written += client.flush()
        if client.is_dirty:
            unfinished.append(client)
    dirty[:count] = []
    dirty += unfinished
    return written
