"""Questions to whole nodes, with a log, a balancer and a history."""

import pytest

from roost.chat.ids import FoldedNick
from support.dialogue import Client, World, texts

TAGS = ("message-tags", "server-time", "account-tag", "batch", "echo-message")
FULL = (*TAGS, "labeled-response", "standard-replies", "draft/chathistory")


@pytest.fixture
def world() -> World:
    return World(nodes=2)


def enter(world: World, nick: str, *capabilities: str, node: int = 0, room: str = "#r") -> Client:
    """Register a client and let it join a room; drop what it has received so far."""
    client = world.register(nick, *capabilities, node=node)
    client.send(f"JOIN {room}")
    for other in world.clients.values():
        other.lines()
    return client


def without_batch(line: str) -> str:
    """Return the batch tag of a line of an answer."""
    tags, _, rest = line.partition(" ")
    assert tags.startswith("@batch=")
    _, _, others = tags.partition(";")
    return f"@{others} {rest}"


def test_history_is_what_was_seen_live_byte_for_byte(world: World) -> None:
    """The raw IRC lines SHOULD be formatted and returned to the client as they were originally."""
    capabilities = (*FULL, "draft/event-playback", "extended-join", "setname")
    watcher = enter(world, "watcher", *capabilities)
    bob = world.register("bob", *FULL, node=1)
    bob.send(
        "JOIN #r",
        "PRIVMSG #r :hello world",
        "@+draft/reply=x;+odd=a\\sb\\:c NOTICE #r ::-)",
        "@+react=+1 TAGMSG #r",
        "NICK rob",
        "PRIVMSG #r,#r twice",
        "PART #r :for a moment",
        "JOIN #r",
    )
    watcher.send("MODE #r +ov rob rob", "TOPIC #r :what we do", "MODE #r +b *!*@bad")
    bob.send("TOPIC #r :", "QUIT :so long")
    live = [line for line in watcher.lines() if "ACK" not in line]
    watcher.send("CHATHISTORY LATEST #r * 100")
    start, *answer, end = watcher.lines()
    assert start.endswith(" chathistory #r")
    assert " BATCH -" in end
    assert [without_batch(line) for line in answer[1:]] == live
    assert len(live) > 10
    assert " JOIN #r " in answer[0]


def test_both_nodes_tell_the_same_past(world: World) -> None:
    """Servers SHOULD provide clients with a consistent message order."""
    ann = enter(world, "ann", *FULL)
    bob = enter(world, "bob", *FULL, node=1)
    for number in range(5):
        ann.send(f"PRIVMSG #r :a{number}")
        bob.send(f"PRIVMSG #r :b{number}")
    ann.lines(), bob.lines()
    request = "CHATHISTORY LATEST #r * 100"
    ann.send(request)
    bob.send(request)
    one, other = ann.lines()[1:-1], bob.lines()[1:-1]
    assert [without_batch(line) for line in one] == [without_batch(line) for line in other]
    assert len(one) == 10


def test_a_page_goes_on_where_the_one_before_ended(world: World) -> None:
    """This will allow BEFORE, AFTER, and BETWEEN queries that use msgids for pagination to function as expected."""  # noqa: E501
    ann = enter(world, "ann", *FULL)
    for number in range(7):
        ann.send(f"PRIVMSG #r :m{number}")
    ann.lines()
    seen: list[str] = []
    reference = "*"
    for _ in range(4):
        subcommand = "LATEST" if reference == "*" else "BEFORE"
        ann.send(f"CHATHISTORY {subcommand} #r {reference} 2")
        page = ann.messages()[1:-1]
        seen = texts(page) + seen
        reference = f"msgid={dict(page[0].tags)['msgid']}"
    assert seen == [f"m{number}" for number in range(7)]


def test_a_labelled_request_has_its_label_on_the_batch(world: World) -> None:
    """The batch type MUST be one of: an existing type applicable to the entire response, `labeled-response`."""  # noqa: E501
    ann = enter(world, "ann", *FULL)
    ann.send("PRIVMSG #r :hi")
    ann.lines()
    ann.send("@label=h1 CHATHISTORY LATEST #r * 10")
    start, message, end = ann.lines()
    assert start.startswith("@label=h1 ")
    assert " chathistory #r" in start
    assert "label" not in message + end


def test_labelled_questions(world: World) -> None:
    """A single message carries the label, several are in a batch of type `labeled-response`."""
    ann = enter(world, "ann", *FULL)
    ann.send("@label=one ISON ann")
    ann.expect("@label=one :roost.local 303 ann ann")
    ann.send("@label=many WHOIS ann")
    lines = ann.lines()
    assert lines[0].startswith("@label=many :roost.local BATCH +")
    assert lines[0].endswith(" labeled-response")
    assert all(line.startswith("@batch=") for line in lines[1:-1])


