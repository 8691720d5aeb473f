"""A model on a fake network: what it sends is answered at once, and its effects are noted."""

from roost.client.model import EntryKind, Model, Moment, Profile
from roost.client.model.effects import Jump, Toast
from support.fake_irc_network import START_MS, Connection, Network

NOW = Moment(100.0, START_MS + 86_400_000)


class Client:
    """A model on a fake network, which answers at once."""

    def __init__(self, network: Network, nick: str = "me") -> None:
        self.network = network
        self.model = Model(Profile(nick=nick, rooms=("#room",)), "nonce")
        self.sent: list[str] = []
        self.jumps: list[str] = []
        self.toasts: list[str] = []
        self.connection = self.dial()
        self.settle()

    def dial(self) -> Connection:
        """Connect; `settle` gets the answers."""
        self.model.connecting("test:6667", NOW)
        self.model.connected(NOW, is_secure=False)
        return Connection(self.network)

    def settle(self) -> None:
        while True:
            lines = self.model.take_lines()
            for line in lines:
                self.sent.append(line.decode().removesuffix("\r\n"))
                self.connection.receive(line)
            while self.connection.out:
                self.model.receive(self.connection.out.pop(0), NOW)
            for effect in self.model.take_effects():
                if isinstance(effect, Jump):
                    self.jumps.append(effect.entry.text)
                if isinstance(effect, Toast):
                    self.toasts.append(effect.text)
            if not lines:
                return

    def say(self, text: str) -> None:
        """Let the user type a line into the room."""
        self.model.submit("#room", text)
        self.settle()

    def reconnect(self) -> None:
        """Lose the connection, and connect anew."""
        self.connection.close()
        self.model.disconnected(NOW, None, None)
        self.connection = self.dial()
        self.settle()

    @property
    def texts(self) -> list[str]:
        """What is shown in the room, gaps as "GAP"."""
        return [
            "GAP" if entry.kind is EntryKind.GAP else entry.text
            for entry in self.model.conversations["#room"].entries
            if entry.kind is not EntryKind.EVENT
        ]

    def go_to(self, number: int) -> None:
        self.model.jump_to_message("#room", f"id{number:05}")
        self.settle()
