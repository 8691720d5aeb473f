"""Shows earlier messages to clients that cannot ask for them, when they enter a room.

    JOIN, names --> the history store, up to the moment of entering --> PRIVMSG with its time

What is said later is delivered live, so nothing comes twice. One room is asked for after the other,
and the client's next line waits meanwhile, as with any long answer. The first client of a user who
was always on and had none is also shown the private messages that came meanwhile.

When a crowd comes back, everybody enters the same rooms: a page is kept for a while, unless
something is said in the room or taken back.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from roost.chat import history
from roost.chat.access import is_ctcp
from roost.chat.applied import Applied
from roost.chat.changes import Redacted, Said, SessionOpened
from roost.chat.history import Anchor, Answer, Page, Row, Target, Targets
from roost.chat.identities import owners
from roost.chat.ids import RoomId
from roost.irc.capabilities import Capability
from roost.ircd.context import Context, Question, Replay
from roost.ircd.queries.conversations import BATCH, find_conversation
from roost.ircd.services.autoreplay import lines_for
from roost.ircd.serving.answers import Answers

PAGES_MAX = 1000
"""Rooms whose pages are kept: some megabytes."""
PEERS_MAX = 50
"""People whose private messages are shown: more wrote to nobody in an absence."""
PAGE_MS = 30_000
"""How long a page is kept: a crowd comes back within seconds."""
_ACTION = "\x01ACTION "
_DAY_MS = 86_400_000


class _Kept(msgspec.Struct):
    page: Page
    rows: tuple[Row, ...]
    at_ms: int
    erasures: int
    """How many people had been erased from history."""


class Replays:
    """Asks for pages of rooms, and keeps some."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._kept: dict[RoomId, _Kept] = {}
        self.asked: dict[RoomId, None] = {}
        """Rooms that were asked for since the last message."""

    def note(self, change: Said | Redacted) -> None:
        """Forget the page of a room in which something was said, or taken back."""
        if self.asked and self.asked.pop(change.room, 0) is None:
            self._kept.pop(change.room, None)

    def forget(self) -> None:
        """Forget all pages, because entries were skipped."""
        self._kept.clear()
        self.asked.clear()

    def go_on(self, context: Context) -> Question | None:
        """Show pages that are here; return what to ask for the next one, None after the last."""
        limit = lines_for(context)
        if limit and context.lines:
            # The client must know that it has entered before it is told what others say.
            self._answers.send_some(context)
            context.label = ""
        while limit and context.replays:
            question = self._ask(context, context.replays.pop(0), limit)
            if question is not None:
                return question
        return None

    def _ask(self, context: Context, replay: Replay, limit: int) -> Question | None:
        """Show a room's page if it is here and return None; otherwise return what to ask."""
        if not replay.room:
            return _ask_for_private(context, replay, limit)
        room = context.state.rooms.get(replay.room)
        found = find_conversation(context, room.name) if room is not None else None
        if room is None or found is None or context.user.id not in room.members:
            return None
        (excerpt,) = found.excerpts
        page = Page(
            conversation=excerpt.conversation,
            limit=limit,
            is_newest=True,
            before=Anchor(replay.before),
            from_position=excerpt.from_position,
        )
        kept = self._kept.get(room.id)
        if kept is not None and self._is_fresh(kept, page, context):
            _show(context, kept.rows, found.name)
            return None
        self.asked[room.id] = None

        def show(context: Context, answer: Answer) -> None:
            rows = tuple(row for row in answer if isinstance(row, Row))
            if replay.room in self.asked:
                erasures = len(context.state.erasures)
                self._keep(replay.room, _Kept(page, rows, context.now.wall_ms, erasures))
            _show(context, rows, found.name)

        return Question((page,), show, is_quiet=True)

    @staticmethod
    def _is_fresh(kept: _Kept, page: Page, context: Context) -> bool:
        """Return whether a page has what another one would."""
        assert kept.page.before is not None
        assert page.before is not None
        is_same = msgspec.structs.replace(page, before=kept.page.before) == kept.page
        is_later = page.before.position >= kept.page.before.position
        is_whole = kept.erasures == len(context.state.erasures)
        age_ms = context.now.wall_ms - kept.at_ms
        return is_same and is_later and is_whole and 0 <= age_ms < PAGE_MS

    def _keep(self, room: RoomId, kept: _Kept) -> None:
        self._kept.pop(room, None)
        self._kept[room] = kept
        while len(self._kept) > PAGES_MAX:
            oldest = next(iter(self._kept))
            del self._kept[oldest]
            self.asked.pop(oldest, None)


