"""Edits of one's own messages, and threads of replies."""

from roost.client.model import Entry
from roost.client.model.threads import first, thread
from support.answered_model import Client
from support.fake_irc_network import BARE, Network


def own(client: Client) -> Entry:
    entry = client.model.last_own("#room")
    assert entry is not None
    return entry


def shown(client: Client) -> list[str]:
    entries = client.model.conversations["#room"].entries
    return [e.text for e in entries if not e.event and not (e.is_redacted and e.is_replaced)]


def test_an_edit_says_the_new_version_and_then_deletes_the_earlier_one() -> None:
    client = Client(Network())
    client.say("helo")
    entry = own(client)
    client.sent.clear()
    assert client.model.edit("#room", entry, "hello")
    client.settle()
    said, deleted = client.sent
    assert f"+roost.chat/edits={entry.msgid}" in said
    assert said.endswith("PRIVMSG #room hello")
    assert deleted == f"REDACT #room {entry.msgid} edited"
    assert shown(client) == ["hello"]
    assert own(client).edits == entry.msgid
    assert not client.model.owed


def test_another_client_shows_an_edit_in_place_of_the_earlier_version_live_and_later() -> None:
    network = Network()
    client, other = Client(network), Client(network, "you")
    client.say("helo")
    client.model.edit("#room", own(client), "hello")
    client.settle()
    other.settle()
    assert shown(other) == ["hello"]
    later = Client(network, "later")
    assert shown(later) == ["hello"]


def test_an_edit_that_nobody_may_make_hides_nothing() -> None:
    network = Network()
    client = Client(network)
    client.say("mine")
    network.happen(
        "bob!u@h", "PRIVMSG", "#room", "forged", tags=(("+roost.chat/edits", own(client).msgid),)
    )
    network.happen("op!u@h", "REDACT", "#room", own(client).msgid)
    client.settle()
    assert shown(client) == ["", "forged"]


def test_a_refused_deletion_leaves_both_and_says_so() -> None:
    network = Network()
    network.refuses_redaction = True
    client = Client(network)
    client.say("helo")
    client.model.edit("#room", own(client), "hello")
    client.settle()
    assert shown(client) == ["helo", "hello"]
    assert client.toasts == [
        "The earlier version of your message stays: You are not allowed to delete this"
    ]
    assert not client.model.owed


def test_an_edit_typed_while_the_connection_is_gone_is_made_afterwards_once() -> None:
    network = Network()
    client = Client(network)
    client.say("helo")
    entry = own(client)
    client.connection.close()
    client.model.disconnected(client.model.moment, None, None)
    client.model.edit("#room", entry, "hello")
    client.connection = client.dial()
    client.settle()
    assert shown(client) == ["hello"]
    assert [text for _, text in network.texts()] == ["helo", "hello"]


def test_a_deletion_that_was_lost_with_the_connection_is_made_at_the_next() -> None:
    network = Network()
    client = Client(network)
    client.say("helo")
    client.model.edit("#room", own(client), "hello")
    (line,) = client.model.take_lines()
    client.connection.receive(line)
    while client.connection.out:
        client.model.receive(client.connection.out.pop(0), client.model.moment)
    assert client.model.take_lines()[0].startswith(b"REDACT")
    client.reconnect()
    assert shown(client) == ["hello"]


def test_what_cannot_be_edited_is_said() -> None:
    client = Client(Network(BARE))
    client.say("helo")
    entry = client.model.conversations["#room"].entries[-1]
    assert not client.model.edit("#room", entry, "hello")
    assert "cannot be edited" in client.model.effects[-1].text  # type: ignore[union-attr]
    network = Network()
    network.say("bob", "not yours")
    client = Client(network)
    theirs = next(e for e in client.model.conversations["#room"].entries if e.sender == "bob")
    assert not client.model.edit("#room", theirs, "hello")
    assert client.model.last_own("#room") is None
    client.say("mine")
    assert not client.model.edit("#room", own(client), "  ")
    assert client.model.edit("#room", own(client), "mine")
    client.settle()
    assert [text for _, text in network.texts()] == ["not yours", "mine"]


def reply(network: Network, nick: str, text: str, number: int) -> None:
    tags = (("+draft/reply", f"id{number:05}"),)
    network.happen(f"{nick}!u@h", "PRIVMSG", "#room", text, tags=tags)


def test_a_thread_is_followed_up_and_down() -> None:
    network = Network(page=50)
    network.say("bob", "question")
    reply(network, "carol", "answer one", 0)
    network.say("dave", "something else")
    reply(network, "bob", "thanks", 1)
    reply(network, "erin", "answer two", 0)
    client = Client(network)
    room = client.model.conversations["#room"]
    expected = [(0, "question"), (1, "answer one"), (2, "thanks"), (1, "answer two")]
    for entry in room.entries:
        found = [(level, e.text) for level, e in thread(room, entry)]
        if entry.sender not in ("dave", "me"):
            assert found == expected
            assert first(room, entry).text == "question"


def test_a_thread_with_a_circle_or_an_unknown_beginning_ends() -> None:
    network = Network(page=50)
    reply(network, "bob", "one", 1)
    reply(network, "carol", "two", 0)
    reply(network, "dave", "three", 999)
    client = Client(network)
    room = client.model.conversations["#room"]
    said = [entry for entry in room.entries if not entry.event]
    assert sorted(e.text for _, e in thread(room, said[0])) == ["one", "two"]
    assert [e.text for _, e in thread(room, said[2])] == ["three"]
