"""Compares what one client sent and saw with what really happened.

received lines --> units (a line, or a whole batch) --> of others: exactly what was due
                                                    --> answers: one for each line, in order
"""

import msgspec

from roost.chat.applied import Applied
from roost.chat.changes import (
    AwayChanged,
    Change,
    Joined,
    NickChanged,
    Parted,
    Said,
    SessionOpened,
    TopicChanged,
)
from roost.chat.refusals import Reason, Refusal
from support.simulation.clients import Received, Sent, SimulatedClient
from support.simulation.truth import Shown, Truth, show

_NUMERICS = {
    Reason.NO_SUCH_NICK: "401",
    Reason.NO_SUCH_ROOM: "403",
    Reason.CANNOT_SEND: "404",
    Reason.NICK_IN_USE: "433",
    Reason.NOT_IN_ROOM: "442",
    Reason.NOT_OPERATOR: "482",
}
_LOGGED = ("PRIVMSG", "PART", "TOPIC", "NICK", "AWAY", "QUIT")
_WAITING, _SERVED = "The service is not ready", "The service is ready"


class _Unit(msgspec.Struct):
    """A line, or a batch with all its lines."""

    first: Received
    lines: list[Received]
    """The lines without those that open and close the batch."""
    batch: str = ""
    """The type of the batch."""

    @property
    def label(self) -> str:
        return self.first.tags.get("label", "")


class _ExhaustedError(Exception):
    """The client received nothing more."""


class _Reader:
    """Reads units in order."""

    def __init__(self, units: list[_Unit]) -> None:
        self._units = units
        self.at = 0

    def peek(self) -> _Unit | None:
        return self._units[self.at] if self.at < len(self._units) else None

    def next(self) -> _Unit:
        unit = self.peek()
        if unit is None:
            raise _ExhaustedError
        if unit.first.message.command == "ERROR" and not unit.label:
            # Nothing is answered after QUIT.
            raise _ExhaustedError
        self.at += 1
        return unit

    def labels_since(self, begin: int) -> list[str]:
        return [unit.label for unit in self._units[begin : self.at]]

    def is_next(self, *commands: str) -> bool:
        unit = self.peek()
        return unit is not None and not unit.label and unit.first.message.command in commands

    def take_error(self) -> None:
        unit = self.peek()
        assert unit is not None, "somebody who said QUIT was told nothing"
        assert unit.first.message.command == "ERROR", f"{unit.first} where ERROR was due"
        self.at += 1

    def take(self, command: str) -> Received:
        unit = self.next()
        assert not unit.batch, f"a batch where {command} was due: {unit.first}"
        assert unit.first.message.command == command, f"{unit.first} where {command} was due"
        return unit.first


def _position_of(received: Received) -> int:
    """Return the entry that a line is about; 0 if the line does not tell."""
    return int(received.tags.get("msgid", "0").partition("-")[0], 16)


def _is_to_oneself(received: Received) -> bool:
    message = received.message
    nick = message.source.partition("!")[0]
    return message.command == "PRIVMSG" and message.parameters[0] == nick


