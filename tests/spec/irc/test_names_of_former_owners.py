"""A name that is given up and registered again opens nothing of its former owner.

ircv3.net/specs/extensions/chathistory: "Secure identification of users and clients MUST exist in
order to ensure that users cannot obtain history they are not authorised to view."
"""

from typing import TypeAlias

import pytest
from msgspec.structs import replace

from roost.chat.changes import Said
from roost.chat.history import Row, decode_change, encode_change
from roost.chat.ids import AccountId
from support.dialogue import Client, World

PASSWORD = "correct-horse"
CAPABILITIES = (
    "batch",
    "draft/chathistory",
    "draft/event-playback",
    "draft/message-redaction",
    "draft/read-marker",
    "message-tags",
    "server-time",
    "soju.im/search",
)


def texts(client: Client, line: str) -> list[str]:
    """Return the last parameters of the lines within the answer's batch."""
    client.lines()
    client.send(line)
    _, *lines, last = client.messages()
    assert last.command == "BATCH"
    return [message.parameters[-1] for message in lines]


def targets(client: Client) -> list[str]:
    client.lines()
    client.send(f"CHATHISTORY TARGETS {FIRST} {LAST} 50")
    return [m.parameters[1] for m in client.messages() if m.command == "CHATHISTORY"]


Town: TypeAlias = tuple[World, Client, Client, list[str]]
FIRST = "timestamp=2020-01-01T00:00:00.000Z"
LAST = "timestamp=2030-01-01T00:00:00.000Z"
WORDS = ["one", "two", "three"]


def store_as_before(world: World) -> None:
    """Turn the history into what earlier versions stored, which named accounts by their names."""
    names = {f"i:{account.id}": f"a:{account.name}" for account in world.state.accounts.values()}

    def by_name(row: Row) -> Row:
        change = decode_change(row.record)
        change = replace(change, source=replace(change.source, account_id=AccountId(0)))
        if isinstance(change, Said):
            known = change.recipient_identity
            change = replace(change, recipient_identity=names.get(known, known))
        conversation = row.conversation
        for identity, name in names.items():
            conversation = conversation.replace(f"d:{identity} ", f"d:{name} ")
        return replace(row, conversation=conversation, record=encode_change(change))

    world.history.rows = [by_name(row) for row in world.history.rows]


@pytest.fixture(params=["now", "before"])
def town(request: pytest.FixtureRequest) -> Town:
    """Talk, and have it stored as now or as by earlier versions."""
    town = talked()
    if request.param == "before":
        store_as_before(town[0])
    return town


def talked() -> Town:
    """Let an owner of "bob" talk with ann, and return the ids of what bob said in #a and to ann."""
    world = World()
    ann = world.register("ann", *CAPABILITIES, "echo-message")
    ann.send("JOIN #a")
    bob = world.register("bob", *CAPABILITIES, "echo-message")
    bob.send(f"NS REGISTER {PASSWORD}", "JOIN #a")
    bob.lines()
    bob.send("PRIVMSG #a :aloud", "PRIVMSG ann :one")
    ids = [dict(m.tags)["msgid"] for m in bob.messages()]
    ann.send("PRIVMSG bob :two")
    bob.send("PRIVMSG ann :three", "MARKREAD ann timestamp=2023-11-14T22:13:20.000Z")
    ann.lines()
    bob.lines()
    return world, ann, bob, ids


def drop(client: Client) -> None:
    client.lines()
    client.send("NS DROP")
    code = client.lines()[-1].rpartition(" ")[2]
    client.send(f"NS DROP {code}")
    client.lines()


def succeed(world: World, bob: Client) -> Client:
    """Let the owner of "bob" give the name up, and somebody else take it."""
    drop(bob)
    assert not world.state.accounts
    bob.send("QUIT")
    other = world.register("bob", *CAPABILITIES, "echo-message")
    other.send(f"NS REGISTER {PASSWORD}", "JOIN #a")
    assert [account.name for account in world.state.accounts.values()] == ["bob"]
    other.lines()
    return other


