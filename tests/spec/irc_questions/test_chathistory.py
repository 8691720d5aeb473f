"""CHATHISTORY, as ircv3.net/specs/extensions/chathistory has it."""

import msgspec
import pytest

from roost.chat.changes import (
    Change,
    Joined,
    Kicked,
    NickChanged,
    Parted,
    Quitted,
    RoomModesChanged,
    TopicChanged,
)
from roost.chat.commands.modes import ModeChange
from roost.chat.history import decode_change
from roost.chat.ids import FoldedNick, Position, message_id
from roost.irc.capabilities import Capability
from roost.ircd.rendering.render import payload
from roost.ircd.rendering.viewer import At, Viewer
from support.questions import Town

FULL = (
    Capability.BATCH
    | Capability.SERVER_TIME
    | Capability.MESSAGE_TAGS
    | Capability.STANDARD_REPLIES
    | Capability.CHATHISTORY
)
PLAYBACK = FULL | Capability.EVENT_PLAYBACK | Capability.ACCOUNT_TAG | Capability.EXTENDED_JOIN


@pytest.fixture
def town() -> Town:
    """Return a town with messages "m1" to "m10" in #r, at 1 s to 10 s and positions 1 to 10."""
    town = Town()
    town.person("Ann", "@#r", capabilities=FULL, account="annie")
    town.person("Bob", "+#r", capabilities=PLAYBACK)
    town.person("Cat", "#r")
    town.person("Out", capabilities=FULL)
    for number in range(1, 11):
        town.say(number, "Bob", "#r", f"m{number}")
    return town


def msgid(number: int) -> str:
    return f"msgid={message_id(Position(number), 0)}"


def at(seconds: float) -> str:
    return f"timestamp=1970-01-01T00:00:{seconds:06.3f}Z"


def texts(lines: list[str]) -> list[str]:
    """Return the texts in an answer."""
    return [line.rpartition(" :")[2] for line in lines if "PRIVMSG" in line]


def span(first: int, last: int) -> list[str]:
    return [f"m{number}" for number in range(first, last + 1)]


# The answer's form


def test_the_answer_is_a_batch(town: Town) -> None:
    """The batch MUST have type `chathistory` and take a single additional parameter, the canonical name of the target being queried."""  # noqa: E501
    assert town.ask("Ann", "CHATHISTORY LATEST #R * 1") == [
        ":roost.test BATCH +1-1 chathistory #r",
        (
            "@batch=1-1;time=1970-01-01T00:00:10.000Z;msgid=0000000000a-00"
            " :Bob!bob@host.test PRIVMSG #r :m10"
        ),
        ":roost.test BATCH -1-1",
    ]


def test_no_content_is_an_empty_batch(town: Town) -> None:
    """If no content exists to return, the server SHOULD return an empty batch in order to avoid the client waiting for a reply."""  # noqa: E501
    assert town.ask("Ann", f"CHATHISTORY BEFORE #r {msgid(1)} 10") == [
        ":roost.test BATCH +1-1 chathistory #r",
        ":roost.test BATCH -1-1",
    ]
    assert len(town.ask("Ann", "CHATHISTORY LATEST #r * 0")) == 2
    assert len(town.ask("Ann", "CHATHISTORY LATEST nobody * 10")) == 2


def test_without_batches_the_lines_come_by_themselves(town: Town) -> None:
    """If the `batch` capability was negotiated, the server MUST reply to a successful `CHATHISTORY` command using a batch."""  # noqa: E501
    assert town.ask("Cat", "CHATHISTORY LATEST #r * 2") == [
        ":Bob!bob@host.test PRIVMSG #r :m9",
        ":Bob!bob@host.test PRIVMSG #r :m10",
    ]


def test_messages_are_the_same_bytes_as_live_ones(town: Town) -> None:
    """The `msgid` tag that identifies each individual message in a response MUST be the `msgid` tag as originally sent by the IRC server."""  # noqa: E501
    town.say(11, "Ann", "#r", "tagged", verb="NOTICE", tags=(("+x", "a;b c"),))
    row = town.history.rows[-1]
    change = decode_change(row.record)
    for nick, capabilities in (("Ann", FULL), ("Bob", PLAYBACK), ("Cat", 0)):
        at = At(row.position, row.time_ms, "roost.test")
        live = payload(change, at, Viewer(int(capabilities)))
        answer = town.ask(nick, f"CHATHISTORY AFTER #r {msgid(10)} 1")
        shown = answer[1] if capabilities else answer[0]
        assert shown.replace("batch=1-1;", "") == live.decode().rstrip("\r\n")


