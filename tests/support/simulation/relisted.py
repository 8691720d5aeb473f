"""Lists of a room's members that nobody asked for: they mend what older changes did to a list."""

from collections.abc import Iterator
from itertools import combinations

from support.simulation.clients import Received, SimulatedClient
from support.simulation.picture import Picture

LISTS_MAX = 2
"""Lists that one client is given unasked in one run, which is rare already for one."""


def relisted(client: SimulatedClient) -> Iterator[list[Received]]:
    """Yield sets of lines that may be such lists; all but these lines must be due otherwise.

    Each list is news to its client, for nobody is to be told in vain.
    """
    lists = [lines for lines in _lists(client) if _is_news(client, lines)]
    for count in range(1, LISTS_MAX + 1):
        for some in combinations(lists, count):
            yield [line for lines in some for line in lines]


def _lists(client: SimulatedClient) -> Iterator[list[Received]]:
    lines: list[Received] = []
    before: Received | None = None
    for received in client.received:
        if received.tags.keys() & {"label", "batch"}:
            continue
        if received.message.command == "353":
            if not lines and before is not None and _begins_anew(client, before):
                lines.append(before)
            lines.append(received)
        elif received.message.command == "366" and lines:
            yield [*lines, received]
            lines = []
        before = received


def _begins_anew(client: SimulatedClient, received: Received) -> bool:
    """Return whether a line is a JOIN to a room where the client is already."""
    message = received.message
    is_own_join = message.command == "JOIN" and client.is_own(received)
    return is_own_join and message.parameters[0] in Picture(client, before=received).rooms


def _is_news(client: SimulatedClient, lines: list[Received]) -> bool:
    known = Picture(client, before=lines[0]).rooms.get(lines[-2].message.parameters[2])
    listed = [line for line in lines if line.message.command == "353"]
    words = " ".join(line.message.parameters[3] for line in listed).split()
    return known is not None and set(known) != {word.lstrip("@+") for word in words}