def test_lines_that_follow_wait_for_the_history(world: World) -> None:
    """Answers come in the order of the questions."""
    ann = enter(world, "ann", *FULL)
    ann.send("PRIVMSG #r :hi", "CHATHISTORY LATEST #r * 1", "PING x")
    assert ann.commands() == ["PRIVMSG", "BATCH", "PRIVMSG", "BATCH", "PONG"]


def test_a_history_that_cannot_answer_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAIL CHATHISTORY MESSAGE_ERROR the_given_command the_given_target [extra_context] :Messages could not be retrieved"""  # noqa: E501
    ann = enter(world, "ann", *FULL)
    server = world.servers[0]

    def answer(_node: int, ticket: int, _query: object) -> None:
        server.answer_failed(ticket, "Messages could not be retrieved")

    monkeypatch.setattr(world, "answer", answer)
    ann.send("CHATHISTORY latest #R * 5", "PING x")
    ann.expect(
        ":roost.local FAIL CHATHISTORY MESSAGE_ERROR latest #R :Messages could not be retrieved",
        ":roost.local PONG roost.local x",
    )


def test_private_messages_have_history_on_both_sides(world: World) -> None:
    """The server SHOULD include history sent between the current user and the target nickname, including outgoing messages."""  # noqa: E501
    ann = enter(world, "ann", *FULL)
    bob = enter(world, "bob", *FULL, node=1)
    eve = enter(world, "eve", *FULL)
    ann.send("PRIVMSG bob :one")
    bob.send("PRIVMSG Ann :two")
    for client in (ann, bob, eve):
        client.lines()
    ann.send("CHATHISTORY LATEST BOB * 9")
    bob.send("CHATHISTORY LATEST ann * 9")
    eve.send("CHATHISTORY LATEST ann * 9")
    assert texts(ann.messages()[1:-1]) == ["one", "two"]
    assert texts(bob.messages()[1:-1]) == ["one", "two"]
    assert len(eve.lines()) == 2
    ann.send(
        "CHATHISTORY TARGETS timestamp=2000-01-01T00:00:00.000Z"
        " timestamp=2100-01-01T00:00:00.000Z 9"
    )
    assert [message.parameters[1] for message in ann.messages()[1:-1]] == ["bob"]


def test_a_secret_rooms_past_ends_with_its_last_member(world: World) -> None:
    """Servers MUST ensure that users cannot obtain history they are not authorised to view."""
    ann = enter(world, "ann", *FULL)
    ann.send("MODE #r +s", "PRIVMSG #r :a secret", "PART #r")
    bob = enter(world, "bob", *FULL, node=1)
    bob.send("PRIVMSG #r :hello?")
    bob.lines()
    bob.send("CHATHISTORY LATEST #r * 9")
    assert texts(bob.messages()[1:-1]) == ["hello?"]
    ann.lines()
    ann.send("CHATHISTORY LATEST #r * 9")
    assert ann.messages()[0].parameters[1] == "INVALID_TARGET"


def test_the_welcome_counts_people_and_shows_the_message_of_the_day(world: World) -> None:
    """The server SHOULD then respond as though the client sent the LUSERS command. [...] The server MUST then respond as though the client sent it the MOTD command."""  # noqa: E501
    client = world.connect()
    client.send("NICK ann", "USER ann 0 * :Ann")
    commands = client.commands()
    welcome = ["251", "255", "265", "266", "375", "372", "376"]
    assert [command for command in commands if command in welcome] == welcome


def test_who_left_is_found_by_whowas(world: World) -> None:
    """This may either be due to a nickname change or the user leaving IRC."""
    ann = enter(world, "ann")
    bob = enter(world, "bob", node=1)
    bob.send("NICK rob", "QUIT")
    ann.lines()
    ann.send("WHOWAS bob")
    assert ann.commands() == ["314", "312", "369"]
    ann.send("WHOWAS rob")
    assert ann.commands() == ["314", "312", "369"]
    assert FoldedNick("rob") not in world.state.nicks


def test_nobody_can_tell_the_nodes_apart(world: World) -> None:
    """A node's name shows nowhere: the network shows one server."""
    ann = enter(world, "ann", node=0)
    bob = enter(world, "bob", node=1)
    for question in ("LUSERS", "LINKS", "VERSION", "INFO", "STATS u", "WHO ann", "LIST", "HELP"):
        ann.send(question)
        bob.send(question)
        ours = [line.replace(" ann ", " x ", 1) for line in ann.lines()]
        theirs = [line.replace(" bob ", " x ", 1) for line in bob.lines()]
        assert ours == theirs
        assert ours