# The subcommands


@pytest.mark.parametrize(
    ("request_text", "expected"),
    [
        (f"BEFORE #r {msgid(5)} 2", span(3, 4)),
        (f"BEFORE #r {at(5)} 2", span(3, 4)),
        (f"BEFORE #r {at(5.001)} 2", span(4, 5)),
        (f"AFTER #r {msgid(5)} 2", span(6, 7)),
        (f"AFTER #r {at(5)} 2", span(6, 7)),
        (f"AFTER #r {at(4.999)} 2", span(5, 6)),
        ("LATEST #r * 3", span(8, 10)),
        (f"LATEST #r {msgid(8)} 9", span(9, 10)),
        (f"LATEST #r {at(3)} 2", span(9, 10)),
        (f"AROUND #r {msgid(5)} 4", span(3, 6)),
        (f"AROUND #r {at(5)} 3", span(4, 6)),
        (f"BETWEEN #r {msgid(2)} {msgid(9)} 3", span(3, 5)),
        (f"BETWEEN #r {msgid(9)} {msgid(2)} 3", span(6, 8)),
        (f"BETWEEN #r {at(2)} {at(9)} 3", span(3, 5)),
        (f"BETWEEN #r {at(9)} {at(2)} 3", span(6, 8)),
        (f"BETWEEN #r {msgid(2)} {at(9)} 3", span(3, 5)),
        (f"BETWEEN #r {msgid(9)} {at(2)} 3", span(6, 8)),
        (f"BETWEEN #r {at(9)} {msgid(2)} 3", span(6, 8)),
        (f"BETWEEN #r {msgid(4)} {msgid(5)} 3", []),
        (f"between #r {msgid(4)} {msgid(4)} 3", []),
    ],
)
def test_each_subcommand_gives_its_part_in_ascending_order(
    town: Town, request_text: str, expected: list[str]
) -> None:
    """Request up to `limit` number of messages before/after and excluding the given `timestamp` or `msgid`. [BETWEEN:] With respect to the limit, the returned messages MUST be counted starting from and excluding the first message selector, while finishing on and excluding the second."""  # noqa: E501
    answer = town.ask("Ann", f"CHATHISTORY {request_text}")
    assert texts(answer) == expected
    assert answer[0].endswith("chathistory #r")


def test_the_limit_is_at_most_the_servers(town: Town) -> None:
    """`CHATHISTORY` MUST be sent to the client to state the maximum number of messages a client can request in a single command."""  # noqa: E501
    town.configure(chathistory_max=4)
    assert texts(town.ask("Ann", "CHATHISTORY LATEST #r * 9")) == span(7, 10)


# Who may read what


def test_a_private_conversation_has_both_sides(town: Town) -> None:
    """If a nickname is given as the `target` then the server SHOULD include history sent between the current user and the target nickname, including outgoing messages ("self messages")."""  # noqa: E501
    town.whisper(20, "Ann", "Bob", "hello")
    town.whisper(21, "Bob", "Ann", "hi")
    town.whisper(22, "Cat", "Ann", "psst")
    answer = town.ask("Ann", "CHATHISTORY LATEST bob * 10")
    assert answer[0] == ":roost.test BATCH +1-1 chathistory Bob"
    assert texts(answer) == ["hello", "hi"]
    assert texts(town.ask("Bob", "CHATHISTORY LATEST ann * 10")) == ["hello", "hi"]
    assert texts(town.ask("Cat", "CHATHISTORY LATEST bob * 10")) == []


def test_a_past_nickname_still_names_its_conversation(town: Town) -> None:
    """Client implementations should account for the possibility that history reply batches may contain nicknames that have subsequently changed."""  # noqa: E501
    town.whisper(20, "Ann", "Cat", "bye")
    del town.state.nicks[FoldedNick("cat")]
    answer = town.ask("Ann", "CHATHISTORY LATEST CAT * 10")
    assert answer[0] == ":roost.test BATCH +1-1 chathistory CAT"
    assert texts(answer) == ["bye"]


