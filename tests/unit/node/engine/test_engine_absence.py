"""An engine ends users who have been without a client for too long."""

from roost.chat.admission import set_account
from roost.chat.credentials import Credentials
from roost.chat.ids import AccountId, FoldedAccount, SessionId
from roost.chat.presence import make_always_on
from roost.chat.settings import Settings
from roost.chat.state import Account
from roost.node.engine.inputs import TrunkFrameReceived
from roost.protocol.trunk import Detach
from support.lone_node import LoneNode


def absent_alice(days_max: int) -> LoneNode:
    """Return a node whose only user is always on and has just lost her client."""
    node = LoneNode()
    node.say("b1", node.connect("b1"), 1, "NICK alice", "USER a 0 * :A")
    state = node.engine.state
    state.settings = Settings(always_on_days_max=days_max)
    account = Account(AccountId(1), "alice", 0, Credentials(), is_always_on=True)
    state.accounts[FoldedAccount("alice")] = account
    state.account_names[account.id] = FoldedAccount("alice")
    (user,) = state.users.values()
    set_account(state, user, "alice")
    make_always_on(state, user)
    node.take(TrunkFrameReceived("b1", Detach(SessionId(1 << 27 | 1), 1, "gone")))
    assert list(state.absent) == [user.id]
    return node


def test_the_leader_has_the_log_say_that_somebody_was_absent_for_too_long() -> None:
    node = absent_alice(days_max=0)
    node.pass_time(0.8)
    assert not node.engine.state.users


def test_nothing_goes_through_the_log_while_nobody_was_absent_for_too_long() -> None:
    node = absent_alice(days_max=1)
    position = node.engine.state.position
    node.pass_time(3.0)
    assert node.engine.state.position == position
    assert len(node.engine.state.users) == 1
