"""Private history under a former nickname.

ircv3.net/specs/extensions/chathistory: "The server SHOULD attempt to include history involving
other nicknames if either the current user or the target nickname has changed during the requested
timeframe."
"""

import pytest

from spec.irc.test_names_of_former_owners import drop as drop_account
from support.dialogue import Client, World

PASSWORD = "correct-horse"
CAPABILITIES = (
    "batch",
    "draft/chathistory",
    "draft/event-playback",
    "draft/message-redaction",
    "echo-message",
    "message-tags",
    "server-time",
    "soju.im/search",
)
FIRST = "timestamp=2020-01-01T00:00:00.000Z"
LAST = "timestamp=2030-01-01T00:00:00.000Z"


def texts(client: Client, line: str) -> list[str]:
    """Return the last parameters of the lines within the answer's batch."""
    client.lines()
    client.send(line)
    _, *lines, last = client.messages()
    assert last.command == "BATCH"
    return [message.parameters[-1] for message in lines]


def latest(client: Client, nick: str) -> list[str]:
    return texts(client, f"CHATHISTORY LATEST {nick} * 50")


def town() -> tuple[World, Client, Client]:
    world = World()
    return world, world.register("ann", *CAPABILITIES), world.register("bob", *CAPABILITIES)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("CHATHISTORY LATEST robert * 50", "1234"),
        ("CHATHISTORY LATEST robert * 3", "234"),
        (f"CHATHISTORY BEFORE robert {LAST} 3", "234"),
        (f"CHATHISTORY AFTER robert {FIRST} 3", "123"),
        (f"CHATHISTORY AROUND robert {FIRST} 3", "123"),
        (f"CHATHISTORY BETWEEN robert {FIRST} {LAST} 50", "1234"),
        ("SEARCH in=robert", "1234"),
        ("SEARCH in=robert;text=3", "3"),
        ("CHATHISTORY LATEST bob * 50", "12"),
    ],
)
def test_the_target_has_changed_the_nickname(line: str, expected: str) -> None:
    _, ann, bob = town()
    ann.send("PRIVMSG bob 1")
    bob.send("PRIVMSG ann 2", "NICK robert", "PRIVMSG ann 3")
    ann.send("PRIVMSG robert 4")
    assert texts(ann, line) == list(expected)


def test_the_user_has_changed_the_nickname() -> None:
    _, ann, bob = town()
    ann.send("PRIVMSG bob 1", "NICK anna")
    bob.send("PRIVMSG anna 2")
    assert latest(ann, "bob") == ["1", "2"]
    assert latest(bob, "anna") == ["1", "2"]


def test_others_who_had_the_nickname_before_or_after_are_left_out() -> None:
    world, ann, bob = town()
    bob.send("PRIVMSG ann :of the first", "QUIT")
    second = world.register("bob", *CAPABILITIES)
    second.send("PRIVMSG ann 1", "NICK robert")
    third = world.register("bob", *CAPABILITIES)
    third.send("PRIVMSG ann :of the third")
    ann.send("PRIVMSG bob :to the third", "PRIVMSG robert 2")
    assert latest(ann, "robert") == ["1", "2"]
    assert latest(ann, "bob") == ["of the first", "1", "of the third", "to the third"]
    second.send("QUIT")
    assert latest(ann, "robert") == ["2"]
    stranger = world.register("robert", *CAPABILITIES)
    stranger.send("PRIVMSG ann 3")
    assert latest(ann, "robert") == ["2", "3"]


def test_the_same_account_is_the_same_person_online_or_not() -> None:
    world, ann, bob = town()
    bob.send("PRIVMSG ann 1", f"NS REGISTER {PASSWORD}", "PRIVMSG ann 2", "QUIT")
    again = world.register("robert", *CAPABILITIES)
    again.send("PRIVMSG ann 3")
    assert latest(ann, "robert") == ["3"]
    again.send(f"NS IDENTIFY bob {PASSWORD}", "PRIVMSG ann 4")
    assert latest(ann, "robert") == ["2", "3", "4"]
    # Nobody has the nickname "bob", which is reserved for the account.
    assert latest(ann, "bob") == ["1", "2", "4"]
    again.send("QUIT")
    assert latest(ann, "robert") == ["3", "4"]
    assert latest(ann, "bob") == ["1", "2", "4"]


def test_a_later_owner_of_the_account_s_name_is_another_person() -> None:
    world, ann, bob = town()
    bob.send(f"NS REGISTER {PASSWORD}", "NICK robert", "PRIVMSG ann :a secret")
    drop_account(bob)
    bob.send("QUIT")
    other = world.register("bob", *CAPABILITIES)
    other.send(f"NS REGISTER {PASSWORD}", "PRIVMSG ann hello")
    assert latest(ann, "bob") == ["hello"]
    assert latest(other, "ann") == ["hello"]


def test_what_was_said_before_logging_in_is_there_while_the_user_is_online() -> None:
    world, ann, bob = town()
    ann.send("PRIVMSG bob 1", f"NS REGISTER {PASSWORD}", "PRIVMSG bob 2")
    assert latest(ann, "bob") == ["1", "2"]
    assert latest(bob, "ann") == ["1", "2"]
    ann.send("NS LOGOUT")
    assert latest(ann, "bob") == ["1"]
    ann.send("QUIT")
    again = world.register("other", *CAPABILITIES)
    again.send(f"NS IDENTIFY ann {PASSWORD}")
    assert latest(again, "bob") == ["2"]


def test_a_message_between_two_users_of_one_account_is_shown_once() -> None:
    world, ann, _ = town()
    ann.send(f"NS REGISTER {PASSWORD}")
    second = world.register("anna", *CAPABILITIES)
    second.send(f"NS IDENTIFY ann {PASSWORD}")
    ann.send("PRIVMSG anna 1")
    second.send("PRIVMSG ann 2")
    for client, nick in ((ann, "anna"), (second, "ann")):
        assert latest(client, nick) == ["1", "2"]
        assert texts(client, "SEARCH text=1") == ["1"]


def test_a_message_to_a_former_nickname_can_be_taken_back() -> None:
    _, ann, bob = town()
    ann.send("PRIVMSG bob wrong")
    ident = dict(ann.messages()[-1].tags)["msgid"]
    bob.send("NICK robert", f"NS REGISTER {PASSWORD}")
    bob.lines()
    ann.send(f"REDACT robert {ident}")
    for client in (ann, bob):
        (shown,) = client.messages()
        assert (shown.command, shown.parameters[1]) == ("REDACT", ident)
    assert texts(ann, "SEARCH in=robert") == []


def test_eight_nicknames_are_remembered() -> None:
    _, ann, bob = town()
    for number in range(12):
        bob.send(f"NICK bob{number}", f"PRIVMSG ann {number}")
    assert latest(ann, "bob11") == [str(number) for number in range(3, 12)]
