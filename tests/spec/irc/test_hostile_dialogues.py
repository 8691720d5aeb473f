"""Random dialogues of several clients, on nodes that die.

"Hostile input is the normal case": nothing that a client sends raises, makes applying an entry
fail, leaves a line unanswered, or delays anybody else.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from roost.chat.ids import FoldedAccount
from roost.chat.settings import Settings
from roost.irc.capabilities import NAMES
from roost.ircd.services.registry import services
from roost.ircd.serving.dispatch import command_names
from support.dialogue import Client, World

NICKS = ("ann", "Ben", "cy", "dee", "ANN")
ROOMS = ("#a", "#B", "#b", "@#a", "+#b", "#", "#\u00e4", "0")
WORDS = (
    *(*NICKS, *ROOMS, "*", "", ":", "-", "+", "%", "#a,#b,,#a", "ann,Ben,ann", "*,#a"),
    *("+B", "-i", "+o", "+ov-b", "+beI", "b", "+k", "-k", "+l", "q", "+b-b+e", "MRimnst"),
    *("LS", "302", "REQ", "END", "LIST", "ACK", "-batch", *NAMES),
    *("GET", "SET", "SUB", "UNSUB", "SUBS", "CLEAR", "SYNC", "avatar", "url", "Avatar"),
    *("LATEST", "BEFORE", "AFTER", "AROUND", "BETWEEN", "TARGETS", "10", "0", "-1", "9" * 30),
    *("msgid=x", "timestamp=2023-11-14T22:13:20.000Z", "timestamp=x", "msgid=00000000009-00"),
    *("PLAIN", "SCRAM-SHA-256", "EXTERNAL", "=", "AGFubgBwdw==", "biwsbj1hbm4scj14", "A" * 400),
    *("password", "a@b.example", "HELP", "REGISTER", "IDENTIFY", "DROP", "ON", "OFF", "INFO"),
    *("%tcuihsnfdlaor,123", "o%", "%", "~a:ann", "*!*@*", "?*?*?*", "a" * 90, "\u4f60" * 60),
    *(">1", "<9", "C>0", "T<5", "!*x*", "C", "S", "L", "draft/multiline", "labeled-response"),
    *(name for service in services() for name in service.commands),
)
TAGS = ("label=x", "label=", "label=" + "x" * 70, "+typing=active", "+draft/reply=y", "batch=1")

texts = st.one_of(st.sampled_from(WORDS), st.text(max_size=12))
tags = st.lists(st.one_of(st.sampled_from(TAGS), st.text(max_size=6)), max_size=3)


def _line(names: list[str], command: str, middles: list[str], trailing: str | None) -> bytes:
    parts = [f"@{';'.join(names)}"] if names else []
    parts += [command, *middles]
    if trailing is not None:
        parts.append(f":{trailing}")
    # A balancer has cut the lines apart, so that none holds an end of line.
    return " ".join(parts).replace("\r", "").replace("\n", "").encode(errors="replace")


lines = st.one_of(
    st.builds(
        _line,
        st.one_of(st.just([]), tags),
        st.sampled_from((*command_names(), "JOIN", "PRIVMSG", "MODE", "NOSUCH")),
        st.lists(texts, max_size=5),
        st.none() | texts,
    ),
    st.binary(max_size=40).map(lambda data: data.replace(b"\r", b"").replace(b"\n", b"")),
    st.none(),
)
steps = st.tuples(
    st.integers(0, 3),
    st.sampled_from(("say",) * 12 + ("move", "die", "lose", "leave", "tick", "reconnect")),
    lines,
)

SETTINGS = Settings(
    rooms_per_user_max=2,
    list_entries_max=3,
    monitor_max=2,
    nick_bytes_max=9,
    sessions_per_user_max=2,
    metadata_keys_max=2,
    whowas_entries_max=3,
)


def newcomer(world: World, number: int) -> Client:
    """Connect somebody who knows every capability.

    The first two are clients of one account, and the last one has not registered yet.
    """
    client = world.connect(node=number % 2, address=f"10.0.0.{number}")
    if number < 2:
        world.own(client, "Eve")
        world.state.accounts[FoldedAccount("eve")].virtual_host = "of.eve"
    client.send(f"CAP REQ :{' '.join(NAMES)}")
    if number < 3:
        client.send(f"NICK {NICKS[number // 2]}", "USER u 0 * :Somebody", "CAP END", "JOIN #a,#b")
    return client


def is_answered(client: Client) -> bool:
    client.lines()
    client.send("PING still-there")
    return any(" PONG " in line and "still-there" in line for line in client.lines())


@settings(max_examples=60)
@given(st.lists(steps, min_size=25, max_size=60))
def test_nothing_that_clients_say_raises_or_stalls_anybody(
    script: list[tuple[int, str, bytes | None]],
) -> None:
    world = World(nodes=2, settings=SETTINGS)
    bystander = world.register("bystander")
    clients = [newcomer(world, number) for number in range(4)]
    for number, action, line in script:
        client = clients[number]
        if client.is_closed or action == "reconnect":
            if not client.is_closed:
                client.disconnect()
            clients[number] = newcomer(world, number)
        elif action == "say":
            client.send(line)
        elif action == "move" and client.acknowledged:
            world.move(client, 1 - client.node)
        elif action in ("die", "lose"):
            # A line is under way then, which the log still gets, or does not.
            world.is_log_stopped = True
            client.send(line)
            if action == "lose":
                world.pending.clear()
            world.kill(client.node)
            world.is_log_stopped = False
            world.run()
        elif action == "leave":
            client.disconnect("gone")
        else:
            world.tick()
        assert is_answered(bystander), "somebody else waits"
    for client in clients:
        assert client.is_closed or is_answered(client), client.sent
