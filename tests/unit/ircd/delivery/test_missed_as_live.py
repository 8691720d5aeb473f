"""Who moves from node to node is shown what somebody who stayed was shown: for any conversation."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from roost.chat.commands.accounts import LogIn, LogOut
from roost.chat.ids import FoldedAccount
from roost.irc.capabilities import NAMES
from spec.irc.test_resume import CAPABILITIES, come_back, enter, newest
from support.dialogue import Client, World, parse
from unit.ircd.serving.test_takeover import cut_off, move

LINES = (
    *("AWAY :tea", "AWAY", "AWAY *", "SETNAME :Other", "SETNAME :Alice", "HS ON", "HS OFF"),
    *("NICK alicia", "NICK alice", "MODE {nick} +B", "MODE {nick} -B", "MODE #a +o watcher"),
    *("MODE #a -o watcher", "MODE #a +v watcher", "MODE #a +o-v carol watcher", "PRIVMSG +#a :v"),
    *("JOIN #a", "PART #a", "JOIN #b,#c", "PART #b", "JOIN 0", "PRIVMSG #a :hi", "NOTICE #b :x"),
    *("PRIVMSG watcher :psst", "PRIVMSG @#a :ops", "TAGMSG #a", "@+react=x TAGMSG #a"),
    *("TOPIC #a :t", "KICK #a watcher", "INVITE watcher #c", "INVITE carol #a", "MODE #a +v alice"),
    *("METADATA * SET url :x", "METADATA #a SET url :y", "METADATA * CLEAR"),
    *("RENAME #a #d", "RENAME #d #a", "RENAME #b #B", "QUIT :bye"),
    *("MARKREAD #a timestamp=2020-01-01T00:00:00.000Z", "MARKREAD #a", "MARKREAD eve x"),
)
NOT_MINE = ("roost.chat/resume", "cap-notify", "sasl", "draft/account-registration")
"""These change nothing of what others do looks like."""
OF_NOW = ("332", "333", "353", "366", "774", "BATCH", "METADATA", "MARKREAD")
"""A room that another client of the user enters is described as it is when that is shown."""

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
    if is_account:
        # What another client of the user does is among it.
        people[2] = world.register("watcher", "draft/pre-away", account=account)
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
    left_out = OF_NOW if is_account else ()
    return [line for line in watcher.lines() if parse(line).command not in left_out]


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


RESUMING = (*CAPABILITIES, "batch")


def seen_by_resuming(
    script: list[tuple[int, str]], names: list[str], cut_at: int
) -> tuple[list[str], list[str]]:
    """Tell what a client sees live from a step on, and what one that comes back then is shown.

    Only what has an id, which nobody is shown twice.
    """
    told = []
    for is_live in (True, False):
        world = World(nodes=2)
        world.own(world.connect(), "Eve")
        world.state.accounts[FoldedAccount("eve")].virtual_host = "of.eve"
        people = [world.register(nick) for nick in ("alice", "bob", "carol")]
        for client in people[:2]:
            client.send("JOIN #a,#b")
        capabilities = tuple(dict.fromkeys((*RESUMING, *names)))
        token = enter(world, "watcher", capabilities=capabilities)
        watcher = newest(world)
        watcher.send("MONITOR + alice,carol", "METADATA * SUB url", "JOIN #b,#a")
        for who, line in script[:cut_at]:
            do(world, people[who], line)
        before = re.findall(r"msgid=([^; ]+)", "\n".join(watcher.lines()))
        for who, line in script[cut_at:]:
            do(world, people[who], line)
        if not is_live:
            watcher = come_back(world, f"{token} {before[-1]}", node=1, capabilities=capabilities)
        told.append([line for line in watcher.lines() if "msgid=" in line])
    return told[0], told[1]


@settings(max_examples=60, deadline=None)
@given(st.lists(actions, min_size=5, max_size=25), st.integers(0, 5), capabilities)
def test_who_comes_back_by_a_token_is_shown_what_was_shown_live(
    script: list[tuple[int, str]], cut_at: int, names: list[str]
) -> None:
    live, resumed = seen_by_resuming(script, names, cut_at)
    assert resumed == live