@pytest.mark.parametrize("target", ["#r", "#nowhere", "not.a.nick", "x" * 33])
def test_what_one_may_not_read_is_an_invalid_target(town: Town, target: str) -> None:
    """If the target does not exist or the client does not have permissions to query it, the `INVALID_TARGET` error code SHOULD be returned."""  # noqa: E501
    assert town.ask("Out", f"CHATHISTORY LATEST {target} * 10") == [
        (
            f":roost.test FAIL CHATHISTORY INVALID_TARGET LATEST {target}"
            " :Messages could not be retrieved"
        )
    ]


def test_history_from_a_former_private_life_of_the_room_is_gone(town: Town) -> None:
    """Servers MUST ensure that users cannot obtain history they are not authorised to view."""
    town.find_room("#r").history_from = Position(8)
    assert texts(town.ask("Ann", "CHATHISTORY LATEST #r * 10")) == span(8, 10)


# Events


def events(town: Town) -> None:
    """Store one of each event, at the positions from 21 on."""
    room = town.find_room("#r").id
    ann, bob = town.source("Ann"), town.source("Bob")
    changes: tuple[Change, ...] = (
        Joined(0, ann, room, "#r", "Ann Real", ""),
        TopicChanged(0, ann, room, "#r", "new topic"),
        RoomModesChanged(0, ann, room, "#r", (ModeChange(True, "o", "Bob"),)),
        NickChanged(0, bob, "Rob", ((room, "#r"),)),
        Kicked(0, ann, room, "#r", bob.user, "Rob", "out"),
        Parted(0, ann, room, "#r", "bye"),
        Quitted(0, bob, ((room, "#r"),), "Quit: gone"),
    )
    for position, change in enumerate(changes, start=21):
        town.said(position, change, "#r")


def test_events_are_played_back_to_who_asked_for_them(town: Town) -> None:
    """If the client has negotiated `draft/event-playback`, the server SHOULD send additional lines relevant to the chat history, including but not limited to `TAGMSG`, `JOIN`, `PART`, `QUIT`, `MODE`, `TOPIC`, and `NICK`."""  # noqa: E501
    events(town)
    town.say(30, "Cat", "#r", "", verb="TAGMSG", tags=(("+react", "x"),))
    answer = town.ask("Bob", f"CHATHISTORY AFTER #r {msgid(10)} 20")
    assert [line.partition(" ")[2] for line in answer[1:-1]] == [
        ":Ann!ann@host.test JOIN #r annie :Ann Real",
        ":Ann!ann@host.test TOPIC #r :new topic",
        ":Ann!ann@host.test MODE #r +o Bob",
        ":Bob!bob@host.test NICK Rob",
        ":Ann!ann@host.test KICK #r Rob :out",
        ":Ann!ann@host.test PART #r :bye",
        ":Bob!bob@host.test QUIT :Quit: gone",
        ":Cat!cat@host.test TAGMSG #r",
    ]
    assert answer[1].startswith(
        "@batch=1-1;time=1970-01-01T00:00:21.000Z;msgid=00000000015-00;account=annie "
    )
    assert "+react=x" in answer[-2]


def test_events_are_kept_from_everybody_else(town: Town) -> None:
    """If the client has not negotiated the `draft/event-playback` capability, the server MUST NOT send any lines other than `PRIVMSG` and `NOTICE` in the reply batch."""  # noqa: E501
    events(town)
    town.say(30, "Cat", "#r", "", verb="TAGMSG", tags=(("+react", "x"),))
    assert len(town.ask("Ann", f"CHATHISTORY AFTER #r {msgid(10)} 20")) == 2
    assert texts(town.ask("Ann", "CHATHISTORY LATEST #r * 2")) == span(9, 10)


# Targets


