"""What NickServ says about always-on users."""

import pytest

from roost.chat.commands import Act
from roost.chat.commands.users import SetAlwaysOn
from roost.chat.ids import SessionId
from roost.instant import Instant
from roost.ircd.config import Config
from roost.ircd.context import Context
from roost.ircd.services.always_on import set_always_on
from roost.ircd.sessions.session import LocalSession
from support.dialogue import World
from unit.ircd.serving.test_takeover import cut_off, move


@pytest.mark.parametrize(("word", "is_on"), [("ON", True), ("on", True), ("Off", False)])
def test_on_and_off_ask_the_log(word: str, is_on: bool) -> None:
    assert set_always_on(context(), (word,)) == (SetAlwaysOn(is_on),)


@pytest.mark.parametrize("words", [(), ("maybe",)])
def test_anything_else_is_explained(words: tuple[str, ...]) -> None:
    asked = context()
    assert set_always_on(asked, words) is None
    assert len(asked.lines) == 1


def context() -> Context:
    session = LocalSession(SessionId(1), 1, "b1", "host", False, 1)
    return Context(Config(), World().state, session, Instant(0.0, 0), 1)


@pytest.mark.parametrize(
    ("account", "is_on", "said"),
    [
        ("alice", True, "You stay in your rooms"),
        ("alice", False, "You will leave the network"),
        ("", True, "Log in to an account first"),
    ],
)
def test_what_came_of_it_is_told(account: str, is_on: bool, said: str) -> None:
    world = World(nodes=2)
    alice = world.register("alice", account=account)
    served = cut_off(world, alice)
    # A line of hers, which is answered by the next node.
    alice.sent.append(b"PONG roost")
    line = len(alice.sent)
    world.order(Act(SessionId(alice.session), alice.generation, line, (SetAlwaysOn(is_on),)))
    move(world, alice, 1, served)
    assert said in alice.lines()[0]
