"""Conversations in memory: clients, a balancer, the IRC side of nodes, and an instant log.

    world = World()
    alice, bob = world.join("#a", "alice", "bob")
    alice.send("PRIVMSG #a :hello")
    bob.expect(":alice!alice@host PRIVMSG #a hello")
    alice.expect_nothing()

The real `Server`, `apply` and `history_rows` run, and commands pass through their encoding. Lines
are compared by meaning: "#a" and ":#a" are the same parameter. Tags are compared only if the
expected line has some.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from roost.chat.applied import Applied
from roost.chat.apply import apply_entry
from roost.chat.changes import Change
from roost.chat.commands import Act, Command, Operation, encode_command
from roost.chat.commands.cluster import Configure, SetSecret
from roost.chat.commands.sessions import BalancerStarted, OpenSession
from roost.chat.history import Query
from roost.chat.ids import SESSION_COUNTER_BITS, AccountId, Position, SessionId
from roost.chat.record import history_rows
from roost.chat.settings import Settings
from roost.chat.state import State
from roost.chat.versions import VERSION
from roost.instant import Instant
from roost.irc import parsing
from roost.irc.message import Message
from roost.ircd.config import Config
from roost.ircd.server import Server
from roost.ircd.sessions.work import Work
from roost.protocol.trunk import (
    Attach,
    Close,
    Deliver,
    DeliverTo,
    Detach,
    Item,
    Join,
    Leave,
    Lines,
    Refuse,
    Reply,
)
from support.chat_world import ensure_account
from support.fake_hashing import do_work
from support.memory_history import MemoryHistory

BALANCER = "b1"
INCARNATION = 7
SECRET = bytes(range(32))
START_MS = 1_700_000_000_000
"""2023-11-14T22:13:20.000Z."""


class Client:
    """A client's connection, as its balancer sees it."""

    def __init__(
        self, world: "World", session: int, node: int, address: str, certificate: str = ""
    ) -> None:
        self.world = world
        self.session = session
        self.node = node
        self.address = address
        self.certificate = certificate
        self.generation = 1
        self.sent: list[bytes | None] = []
        self.acknowledged = 0
        self.part = 0
        """How many parts of the answer to the next line were received."""
        self.received: list[str] = []
        self.is_closed = False
        self.refusal = ""

    # Doing

    def send(self, *lines: str | bytes | None) -> None:
        """Send lines and wait for their effects. None stands for a line that is too long."""
        first = len(self.sent) + 1
        self.sent.extend(line.encode() if isinstance(line, str) else line for line in lines)
        self.world.submit(self, first)
        self.world.run()

    def disconnect(self, reason: str = "Connection closed") -> None:
        """Break the connection."""
        frame = Detach(self.session, self.generation, reason)
        self.world.servers[self.node].receive(BALANCER, frame, self.world.now())
        self.world.run()

    # Seeing

    def lines(self) -> list[str]:
        """Return and remove the lines received so far."""
        lines, self.received = self.received, []
        return lines

    def messages(self) -> list[Message]:
        """Return and remove the lines received so far, parsed."""
        return [parse(line) for line in self.lines()]

    def commands(self) -> list[str]:
        """Return and remove the lines received so far, as commands and numerics."""
        return [received.command for received in self.messages()]

    def service_texts(self, service: str) -> list[str]:
        """Return and remove the lines received so far, as the texts of a service's notices."""
        notices = [line for line in self.messages() if line.command == "NOTICE"]
        assert {line.source for line in notices} <= {f"{service}!{service}@services.roost.local"}
        return [line.parameters[1] for line in notices]

    def expect(self, *expected: str) -> None:
        """Check that exactly these lines were received, in this order, and remove them.

        A line that ends in "..." matches any line that begins like it.
        """
        actual = self.lines()
        shown = "\n".join(["expected:", *expected, "actual:", *actual])
        assert len(actual) == len(expected), shown
        for one, other in zip(expected, actual, strict=True):
            assert is_match(one, other), f"{one!r} is not {other!r}\n{shown}"

    def expect_some(self, *expected: str) -> None:
        """Check that these lines are among those received, in this order, and remove all."""
        actual = self.lines()
        remaining = iter(actual)
        for one in expected:
            assert any(is_match(one, other) for other in remaining), "\n".join(
                ["expected:", one, "in:", *actual]
            )

    def expect_nothing(self) -> None:
        """Check that nothing was received."""
        self.expect()


