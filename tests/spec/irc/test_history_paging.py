"""CHATHISTORY, page by page: rows that a client is not shown neither count nor end its history.

Source: ircv3.net/specs/extensions/chathistory.
"""

import itertools

import pytest

from roost.chat.changes import Said
from roost.chat.history import KIND_TAGMSG, Row, decode_change
from roost.chat.ids import Position, SessionId, message_id
from roost.irc.capabilities import Capability
from roost.ircd.rendering.render import payload
from roost.ircd.rendering.viewer import At, Viewer
from support.dialogue import Client, World

NEEDED = ("draft/chathistory", "draft/event-playback", "batch")
HIDING = ("message-tags", "draft/message-redaction", "draft/channel-rename")
HIDDEN = 7
"""More than a page."""


def town() -> World:
    """Between "first" and "last" are rows of each kind that some clients are not shown."""
    world = World()
    ann = world.register("ann", *HIDING, "echo-message")
    ann.send("JOIN #room", "PRIVMSG #room first")
    for line in ("PRIVMSG #room :slip of the tongue", "@+draft/react=x TAGMSG #room"):
        ids = []
        for _ in range(HIDDEN):
            ann.lines()
            ann.send(line)
            ids.append(dict(ann.messages()[0].tags)["msgid"])
        ann.send(*(f"REDACT #room {one}" for one in ids))
    ann.send(*(["@+draft/react=y TAGMSG #room"] * HIDDEN))
    for _ in range(HIDDEN):
        world.tick(100)
        ann.send("RENAME #room #hall")
        world.tick(100)
        ann.send("RENAME #hall #room")
    ann.send("PRIVMSG #room last")
    return world


def shown(world: World, client: Client, rows: list[Row]) -> list[Row]:
    """Return the rows that look like anything to a client, by the table of looks."""
    capabilities = world.state.sessions[SessionId(client.session)].capabilities
    is_player = capabilities & Capability.EVENT_PLAYBACK
    # What was taken back is told to those who know that this can be.
    is_redactor = capabilities & Capability.MESSAGE_REDACTION
    found = []
    for row in rows:
        change = decode_change(row.record)
        is_redacted = isinstance(change, Said) and not change.text and row.kind != KIND_TAGMSG
        if (row.kind and not is_player) or (is_redacted and not is_redactor):
            continue
        if payload(change, At(row.position, row.time_ms, "s"), Viewer(capabilities)):
            found.append(row)
    return found


def ask(client: Client, request: str) -> int:
    """Return how many lines the page of an answer has."""
    client.lines()
    client.send(f"CHATHISTORY {request}")
    begin, *lines, end = client.messages()
    assert (begin.command, end.command) == ("BATCH", "BATCH")
    return len(lines)


@pytest.mark.parametrize(
    "known", [one for count in range(4) for one in itertools.combinations(HIDING, count)]
)
def test_no_page_is_shorter_than_what_is_there(known: tuple[str, ...]) -> None:
    """If no content exists to return, the server SHOULD return an empty batch in order to avoid the
    client waiting for a reply."""
    world = town()
    bob = world.register("bob", *NEEDED, *known)
    bob.send("JOIN #room")
    rows = list(world.history.rows)
    assert len(shown(world, bob, rows)) >= 4, "first, last, and who joined"
    for number, row in enumerate(rows):
        anchor = f"msgid={message_id(Position(row.position), row.part)}"
        before = len(shown(world, bob, rows[:number]))
        after = len(shown(world, bob, rows[number + 1 :]))
        here = len(shown(world, bob, [row]))
        for limit in (1, 3):
            assert ask(bob, f"BEFORE #room {anchor} {limit}") == min(limit, before)
            assert ask(bob, f"AFTER #room {anchor} {limit}") == min(limit, after)
            assert ask(bob, f"LATEST #room {anchor} {limit}") == min(limit, after)
            earlier = min(limit // 2, before)
            around = earlier + min(limit - earlier, here + after)
            assert ask(bob, f"AROUND #room {anchor} {limit}") == around
            if number + 1 < len(rows):
                last = f"msgid={message_id(Position(rows[-1].position), rows[-1].part)}"
                between = len(shown(world, bob, rows[number + 1 : -1]))
                assert ask(bob, f"BETWEEN #room {anchor} {last} {limit}") == min(limit, between)
                assert ask(bob, f"BETWEEN #room {last} {anchor} {limit}") == min(limit, between)
