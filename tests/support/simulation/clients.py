"""Simulated people, and the door they come through, for clusters without a real balancer.

The door gives each connection to a node that says it is ready, numbers its lines, and keeps count
of what was acknowledged. A node's loss closes the connections it served; its people come back.
"""

from collections.abc import Callable

import msgspec

from roost.chat.ids import parse_message_id
from roost.irc.message import Message, parse
from roost.trunk.frames import (
    Attach,
    Close,
    Deliver,
    DeliverTo,
    Detach,
    Join,
    Leave,
    Lines,
    Neighbour,
    Output,
    Refuse,
    Reply,
    Status,
    Welcome,
)
from support.simulation.network import Network
from support.simulation.world import World


class Heard(msgspec.Struct, frozen=True):
    """A message as a client saw it."""

    msgid: str
    position: int
    time: str
    source: str
    target: str
    text: str


class Connection:
    """One client connection, from its first line to its end."""

    def __init__(self, session: int, nick: str, heard: Callable[["Connection", Heard], None]):
        self.session = session
        self.nick = nick
        self.node = ""
        self.line = 0
        self.acknowledged = 0
        self.is_registered = False
        self.is_open = True
        self.joined: dict[str, int] = {}
        """Room -> the position of our own JOIN."""
        self.heard: list[Heard] = []
        self.received: list[Message] = []
        self._on_heard = heard

    def receive(self, payload: bytes) -> None:
        """Take bytes from the door."""
        for line in payload.split(b"\r\n")[:-1]:
            message = parse(line)
            tags = dict(message.tags)
            if message.command == "001":
                self.is_registered = True
            identity = parse_message_id(tags.get("msgid", ""))
            nick = message.source.partition("!")[0]
            if message.command == "JOIN" and nick == self.nick and identity is not None:
                self.joined[message.parameters[0]] = identity[0]
            if message.command == "PRIVMSG" and identity is not None:
                heard = Heard(
                    tags["msgid"],
                    identity[0],
                    tags["time"],
                    message.source,
                    message.parameters[0],
                    message.parameters[1],
                )
                self.heard.append(heard)
                self._on_heard(self, heard)
            self.received.append(message)


class Door:
    """A balancer, reduced to what the nodes see of it."""

    def __init__(
        self,
        world: World,
        network: Network,
        name: str,
        heard: Callable[[Connection, Heard], None],
    ) -> None:
        self.name = name
        self.is_up = True
        self.nodes: dict[str, Status | None] = {}
        self.connections: dict[int, Connection] = {}
        self.ended: list[Connection] = []
        self._world = world
        self._network = network
        self._heard = heard
        self._counter = 0
        self._groups: dict[tuple[str, int], dict[int, None]] = {}
        self._departing: dict[int, str] = {}

    # The trunks

    def connected(self, peer: str) -> None:
        self.nodes[peer] = None
        neighbours = tuple(Neighbour(name, f"{name}:1") for name in self.nodes)
        self._network.send(self.name, peer, Welcome(1, "sim", self.name, 1, neighbours))

    def disconnected(self, peer: str) -> None:
        self.nodes.pop(peer, None)
        for key in [key for key in self._groups if key[0] == peer]:
            del self._groups[key]
        for connection in [c for c in self.connections.values() if c.node == peer]:
            self.close(connection)
        for session in [s for s, node in self._departing.items() if node == peer]:
            self._depart(session)

    def receive(self, peer: str, frame: object) -> None:
        if isinstance(frame, Status):
            if peer in self.nodes:
                self.nodes[peer] = frame
            for session in [s for s, node in self._departing.items() if not node]:
                self._depart(session)
        elif isinstance(frame, Output):
            for item in frame.items:
                self._item(peer, item)

    def _item(self, peer: str, item: object) -> None:
        match item:
            case Deliver(group, excluded, payload):
                for session in self._groups[peer, group]:
                    if session != excluded:
                        self._give(peer, session, payload)
            case DeliverTo(sessions, payload):
                for session in sessions:
                    self._give(peer, session, payload)
            case Join(group, sessions):
                self._groups.setdefault((peer, group), {}).update(dict.fromkeys(sessions))
            case Leave(group, sessions):
                members = self._groups.get((peer, group), {})
                for session in sessions:
                    members.pop(session, None)
            case Reply(session, _, line, _, is_last, payload):
                self._give(peer, session, payload)
                if is_last and session in self.connections:
                    connection = self.connections[session]
                    connection.acknowledged = max(connection.acknowledged, line)
            case Close(session, _, payload):
                self._departing.pop(session, None)
                if session in self.connections:
                    self._give(peer, session, payload)
                    self._end(self.connections[session])
            case Refuse(session, _, _):
                if session in self.connections:
                    self.close(self.connections[session])

    def _give(self, peer: str, session: int, payload: bytes) -> None:
        connection = self.connections.get(session)
        if connection is not None and connection.node == peer:
            connection.receive(payload)

    # The clients

    def ready(self) -> list[str]:
        """Name the nodes that say they can serve."""
        return [n for n, status in self.nodes.items() if status and status.state == "ready"]

    def open(self, nick: str) -> Connection | None:
        """Let somebody in; None while no node is ready."""
        ready = self.ready()
        if not ready:
            return None
        self._counter += 1
        session = (1 << 27) | self._counter
        connection = Connection(session, nick, self._heard)
        load = dict.fromkeys(ready, 0)
        for other in self.connections.values():
            if other.node in load:
                load[other.node] += 1
        connection.node = min(ready, key=lambda name: load[name])
        self.connections[session] = connection
        attach = Attach(session, 1, "192.0.2.1", False, 0, 0, 0)
        self._network.send(self.name, connection.node, attach)
        self.send(connection, "CAP REQ :message-tags server-time echo-message batch")
        self.send(connection, f"NICK {nick}")
        self.send(connection, f"USER {nick} 0 * :{nick}")
        self.send(connection, "CAP END")
        return connection

    def send(self, connection: Connection, line: str) -> None:
        """Send a client's line."""
        connection.line += 1
        lines = Lines(connection.session, 1, connection.line, (line.encode(),))
        self._network.send(self.name, connection.node, lines)

    def close(self, connection: Connection) -> None:
        """End a connection from the client's side, or because its node is gone."""
        self._end(connection)
        self._departing[connection.session] = ""
        self._depart(connection.session)

    def _end(self, connection: Connection) -> None:
        connection.is_open = False
        self.connections.pop(connection.session, None)
        self.ended.append(connection)
        for (node, _), members in self._groups.items():
            if node == connection.node:
                members.pop(connection.session, None)

    def _depart(self, session: int) -> None:
        ready = self.ready()
        if not ready:
            self._departing[session] = ""
            return
        node = self._world.random.choice(ready)
        self._departing[session] = node
        self._network.send(self.name, node, Detach(session, 1, "Connection lost"))
