"""Takes over sessions that another node served, until they are live here.

    ask_for() --> the log --> take_up() --> hand_over() --> lines come again --> go_live()

See `ircd.sessions.handover` for the order in which a client is told what it missed.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from roost.chat.applied import Applied
from roost.chat.commands.sessions import AttachSessions
from roost.chat.ids import Position, RoomId, SessionId
from roost.chat.refusals import Refusal
from roost.irc.capabilities import DELIVERY_CAPABILITIES
from roost.ircd.context import Context
from roost.ircd.delivery.missed import Missed, look_back
from roost.ircd.delivery.missed_index import MissedIndex
from roost.ircd.delivery.outdated import Error
from roost.ircd.delivery.siblings import (
    describe_room,
    is_list_due,
    list_members,
    rooms_for_newcomer,
    send_join,
)
from roost.ircd.replies.labels import finish
from roost.ircd.serving.answers import Answers
from roost.ircd.serving.environment import Environment
from roost.ircd.serving.gap import begin, describe, is_refusal
from roost.ircd.sessions.directory import Directory
from roost.ircd.sessions.groups import Groups
from roost.ircd.sessions.handover import Handover
from roost.ircd.sessions.outbox import Outbox
from roost.ircd.sessions.recent import RecentEntries, nick_before
from roost.ircd.sessions.session import LocalSession, Phase, Picture
from roost.protocol.trunk import Serving

ATTACHED_AT_ONCE_MAX = 500
"""Sessions in one command: an entry of 10 kB, and a few milliseconds of work for every node."""
CHANGE_RECEIVERS = 4
"""Sessions that could be looked at while one change that was missed is rendered."""
IDLE_TICKS = 20
"""Some seconds: the sessions of a lost node come one after the other."""
TOO_LATE = "the client was served too long ago"


class Takeover:
    """The sessions that are being taken over."""

    def __init__(
        self,
        environment: Environment,
        outbox: Outbox,
        directory: Directory,
        groups: Groups,
        recent: RecentEntries,
        answers: Answers,
        refuse: Callable[[LocalSession, str], None],
        pump: Callable[[LocalSession], None],
    ) -> None:
        """`refuse` gives a session back to its balancer, with a reason.

        `pump` goes on with its lines.
        """
        self._pump = pump
        self._environment = environment
        self._outbox = outbox
        self._directory = directory
        self._groups = groups
        self._recent = recent
        self._answers = answers
        self._refuse = refuse
        self._missed = MissedIndex(recent, environment.config.server_name)
        self._attaching: list[tuple[SessionId, int]] = []
        """Sessions and generations to ask the log for at the end of the turn."""
        self.granted: deque[LocalSession] = deque()
        """Sessions to be served from now on, when their turn comes."""
        self._idle_ticks = 0

    def ask_for(self, session: LocalSession) -> None:
        """Ask the log to fence off the node that served a session before."""
        session.phase = Phase.ATTACHING
        self._directory.forget_newcomer(session)
        self._attaching.append((session.id, session.generation))

    def ask_together(self) -> None:
        """Ask for all sessions of this turn, in few commands."""
        attaching, self._attaching = self._attaching, []
        for start in range(0, len(attaching), ATTACHED_AT_ONCE_MAX):
            some = attaching[start : start + ATTACHED_AT_ONCE_MAX]
            self._outbox.command(AttachSessions(tuple(some)))

    def grant(self, session: LocalSession) -> None:
        """Note that the log has given a session to this node."""
        session.phase = Phase.GRANTED
        self.granted.append(session)
        self._idle_ticks = 0

    def prepare(self) -> bool:
        """Look through what the granted sessions may have missed; return whether that is done.

        Otherwise go on in the next turn: after the death of a node with many clients there can be
        tens of thousands of changes. Those of the first session's rooms are rendered then, too.
        """
        reaches, state = self._recent.reaches, self._environment.state
        begins = [one.served for one in self.granted if reaches(one.served)]
        if not begins:
            return True
        if not self._missed.go_on(min(begins)):
            return False
        known = state.sessions.get(self.granted[0].id)
        user = None if known is None else state.users.get(known.user)
        if known is None or user is None:
            return True
        return self._missed.render_ahead(user.rooms, known.capabilities & DELIVERY_CAPABILITIES)

    def tick(self) -> None:
        """Forget what only takeovers need, when there has been none for a while."""
        if not self.granted:
            self._idle_ticks += 1
            if self._idle_ticks == IDLE_TICKS:
                self._missed.forget()

    def take_up(self, session: LocalSession) -> None:
        """Fill in a session from the replicated state."""
        state = self._environment.state
        known = state.sessions[session.id]
        user = state.users[known.user]
        session.phase = Phase.LIVE
        self._directory.forget_newcomer(session)
        session.nick = user.nick
        session.capabilities = known.capabilities
        session.user = user.id
        session.handover = Handover()

    def hand_over(
        self,
        session: LocalSession,
        *,
        has_missed: bool,
        seen: tuple[Position, int] | None = None,
        is_newcomer: bool = False,
    ) -> None:
        """Find what the client missed, if anything, and which of its lines have taken effect.

        It missed what came after the position up to which the session was `served`, or after the
        message that it has `seen` over an earlier connection. A client that `is_newcomer`, and
        joins a user with other clients, is first told the rooms that the user was in.
        """
        state = self._environment.state
        known = state.sessions[session.id]
        handover = session.handover
        assert handover is not None, "it has been taken up"
        user = state.users[known.user]
        missed = Missed([], list(user.rooms), user.nick, [], [])
        handover.shown = state.position
        if has_missed or seen is not None:
            since = session.served if seen is None else Position(seen[0] - 1)
            handover.shown = since
            if not self._recent.reaches(since):
                missed = self._begin_behind_gap(session)
                is_newcomer = False
            else:
                missed = self._missed_since(since, session, seen)
        if is_newcomer:
            told = rooms_for_newcomer(lambda: self._environment.context(session), missed.rooms)
            if missed.stretches:
                # All at once, because what it missed comes after that.
                self._answers.send_unasked(session, told)
            else:
                self._environment.unshown.begin(self._tell_by_step(session, told))
        self._miss(session, missed)
        if known.last_line > session.handled_line:
            handover.last_line = known.last_line
            session.nick = nick_before(self._recent, session, known.last_line)
        else:
            self.go_live(session)

    def _tell_by_step(self, session: LocalSession, told: Iterator[bytes]) -> Iterator[None]:
        """Tell a client something unasked, in steps between which its own lines wait."""
        for lines in told:
            if self._directory.by_id.get(session.id) is not session:
                return
            self._answers.send_unasked(session, [lines])
            session.is_being_told = True
            yield
        if session.is_being_told:
            session.is_being_told = False
            self._pump(session)

    def _tell_at_the_end(self, session: LocalSession, handover: Handover) -> None:
        """Tell what is known only for the present, and is newer than all that was held back."""

        def make_context() -> Context:
            return self._environment.context(session)

        if handover.has_gap:
            told = describe(make_context)
        else:
            state = self._environment.state
            rooms = state.users[session.user].rooms
            entered = [room for room in handover.entered if room in rooms]
            errors = {
                room: self._missed.error_of_list(state.rooms[room], lists, state.nicks, rooms)
                for room, lists in handover.listed.items()
                if room in rooms and room not in handover.entered
                if lists and lists[0] < handover.until
            }
            outdated = [(room, error) for room, error in errors.items() if error is not Error.NONE]
            if not entered and not outdated:
                return
            told = _describe_or_list(make_context, entered, outdated)
        self._environment.unshown.begin(self._tell_by_step(session, told))

    def can_serve(self, session: LocalSession) -> bool:
        """Return whether the client can be shown all that it missed, or need not be."""
        return session.picture is not None or self._recent.reaches(session.served)

    def _begin_behind_gap(self, session: LocalSession) -> Missed:
        """Tell the client what it was at the oldest entry that is here; return what followed.

        Its nickname is that of the time, because what followed may tell of others.
        """
        assert session.handover is not None, "it has been taken up"
        assert session.picture is not None, "otherwise the attachment is refused"
        session.handover.has_gap = True
        missed = self._missed_since(self._recent.start, session)
        session.handover.shown = self._recent.start
        session.nick = missed.nick
        told = begin(self._environment.context(session), session.picture, missed.rooms)
        self._answers.send_unasked(session, [told])
        return missed

    def _miss(self, session: LocalSession, missed: Missed) -> None:
        """Note what the client is to be shown before it goes live."""
        state = self._environment.state
        assert session.handover is not None, "it has been taken up"
        session.handover.miss(missed.stretches, state.position)
        session.handover.entered.update(dict.fromkeys(missed.entered))
        session.handover.renamed.update(dict.fromkeys(missed.renamed))
        if session.picture is not None:
            user = state.users[session.user]
            names = [state.rooms[room].name for room in user.rooms]
            session.picture = Picture(user.nick, tuple(names))

    def _missed_since(
        self, since: Position, session: LocalSession, seen: tuple[Position, int] | None = None
    ) -> Missed:
        state, name = self._environment.state, self._environment.config.server_name
        known = state.sessions[session.id]
        before = self._missed.looked_at
        missed = look_back(self._missed, since, state, known, name, seen)
        self._outbox.looked_at((self._missed.looked_at - before) * CHANGE_RECEIVERS)
        return missed

    def effect_of(self, session: LocalSession, line: int) -> Applied | None:
        """Return the entry that a line took effect in while another node served the session."""
        if session.handover is None or line > session.handover.last_line:
            return None
        return self._recent.of_line(session.id, line)

    def catch_up(self, session: LocalSession, effect: Applied) -> None:
        """Show the client what it missed until one of its lines took effect, as it was live.

        It is shown what it said to itself, before the answer echoes that.
        """
        for result in effect.results:
            if not isinstance(result, Refusal) and result.source.user == session.user:
                # Another client of the user may have changed the nickname since the last line.
                session.nick = result.source.nick
                break
        assert session.handover is not None, "lines have effects elsewhere only before"
        missed = session.handover.take_missed(Position(effect.position + 1))
        self._answers.send_unasked(session, missed)

    def is_lost_in_gap(self, context: Context) -> bool:
        """Return whether a line that is refused now took effect, or may have, in a gap."""
        handover = context.session.handover
        return (
            handover is not None
            and handover.has_gap
            and context.line <= handover.last_line
            and is_refusal(context)
        )

    def is_answer_lost(self, session: LocalSession, line: int) -> bool:
        """Return whether another node handled a line that would take effect now."""
        return session.handover is not None and line <= session.handover.last_line

    def line_done(self, session: LocalSession, line: int) -> None:
        """Let the session go live after its last line that took effect elsewhere."""
        if session.handover is not None and line >= session.handover.last_line:
            self.go_live(session)

    def go_live(self, session: LocalSession) -> None:
        """Send what was held back, and serve the session live from now on."""
        state, handover = self._environment.state, session.handover
        assert handover is not None, "it has been taken up"
        if not self._recent.reaches(handover.until):
            if session.picture is None:
                self._refuse(session, TOO_LATE)
                return
            # This took so long that there is another gap.
            rest = handover.take_missed(Position(state.position + 1))
            self._answers.send_unasked(session, rest)
            self._miss(session, self._begin_behind_gap(session))
        elif handover.until < state.position:
            self._miss(session, self._missed_since(handover.until, session))
        rest = handover.take_missed(Position(state.position + 1))
        self._answers.send_unasked(session, rest)
        session.nick = state.users[session.user].nick
        self._tell_at_the_end(session, handover)
        session.handover = session.introduction = session.picture = None
        for item in handover.items:
            self._outbox.item(session.balancer, item)
        self._outbox.item(session.balancer, Serving(session.id, session.generation, session.nick))
        self._directory.set_user(session, session.user)
        self._directory.watch(session, state.sessions[session.id].monitored)
        for number in state.users[session.user].rooms:
            room = state.rooms[number]
            self._groups.enter(session, number, room.name)
            if is_list_due(self._environment.context(session), room, handover.renamed):
                self._environment.listings.append((session, number))


def _describe_or_list(
    make_context: Callable[[], Context],
    entered: list[RoomId],
    outdated: Sequence[tuple[RoomId, Error]],
) -> Iterator[bytes]:
    """Describe rooms that were entered, and list who is in those whose lists are outdated.

    Clients take a JOIN to a room that they are in for a new beginning.
    """
    for room in entered:
        yield from describe_room(make_context(), room)
    for room, error in outdated:
        context = make_context()
        known = context.state.rooms.get(room)
        if known is None or context.user.id not in known.members:
            continue
        if error is Error.TOO_MANY:
            send_join(context, known)
        for _ in list_members(context, room):
            yield finish(context)
            context.lines.clear()
        yield finish(context)
