"""Compares what one client sent and saw with what really happened.

received lines --> units (a line, or a whole batch) --> of others: exactly what was due
                                                    --> answers: one for each line, in order
"""

from collections.abc import Sequence

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
from support.simulation.gaps import END, check_pieces, is_answer_lost, is_gap
from support.simulation.picture import Picture
from support.simulation.relisted import relisted
from support.simulation.truth import Shown, Truth, show
from support.simulation.unanswered import is_unreachable, is_warning
from support.simulation.units import ExhaustedError, Reader, Unit, description_begin

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


def _position_of(received: Received) -> int:
    """Return the entry that a line is about; 0 if the line does not tell."""
    return int(received.tags.get("msgid", "0").partition("-")[0], 16)


def _is_to_oneself(received: Received) -> bool:
    message = received.message
    nick = message.source.partition("!")[0]
    return message.command == "PRIVMSG" and message.parameters[0] == nick


def _is_of_balancer(received: Received) -> bool:
    return received.message.parameters[1].startswith((_WAITING, _SERVED))


class Transcript:
    """Everything that one client sent and saw, checked once the cluster is quiet."""

    def __init__(self, client: SimulatedClient, truth: Truth) -> None:
        self._client = client
        self._truth = truth
        self._is_cut = client.has_left
        """Whether it may have missed the end: who takes over a client that sent QUIT knows that."""
        self._own_words: dict[str, None] = {}
        """The ids of messages that the client sent to itself, which it sees twice."""
        self._low = 0
        """The last entry that the client has seen something of, as far as it was read."""

    def check(self) -> None:
        """Check everything; a list of names may be an answer, or mend an earlier list.

        Raises:
            AssertionError: a promise was broken.
        """
        try:
            self._check()
        except AssertionError as error:
            if not any(self._holds_without(lines) for lines in relisted(self._client)):
                text = f"{self._client.name}: {error}\n{self._client.tell()}"
                raise AssertionError(text) from error

    def _holds_without(self, lines: list[Received]) -> bool:
        try:
            Transcript(self._client, self._truth)._check(lines)
        except AssertionError:
            return False
        return True

    def _check(self, without: Sequence[Received] = ()) -> None:
        self._check_order()
        self._check_notices()
        deliveries: list[list[Unit]] = [[]]
        answers: list[Unit] = []
        is_begun = is_described = True
        for unit in self._units():
            if any(unit.first is line for line in without):
                continue
            if is_gap(unit.first):
                deliveries.append([])
                is_begun = is_described = False
            elif not is_begun:
                is_begun = unit.first.message.command == END
            elif not is_described and unit.first.message.command == END:
                is_described = True
                del answers[description_begin(answers) :]
            else:
                (deliveries[-1] if self._is_delivery(unit) else answers).append(unit)
        assert is_described or not self._client.is_open, "not told how things are after a gap"
        self._check_deliveries(deliveries)
        self._check_answers(answers)
        self._check_effects()
        self._check_end()

    # Units

    def _units(self) -> list[Unit]:
        units: list[Unit] = []
        batches: dict[str, Unit] = {}
        for received in self._client.received:
            message = received.message
            if message.command == "NOTICE" and _is_of_balancer(received):
                continue
            if message.command == "BATCH" and message.parameters[0][0] == "+":
                reference = message.parameters[0][1:]
                assert reference not in batches, f"batch {reference} is open"
                batches[reference] = Unit(received, [], message.parameters[1])
                outer = batches.get(received.tags.get("batch", ""))
                (units if outer is None else outer.units).append(batches[reference])
            elif message.command == "BATCH":
                del batches[message.parameters[0][1:]]
            elif "batch" in received.tags:
                batch = batches[received.tags["batch"]]
                batch.lines.append(received)
                batch.units.append(Unit(received, [received]))
            else:
                units.append(Unit(received, [received]))
        assert not batches or not self._client.is_open, f"batches without an end: {list(batches)}"
        return units

    def _is_delivery(self, unit: Unit) -> bool:
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
            if received.message.command == "NOTICE" and _is_of_balancer(received)
        ]
        for number, text in enumerate(told):
            assert text.startswith((_WAITING, _SERVED)[number % 2]), told

    def _check_deliveries(self, pieces: list[list[Unit]]) -> None:
        due = [self._as_seen(shown) for shown in self._truth.due.get(self._client.session.id, [])]
        seen = [[Shown(*unit.first.line) for unit in piece] for piece in pieces]
        check_pieces(seen, due, is_cut=self._is_cut)

    def _as_seen(self, shown: Shown) -> Shown:
        return shown if self._client.has("message-tags") else shown._replace(msgid="", time="")

    # Answers

    def _check_answers(self, units: list[Unit]) -> None:
        reader = Reader(units)
        try:
            begin = self._check_registration(reader)
            for number in range(begin, len(self._client.sent)):
                sent = self._client.sent[number]
                if sent.verb == "QUIT":
                    break
                self._check_answer(reader, number, sent)
        except ExhaustedError:
            assert self._is_cut, "not everything was answered"
        if self._client.has_left and not self._client.has_hung_up:
            reader.take_error()
        extra = reader.peek()
        assert extra is None, f"{extra.first} answers nothing"

    def _check_registration(self, reader: Reader) -> int:
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

    def _check_welcome(self, reader: Reader) -> None:
        assert reader.take("001").message.parameters[0]
        for command in ("002", "003", "004"):
            reader.take(command)
        while not reader.is_next("422"):
            assert reader.next().first.message.command not in ("001", "433")
        reader.take("422")

    def _check_answer(self, reader: Reader, number: int, sent: Sent) -> None:
        effect = self._truth.effects.get((self._client.session.id, number + 1))
        lost = reader.peek()
        if (
            lost is not None
            and is_answer_lost(lost.first)
            and number >= self._client.answered_before(lost.first.at)
        ):
            self._check_lost(reader.next(), number, sent)
            return
        if not sent.label:
            begin = reader.at
            self._check_lines(reader, sent, effect)
            assert not any(reader.labels_since(begin)), f"{sent.text!r} had no label"
            return
        unit = reader.next()
        assert unit.label == sent.label, f"{unit.first} answers {sent.text!r}?"
        lines = [unit]
        if unit.batch == "labeled-response":
            lines = unit.units
            assert len(lines) > 1
        elif unit.first.message.command == "ACK":
            lines = []
        for line in lines:
            line.is_answer = True
        inner = Reader(lines)
        try:
            self._check_lines(inner, sent, effect)
        except ExhaustedError as error:
            raise AssertionError(f"the answer to {sent.text!r} ends early") from error
        rest = inner.peek()
        assert rest is None, f"{rest.first} is too much as an answer to {sent.text!r}"

    def _check_lost(self, unit: Unit, number: int, sent: Sent) -> None:
        """Check that a line whose answer was lost was handled before a gap that was told."""
        assert unit.label == sent.label, f"{unit.first} answers {sent.text!r}?"
        gap = next((one for one in self._client.received if is_gap(one)), None)
        assert gap is not None, f"{unit.first} without a gap"
        assert gap.at <= unit.first.at, f"{unit.first} before the gap"
        later = range(number + 1, len(self._client.sent) + 1)
        effects = [self._truth.effects.get((self._client.session.id, line)) for line in later]
        assert any(effects), f"{sent.text!r} was never handled"

    def _check_lines(self, reader: Reader, sent: Sent, effect: Applied | None) -> None:
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
                    raise ExhaustedError
                self._check_results(reader, sent, effect)
            case _:
                unknown = reader.take("421")
                assert unknown.message.parameters[1] == sent.verb, f"{sent.text!r}: {unknown}"

    def _check_results(self, reader: Reader, sent: Sent, effect: Applied) -> None:
        for result in effect.results:
            if isinstance(result, Refusal):
                refusal = reader.take(_NUMERICS[result.reason])
                subject = refusal.message.parameters[1]
                assert subject == result.subject == sent.parameters[0], f"{sent.text!r}: {refusal}"
            else:
                self._check_change(reader, sent, result, effect)
        self._low = max(self._low, effect.position)

    def _check_change(self, reader: Reader, sent: Sent, change: Change, effect: Applied) -> None:
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

    def _take_shown(self, reader: Reader, change: Change, effect: Applied) -> None:
        shown = self._as_seen(show(change, effect))
        line = reader.next().first.line
        assert line == shown, f"{line} was shown, and due was {shown}"

    def _check_names(self, reader: Reader, room: str) -> None:
        nicks: list[str] = []
        first = None
        while reader.is_next("353"):
            received = reader.take("353")
            first = first or received
            assert received.message.parameters[2] == room
            nicks.extend(nick.lstrip("@+") for nick in received.message.parameters[3].split())
        last = reader.take("366")
        assert last.message.parameters[1] == room
        if first is not None:
            nicks = self._as_listed(first, last, room, nicks)
        self._check_crowd(room, nicks, last)

    def _as_listed(self, first: Received, last: Received, room: str, nicks: list[str]) -> list[str]:
        """Return whom a client knows to be in a room after a list of its members.

        A long list takes a while, in which the client is told who else enters. If its node dies
        meanwhile, another one lists everybody again.
        """
        if self._client.was_moved(first.at, last.at):
            nicks = list(dict.fromkeys(nicks))
        return nicks + self._entered_between(first, last, room, nicks)

    def _entered_between(
        self, first: Received, last: Received, room: str, known: list[str]
    ) -> list[str]:
        received = self._client.received
        between = received[received.index(first) : received.index(last)]
        nicks = dict.fromkeys(
            one.message.source.partition("!")[0]
            for one in between
            if one.message.command == "JOIN" and one.message.parameters[0] == room
        )
        return [nick for nick in nicks if nick not in known]

    def _check_people(self, reader: Reader, sent: Sent, item: str, end: str, place: int) -> None:
        nicks: list[str] = []
        first = None
        while reader.is_next(item):
            received = reader.take(item)
            first = first or received
            nicks.append(received.message.parameters[place])
        last = reader.take(end)
        assert last.message.parameters[1] == sent.parameters[0]
        if first is not None:
            nicks = self._as_listed(first, last, sent.parameters[0], nicks)
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

    def _check_history(self, reader: Reader, sent: Sent) -> None:
        unit = reader.next()
        room, limit = sent.parameters[1], int(sent.parameters[3])
        if is_unreachable(unit.first):
            return
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
        # Another notice stands for the answer to the next line.
        following = reader.peek()
        is_warned = following is not None and is_warning(following.first)
        known = [shown for shown in said if int(shown.msgid.partition("-")[0], 16) <= low]
        while is_warned and known and self._truth.is_gone(known[-1]):
            known.pop()
        count = 0
        if lines:
            ends = [number for number, shown in enumerate(said) if shown == lines[-1]]
            assert ends, f"{lines[-1]} is no message of {room}"
            count = ends[0] + 1
        assert count >= len(known), f"the history lacks {known[-1]}, which was shown before"
        expected = said[max(0, count - limit) : count]
        if is_warned:
            warning = reader.next()
            if is_unreachable(warning.first):
                expected = expected[len(expected) - len(lines) :]
            else:
                expected = self._truth.without_gone(said[:count], lines, limit)
        assert lines == expected

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
            self._check_picture()
        elif self._client.session.id in self._truth.due:
            assert closing is not None, "somebody who left is still there"

    def _check_picture(self) -> None:
        """Check that the client knows its nickname, its rooms, and who is in them."""
        state = self._truth.state
        session = state.sessions.get(self._client.session.id)
        if session is None:
            return
        user, picture = state.users[session.user], Picture(self._client)
        assert picture.nick == user.nick, f"it takes itself for {picture.nick}, it is {user.nick}"
        rooms = {
            state.rooms[room].name: sorted(
                state.users[member].nick for member in state.rooms[room].members
            )
            for room in user.rooms
        }
        known = {name: sorted(nicks) for name, nicks in picture.rooms.items()}
        assert known == rooms, f"it knows the rooms {known}, they are {rooms}"