class World:
    """Nodes that share a log, a balancer, and its clients."""

    def __init__(
        self,
        *,
        settings: Settings | None = None,
        config: Config | None = None,
        nodes: int = 1,
    ) -> None:
        self.config = config or Config(motd=("Be kind.",))
        self.state = State(version=VERSION)
        self.time_ms = START_MS
        self.history = MemoryHistory()
        self.log: list[Applied] = []
        self.is_log_stopped = False
        """While set, commands wait as they do without a majority."""
        self.pending: list[Command] = []
        self.is_hashing_stopped = False
        """While set, slow work waits."""
        self.jobs: list[tuple[int, int, Work]] = []
        """Slow work to do: node, ticket and work."""
        self.servers = [Server(self.config, self.state, lambda: 0.5) for _ in range(nodes)]
        self.clients: dict[int, Client] = {}
        self._groups: dict[tuple[int, int], dict[int, None]] = {}
        self.incarnation = INCARNATION
        self._owned: dict[int, AccountId] = {}
        """Session -> the account that the client has logged in to."""
        self._sessions = 0
        for server in self.servers:
            server.trunk_connected(BALANCER)
        self.order(BalancerStarted(BALANCER, INCARNATION))
        self.order(SetSecret(SECRET))
        if settings is not None:
            self.order(Configure(settings))

    def now(self) -> Instant:
        """Return the time on the nodes' clocks, which is never ahead of the log's."""
        return Instant(self.time_ms / 1000, self.time_ms)

    # People

    def own(self, client: Client, account: str) -> None:
        """Log a client in to an account, which is created if need be."""
        self._owned[client.session] = ensure_account(self.state, account, self.time_ms).id

    def connect(
        self,
        *,
        node: int = 0,
        address: str = "host",
        is_secure: bool = False,
        certificate: str = "",
    ) -> Client:
        """Open a connection that has not sent anything."""
        self._sessions += 1
        session = self.incarnation << SESSION_COUNTER_BITS | self._sessions
        client = Client(self, session, node, address, certificate)
        self.clients[session] = client
        attach = Attach(session, client.generation, address, is_secure, 0, 0, 0, certificate)
        self.servers[node].receive(BALANCER, attach, self.now())
        self.run()
        return client

    def register(
        self, nick: str, *capabilities: str, node: int = 0, account: str = "", address: str = "host"
    ) -> Client:
        """Open a connection and register it. The welcome up to the end of the MOTD is dropped."""
        client = self.connect(node=node, address=address)
        if account:
            self.own(client, account)
        if capabilities:
            client.send(f"CAP REQ :{' '.join(capabilities)}")
        client.send(f"NICK {nick}", f"USER {nick} 0 * :{nick.title()}")
        if capabilities:
            client.send("CAP END")
        lines = client.lines()
        assert any(" 001 " in line for line in lines), f"{nick} is not registered"
        end = next(n for n, line in enumerate(lines) if line.split()[1] in ("376", "422"))
        client.received = [line for line in lines[end + 1 :] if " RESUME TOKEN " not in line]
        return client

    def join(self, room: str, *nicks: str) -> list[Client]:
        """Register clients and let them join a room, the first as its operator."""
        clients = [self.register(nick) for nick in nicks]
        for client in clients:
            client.send(f"JOIN {room}")
        for client in clients:
            client.lines()
        return clients

    def move(self, client: Client, node: int) -> None:
        """Move a session to another node, as the balancer does when its node dies."""
        client.node = node
        client.generation += 1
        position = self.log[-1].position if self.log else 0
        self.attach(client, position)

    def kill(self, number: int) -> None:
        """Kill a node; its clients move to the next one. Commands that it sent may still arrive."""
        server = self.servers[number]
        server.trunk_disconnected(BALANCER)
        for key in [key for key in self._groups if key[0] == number]:
            del self._groups[key]
        server.trunk_connected(BALANCER)
        for client in self.clients.values():
            if client.node == number and not client.is_closed:
                self.move(client, (number + 1) % len(self.servers))

    def attach(self, client: Client, position: int) -> None:
        """Attach a session again, and resend its unacknowledged lines."""
        attach = Attach(
            client.session,
            client.generation,
            client.address,
            False,
            client.acknowledged,
            client.part,
            position,
            client.certificate,
        )
        self.servers[client.node].receive(BALANCER, attach, self.now())
        self.submit(client, client.acknowledged + 1)
        self.run()

    def restart_balancer(self) -> None:
        """Kill the balancer. Every connection breaks, and the nodes are not told."""
        for server in self.servers:
            server.trunk_disconnected(BALANCER)
        for session in self.clients:
            self._drop(session)
        self._groups.clear()
        for server in self.servers:
            server.trunk_connected(BALANCER)
        self.incarnation += 1
        self.order(BalancerStarted(BALANCER, self.incarnation))
        self.run()

    def submit(self, client: Client, first: int) -> None:
        """Send a node the lines of a session from number `first` on."""
        lines = tuple(client.sent[first - 1 :])
        frame = Lines(client.session, client.generation, first, lines)
        if lines:
            self.servers[client.node].receive(BALANCER, frame, self.now())

    # The log

    def act(self, client: Client, *operations: Operation) -> Applied:
        """Apply operations as if a line of the client had caused them."""
        client.sent.append(b"PONG roost")
        line = len(client.sent)
        applied = self.order(Act(SessionId(client.session), client.generation, line, operations))
        self.submit(client, line)
        self.run()
        return applied

    def order(self, command: Command) -> Applied:
        """Commit a command, and show the result on all nodes."""
        self.time_ms += 1
        position = Position(self.state.position + 1)
        if isinstance(command, OpenSession) and command.session in self._owned:
            command = replace(command, account=self._owned[command.session])
        applied = apply_entry(self.state, encode_command(command), position, self.time_ms)
        assert not applied.failure, applied.failure
        self.log.append(applied)
        self.history.store(history_rows(applied))
        for server in self.servers:
            server.show(applied)
        return applied

    def changes(self) -> list[Change]:
        """Return every change so far."""
        return [
            change
            for applied in self.log
            for change in applied.results
            if isinstance(change, Change)
        ]

    def run(self) -> None:
        """Process everything until nothing is left to do."""
        is_busy = True
        while is_busy:
            is_busy = any(self._turn(number) for number in range(len(self.servers)))
            if self.pending and not self.is_log_stopped:
                commands, self.pending = self.pending, []
                for command in commands:
                    self.order(command)
                is_busy = True
            if self.jobs and not self.is_hashing_stopped:
                jobs, self.jobs = self.jobs, []
                for node, ticket, work in jobs:
                    self.servers[node].job_done(ticket, do_work(work))
                is_busy = True

    def tick(self, seconds: float = 1.0) -> None:
        """Let time pass."""
        self.time_ms += int(seconds * 1000)
        for server in self.servers:
            server.tick(self.now())
        self.run()

    def _turn(self, number: int) -> bool:
        self.servers[number].work(1 << 20)
        output = self.servers[number].take_output()
        for balancer, items in output.items.items():
            assert balancer == BALANCER
            for item in items:
                self.obey(number, item)
        self.pending.extend(output.commands)
        for whisper in output.whispers:
            for other, server in enumerate(self.servers):
                if other != number:
                    server.whisper(whisper)
        for ticket, query in output.queries:
            self.answer(number, ticket, query)
        self.jobs.extend((number, ticket, work) for ticket, work in output.jobs)
        has_more = self.servers[number].has_work
        return has_more or bool(
            output.items or output.commands or output.queries or output.whispers
        )

    def answer(self, node: int, ticket: int, query: Query, /) -> None:
        """Answer a node's question to the history store."""
        self.servers[node].answer(ticket, self.history.answer(query))

    # The balancer

    def obey(self, node: int, item: Item) -> None:
        match item:
            case Deliver(group, excluded, payload):
                for session in self._groups[node, group]:
                    if session != excluded:
                        self._write(session, payload)
            case DeliverTo(sessions, payload):
                for session in sessions:
                    self._write(session, payload)
            case Join(group, sessions):
                self._groups.setdefault((node, group), {}).update(dict.fromkeys(sessions))
            case Leave(group, sessions):
                for session in sessions:
                    del self._groups[node, group][session]
            case Reply():
                self._take_reply(item)
            case Close(session, _, payload):
                self._write(session, payload)
                self._drop(session)
            case Refuse(session, _, reason):
                self.clients[session].refusal = reason
                self._drop(session)

    def _take_reply(self, reply: Reply) -> None:
        client = self.clients[reply.session]
        assert reply.generation == client.generation
        assert reply.line > client.acknowledged, "a line was answered twice"
        assert reply.part == client.part, "parts come in order"
        client.part += 1
        if reply.is_last:
            client.acknowledged = reply.line
            client.part = 0
        self._write(reply.session, reply.payload)

    def _write(self, session: int, payload: bytes) -> None:
        client = self.clients[session]
        if client.is_closed or not payload:
            return
        assert payload.endswith(b"\r\n")
        for line in payload.decode().split("\r\n")[:-1]:
            body = line.partition(" ")[2] if line.startswith("@") else line
            assert len(body.encode()) <= 510, f"too long: {line}"
            client.received.append(line)

    def _drop(self, session: int) -> None:
        self.clients[session].is_closed = True
        for members in self._groups.values():
            members.pop(session, None)


def parse(line: str) -> Message:
    """Parse a line from a server."""
    return parsing.parse(line.encode())


def is_match(expected: str, actual: str) -> bool:
    """Return whether a line matches an expected one; see the module."""
    received = parse(actual)
    tags = dict(received.tags)
    if expected.startswith("@"):
        data, _, expected = expected.partition(" ")
        for name, value in parse(f"{data} X").tags:
            if tags.get(name) != value and not (value == "..." and name in tags):
                return False
    if expected.endswith("..."):
        body = actual.partition(" ")[2] if actual.startswith("@") else actual
        return body.startswith(expected.removesuffix("..."))
    wanted = parse(expected)
    source = wanted.source or received.source
    return (source, wanted.command, wanted.parameters) == (
        received.source,
        received.command,
        received.parameters,
    )


def texts(messages: Iterable[Message]) -> list[str]:
    """Return the last parameters of messages: the texts."""
    return [received.parameters[-1] for received in messages]
