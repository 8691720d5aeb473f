"""`roost tail ROOM`: print what is said in a room, each message once.

Entries are printed in the room's order, up to the first gap; later ones wait until it is filled.
So a reconnect is only a pause in the output.
"""

import datetime as dt
import json
import re
from collections.abc import Callable
from typing import TextIO

from roost.client.model import Conversation, Entry, EntryKind
from roost.client.model.incoming import format_time
from roost.client.model.text import strip_formatting
from roost.client.script import ScriptError, Session, Target, run_session

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

    def print_new(self, conversation: Conversation, *, has_gap_before: bool) -> None:
        """Print what is new; nothing while `has_gap_before`: the first page has not arrived."""
        if has_gap_before:
            return
        entries = conversation.entries
        if self._printed > len(entries):
            self._printed = len(entries)
        if self._last is not None:
            spoken = [place for place, e in enumerate(entries) if e.kind in _SHOWN]
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
            if entry.kind in _SHOWN and not entry.is_ignored and not entry.is_redacted:
                line = format_entry(entry, conversation.name, is_json=self._is_json)
                self._out.write(f"{line}\n")
                written = True
        if written:
            self._out.flush()


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
        ScriptError: the room cannot be joined, or the connection is lost for good.
    """

    async def work(session: Session) -> None:
        model = session.model
        model.join(room_name)
        session.connection.flush()
        told = None
        while True:
            room = model.room(room_name)
            if room is not None:
                if room.problem and not room.is_joined and not room.is_joining:
                    raise ScriptError(f"{room_name}: {room.problem}")
                is_loading = room.sync is not None
                has_begun = bool(room.entries)
                first_is_gap = has_begun and room.entries[0].kind is EntryKind.GAP
                printer.print_new(room, has_gap_before=not has_begun or first_is_gap)
                if not is_following and has_begun and not is_loading and room.is_joined:
                    return
            elif session.error:
                raise ScriptError(session.error)
            problem = model.connection.problem
            if problem is not None and problem != told:
                warn(problem.text)
            told = problem
            await session.wait()

    await run_session(target, work)
