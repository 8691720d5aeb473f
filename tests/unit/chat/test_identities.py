"""Who owns what is kept for long: accounts by id, also in what earlier versions stored by name."""

import msgspec
import pytest

from roost.chat.changes import AccountRegistered, Redacted, Said
from roost.chat.commands.accounts import DropAccount, LogIn, LogOut, RegisterAccount
from roost.chat.commands.messages import Redact, Say
from roost.chat.commands.users import ChangeNick
from roost.chat.credentials import Credentials
from roost.chat.history import Owner, decode_change, encode_change, identity_of
from roost.chat.identities import NICKS_MAX, account_then, identity_now, owners, whom
from roost.chat.ids import AccountId, Position, UserId
from roost.chat.record import history_rows
from roost.chat.refusals import Reason, Refusal
from roost.chat.snapshot import FORMAT, decode_state, encode_state
from support.chat_world import ChatWorld


def register(world: ChatWorld, nick: str) -> AccountId:
    """Register an account with a user's nickname, and return its id."""
    applied = world.act(nick, RegisterAccount(nick, Credentials(password="x")))
    change = applied.results[0]
    assert isinstance(change, AccountRegistered)
    assert int(change.account) == int(applied.position)
    return change.account


def drop(world: ChatWorld, nick: str) -> None:
    world.act(nick, DropAccount(world.user(nick).account_id))


@pytest.fixture
def world() -> ChatWorld:
    world = ChatWorld()
    world.room_with("#a", "ann", "bob")
    return world


def test_a_private_message_is_stored_by_ids(world: ChatWorld) -> None:
    number, ann = register(world, "bob"), world.user("ann").id
    for sender, recipient in (("ann", "bob"), ("bob", "ann")):
        rows = history_rows(world.act(sender, Say("PRIVMSG", recipient, "hi")))
        assert sorted(row.conversation for row in rows) == [f"d:i:{number} ann", f"d:u:{ann} bob"]


def test_an_account_owns_what_was_stored_under_its_name_since_it_exists(world: ChatWorld) -> None:
    first = register(world, "bob")
    bob = world.user("bob").id
    assert owners(world.state, world.user("bob")) == (
        Owner(f"i:{first}"),
        Owner("a:bob", Position(first + 1)),
        Owner(f"u:{bob}"),
    )
    between = world.state.position
    assert account_then(world.state, "bob", between) == 0  # The account's own entry.
    drop(world, "bob")
    user = world.user("bob")
    assert owners(world.state, user) == (Owner(f"u:{user.id}"),)
    second = register(world, "bob")
    later = Position(world.state.position + 1)
    assert account_then(world.state, "bob", Position(between + 1)) == 0
    assert account_then(world.state, "bob", later) == second
    assert account_then(world.state, "Bob", later) == 0  # Another account's spelling.
    assert account_then(world.state, "nobody", later) == 0
    assert identity_now(world.state, "a:bob", Position(between + 1)) == ""
    assert identity_now(world.state, "a:bob", later) == f"i:{second}"
    for stored in ("u:7", "i:7", ""):
        assert identity_now(world.state, stored, later) == stored


def test_nicknames_are_remembered_of_users_and_of_accounts(world: ChatWorld) -> None:
    def known(nick: str) -> tuple[list[str], list[str]]:
        found, nicks = whom(world.state, nick)
        return [owner.identity for owner in found], list(nicks)

    bob = world.user("bob").id
    world.act("bob", ChangeNick("Rob"))
    world.act("bob", ChangeNick("ROB"))
    assert known("rob") == ([f"u:{bob}"], ["bob"])
    assert known("bob") == ([], [])
    world.act("bob", ChangeNick("bob"))
    assert known("bob") == ([f"u:{bob}"], ["rob"])
    number = register(world, "bob")
    world.act("bob", ChangeNick("robert"))
    assert known("robert") == ([f"i:{number}", "a:bob", f"u:{bob}"], ["rob", "bob"])
    world.close("bob")
    assert known("robert") == ([], [])
    assert known("bob") == ([f"i:{number}", "a:bob"], ["robert"])
    world.open("other", account="bob")
    assert known("other")[1] == ["bob", "robert"]
    for digit in range(NICKS_MAX + 3):
        world.act("other", ChangeNick(f"n{digit}"))
    (account,) = world.state.accounts.values()
    assert len(account.nicks) == len(world.user("n10").former_nicks) == NICKS_MAX