class Transcript:
    """Everything that one client sent and saw, checked once the cluster is quiet."""

    def __init__(self, client: SimulatedClient, truth: Truth) -> None:
        self._client = client
        self._truth = truth
        self._is_cut = client.has_left
        """Whether the client may have missed the end of what it should have seen: a node
        that takes over a client which has sent QUIT knows only that."""
        self._own_words: dict[str, None] = {}
        """The ids of messages that the client sent to itself, which it sees twice."""
        self._low = 0
        """The last entry that the client has seen something of, as far as it was read."""

    def check(self) -> None:
        """Check everything.

        Raises:
            AssertionError: a promise was broken.
        """
        try:
            self._check_order()
            self._check_notices()
            deliveries: list[_Unit] = []
            answers: list[_Unit] = []
            for unit in self._units():
                (deliveries if self._is_delivery(unit) else answers).append(unit)
            self._check_deliveries(deliveries)
            self._check_answers(answers)
            self._check_effects()
            self._check_end()
        except AssertionError as error:
            raise AssertionError(f"{self._client.name}: {error}\n{self._client.tell()}") from error

    # Units

    def _units(self) -> list[_Unit]:
        units: list[_Unit] = []
        batches: dict[str, _Unit] = {}
        for received in self._client.received:
            message = received.message
            if message.command == "NOTICE":
                continue
            if message.command == "BATCH" and message.parameters[0][0] == "+":
                reference = message.parameters[0][1:]
                assert reference not in batches, f"batch {reference} is open"
                batches[reference] = _Unit(received, [], message.parameters[1])
                units.append(batches[reference])
            elif message.command == "BATCH":
                del batches[message.parameters[0][1:]]
            elif "batch" in received.tags:
                batches[received.tags["batch"]].lines.append(received)
            else:
                units.append(_Unit(received, [received]))
        assert not batches or not self._client.is_open, f"batches without an end: {list(batches)}"
        return units

    def _is_delivery(self, unit: _Unit) -> bool:
        if "!" not in unit.first.message.source:
            return False
        if not self._client.is_own(unit.first):
            return True
        identity = unit.first.tags.get("msgid", "")
        if not _is_to_oneself(unit.first):
            return False
        if not self._client.has("echo-message"):
            return True
        if unit.label or identity in self._own_words:
            return False
        # This is the first of the two; only the other one, the echo, has a label.
        self._own_words[identity] = None
        return True

    # What everybody sees

    def _check_order(self) -> None:
        before = ""
        for received in self._client.received:
            identity = received.tags.get("msgid", "")
            if identity and "batch" not in received.tags:
                is_twice = before == identity and _is_to_oneself(received)
                assert before < identity or is_twice, f"{identity} was shown after {before}"
                before = identity

    def _check_notices(self) -> None:
        told = [
            received.message.parameters[1]
            for received in self._client.received
            if received.message.command == "NOTICE"
        ]
        for number, text in enumerate(told):
            assert text.startswith((_WAITING, _SERVED)[number % 2]), told

    def _check_deliveries(self, units: list[_Unit]) -> None:
        due = [self._as_seen(shown) for shown in self._truth.due.get(self._client.session.id, [])]
        seen = [unit.first.line for unit in units]
        for number, line in enumerate(seen):
            assert number < len(due), f"{line} was due to nobody here"
            assert line == due[number], f"{line} was shown, and due was {due[number]}"
        if not self._is_cut:
            assert len(seen) == len(due), f"{due[len(seen)]} was never shown"

    def _as_seen(self, shown: Shown) -> Shown:
        if self._client.has("message-tags"):
            return shown
        return shown._replace(msgid="", time="")

    # Answers

    def _check_answers(self, units: list[_Unit]) -> None:
        reader = _Reader(units)
        try:
            begin = self._check_registration(reader)
            for number in range(begin, len(self._client.sent)):
                sent = self._client.sent[number]
                if sent.verb == "QUIT":
                    break
                self._check_answer(reader, number, sent)
        except _ExhaustedError:
            assert self._is_cut, "not everything was answered"
        if self._client.has_left and not self._client.has_hung_up:
            reader.take_error()
        extra = reader.peek()
        assert extra is None, f"{extra.first} answers nothing"

    def _check_registration(self, reader: _Reader) -> int:
        """Check the answers up to the welcome; return how many lines they answer."""
        known: dict[str, bool] = {}
        for number, sent in enumerate(self._client.sent):
            match sent.verb:
                case "PING":
                    assert reader.take("PONG").message.parameters[1] == sent.parameters[0]
                case "CAP" if sent.parameters[0] in ("LS", "REQ"):
                    reply = reader.take("CAP").message.parameters
                    while reply[2] == "*" and len(reply) > 3:
                        # The list continues in the next line.
                        reply = reader.take("CAP").message.parameters
                    assert reply[1] == {"LS": "LS", "REQ": "ACK"}[sent.parameters[0]], reply
                    known["CAP"] = False
                case "QUIT":
                    return number
                case _:
                    known[sent.verb] = True
            if all((known.get("NICK"), known.get("USER"), known.get("CAP", True))):
                if not reader.is_next("433"):
                    self._check_welcome(reader)
                    return number + 1
                reader.take("433")
                known["NICK"] = False
        return len(self._client.sent)

    def _check_welcome(self, reader: _Reader) -> None:
        assert reader.take("001").message.parameters[0]
        for command in ("002", "003", "004"):
            reader.take(command)
        while not reader.is_next("422"):
            assert reader.next().first.message.command not in ("001", "433")
        reader.take("422")

    def _check_answer(self, reader: _Reader, number: int, sent: Sent) -> None:
        effect = self._truth.effects.get((self._client.session.id, number + 1))
        if not sent.label:
            begin = reader.at
            self._check_lines(reader, sent, effect)
            assert not any(reader.labels_since(begin)), f"{sent.text!r} had no label"
            return
        unit = reader.next()
        assert unit.label == sent.label, f"{unit.first} answers {sent.text!r}?"
        lines = [unit]
        if unit.batch == "labeled-response":
            lines = [_Unit(line, [line]) for line in unit.lines]
            assert len(lines) > 1
        elif unit.first.message.command == "ACK":
            lines = []
        for line in lines:
            line.first.tags.pop("label", None)
        inner = _Reader(lines)
        try:
            self._check_lines(inner, sent, effect)
        except _ExhaustedError as error:
            raise AssertionError(f"the answer to {sent.text!r} ends early") from error
        rest = inner.peek()
        assert rest is None, f"{rest.first} is too much as an answer to {sent.text!r}"

    def _check_lines(self, reader: _Reader, sent: Sent, effect: Applied | None) -> None:
        match sent.verb:
            case "PING":
                pong = reader.take("PONG")
                assert pong.message.parameters[1] == sent.parameters[0], f"{sent.text!r}: {pong}"
            case "WHO":
                self._check_people(reader, sent, "352", "315", 5)
            case "NAMES":
                self._check_names(reader, sent.parameters[0])
            case "CHATHISTORY":
                self._check_history(reader, sent)
            case "JOIN" if not sent.parameters:
                reader.take("461")
            case "JOIN" | "PRIVMSG" | "PART" | "TOPIC" | "NICK" | "AWAY":
                if effect is None:
                    assert self._client.has_hung_up, f"{sent.text!r} was never done"
                    raise _ExhaustedError
                self._check_results(reader, sent, effect)
            case _:
                unknown = reader.take("421")
                assert unknown.message.parameters[1] == sent.verb, f"{sent.text!r}: {unknown}"

    def _check_results(self, reader: _Reader, sent: Sent, effect: Applied) -> None:
        for result in effect.results:
            if isinstance(result, Refusal):
                refusal = reader.take(_NUMERICS[result.reason])
                subject = refusal.message.parameters[1]
                assert subject == result.subject == sent.parameters[0], f"{sent.text!r}: {refusal}"
            else:
                self._check_change(reader, sent, result, effect)
        self._low = max(self._low, effect.position)

    def _check_change(self, reader: _Reader, sent: Sent, change: Change, effect: Applied) -> None:
        match change:
            case Said():
                assert (change.verb, change.target.lower(), change.text) == (
                    sent.verb,
                    sent.parameters[0].lower(),
                    sent.parameters[1],
                ), f"{sent.text!r} became {change}"
                if self._client.has("echo-message"):
                    self._take_shown(reader, change, effect)
                if change.away:
                    assert reader.take("301").message.parameters[2] == change.away
            case AwayChanged():
                assert change.message == "".join(sent.parameters), f"{sent.text!r} became {change}"
                reader.take("306" if change.message else "305")
            case Joined():
                self._take_shown(reader, change, effect)
                if reader.is_next("332"):
                    reader.take("332")
                    reader.take("333")
                self._check_names(reader, change.name)
            case Parted() | TopicChanged() | NickChanged():
                self._take_shown(reader, change, effect)

    def _take_shown(self, reader: _Reader, change: Change, effect: Applied) -> None:
        shown = self._as_seen(show(change, effect))
        line = reader.next().first.line
        assert line == shown, f"{line} was shown, and due was {shown}"

    def _check_names(self, reader: _Reader, room: str) -> None:
        nicks: list[str] = []
        last = None
        while reader.is_next("353"):
            received = reader.take("353")
            assert received.message.parameters[2] == room
            nicks.extend(nick.lstrip("@+") for nick in received.message.parameters[3].split())
        last = reader.take("366")
        assert last.message.parameters[1] == room
        self._check_crowd(room, nicks, last)

    def _check_people(self, reader: _Reader, sent: Sent, item: str, end: str, place: int) -> None:
        nicks: list[str] = []
        while reader.is_next(item):
            nicks.append(reader.take(item).message.parameters[place])
        last = reader.take(end)
        assert last.message.parameters[1] == sent.parameters[0]
        self._check_crowd(sent.parameters[0], nicks, last)

    def _check_crowd(self, room: str, nicks: list[str], received: Received) -> None:
        assert self._truth.could_be(room, nicks, self._seen_before(received), received.applied), (
            f"{nicks} were never in {room} together after {self._seen_before(received)}"
        )

    def _seen_before(self, received: Received) -> int:
        """Return the last entry that the client had seen something of before a line."""
        low = self._low
        for other in self._client.received:
            if other is received:
                break
            low = max(low, _position_of(other))
        return low

    def _check_history(self, reader: _Reader, sent: Sent) -> None:
        unit = reader.next()
        room, limit = sent.parameters[1], int(sent.parameters[3])
        if unit.first.message.command == "FAIL":
            # The answer comes from a newer state than that at the time of the question.
            later = [other for other in self._client.sent if other.at >= sent.at]
            assert any(other.verb == "PART" and other.parameters[0] == room for other in later)
            return
        assert unit.batch == "chathistory", f"{unit.first} answers {sent.text!r}?"
        said = self._truth.said.get(room, [])
        lines = [line.line for line in unit.lines]
        before = [received for received in self._client.received if received.at < sent.at]
        low = max([self._low, *map(_position_of, before)])
        seen = sum(int(shown.msgid.partition("-")[0], 16) <= low for shown in said)
        count = 0
        if lines:
            ends = [number for number, shown in enumerate(said) if shown == lines[-1]]
            assert ends, f"{lines[-1]} is no message of {room}"
            count = ends[0] + 1
        assert count >= seen, f"the history lacks {said[seen - 1]}, which was shown before"
        assert lines == said[max(0, count - limit) : count]

    # Effects

    def _check_effects(self) -> None:
        session = self._client.session.id
        position = 0
        for number, sent in enumerate(self._client.sent, 1):
            effect = self._truth.effects.get((session, number))
            if effect is None:
                is_due = sent.verb in _LOGGED and self._client.is_registered
                if is_due and not self._client.has_hung_up:
                    assert number <= self._opening_line(), f"{sent.text!r} was never done"
                continue
            assert effect.position > position, f"{sent.text!r} was done too early"
            position = effect.position
            assert not effect.failure

    def _opening_line(self) -> int:
        """Return the line that registered the client."""
        session = self._client.session.id
        for applied in self._truth.applied:
            if applied.session == session:
                for result in applied.results:
                    if isinstance(result, SessionOpened):
                        return applied.line
        return len(self._client.sent)

    def _check_end(self) -> None:
        closing = self._truth.closings.get(self._client.session.id)
        if not self._client.has_left:
            assert closing is None, "the log closed the session of somebody who had not left"
        elif self._client.session.id in self._truth.due:
            assert closing is not None, "somebody who left is still there"
