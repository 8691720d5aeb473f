"""Who moves from node to node is shown what somebody who stayed was shown: for any conversation."""

from hypothesis import given, settings
from hypothesis import strategies as st

from roost.chat.commands import LogIn, LogOut
from roost.chat.ids import FoldedAccount
from roost.irc.capabilities import NAMES
from support.dialogue import Client, World
from unit.ircd.test_takeover import cut_off, move

LINES = (
    *("AWAY :tea", "AWAY", "AWAY *", "SETNAME :Other", "SETNAME :Alice", "HS ON", "HS OFF"),
    *("NICK alicia", "NICK alice", "MODE {nick} +B", "MODE {nick} -B", "MODE #a +o watcher"),
    *("MODE #a -o watcher", "MODE #a +v watcher", "MODE #a +o-v carol watcher", "PRIVMSG +#a :v"),
    *("JOIN #a", "PART #a", "JOIN #b,#c", "PART #b", "JOIN 0", "PRIVMSG #a :hi", "NOTICE #b :x"),
    *("PRIVMSG watcher :psst", "PRIVMSG @#a :ops", "TAGMSG #a", "@+react=x TAGMSG #a"),
    *("TOPIC #a :t", "KICK #a watcher", "INVITE watcher #c", "INVITE carol #a", "MODE #a +v alice"),
    *("METADATA * SET url :x", "METADATA #a SET url :y", "METADATA * CLEAR"),
    *("RENAME #a #d", "RENAME #d #a", "RENAME #b #B", "QUIT :bye"),
)
NOT_MINE = ("roost.chat/resume", "cap-notify", "sasl", "draft/account-registration")
"""These change nothing of what others do looks like."""

actions = st.tuples(st.integers(0, 2), st.sampled_from((*LINES, "log in", "log out")))
capabilities = st.lists(
    st.sampled_from([name for name in NAMES if name not in NOT_MINE]), unique=True
)


def do(world: World, client: Client, line: str) -> None:
    if client.is_closed:
        return
    if line == "log in":
        world.act(client, LogIn(world.state.accounts[FoldedAccount("eve")].id))
    elif line == "log out":
        world.act(client, LogOut())
    else:
        session = world.state.sessions[client.session]  # type: ignore[index]
        client.send(line.format(nick=world.state.users[session.user].nick))


def seen(
    script: list[tuple[int, str]], names: list[str], cut_at: int | None, *, is_account: bool
) -> list[str]:
    """Tell what a client sees of a conversation, if its node dies before a step."""
    world = World(nodes=3)
    world.own(world.connect(), "Eve")
    world.state.accounts[FoldedAccount("eve")].virtual_host = "of.eve"
    people = [world.register(nick, "draft/pre-away") for nick in ("alice", "bob", "carol")]
    for client in people[:2]:
        client.send("JOIN #a,#b")
    account = "Walter" if is_account else ""
    watcher = world.register("watcher", *names, node=1, account=account)
    watcher.send("JOIN #a,#b", "MONITOR + alice,carol,alicia", "METADATA * SUB url")
    watcher.lines()
    served = None
    for number, (who, line) in enumerate(script):
        if number == cut_at:
            served = cut_off(world, watcher)
        do(world, people[who], line)
    if served is not None:
        before = watcher.lines()
        assert not before
        move(world, watcher, 2, served)
    return watcher.lines()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(actions, min_size=5, max_size=25),
    st.lists(actions, max_size=5),
    capabilities,
    st.booleans(),
)
def test_what_was_missed_is_what_was_shown_live(
    script: list[tuple[int, str]],
    prologue: list[tuple[int, str]],
    names: list[str],
    is_account: bool,
) -> None:
    whole = [*prologue, *script]
    live = seen(whole, names, None, is_account=is_account)
    missed = seen(whole, names, len(prologue), is_account=is_account)
    shown_before = len(seen_until(whole, names, len(prologue), is_account=is_account))
    assert missed == live[shown_before:]


def seen_until(
    script: list[tuple[int, str]], names: list[str], end: int, *, is_account: bool
) -> list[str]:
    """Tell what the client sees of the script's beginning."""
    return seen(script[:end], names, None, is_account=is_account)