def test_the_owner_reads_their_private_messages(town: Town) -> None:
    world, _, bob, _ = town
    bob.send("QUIT")
    again = world.register("bobby", *CAPABILITIES)
    again.send(f"NS IDENTIFY bob {PASSWORD}")
    assert texts(again, "CHATHISTORY LATEST ann * 50") == WORDS
    assert texts(again, "SEARCH in=ann") == WORDS
    assert texts(again, "SEARCH text=t") == []
    assert texts(again, "SEARCH text=th") == ["three"]
    assert targets(again) == ["ann"]


@pytest.mark.parametrize(
    "line",
    [
        "CHATHISTORY LATEST ann * 50",
        f"CHATHISTORY BEFORE ann {LAST} 50",
        f"CHATHISTORY AFTER ann {FIRST} 50",
        f"CHATHISTORY AROUND ann {FIRST} 50",
        f"CHATHISTORY BETWEEN ann {FIRST} {LAST} 50",
        "SEARCH in=ann",
        "SEARCH text=one",
        "SEARCH from=ann",
    ],
)
def test_a_later_owner_of_the_name_reads_none_of_them(town: Town, line: str) -> None:
    world, ann, bob, _ = town
    other = succeed(world, bob)
    assert texts(other, line) == []
    ann.send("PRIVMSG bob :one for the new owner")
    assert texts(other, line) == ["one for the new owner"]
    # It is Ann's conversation under one nickname.
    assert texts(ann, "CHATHISTORY LATEST bob * 50") == [*WORDS, "one for the new owner"]


def test_a_later_owner_of_the_name_does_not_learn_whom_the_former_one_knew(town: Town) -> None:
    world, _, bob, _ = town
    other = succeed(world, bob)
    assert targets(other) == ["#a"]
    other.send("MARKREAD ann")
    other.expect(":roost.local MARKREAD ann *")


@pytest.mark.parametrize("number", [0, 1])
def test_a_later_owner_of_the_name_cannot_take_back_what_the_former_one_said(
    town: Town, number: int
) -> None:
    world, ann, bob, ids = town
    other = succeed(world, bob)
    target, code = (("#a", "REDACT_FORBIDDEN"), ("ann", "UNKNOWN_MSGID"))[number]
    other.send(f"REDACT {target} {ids[number]}")
    other.expect(f":roost.local FAIL REDACT {code} {target} {ids[number]} ...")
    assert "one" in texts(ann, "CHATHISTORY LATEST bob * 50")


def test_a_later_owner_of_the_name_is_not_told_what_is_taken_back_from_the_former_one(
    town: Town,
) -> None:
    world, ann, bob, _ = town
    ann.send("PRIVMSG bob :a secret")
    ident = dict(ann.messages()[0].tags)["msgid"]
    other = succeed(world, bob)
    ann.lines()
    ann.send(f"REDACT bob {ident} :it was wrong")
    (shown,) = ann.messages()
    assert (shown.command, shown.parameters[1]) == ("REDACT", ident)
    other.expect_nothing()
    assert texts(other, "CHATHISTORY LATEST ann * 50") == []


def test_a_later_owner_of_the_name_is_not_let_in_where_the_former_one_was(town: Town) -> None:
    """account-extban: "`$a:bob` matches users logged in to the account `bob`"."""
    world, ann, bob, _ = town
    ann.send(
        "MODE #a +iII ~a:bob ~a:b*b?", "MODE #a +eeb ~account:BOB ~m:~a:bob ~a:bob", "MODE #a +I x"
    )
    ann.lines()
    drop(bob)
    mask = "ChanServ!ChanServ@services.roost.local"
    ann.expect(f":{mask} MODE #a -eeI ~account:BOB ~m:~a:bob ~a:bob")
    bob.send("QUIT")
    other = world.register("bob")
    other.send(f"NS REGISTER {PASSWORD}", "JOIN #a")
    other.expect_some(":roost.local 474 bob #a ...")
    (room,) = world.state.rooms.values()
    assert list(room.bans) == ["~a:bob"]
    assert list(room.invitation_masks) == ["~a:b*b?", "x!*@*"]
    assert not room.exceptions
