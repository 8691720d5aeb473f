"""In any conversation, a client that moves between nodes sees what one that stays sees."""

import re
from typing import get_args

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from roost.chat import changes
from roost.chat.changes import Change
from roost.chat.commands.accounts import LogIn, LogOut
from roost.chat.commands.operators import BecomeOperator
from roost.chat.ids import FoldedAccount, SessionId, message_id
from roost.irc.capabilities import NAMES
from spec.irc.test_resume import CAPABILITIES, come_back, enter, newest
from support.dialogue import Client, World, parse
from unit.ircd.serving.test_takeover import cut_off, move

LINES: dict[type[Change], tuple[str, ...]] = {
    changes.Joined: ("JOIN #a", "JOIN #b,#c"),
    changes.Said: (
        *("PRIVMSG #a :hi", "NOTICE #b :x", "PRIVMSG watcher :psst", "PRIVMSG {nick} :me"),
        *("RELAYMSG #a smith/x :hi", "RELAYMSG #b smith/y :hi"),
        *("PRIVMSG @#a :ops", "PRIVMSG +#a :v", "TAGMSG #a", "@+react=x TAGMSG #a"),
    ),
    changes.Redacted: ("REDACT #a {said} :oops", "REDACT #a {said}", "REDACT watcher {told}"),
    changes.TopicChanged: ("TOPIC #a :t", "TOPIC #a :"),
    changes.RoomModesChanged: (
        *("MODE #a +o watcher", "MODE #a -o watcher", "MODE #a +v watcher", "MODE #a +v alice"),
        *("MODE #a +o-v carol watcher", "MODE #a +f #b", "MODE #a +CU", "MODE #a -f"),
    ),
    changes.UserModesChanged: (
        *("MODE {nick} +B", "MODE {nick} -B", "MODE {nick} -w", "MODE {nick} +w"),
        *("MODE {nick} -s", "MODE {nick} +s", "MODE {nick} -o"),
    ),
    changes.OperatorsTold: ("operate", "BAN 192.0.2.9 :spam", "UNBAN 192.0.2.9"),
    changes.Wallopped: ("WALLOPS :hear",),
    changes.Invited: ("INVITE watcher #c", "INVITE carol #a"),
    changes.AwayChanged: ("AWAY :tea", "AWAY", "AWAY *"),
    changes.RealnameChanged: ("SETNAME :Other", "SETNAME :Alice"),
    changes.NickChanged: ("NICK alicia", "NICK alice"),
    changes.WentOffline: ("NICK bobby", "NICK bob"),
    changes.WentOnline: ("NICK carola", "NICK carol"),
    changes.AccountChanged: ("log in", "log out"),
    changes.HostChanged: ("log in", "HS OFF", "HS ON"),
    changes.MetadataChanged: (
        *("METADATA * SET url :x", "METADATA #a SET url :y", "METADATA * CLEAR"),
        "METADATA #a CLEAR",
    ),
    changes.ReadMarked: (
        *("MARKREAD #a timestamp=2020-01-01T00:00:00.000Z", "MARKREAD #a", "MARKREAD eve x"),
        "MARKREAD eve timestamp=2021-01-01T00:00:00.000Z",
    ),
    changes.Kicked: ("KICK #a watcher", "KICK #a bob"),
    changes.RoomRenamed: ("RENAME #a #d", "RENAME #d #a", "RENAME #b #B"),
    changes.Parted: ("PART #b", "PART #a", "JOIN 0"),
    changes.Killed: ("KILL bob :out",),
    changes.Quitted: ("QUIT :bye",),
}
"""Lines that cause each kind of change that somebody is told of."""
UNTOLD: dict[type[Change], str] = {
    changes.SessionOpened: "others see a user come online, and enter rooms",
    changes.SessionClosed: "others see the user quit with the last session",
    changes.SessionAttached: "the nodes' own",
    changes.SessionResumed: "others notice nothing",
    changes.CapabilitiesChanged: "answered with CAP",
    changes.MonitorChanged: "answered with who is online",
    changes.SubscriptionsChanged: "answered with the subscriptions",
    changes.AccountRegistered: "answered with REGISTER",
    changes.AccountUpdated: "answered by NickServ",
    changes.AlwaysOnChanged: "answered by NickServ",
    changes.OwnershipChanged: "answered by ChanServ",
    changes.VirtualHostSet: "answered by HostServ",
    changes.Rehashed: "answered with a numeric; operators are told by OperatorsTold",
}
"""Kinds of change that no client is told of but the one that asked, and why."""
NOT_MINE = (
    "roost.chat/resume",
    "cap-notify",
    "sasl",
    "draft/account-registration",
    "draft/webpush",
    "soju.im/webpush",
)
"""These do not change how others' actions look."""
OF_NOW = ("332", "333", "353", "366", "761", "766", "774", "BATCH", "METADATA", "MARKREAD")
"""A room that another client of the user joins is described as it is at that time."""

actions = st.tuples(
    st.integers(0, 2),
    st.sampled_from(list(LINES)).flatmap(lambda kind: st.sampled_from(LINES[kind])),
)
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
    elif line == "operate":
        world.act(client, BecomeOperator("admin"))
    else:
        nick = world.state.users[world.state.sessions[SessionId(client.session)].user].nick
        client.send(
            line.format(nick=nick, said=last_id(world, "#a"), told=last_id(world, "watcher"))
        )


