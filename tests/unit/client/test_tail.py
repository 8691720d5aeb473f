"""`roost tail` prints entries in order, each once, up to the first gap."""

import io
import json

import pytest

from roost.client.model import Conversation, ConversationKind, Entry, EntryKind
from roost.client.tail import Printer, parse_since

NOW_MS = 1_700_000_000_000


def entry(number: int, kind: EntryKind = EntryKind.MESSAGE) -> Entry:
    return Entry(number, kind, NOW_MS, "bob", str(number))


def printed(out: io.StringIO) -> list[str]:
    return [json.loads(line)["text"] for line in out.getvalue().splitlines()]


def test_what_is_behind_a_gap_waits_until_the_gap_is_filled() -> None:
    room = Conversation("#r", "#r", "#r", ConversationKind.ROOM)
    out = io.StringIO()
    printer = Printer(out, is_json=True, last=None)
    room.append(entry(1))
    room.append(entry(100, EntryKind.GAP))
    room.append(entry(4))
    printer.print_new(room, has_gap_before=False)
    assert printed(out) == ["1"]
    room.insert(1, [entry(2), entry(3)])
    printer.print_new(room, has_gap_before=False)
    assert printed(out) == ["1", "2", "3"]
    room.remove(3)
    room.append(entry(5))
    printer.print_new(room, has_gap_before=False)
    assert printed(out) == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(("last", "texts"), [(0, []), (2, ["3", "4"]), (9, ["1", "3", "4"])])
def test_only_the_last_of_what_was_there_is_printed(last: int, texts: list[str]) -> None:
    room = Conversation("#r", "#r", "#r", ConversationKind.ROOM)
    out = io.StringIO()
    printer = Printer(out, is_json=True, last=last)
    for made in (entry(1), entry(2, EntryKind.EVENT), entry(3), entry(4)):
        room.append(made)
    printer.print_new(room, has_gap_before=False)
    assert printed(out) == texts
    room.append(entry(5))
    printer.print_new(room, has_gap_before=False)
    assert printed(out) == [*texts, "5"]


def test_times_are_read_as_people_write_them() -> None:
    assert parse_since("10m", NOW_MS) == NOW_MS - 600_000
    assert parse_since("2023-11-14T22:13:20Z", 0) == NOW_MS
    assert parse_since("2023-11-14T23:13:20+01:00", 0) == NOW_MS
    with pytest.raises(ValueError, match="is not a time"):
        parse_since("yesterday", NOW_MS)