def replays_for(context: Context, opening: Applied | None) -> list[Replay]:
    """Return what a client is shown that its user's rooms are told to; `opening` registered it."""
    position = context.state.position if opening is None else opening.position
    replays = [Replay(room, position) for room in context.user.rooms]
    replays.extend(
        Replay(RoomId(0), position, result.absent_ms)
        for result in (opening.results if opening is not None else ())
        if isinstance(result, SessionOpened) and result.absent_ms
    )
    return replays


def _ask_for_private(context: Context, replay: Replay, limit: int) -> Question | None:
    """Ask who has written since, or for what somebody has written."""
    if not replay.peer:
        mine, until_ms = owners(context.state, context.user), context.now.wall_ms + 1
        # Those who wrote first come first.
        query = Targets(mine, (), replay.since_ms - 1, until_ms, PEERS_MAX)

        def go_on(context: Context, answer: Answer) -> None:
            peers = [target.name for target in answer if isinstance(target, Target)]
            context.replays[:0] = [msgspec.structs.replace(replay, peer=peer) for peer in peers]

        return Question((query,), go_on, is_quiet=True)
    found = find_conversation(context, replay.peer)
    if found is None:
        return None
    first, *more = found.excerpts
    page = Page(
        conversation=first.conversation,
        limit=limit,
        is_newest=True,
        after=Anchor(time_ms=replay.since_ms - 1),
        before=Anchor(replay.before),
        from_position=first.from_position,
        more=tuple(more),
    )

    def show(context: Context, answer: Answer) -> None:
        _show(context, tuple(row for row in answer if isinstance(row, Row)), found.name)

    return Question((page,), show, is_quiet=True)


def _show(context: Context, rows: tuple[Row, ...], name: str) -> None:
    shown: list[Callable[[], None]] = []
    for row in rows:
        try:
            change = history.decode_change(row.record)
        except msgspec.MsgspecError:
            continue
        # An old client would answer CTCP.
        if not isinstance(change, Said) or is_ctcp(change.text, change.breaks):
            continue
        if change.recipient and change.source.user == context.session.user:
            # It would take its user's own private message for somebody else's.
            continue
        if not context.has(Capability.SERVER_TIME):
            change = _with_time(change, row.time_ms, context.now.wall_ms)
        shown.append(
            lambda change=change, row=row: context.show_change(  # type: ignore[misc]
                change, row.position, row.time_ms
            )
        )
    if shown:
        with context.batch(BATCH, name):
            for show in shown:
                show()


def _with_time(change: Said, time_ms: int, now_ms: int) -> Said:
    """Put the time before a text; the date too if that was more than half a day ago."""
    moment = datetime.fromtimestamp(time_ms // 1000, UTC)
    is_old = now_ms - time_ms > _DAY_MS // 2
    stamp = f"[{moment:%Y-%m-%d %H:%MZ}] " if is_old else f"[{moment:%H:%MZ}] "
    start = len(_ACTION) if change.text.startswith(_ACTION) else 0
    text = change.text[:start] + stamp + change.text[start:]
    breaks = tuple(place + len(stamp) for place in change.breaks)
    return msgspec.structs.replace(change, text=text, breaks=breaks)
