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
    for received in client.received:
        if received.tags.keys() & {"label", "batch"}:
            continue
        if received.message.command == "353":
            lines.append(received)
        elif received.message.command == "366" and lines:
            yield [*lines, received]
            lines = []


def _is_news(client: SimulatedClient, lines: list[Received]) -> bool:
    known = Picture(client, before=lines[0]).rooms.get(lines[0].message.parameters[2])
    words = " ".join(line.message.parameters[3] for line in lines[:-1]).split()
    return known is not None and set(known) != {word.lstrip("@+") for word in words}
