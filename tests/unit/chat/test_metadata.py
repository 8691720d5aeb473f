"""Metadata of accounts, and who is notified."""

import pytest

from roost.chat.admission import set_account
from roost.chat.changes import MetadataChanged
from roost.chat.commands.metadata import SetMetadata, SubscribeMetadata
from roost.chat.commands.rooms import Join, Part
from roost.chat.ids import FoldedAccount, Position
from roost.chat.metadata import adopt_account_metadata
from roost.chat.refusals import Reason, Refusal
from roost.chat.snapshot import decode_state, encode_state
from roost.chat.step import Step
from support.chat_world import ChatWorld


@pytest.fixture
def world() -> ChatWorld:
    return ChatWorld()


def changes(results: object) -> list[MetadataChanged]:
    assert isinstance(results, tuple)
    return [result for result in results if isinstance(result, MetadataChanged)]


def test_an_accounts_metadata_comes_back_with_its_owner(world: ChatWorld) -> None:
    world.open("bob", account="Bob")
    world.act("bob", SetMetadata("*", "url", "x"), SetMetadata("*", "gone", "x"))
    world.act("bob", SetMetadata("*", "gone"))
    world.close("bob")
    world.state = decode_state(encode_state(world.state))
    (told,) = changes(world.open("other", account="Bob").results)
    assert world.user("other").metadata == {"url": "x"}
    assert (told.entries, told.folded, told.cause) == ((("url", "x"),), "other", "presence")


def test_without_an_account_it_goes_with_the_user(world: ChatWorld) -> None:
    world.open("bob")
    world.act("bob", SetMetadata("*", "url", "x"))
    world.close("bob")
    world.open("bob")
    assert world.user("bob").metadata == {}


def test_logging_in_brings_the_accounts_and_keeps_ones_own(world: ChatWorld) -> None:
    account = world.own("Bob")
    account.metadata = {"url": "account", "same": "same"}
    world.open("guest")
    world.act(
        "guest",
        Join("#a"),
        SetMetadata("*", "url", "mine"),
        SetMetadata("*", "same", "same"),
        SetMetadata("*", "own", "mine"),
    )
    user = world.user("guest")
    set_account(world.state, user, "Bob")
    step = Step(world.state, Position(world.state.position + 1), world.state.time_ms)
    adopt_account_metadata(step, user)
    assert user.metadata == {"url": "account", "same": "same", "own": "mine"}
    assert world.state.accounts[FoldedAccount("bob")].metadata == user.metadata
    (told,) = changes(tuple(step.results))
    assert (told.entries, told.cause) == ((("url", "account"),), "account")
    assert [name for _, name in told.rooms] == ["#a"]


def test_a_room_that_nobody_owns_forgets_it_when_it_is_empty(world: ChatWorld) -> None:
    room = world.room_with("#a", "alice")
    world.act("alice", SetMetadata("#a", "url", "x"), Part("#a"))
    assert room.metadata == {}


@pytest.mark.parametrize("key", ["Url", "u:rl", "\u00e9", "x" * 41, " "])
def test_bad_keys_never_reach_the_state(world: ChatWorld, key: str) -> None:
    world.open("bob")
    refusal = Refusal(Reason.METADATA, key, "KEY_INVALID")
    assert world.act("bob", SetMetadata("*", key, "x")).results == (refusal,)
    assert world.act("bob", SubscribeMetadata((key,), (key,))).results[:2] == (refusal, refusal)
    assert not world.state.sessions[world.sessions["bob"]].subscribed