def redact(
    world: ChatWorld, nick: str, target: str, position: Position, author: tuple[str, AccountId]
) -> Redacted | Reason:
    """Redact what "bob", logged in to an account, said to "carl"."""
    time_ms = world.state.time_ms
    operation = Redact(
        target, "m", position, 0, time_ms, "", UserId(3), author[0], "bob", "a:carl", author[1]
    )
    (result, *_) = world.act(nick, operation).results
    if isinstance(result, Refusal):
        return result.reason
    assert isinstance(result, Redacted)
    return result


def test_words_stored_with_a_name_belong_to_the_account_of_that_time(world: ChatWorld) -> None:
    first = register(world, "bob")
    world.open("carl")
    carl = register(world, "carl")
    said = world.state.position
    world.act("carl", LogOut())
    old, new = ("bob", AccountId(0)), ("bob", first)
    forbidden = Reason.REDACT_FORBIDDEN
    assert redact(world, "ann", "#a", said, old) != forbidden  # An operator of the room.
    for author in (old, new):
        result = redact(world, "bob", "carl", Position(said + 1), author)
        assert isinstance(result, Redacted)
        assert result.recipient_identity == f"i:{carl}"
        assert result.recipient == 0  # Carl is not logged in now.
    drop(world, "bob")
    register(world, "bob")
    for author in (old, new):
        assert redact(world, "bob", "#a", Position(said + 1), author) == forbidden
        assert redact(world, "bob", "carl", Position(said + 1), author) == forbidden
    result = redact(world, "bob", "#a", Position(world.state.position + 1), old)
    assert isinstance(result, Redacted)


def test_a_redaction_is_not_stored_for_a_later_owner_of_the_recipients_name(
    world: ChatWorld,
) -> None:
    bob = register(world, "bob")
    world.open("carl")
    register(world, "carl")
    said = Position(world.state.position + 1)
    world.act("carl", Say("PRIVMSG", "bob", "hi"))
    drop(world, "carl")
    register(world, "carl")
    time_ms = world.state.time_ms
    operation = Redact("carl", "m", said, 0, time_ms, "", UserId(3), "bob", "bob", "a:carl")
    applied = world.act("bob", operation)
    (row,) = history_rows(applied)
    assert row.conversation == f"d:i:{bob} carl"
    change = decode_change(row.record)
    assert isinstance(change, Redacted)
    assert (change.recipient, change.recipient_identity) == (0, "")


def test_a_stored_change_without_the_accounts_id_is_read() -> None:
    source = [5, "bob", "bob", "host", "Bob", False]
    record = msgspec.msgpack.encode(
        [1, 0, source, "PRIVMSG", 0, 9, "ann", 0, "hi", [], "u:9", "", []]
    )
    said = decode_change(record)
    assert isinstance(said, Said)
    assert (said.source.account, said.source.account_id) == ("Bob", 0)
    assert identity_of(said.source) == "a:Bob"
    assert decode_change(encode_change(said)) == said


def test_a_snapshot_without_the_accounts_ids_is_completed(world: ChatWorld) -> None:
    register(world, "bob")
    world.act("ann", LogIn(world.user("bob").account_id))
    world.open("carl")
    plain = msgspec.msgpack.decode(encode_state(world.state)[1:], strict=False)
    for stored in plain["users"].values():
        del stored[-2:]
    state = decode_state(bytes((FORMAT,)) + msgspec.msgpack.encode(plain))
    assert state == world.state
