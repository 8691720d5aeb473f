"""Simulated users, who use every feature of the chat in random order."""

from collections.abc import Callable

from support.simulation.clients import KINDS, PLAIN, Received, SimulatedClient
from support.simulation.world import World


class Person:
    """A user who connects, chats, leaves and comes back."""

    def __init__(
        self,
        world: World,
        name: str,
        rooms: list[str],
        connect: Callable[[str, str], SimulatedClient],
        others: Callable[[], list[SimulatedClient]],
        pace: float,
    ) -> None:
        self.name = name
        self.client: SimulatedClient | None = None
        self.is_silent = False
        self._world = world
        self._rooms = rooms
        self._connect = connect
        self._others = others
        self._pace = pace
        self._visits = 0
        self._counter = 0

    def live(self) -> None:
        """Do something, and schedule the next action."""
        if self.is_silent:
            return
        client = self.client
        chance = self._world.random
        if client is None or client.has_left:
            self.come_in()
        elif client.is_registered:
            for _ in range(chance.choice((1, 1, 1, 2, 4))):
                if not client.has_left:
                    self.act(client)
        elif chance.random() < 0.02:
            client.hang_up()
        self._world.at(chance.expovariate(self._pace), self.live)

    def _token(self, prefix: str) -> str:
        self._counter += 1
        return f"{prefix}{self.name}x{self._counter}"

    # Connecting

    def come_in(self) -> None:
        """Connect and register, at once or line by line, sometimes with a taken nickname."""
        self._visits += 1
        chance = self._world.random
        name = f"{self.name}v{self._visits}"
        client = self.client = self._connect(name, chance.choice(KINDS))
        others = [other.nick for other in self._others() if other.nick]
        is_rival = bool(others) and chance.random() < 0.3
        nick = chance.choice(others) if is_rival else name
        introduction = [("NICK", nick), ("USER", name, "0", "*", name)]
        chance.shuffle(introduction)
        lines: list[tuple[str, ...]] = list(introduction)
        if client.capabilities:
            lines.insert(0, ("CAP", "REQ", " ".join(client.capabilities)))
            lines.append(("CAP", "END"))
        if chance.random() < 0.5:
            lines.insert(0, ("CAP", "LS", "302"))
            if not client.capabilities:
                lines.append(("CAP", "END"))
        if chance.random() < 0.5:
            lines.insert(chance.randrange(len(lines)), ("PING", self._token("k")))
        joins = [("JOIN", room) for room in self._rooms if chance.random() < 0.8]
        if not is_rival and chance.random() < 0.5:
            lines.extend(joins)
        self._say_slowly(client, lines, chance.choice((0.0, 0.0, 0.1, 0.4)))

    def _say_slowly(
        self, client: SimulatedClient, lines: list[tuple[str, ...]], pause_s: float
    ) -> None:
        if not lines or client.has_left:
            return
        verb, *parameters = lines[0]
        if verb == "JOIN" and parameters[0] not in client.rooms:
            client.rooms.append(parameters[0])
        client.send(verb, *parameters)
        rest = lines[1:]
        if pause_s:
            pause = self._world.random.uniform(0, pause_s)
            self._world.at(pause, lambda: self._say_slowly(client, rest, pause_s))
        else:
            self._say_slowly(client, rest, 0.0)

    def hear(self, client: SimulatedClient, received: Received) -> None:
        """React to a line as a client program does."""
        if received.message.command == "433" and not client.is_registered:
            client.send("NICK", f"{client.name}-")

    # Chatting

    def act(self, client: SimulatedClient) -> None:
        """Perform one random action."""
        chance = self._world.random
        actions, weights = zip(*_ACTIONS, strict=True)
        verb, *parameters = chance.choices(actions, weights)[0](self, client)
        if not verb:
            return
        is_labelled = client.has("labeled-response") and chance.random() < 0.5
        client.send(verb, *parameters, label=self._token("l") if is_labelled else "")

    def say(self, client: SimulatedClient) -> tuple[str, ...]:
        room = self._world.random.choice(client.rooms or self._rooms)
        return ("PRIVMSG", room, self._token("t"))

    def whisper(self, client: SimulatedClient) -> tuple[str, ...]:
        others = [other.nick for other in self._others() if other.nick and other is not client]
        if not others:
            return ("",)
        return ("PRIVMSG", self._world.random.choice(others), self._token("t"))

    def ping(self, client: SimulatedClient) -> tuple[str, ...]:
        return ("PING", self._token("k"))

    def come_or_go(self, client: SimulatedClient) -> tuple[str, ...]:
        room = self._world.random.choice(self._rooms)
        if room not in client.rooms:
            client.rooms.append(room)
            return ("JOIN", room)
        if len(client.rooms) > 1:
            client.rooms.remove(room)
            return ("PART", room, self._token("r"))
        return ("JOIN", room)

    def set_topic(self, client: SimulatedClient) -> tuple[str, ...]:
        return ("TOPIC", self._world.random.choice(self._rooms), self._token("about "))

    def rename(self, client: SimulatedClient) -> tuple[str, ...]:
        others = [other.nick for other in self._others() if other.nick]
        if self._world.random.random() < 0.3 and others:
            return ("NICK", self._world.random.choice(others))
        return ("NICK", self._token(client.name))

    def ask_who(self, client: SimulatedClient) -> tuple[str, ...]:
        verb = self._world.random.choice(("WHO", "NAMES"))
        return (verb, self._world.random.choice(self._rooms))

    def ask_history(self, client: SimulatedClient) -> tuple[str, ...]:
        if not client.rooms or client.capabilities == PLAIN.split():
            return ("",)
        count = self._world.random.choice(("1", "5", "50"))
        return ("CHATHISTORY", "LATEST", self._world.random.choice(client.rooms), "*", count)

    def be_refused(self, client: SimulatedClient) -> tuple[str, ...]:
        token = self._token("n")
        return self._world.random.choice(
            (
                ("PRIVMSG", f"nobody{token}", "hello?"),
                ("PRIVMSG", f"#nowhere{token}", "hello?"),
                ("TOPIC", f"#nowhere{token}", "none"),
                ("PART", f"#nowhere{token}"),
                ("FOO", token),
                ("JOIN",),
            )
        )

    def go_away(self, client: SimulatedClient) -> tuple[str, ...]:
        return ("AWAY", self._token("tea ")) if self._world.random.random() < 0.5 else ("AWAY",)

    def leave(self, client: SimulatedClient) -> tuple[str, ...]:
        if self._world.random.random() < 0.5:
            client.hang_up()
        else:
            client.quit(self._token("bye "))
        return ("",)


_ACTIONS: tuple[tuple[Callable[[Person, SimulatedClient], tuple[str, ...]], int], ...] = (
    (Person.say, 36),
    (Person.whisper, 8),
    (Person.ping, 10),
    (Person.come_or_go, 8),
    (Person.set_topic, 4),
    (Person.rename, 6),
    (Person.ask_who, 8),
    (Person.ask_history, 6),
    (Person.be_refused, 8),
    (Person.go_away, 4),
    (Person.leave, 2),
)
