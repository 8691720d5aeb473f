"""Every kind of history becomes a JSON object that says who, where, when and what."""

import pytest

from roost.chat.applied import Applied
from roost.chat.authorship import is_by, is_conversation_of
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
    Source,
    TopicChanged,
)
from roost.chat.commands.modes import ModeChange
from roost.chat.history import KIND_REDACTED, Owner, Row, decode_change
from roost.chat.ids import AccountId, Position, RoomId, UserId
from roost.chat.record import history_rows, redacted
from roost.chat.state import Room
from roost.cli.json_lines import render_row

ADA = Source(UserId(7), "Ada", "ada", "host", "ada", account_id=AccountId(5))
ROOMS = {RoomId(9): Room(RoomId(9), "#now", 0)}


def say(text: str, *, verb: str = "PRIVMSG", room: int = 9, **more: object) -> Said:
    recipient = UserId(0 if room else 8)
    values: dict[str, object] = {"recipient_identity": "" if room else "i:6", **more}
    return Said(
        1,
        ADA,
        verb,
        RoomId(room),
        recipient,
        "#then" if room else "Bob",
        0,
        text,
        tags=(),
        away="",
        **values,  # type: ignore[arg-type]
    )


def rows_of(change: Change) -> list[Row]:
    return history_rows(Applied(Position(20), 1_700_000_000_123, results=(change,)))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (say("hi"), {"kind": "message", "text": "hi"}),
        (say("\x01ACTION waves\x01"), {"kind": "action", "text": "waves"}),
        (say("psst", verb="NOTICE"), {"kind": "notice", "text": "psst"}),
        (say("hi", relayer="bridge"), {"kind": "message", "text": "hi", "relayed_by": "bridge"}),
        (Joined(1, ADA, RoomId(9), "#then", "Ada L", ""), {"kind": "join"}),
        (Parted(1, ADA, RoomId(9), "#then", "bye"), {"kind": "part", "reason": "bye"}),
        (
            Kicked(1, ADA, RoomId(9), "#then", UserId(8), "Bob", "out"),
            {"kind": "kick", "who": "Bob", "reason": "out"},
        ),
        (Quitted(1, ADA, ((RoomId(9), "#then"),), "bye"), {"kind": "quit", "reason": "bye"}),
        (NickChanged(1, ADA, "Ida", ((RoomId(9), "#then"),)), {"kind": "nick", "to": "Ida"}),
        (TopicChanged(1, ADA, RoomId(9), "#then", "tea"), {"kind": "topic", "text": "tea"}),
        (
            RoomModesChanged(
                1, ADA, RoomId(9), "#then", (ModeChange(True, "o", "Bob"), ModeChange(False, "m"))
            ),
            {"kind": "mode", "changes": "+o-m Bob"},
        ),
        (
            RoomRenamed(1, ADA, RoomId(9), "#then", "#now", "new", False, None, ()),
            {"kind": "rename", "from": "#then", "to": "#now", "reason": "new"},
        ),
        (
            Redacted(1, ADA, RoomId(9), UserId(0), "#then", "id", Position(3), 1, "why", "Bob", ""),
            {"kind": "redaction", "message": "id", "reason": "why"},
        ),
    ],
)
def test_what_happened_in_a_room(change: Change, expected: dict[str, object]) -> None:
    (row,) = rows_of(change)
    assert render_row(row, decode_change(row.record), ROOMS) == {
        "time": "2023-11-14T22:13:20.123Z",
        "msgid": "00000000014-01",
        "room": "#now",
        "nick": "Ada",
        "account": "ada",
        **expected,
    }


def test_a_room_that_is_forgotten_has_its_name_of_then() -> None:
    (row,) = rows_of(say("hi"))
    assert render_row(row, decode_change(row.record), {})["room"] == "#then"


def test_private_messages_name_the_other_side() -> None:
    mine, theirs = rows_of(say("hi", room=0))
    assert render_row(mine, decode_change(mine.record), {})["with"] == "Bob"
    assert render_row(theirs, decode_change(theirs.record), {})["with"] == "Ada"


def test_a_redacted_message_has_no_text() -> None:
    (row,) = rows_of(say("secret"))
    gone = redacted(row)
    assert gone.kind == KIND_REDACTED
    assert render_row(gone, decode_change(gone.record), ROOMS)["kind"] == "redacted"


def test_a_person_is_known_by_the_account_and_not_by_a_former_ones_name() -> None:
    (row,) = rows_of(say("hi"))
    change = decode_change(row.record)
    assert is_by(change, row, (Owner("i:5"),))
    assert not is_by(change, row, (Owner("i:6"),))
    assert is_by(change, row, (Owner("i:5", Position(20)),))
    assert not is_by(change, row, (Owner("i:5", Position(21)),))
    mine, theirs = rows_of(say("hi", room=0))
    assert is_conversation_of(mine, (Owner("i:5"),))
    assert not is_conversation_of(theirs, (Owner("i:5"),))
    assert not is_conversation_of(row, (Owner("i:5"),))
