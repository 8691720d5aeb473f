"""A renamed account keeps all that is its own, and leaves nothing to who gets its old name."""

import pytest

from roost.chat.changes import OPERATOR, VOICE, AccountChanged, NickChanged, OperatorsTold
from roost.chat.commands.accounts import DropAccount, LogIn, RegisterAccount
from roost.chat.commands.administration import Administer, Control
from roost.chat.commands.control import ControlOperation, RenameAccount
from roost.chat.commands.modes import ModeChange, SetRoomModes
from roost.chat.commands.operators import AddBan, BecomeOperator
from roost.chat.commands.ownership import RegisterRoom, SetAccess, TransferRoom
from roost.chat.commands.rooms import Join, Part
from roost.chat.commands.users import SetAlwaysOn
from roost.chat.credentials import Credentials
from roost.chat.history import Owner
from roost.chat.identities import account_then, identity_now, owners_of, whom
from roost.chat.ids import AccountId, FoldedAccount, Position
from roost.chat.outcome import DONE, Ending, Outcome
from roost.chat.refusals import Reason
from roost.chat.snapshot import decode_state, encode_state
from support.chat_world import ChatWorld


@pytest.fixture
def world() -> ChatWorld:
    """Ann owns #a, where bob and carl have access; bob is offered it."""
    world = ChatWorld()
    for nick in ("ann", "bob", "carl"):
        world.open(nick)
        world.act(nick, RegisterAccount(nick, Credentials(password="x")))
    world.room_with("#a", "ann", "bob")
    world.act("ann", RegisterRoom("#a"), SetAccess("#a", "bob", "o"), SetAccess("#a", "carl", "v"))
    world.act("ann", TransferRoom("#a", "bob"))
    return world


def ask(world: ChatWorld, operation: ControlOperation) -> Outcome:
    """Ask as an administrator."""
    request = f"r{world.state.position}"
    told = world.command(Administer(request, Control(operation))).administered
    assert told is not None
    return told[1]


def rename(world: ChatWorld, name: str, new: str) -> Outcome:
    return ask(world, RenameAccount(world.state.accounts[FoldedAccount(name.lower())].id, new))


def test_rooms_access_and_offers_follow(world: ChatWorld) -> None:
    room = world.room("#a")
    assert rename(world, "ann", "Anna") == rename(world, "bob", "Robert") == DONE
    assert rename(world, "carl", "Karl") == DONE
    assert (room.founder, room.offered_to) == ("anna", "robert")
    assert room.access == {"robert": OPERATOR, "karl": VOICE}
    assert world.state.founded == {"anna": {room.id: None}}
    assert decode_state(encode_state(world.state)) == world.state


def test_whoever_is_logged_in_gets_the_new_name_and_its_bearer_the_nickname(
    world: ChatWorld,
) -> None:
    world.open("other", account="ann")
    number = world.user("ann").account_id
    world.act("ann", SetAlwaysOn(True))
    operation = RenameAccount(number, "Anna")
    applied = world.command(Administer("r", Control(operation)))
    changed = [change for change in applied.results if isinstance(change, AccountChanged)]
    assert [(one.source.nick, one.source.account, one.account) for one in changed] == [
        ("ann", "ann", "Anna"),
        ("other", "ann", "Anna"),
    ]
    (nick,) = (change for change in applied.results if isinstance(change, NickChanged))
    assert (nick.source.nick, nick.nick) == ("ann", "Anna")
    assert isinstance(applied.results[-1], OperatorsTold)
    assert world.state.always_on == {"anna": world.user("anna").id}
    assert world.user("other").account == "Anna"
    assert world.state.operator_actions[-1].text == (
        "An administrator renamed the account ann to Anna"
    )


def test_lists_and_bans_that_named_the_account_still_do(world: ChatWorld) -> None:
    entries = (
        ModeChange(True, "b", "~a:Bob"),
        ModeChange(True, "b", "~m:~account:bob"),
        ModeChange(True, "e", "~a:bob"),
        ModeChange(True, "I", "~a:b*"),
    )
    world.act("ann", SetRoomModes("#a", entries))
    world.act("carl", BecomeOperator("admin"), AddBan("~a:bob", "r"))
    rename(world, "bob", "Robert")
    room = world.room("#a")
    assert [entry.mask for entry in room.bans.values()] == ["~a:Robert", "~m:~account:Robert"]
    assert list(room.bans) == ["~a:robert", "~m:~account:robert"]
    assert [entry.mask for entry in room.exceptions.values()] == ["~a:Robert"]
    assert list(room.invitation_masks) == ["~a:b*"]
    assert {folded: ban.mask for folded, ban in world.state.bans.items()} == {
        "~a:robert": "~a:Robert"
    }


def test_only_the_case_may_change(world: ChatWorld) -> None:
    assert rename(world, "ann", "ANN") == DONE
    assert world.user("ann").nick == world.user("ann").account == "ANN"
    assert world.room("#a").founder == "ann"


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("1x", Reason.ACCOUNT_NAME_INVALID),
        ("NickServ", Reason.ACCOUNT_NAME_INVALID),
        ("Bob", Reason.ACCOUNT_EXISTS),
        ("ann", Reason.ACCOUNT_EXISTS),
        ("guest", Reason.ACCOUNT_NAME_IN_USE),
    ],
)
def test_a_name_that_is_not_free_is_refused(world: ChatWorld, new: str, reason: Reason) -> None:
    world.open("guest")
    before = encode_state(world.state)
    assert rename(world, "ann", new) == Outcome(Ending.REFUSED, new, "", reason)
    after = decode_state(encode_state(world.state))
    earlier = decode_state(before)
    after.position, after.time_ms, after.outcomes = earlier.position, earlier.time_ms, {}
    assert after == earlier


def test_an_account_that_is_gone_is_refused(world: ChatWorld) -> None:
    assert ask(world, RenameAccount(AccountId(999), "x")).reason == Reason.NO_SUCH_ACCOUNT


def test_history_stored_by_name_belongs_to_whoever_had_the_name_then(world: ChatWorld) -> None:
    state = world.state
    ann = world.user("ann").account_id
    then = state.position
    rename(world, "ann", "Anna")
    assert account_then(state, "ann", then) == ann
    assert identity_now(state, "a:ann", then) == f"i:{ann}"
    assert account_then(state, "Anna", state.position) == 0
    anna = state.accounts[FoldedAccount("anna")]
    assert owners_of(anna) == (Owner(f"i:{ann}"), Owner("a:ann", Position(ann + 1)))
    # Somebody else takes the old name: nothing of it is theirs.
    world.open("ann")
    world.act("ann", RegisterAccount("ann", Credentials(password="y")))
    assert account_then(state, "ann", then) == ann
    rename(world, "ann", "second")
    assert account_then(state, "ann", then) == ann
    world.act("Anna" if "Anna" in world.sessions else "ann", Join("#b"), Part("#b"))


def test_a_first_name_is_forgotten_with_its_account(world: ChatWorld) -> None:
    then = world.state.position
    rename(world, "bob", "robert")
    assert world.state.renamed
    world.act("bob", DropAccount(world.user("robert").account_id))
    assert not world.state.renamed
    assert account_then(world.state, "bob", then) == 0


def test_the_old_name_is_remembered_as_a_nickname(world: ChatWorld) -> None:
    world.close("bob")
    rename(world, "bob", "Robert")
    world.open("x")
    world.act("x", LogIn(world.state.accounts[FoldedAccount("robert")].id))
    assert "bob" in whom(world.state, "Robert")[1]
