"""`roost tail ROOM`: print what is said in a room, each message once.

Entries are printed in the room's order, up to the first gap; later ones wait until it is filled.
So a reconnect is only a pause in the output.
"""

import asyncio
import contextlib
import datetime as dt
import json
import re
from collections.abc import Callable
from typing import TextIO

from roost.client.model import Conversation, Entry, EntryKind
from roost.client.model.incoming import format_time
from roost.client.model.text import strip_formatting
from roost.client.script import ScriptError, Session, Target, run_session

LOOK_S = 2.0
"""Between two looks at a room that is read from outside."""
_AGO = re.compile(r"(\d{1,9})\s*(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SHOWN = (EntryKind.MESSAGE, EntryKind.NOTICE, EntryKind.ACTION)


def parse_since(text: str, now_ms: int) -> int:
    """Parse "10m", "2h" or "3d" (ago), or a date with or without a time; return ms since the epoch.

    A time without a zone is local.

    Raises:
        ValueError: the text is not a time; the message is for people.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago is not None:
        return max(1, now_ms - int(ago[1]) * _SECONDS[ago[2]] * 1000)
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"{text!r} is not a time: write 10m, 2h, 3d, 2026-01-31 or 2026-01-31T12:00:00Z"
        ) from None
    return max(1, int(moment.timestamp() * 1000))


def format_entry(entry: Entry, room: str, *, is_json: bool) -> str:
    """Format an entry as one line."""
    if is_json:
        return json.dumps(
            {
                "time": format_time(entry.time_ms),
                "msgid": entry.msgid,
                "room": room,
                "kind": entry.kind.value,
                "nick": entry.sender,
                "account": entry.account,
                "text": entry.text,
            },
            ensure_ascii=False,
        )
    moment = dt.datetime.fromtimestamp(entry.time_ms / 1000, dt.UTC).astimezone()
    text = strip_formatting(entry.text).replace("\n", "\n    ")
    before, after = {
        EntryKind.MESSAGE: ("<", ">"),
        EntryKind.NOTICE: ("-", "-"),
        EntryKind.ACTION: ("* ", ""),
    }[entry.kind]
    return f"{moment:%Y-%m-%d %H:%M:%S} {before}{entry.sender}{after} {text}"


class Printer:
    """Prints a conversation's entries in order, each once."""

    def __init__(self, out: TextIO, *, is_json: bool, last: int | None) -> None:
        """`last` says how many of the entries present at the start to print; None prints all."""
        self._out = out
        self._is_json = is_json
        self._last = last
        self._printed = 0
        """How many entries are printed or skipped."""

    def wants_more(self, conversation: Conversation) -> bool:
        """Return whether there are fewer entries than `last` before the first line is printed."""
        if not self._last:
            return False
        return sum(map(_is_shown, conversation.entries)) < self._last

    def print_new(self, conversation: Conversation, *, has_gap_before: bool) -> None:
        """Print what is new; nothing while `has_gap_before`: the first page has not arrived."""
        if has_gap_before:
            return
        entries = conversation.entries
        if self._printed > len(entries):
            self._printed = len(entries)
        if self._last is not None:
            spoken = [place for place, entry in enumerate(entries) if _is_shown(entry)]
            self._printed = spoken[-self._last] if 0 < self._last < len(spoken) else 0
            if self._last == 0:
                self._printed = len(entries)
            self._last = None
        written = False
        while self._printed < len(entries):
            entry = entries[self._printed]
            if entry.kind is EntryKind.GAP:
                break
            self._printed += 1
            if _is_shown(entry):
                line = format_entry(entry, conversation.name, is_json=self._is_json)
                self._out.write(f"{line}\n")
                written = True
        if written:
            self._out.flush()


def _is_shown(entry: Entry) -> bool:
    return entry.kind in _SHOWN and not entry.is_ignored and not entry.is_redacted


async def tail(
    target: Target,
    room_name: str,
    printer: Printer,
    *,
    is_following: bool,
    warn: Callable[[str], None],
) -> None:
    """Print a room until cancelled, or until its history is printed if not following.

    Raises:
        ScriptError: there is no such room, it cannot be joined, or the connection is lost for good.
    """

    async def work(session: Session) -> None:
        session.warn = warn
        enquiry = await session.enquire(room_name)
        if enquiry.is_missing and not is_following:
            raise ScriptError(f"there is no room {room_name}")
        await _Reader(session, room_name, printer, is_following, enquiry.can_read).run()

    await run_session(target, work)


class _Reader:
    """Reads a room from outside, if its history is open, or else as a member."""

    def __init__(
        self,
        session: Session,
        room_name: str,
        printer: Printer,
        is_following: bool,
        is_outside: bool,
    ) -> None:
        self._session = session
        self._name = room_name
        self._printer = printer
        self._is_following = is_following
        self._is_outside = is_outside
        self._next_look_s = asyncio.get_running_loop().time() + LOOK_S

    async def run(self) -> None:
        """Print until everything is printed; if following, until cancelled."""
        self._come_near()
        while True:
            room = self._session.model.room(self._name)
            if room is None:
                if self._session.error:
                    raise ScriptError(self._session.error)
                await self._session.wait()
                continue
            self._check(room)
            is_there = room.is_joined or room.is_outside
            if is_there and room.sync is None and not room.history.is_loading:
                if self._needs_older(room):
                    self._session.model.load_older(room.key)
                    self._session.connection.flush()
                    continue
                self._print(room)
                if not self._is_following:
                    return
            elif room.entries and not self._printer.wants_more(room):
                self._print(room)
            await self._wait(room)

    def _come_near(self) -> None:
        session = self._session
        if self._is_outside:
            room = session.model.stay_outside(self._name)
            session.model.read_outside(room.key)
        else:
            session.model.join(self._name)
        session.connection.flush()

    def _check(self, room: Conversation) -> None:
        """Enter the room if it does not let us read from outside.

        Raises:
            ScriptError: it does not let us in.
        """
        if room.problem and not room.is_joined and not room.is_joining:
            raise ScriptError(f"{self._name}: {room.problem}")
        if self._is_outside and room.history.problem:
            self._is_outside = room.is_outside = False
            self._come_near()

    def _needs_older(self, room: Conversation) -> bool:
        history = room.history
        can_load = history.is_offered and history.is_more_above and not history.problem
        return can_load and self._printer.wants_more(room)

    def _print(self, room: Conversation) -> None:
        first_is_gap = bool(room.entries) and room.entries[0].kind is EntryKind.GAP
        self._printer.print_new(room, has_gap_before=first_is_gap)

    async def _wait(self, room: Conversation) -> None:
        """Wait for something new; from outside, look for it from time to time."""
        if not self._is_outside:
            await self._session.wait()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._next_look_s):
                await self._session.wait()
        now_s = asyncio.get_running_loop().time()
        if now_s < self._next_look_s or not self._session.model.is_online:
            return
        self._next_look_s = now_s + LOOK_S
        if not room.is_outside:
            # The connection was lost meanwhile.
            self._session.model.stay_outside(self._name)
        self._session.model.read_outside(room.key)
        self._session.connection.flush()
