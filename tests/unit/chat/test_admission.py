"""Limits of clients per address and per account."""

import pytest

from roost.chat.admission import address_key, sessions_of_account
from roost.chat.apply import apply_entry
from roost.chat.commands import encode_command
from roost.chat.commands.cluster import Configure
from roost.chat.commands.sessions import ResumeSession
from roost.chat.commands.users import Quit
from roost.chat.ids import Position, SessionId
from roost.chat.refusals import Reason, Refusal
from roost.chat.settings import Settings
from roost.chat.snapshot import decode_state, encode_state
from roost.irc.capabilities import Capability
from support.chat_world import INCARNATION, ChatWorld

EXEMPT = Settings().address_exempt_networks


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::2", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.7", ""),
        ("::1", ""),
        ("0::1", ""),
        ("unix", ""),
        ("", ""),
    ],
)
def test_address_is_counted_under_what_one_customer_is_given(address: str, key: str) -> None:
    assert address_key(address, EXEMPT) == key


def test_exemption_that_is_no_network_exempts_nobody_and_raises_nothing() -> None:
    assert address_key("192.0.2.1", ("nonsense",)) == ""


def limited(**limits: int) -> ChatWorld:
    world = ChatWorld()
    world.command(Configure(Settings(**limits)))  # type: ignore[arg-type]
    return world


def test_sessions_of_one_address_are_limited_until_one_ends() -> None:
    world = limited(sessions_per_address_max=2)
    world.open("a", host="2001:db8::1")
    world.open("b", host="2001:db8::2")
    (refusal,) = world.open("c", host="2001:db8::3").results
    assert refusal == Refusal(Reason.TOO_MANY_SESSIONS, "address", "2")
    world.open("d", host="2001:db8:0:1::1")
    world.act("a", Quit("bye"))
    world.open("e", host="2001:db8::3")
    assert sorted(user.nick for user in world.state.users.values()) == ["b", "d", "e"]


def test_sessions_of_one_account_are_limited_over_all_its_nicknames() -> None:
    world = limited(sessions_per_account_max=2)
    world.open("a", account="eve")
    world.open("b", account="eve")
    (refusal,) = world.open("c", account="eve").results
    assert refusal == Refusal(Reason.TOO_MANY_SESSIONS, "account", "2")
    assert sessions_of_account(world.state, "EVE") == 2
    world.close("a")
    world.open("d", account="eve")
    assert sessions_of_account(world.state, "eve") == 2


def test_resumed_session_takes_the_place_of_the_former_where_it_is_counted() -> None:
    world = limited(sessions_per_address_max=1)
    world.open("a", host="192.0.2.1", capabilities=Capability.RESUME.value)
    former = world.sessions["a"]
    session = SessionId((INCARNATION << 27) | 900)
    user = world.user("a").id
    world.command(ResumeSession(session, 1, 3, former, user, 0, False, "b1"))
    assert world.state.sessions_by_address == {"192.0.2.1": 1}


def test_counts_outlive_a_snapshot() -> None:
    world = limited(sessions_per_address_max=1)
    world.open("a", host="192.0.2.1")
    state = decode_state(encode_state(world.state))
    other = world.open("b", host="192.0.2.1")
    again = apply_entry(
        state,
        encode_command(Configure(state.settings)),
        Position(other.position),
        other.time_ms,
    )
    assert not again.failure
    assert state.sessions_by_address == world.state.sessions_by_address == {"192.0.2.1": 1}
