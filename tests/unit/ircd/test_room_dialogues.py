"""Random dialogues about rooms, names, owners and metadata.

Two clients watch: one stays on its node, the other moves between nodes at random moments. Both must
see the same. The actors send random commands, so nothing may raise and no line may be too long
(which `World` checks).
"""

import random

import pytest

from roost.chat.settings import Settings
from support.chat_invariants import check_invariants
from support.dialogue import Client, World

ROOMS = ("#x", "#y", "#Y", "#" + "z" * 63)
NICKS = ("ann", "ben", "cid", "stay", "*")
ACCOUNTS = ("Ann", "ben", "nobody")
KEYS = ("url", "url", "avatar", "Bad", "", "$")
VALUES = (":", ":x", ":" + "\u00e9" * 128, "", ":" + "y" * 400)
ENTRIES = ("~a:ann", "~account:*", "~x:y", "ben", "*!*@*", "~a:" + "z" * 150)
FORMS = (
    "JOIN {room}",
    "JOIN {room} key",
    "PART {room} :bye",
    "PRIVMSG {room} :hello",
    "PRIVMSG @{room} :psst",
    "TOPIC {room} :tea",
    "KICK {room} {actor}",
    "INVITE {actor} {room}",
    "MODE {room} +b {entry}",
    "MODE {room} -b {entry}",
    "MODE {room} +e {entry}",
    "MODE {room} +MRk key",
    "MODE {room} -MRk key",
    "MODE {room} +ov {actor} {actor}",
    "NICK {nick}",
    "RENAME {room} {room} :why",
    "RENAME {room} {other}",
    "METADATA {nick} SET {key} {value}",
    "METADATA {room} SET {key} {value}",
    "METADATA {room} CLEAR",
    "METADATA * CLEAR",
    "METADATA * SUB {key} {key}",
    "METADATA * UNSUB {key}",
    "METADATA * SUBS",
    "METADATA {room} SYNC",
    "METADATA {nick} LIST",
    "METADATA {room} GET {key} {key}",
    "CS REGISTER {room}",
    "CS DROP {room}",
    "CS AMODE {room} +o {account}",
    "CS AMODE {room} -o {account}",
    "CS AMODE {room}",
    "CS TRANSFER {room} {account}",
    "CS TRANSFER ACCEPT {room}",
    "CS OP {room} {actor}",
    "CS DEVOICE {room} {actor}",
    "CS CLEAR {room} bans",
    "CS UNBAN {room}",
    "CS INFO {room}",
    "CS {nick} {room}",
    "LIST {room}",
    "MODE {room}",
    "WHOIS {nick}",
)
FULL = (
    "draft/channel-rename",
    "draft/metadata-2",
    "batch",
    "message-tags",
    "server-time",
    "extended-join",
    "account-tag",
)
PLAIN = ("multi-prefix", "userhost-in-names", "draft/metadata-2", "batch")


def connect(world: World, nick: str, account: str, capabilities: tuple[str, ...]) -> Client:
    client = world.connect()
    if account:
        world.own(client, account)
    client.send(f"CAP REQ :{' '.join(capabilities)}", f"NICK {nick}", f"USER {nick} 0 * :R")
    client.send("CAP END")
    assert "001" in client.commands()
    return client


def as_one(client: Client) -> list[str]:
    lines = (line.replace("move", "stay") for line in client.lines())
    return [line.replace("stay stay", "both") for line in lines]


@pytest.mark.parametrize("capabilities", [FULL, PLAIN])
@pytest.mark.parametrize("seed", range(12))
def test_who_moves_sees_what_everybody_sees(seed: int, capabilities: tuple[str, ...]) -> None:
    dice = random.Random(seed)
    settings = Settings(rename_pause_s=0, metadata_changes_per_minute_max=1000)
    world = World(nodes=3, settings=settings)
    actors = [
        connect(world, nick, account, dice.choice((FULL, PLAIN)))
        for nick, account in (("ann", "Ann"), ("ben", "ben"), ("cid", ""))
    ]
    watchers = [connect(world, nick, "", capabilities) for nick in ("stay", "move")]
    actors[0].send("JOIN #x,#y", "CS REGISTER #x", "CS REGISTER #y")
    for watcher in watchers:
        watcher.send("JOIN #x,#y", "METADATA * SUB url", "MONITOR + ann,ben")
    stay, move = watchers
    for client in (*actors, *watchers):
        client.lines()
    shown = 0
    for _ in range(150):
        position = world.log[-1].position
        known = [room.name for room in world.state.rooms.values() if room.founder]
        actors[0].send(*(f"{what} {name}" for name in known for what in ("JOIN", "CS OP")))
        dice.choice(actors).send(f"JOIN {','.join(known)} key")
        for _ in range(dice.randrange(1, 6)):
            form = dice.choice(FORMS)
            words = {
                "room": dice.choice((*known, *known, *ROOMS)),
                "other": dice.choice(ROOMS),
                "nick": dice.choice(NICKS),
                "actor": dice.choice(NICKS[:3]),
                "account": dice.choice(ACCOUNTS),
                "key": dice.choice(KEYS),
                "value": dice.choice(VALUES),
                "entry": dice.choice(ENTRIES),
            }
            dice.choice((actors[0], actors[0], *actors)).send(form.format(**words))
        check_invariants(world.state)
        wanted, live = as_one(stay), as_one(move)
        shown += len(wanted)
        assert live == wanted
        move.node, move.generation = dice.randrange(3), move.generation + 1
        world.attach(move, position)
        assert as_one(move) == wanted
    assert shown > 50
