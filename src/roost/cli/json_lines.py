"""History as JSON, one object a line: what `roost export` writes.

    {"time": "2026-11-26T21:00:00.000Z", "msgid": "...", "room": "#lobby", "kind": "message",
     "nick": "ada", "account": "ada", "text": "hello"}

`room` or `with` says where, `kind` what happened. The keys up to `text` are those of `roost tail`.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from roost.chat.changes import (
    Change,
    Joined,
    Kicked,
    NickChanged,
    Parted,
    Quitted,
    Redacted,
    RoomModesChanged,
    RoomRenamed,
    Said,
    TopicChanged,
)
from roost.chat.history import KIND_REDACTED, KIND_REDACTED_TAGMSG, Row
from roost.chat.ids import RoomId, message_id
from roost.chat.state import Account, Room, State

_ACTION = "\x01ACTION "


def render_row(row: Row, change: Change, rooms: Mapping[RoomId, Room]) -> dict[str, Any]:
    """Return what a row says."""
    event = _event(row, change)
    return {
        "time": timestamp(row.time_ms),
        "msgid": message_id(row.position, row.part),
        **_place(row, change, rooms),
        "kind": event.pop("kind"),
        "nick": change.source.nick,
        "account": change.source.account,
        **event,
    }


def _place(row: Row, change: Change, rooms: Mapping[RoomId, Room]) -> dict[str, Any]:
    if not row.conversation.startswith("r:"):
        return {"with": row.peer}
    room = rooms.get(RoomId(int(row.conversation.removeprefix("r:"))))
    name = getattr(change, "target" if isinstance(change, Said | Redacted) else "name", "")
    return {"room": room.name if room is not None else name}


def _event(row: Row, change: Change) -> dict[str, Any]:
    match change:
        case Said():
            return _said(row, change)
        case Redacted(message=message, reason=reason):
            return {"kind": "redaction", "message": message, "reason": reason}
        case Joined():
            return {"kind": "join"}
        case Parted(reason=reason):
            return {"kind": "part", "reason": reason}
        case Quitted(reason=reason):
            return {"kind": "quit", "reason": reason}
        case Kicked(nick=nick, reason=reason):
            return {"kind": "kick", "who": nick, "reason": reason}
        case NickChanged(nick=nick):
            return {"kind": "nick", "to": nick}
        case TopicChanged(topic=topic):
            return {"kind": "topic", "text": topic}
        case RoomModesChanged(changes=changes):
            signs = [("+" if one.is_added else "-") + one.letter for one in changes]
            words = [one.parameter for one in changes if one.parameter]
            return {"kind": "mode", "changes": " ".join(["".join(signs), *words])}
        case RoomRenamed(old=old, name=name, reason=reason):
            return {"kind": "rename", "from": old, "to": name, "reason": reason}
        case _:
            return {"kind": type(change).__name__}


def _said(row: Row, said: Said) -> dict[str, Any]:
    if row.kind in (KIND_REDACTED, KIND_REDACTED_TAGMSG):
        return {"kind": "redacted", "text": ""}
    kind = {"PRIVMSG": "message", "NOTICE": "notice"}.get(said.verb, said.verb.lower())
    text = said.text
    if kind == "message" and text.startswith(_ACTION):
        kind, text = "action", text.removeprefix(_ACTION).removesuffix("\x01")
    values: dict[str, Any] = {"kind": kind, "text": text}
    if said.tags:
        values["tags"] = dict(said.tags)
    if said.relayer:
        values["relayed_by"] = said.relayer
    return values


def render_account(account: Account, state: State) -> dict[str, Any]:
    """Return what the cluster keeps of an account, besides history; never its password's hash."""
    rooms = [
        room.name for room in state.rooms.values() if state.accounts.get(room.founder) is account
    ]
    return {
        "kind": "account",
        "account": account.name,
        "registered": timestamp(account.created_ms),
        "email": account.email,
        "nicks": list(account.nicks),
        "certificates": list(account.certificates),
        "is_always_on": account.is_always_on,
        "metadata": dict(account.metadata),
        "virtual_host": account.virtual_host,
        "read_markers": {name: timestamp(at) for name, at in account.read_markers.items()},
        "founded_rooms": rooms,
    }


def timestamp(time_ms: int) -> str:
    """Return a time as IRC's `time` tags have it."""
    moment = dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