def test_targets_lists_rooms_and_people_by_their_latest_message(town: Town) -> None:
    """It lists channels the user has visible history in, together with users with which the user has exchanged direct messages, ordered by the time of the latest message."""  # noqa: E501
    town.whisper(5, "Ann", "Bob", "early")
    town.whisper(20, "Ann", "Bob", "later")
    town.whisper(15, "Cat", "Ann", "psst")
    town.whisper(16, "Cat", "Bob", "not yours")
    expected = [
        ":roost.test BATCH +1-1 draft/chathistory-targets",
        "@batch=1-1 :roost.test CHATHISTORY TARGETS #r 1970-01-01T00:00:10.000Z",
        "@batch=1-1 :roost.test CHATHISTORY TARGETS Cat 1970-01-01T00:00:15.000Z",
        "@batch=1-1 :roost.test CHATHISTORY TARGETS Bob 1970-01-01T00:00:20.000Z",
        ":roost.test BATCH -1-1",
    ]
    assert town.ask("Ann", f"CHATHISTORY TARGETS {at(0)} {at(59)} 10") == expected
    assert town.ask("Ann", f"CHATHISTORY TARGETS {at(59)} {at(0)} 10") == expected


def test_targets_counts_from_its_first_time(town: Town) -> None:
    """The parameters have the same semantics as `BETWEEN`, except that they MUST be timestamps and not msgids."""  # noqa: E501
    town.whisper(15, "Cat", "Ann", "psst")
    oldest = town.ask("Ann", f"CHATHISTORY TARGETS {at(0)} {at(59)} 1")
    newest = town.ask("Ann", f"CHATHISTORY TARGETS {at(59)} {at(0)} 1")
    assert oldest[1].split()[-2] == "#r"
    assert newest[1].split()[-2] == "Cat"
    assert len(oldest) == len(newest) == 3
    assert len(town.ask("Ann", f"CHATHISTORY TARGETS {at(10)} {at(15)} 9")) == 2
    assert len(town.ask("Ann", f"CHATHISTORY TARGETS {at(0)} {at(59)} 0")) == 2


def test_targets_does_not_list_rooms_that_one_has_left(town: Town) -> None:
    """Servers MUST ensure that users cannot obtain history they are not authorised to view."""
    assert len(town.ask("Out", f"CHATHISTORY TARGETS {at(0)} {at(59)} 10")) == 2


# Mistakes


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("", "INVALID_PARAMS * :Insufficient parameters"),
        ("NOW", "INVALID_PARAMS NOW :Unknown command"),
        ("BEFORE", "INVALID_PARAMS BEFORE :Insufficient parameters"),
        ("BEFORE #r", "INVALID_PARAMS BEFORE :Insufficient parameters"),
        ("LATEST #r * 1 2", "INVALID_PARAMS LATEST :Too many parameters"),
        (
            "BEFORE #r timestamp=today 5",
            "INVALID_PARAMS BEFORE timestamp=today :Invalid timestamp",
        ),
        ("LATEST #r * many", "INVALID_PARAMS LATEST many :Invalid limit"),
        (
            "LATEST #r cursor=1 5",
            (
                "INVALID_MSGREFTYPE LATEST #r cursor=1"
                " :Only references by timestamp= and msgid= are supported"
            ),
        ),
    ],
)
def test_mistakes_are_told_in_the_specifications_words(
    town: Town, parameters: str, expected: str
) -> None:
    """If the server receives a syntactically invalid `CHATHISTORY` command, e.g., an unknown subcommand, missing parameters, excess parameters, or parameters that cannot be parsed, the `INVALID_PARAMS` error code SHOULD be returned."""  # noqa: E501
    assert town.ask("Ann", f"CHATHISTORY {parameters}".strip()) == [
        f":roost.test FAIL CHATHISTORY {expected}"
    ]


def test_a_client_without_the_extension_is_told_in_words(town: Town) -> None:
    """Servers SHOULD NOT enforce that clients support all related capabilities before using the `chathistory` extension."""  # noqa: E501
    assert town.ask("Cat", "CHATHISTORY NOW") == [
        ":roost.test NOTICE Cat :*** CHATHISTORY failed: Unknown command"
    ]


def test_a_record_that_cannot_be_read_is_an_error_and_no_crash(town: Town) -> None:
    """If no message history can be returned due to an error, the `MESSAGE_ERROR` error code SHOULD be returned."""  # noqa: E501
    row = town.history.rows.pop()
    town.history.rows.append(msgspec.structs.replace(row, record=b"\xc1"))
    assert town.ask("Ann", "CHATHISTORY LATEST #r * 5") == [
        ":roost.test FAIL CHATHISTORY MESSAGE_ERROR LATEST #r :Messages could not be retrieved"
    ]
