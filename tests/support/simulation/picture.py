"""What a client knows of itself and its rooms, from nothing but what it was shown."""

from support.simulation.clients import Received, SimulatedClient


class Picture:
    """The picture that a client program has after all that its client received, or `before`."""

    def __init__(self, client: SimulatedClient, before: Received | None = None) -> None:
        self.nick = ""
        self.rooms: dict[str, dict[str, None]] = {}
        """Room -> nicknames of those in it."""
        for received in client.received:
            if received is before:
                break
            message = received.message
            nick = message.source.partition("!")[0]
            if message.command == "001":
                self.nick = message.parameters[0]
            elif message.command == "353":
                self._add(message.parameters[2], message.parameters[3])
            elif "!" not in message.source:
                continue
            elif client.is_own(received):
                self._change_itself(message.command, *message.parameters)
            else:
                self._change(nick, message.command, *message.parameters)

    def _add(self, room: str, nicks: str) -> None:
        if room in self.rooms:
            self.rooms[room].update(dict.fromkeys(nick.lstrip("@+") for nick in nicks.split()))

    def _change_itself(self, command: str, *parameters: str) -> None:
        match command:
            case "JOIN":
                # The list of members follows.
                self.rooms[parameters[0]] = {}
            case "PART":
                assert self.rooms.pop(parameters[0], None) is not None, (
                    f"it was not in {parameters}"
                )
            case "NICK":
                self._rename(self.nick, parameters[0])
                self.nick = parameters[0]

    def _change(self, nick: str, command: str, *parameters: str) -> None:
        match command:
            case "JOIN" if parameters[0] in self.rooms:
                self.rooms[parameters[0]][nick] = None
            case "PART" if parameters[0] in self.rooms:
                self.rooms[parameters[0]].pop(nick, None)
            case "QUIT":
                for members in self.rooms.values():
                    members.pop(nick, None)
            case "NICK":
                self._rename(nick, parameters[0])

    def _rename(self, nick: str, new: str) -> None:
        for members in self.rooms.values():
            if nick in members:
                del members[nick]
                members[new] = None
