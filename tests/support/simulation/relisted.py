"""Lists of a room's members that nobody asked for: they mend what older changes did to a list."""

from collections.abc import Container, Sequence

from support.simulation.clients import Sent, SimulatedClient
from support.simulation.picture import Picture
from support.simulation.units import Reader, Unit


def take_relisted(reader: Reader, client: SimulatedClient, rest: Sequence[Sent] = ()) -> None:
    """Take lists that come next and are news to the client, and no answers to the `rest`.

    Those that are no news are left where they are, for nobody is to be told in vain.
    """
    while reader.is_next("353") and (unit := reader.peek()) is not None:
        room = unit.first.message.parameters[2]
        rooms = Picture(client, before=unit.first).rooms
        known = rooms.get(room)
        begin = reader.at
        names: dict[str, None] = {}
        while reader.is_next("353"):
            names |= dict.fromkeys(reader.take("353").message.parameters[3].split())
        reader.take("366")
        listed = {name.lstrip("@+") for name in names}
        # An answer may follow at once.
        is_answer = _is_asked(room, rest, rooms) and not _is_list_of(room, reader.peek())
        if known is None or set(known) == listed or is_answer:
            reader.at = begin
            return


def _is_list_of(room: str, unit: Unit | None) -> bool:
    """Return whether a list of a room's members begins here."""
    message = unit.first.message if unit is not None else None
    return message is not None and message.command == "353" and message.parameters[2] == room


def _is_asked(room: str, rest: Sequence[Sent], rooms: Container[str]) -> bool:
    """Return whether the next line that has an answer for sure asks who is in a room.

    Who enters one of the `rooms`, where the client is, gets no answer.
    """
    for sent in rest:
        is_inside = sent.verb == "JOIN" and sent.parameters[0] in rooms
        if sent.verb != "PRIVMSG" and not is_inside:
            return sent.verb == "NAMES" and sent.parameters[0] == room
    return False