def last_id(world: World, target: str) -> str:
    """Return the id of the last message to a target."""
    for applied in reversed(world.log):
        for result in applied.results:
            if isinstance(result, changes.Said) and result.target == target:
                return message_id(applied.position, result.part)
    return "0-00"


def people_of(world: World) -> list[Client]:
    """Let those come who do things: alice, who is an operator, bob and carol."""
    world.own(world.connect(), "Eve")
    world.state.accounts[FoldedAccount("eve")].virtual_host = "of.eve"
    people = [
        world.register(nick, "draft/pre-away", "draft/relaymsg")
        for nick in ("alice", "bob", "carol")
    ]
    do(world, people[0], "operate")
    for client in people[:2]:
        client.send("JOIN #a,#b")
    return people


def test_every_kind_of_change_is_among_the_lines() -> None:
    assert set(get_args(Change)) == {*LINES, *UNTOLD}
    assert not LINES.keys() & UNTOLD.keys()


def test_lines_cause_the_changes_that_they_are_listed_for() -> None:
    world = World()
    alice, _, _ = people_of(world)
    world.register("watcher")
    for kind, lines in LINES.items():
        before = len(world.changes())
        for line in lines:
            do(world, alice, line)
        assert any(isinstance(change, kind) for change in world.changes()[before:]), kind


def seen(
    script: list[tuple[int, str]],
    names: list[str],
    cut_at: int | None,
    *,
    is_account: bool,
    is_operator: bool,
    left_out: tuple[str, ...],
) -> list[str]:
    """Return what a client sees of a conversation if its node dies before a step."""
    world = World(nodes=3)
    people = people_of(world)
    account = "Walter" if is_account else ""
    watcher = world.register("watcher", *names, node=1, account=account)
    watcher.send("JOIN #a,#b", "MONITOR + alice,carol,alicia", "METADATA * SUB url")
    watcher.send("MODE watcher +w")
    if is_operator:
        do(world, watcher, "operate")
    if is_account:
        # What another client of the user does is among it.
        people[2] = world.register("watcher", "draft/pre-away", account=account)
    watcher.lines()
    served = None
    for number, (who, line) in enumerate(script):
        if number == cut_at:
            served = cut_off(world, watcher)
        do(world, people[who], line)
    # The session of somebody who was killed cannot move: its client is only told that it ended.
    assume(SessionId(watcher.session) in world.state.sessions)
    if served is not None:
        before = watcher.lines()
        assert not before
        move(world, watcher, 2, served)
    return [line for line in watcher.lines() if parse(line).command not in left_out]


@settings(max_examples=80)
@given(
    st.lists(actions, min_size=5, max_size=25),
    st.lists(actions, max_size=5),
    capabilities,
    st.booleans(),
    st.booleans(),
)
def test_what_was_missed_is_what_was_shown_live(
    script: list[tuple[int, str]],
    prologue: list[tuple[int, str]],
    names: list[str],
    is_account: bool,
    is_operator: bool,
) -> None:
    whole = [*prologue, *script]
    is_told_of_rooms = is_account and any(who == 2 and "JOIN" in line for who, line in whole)
    left_out = OF_NOW if is_told_of_rooms else ()

    def see(part: list[tuple[int, str]], cut_at: int | None) -> list[str]:
        return seen(
            part, names, cut_at, is_account=is_account, is_operator=is_operator, left_out=left_out
        )

    live, missed, before = see(whole, None), see(whole, len(prologue)), see(prologue, None)
    assert missed == live[len(before) :]


RESUMING = (*CAPABILITIES, "batch")


def seen_by_resuming(
    script: list[tuple[int, str]], names: list[str], cut_at: int
) -> tuple[list[str], list[str]]:
    """Return what a client sees live from a step on, and what one that comes back then sees.

    Only what has an id, which nobody is shown twice.
    """
    told = []
    for is_live in (True, False):
        world = World(nodes=2)
        people = people_of(world)
        capabilities = tuple(dict.fromkeys((*RESUMING, *names)))
        token = enter(world, "watcher", capabilities=capabilities)
        watcher = newest(world)
        watcher.send("MONITOR + alice,carol", "METADATA * SUB url", "JOIN #b,#a")
        for who, line in script[:cut_at]:
            do(world, people[who], line)
        before = re.findall(r"msgid=([^; ]+)", "\n".join(watcher.lines()))
        for who, line in script[cut_at:]:
            do(world, people[who], line)
        assume(SessionId(watcher.session) in world.state.sessions)
        if not is_live:
            watcher = come_back(world, f"{token} {before[-1]}", node=1, capabilities=capabilities)
        told.append([line for line in watcher.lines() if "msgid=" in line])
    return told[0], told[1]


@settings(max_examples=80)
@given(st.lists(actions, min_size=5, max_size=25), st.integers(0, 5), capabilities)
def test_who_comes_back_by_a_token_is_shown_what_was_shown_live(
    script: list[tuple[int, str]], cut_at: int, names: list[str]
) -> None:
    live, resumed = seen_by_resuming(script, names, cut_at)
    assert resumed == live
