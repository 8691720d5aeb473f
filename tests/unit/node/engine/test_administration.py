"""Requests go to the log, and whoever waits for one is told how it ended."""

import pytest

from roost.chat.commands.administration import (
    Administer,
    Administration,
    Control,
    IssueToken,
    RedeemToken,
    RemoveNode,
    ShowAccounts,
    ShowRooms,
)
from roost.chat.commands.control import SuspendAccount
from roost.chat.commands.operators import RegisterFor
from roost.chat.credentials import Credentials
from roost.chat.ids import AccountId, Position
from roost.chat.outcome import Ending, Outcome
from roost.chat.state import ClusterNode
from roost.node.engine.administration import WAITING_MAX, AdministrationDesk, words_for
from roost.node.engine.inputs import TrunkFrameReceived
from roost.protocol import people
from roost.protocol.people import decode_accounts, decode_rooms
from roost.protocol.trunk import Ask, Told
from support.lone_node import LoneNode

ISSUE = IssueToken("t", "n4", "host", 60_000, b"sealed")


class Alone(LoneNode):
    """A cluster of one node with two balancers."""

    def __init__(self) -> None:
        super().__init__()
        self.connect("b1")
        self.connect("b2")
        self._tickets = 0

    def ask(self, request: str, operation: Administration, balancer: str = "b1") -> Told:
        self._tickets += 1
        self.take(TrunkFrameReceived(balancer, Ask(self._tickets, request, operation)))
        ((asker, told),) = [(to, one) for to, one in self.sent if isinstance(one, Told)]
        self.sent.clear()
        assert (asker, told.ticket) == (balancer, self._tickets)
        return told


def test_the_holder_of_a_token_gets_what_was_sealed_for_it() -> None:
    alone = Alone()
    assert alone.ask("a", ISSUE) == Told(1, "")
    assert alone.ask("b", RedeemToken("t", "mine")) == Told(2, "", b"sealed")
    theirs = alone.ask("c", RedeemToken("t", "theirs"), "b2")
    assert "another machine used this token for n4" in theirs.problem
    assert not theirs.data


def test_a_request_that_is_repeated_gets_its_outcome_again() -> None:
    alone = Alone()
    assert not alone.ask("a", ISSUE).problem
    assert not alone.ask("b", RedeemToken("t", "mine")).problem
    assert not alone.ask("a", ISSUE, "b2").problem
    assert alone.ask("b", RedeemToken("t", "mine"), "b2").data == b"sealed"


def test_expired_tokens_are_swept() -> None:
    alone = Alone()
    alone.ask("a", ISSUE)
    alone.pass_time(61.0)
    assert not alone.engine.state.join_tokens["t"].sealed
    assert "expired at 2023-11-14 22:1" in alone.ask("b", RedeemToken("t", "mine")).problem


def test_what_waits_is_limited_and_everybody_who_waits_is_told() -> None:
    alone, desk, proposed = Alone(), AdministrationDesk(), list[Administer]()

    def ask(balancer: str, ticket: int, request: str) -> list[tuple[str, Told]]:
        frame = Ask(ticket, request, ISSUE)
        engine = alone.engine
        return list(desk.ask(balancer, frame, engine.state, engine.log, proposed.append))

    for number in range(WAITING_MAX):
        assert not ask("b1", number, f"r{number}")
    ((balancer, full),) = ask("b1", 99, "more")
    assert balancer == "b1"
    assert "try again" in full.problem
    assert not ask("b2", 7, "r1")
    assert len(proposed) == WAITING_MAX + 1


def test_every_ending_has_words() -> None:
    for ending in Ending:
        words = words_for(Outcome(ending, "n4", "1700000000000"))
        assert bool(words) == (ending is not Ending.DONE)
        assert "{" not in words


def test_accounts_are_registered_shown_in_pages_and_what_cannot_be_done_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(people, "PAGE_MAX", 2)
    alone = Alone()
    for number, name in enumerate(("ann", "bob", "carl", "ben")):
        assert alone.ask(f"a{number}", Control(RegisterFor(name, Credentials()))) == Told(
            number + 1, ""
        )
    again = alone.ask("b", Control(RegisterFor("Ann", Credentials())))
    assert again.problem == "the account Ann exists already: choose another name"
    kept = list(alone.engine.state.outcomes)
    page = decode_accounts(alone.ask("c", ShowAccounts()).data)
    assert ([one.name for one in page.accounts], page.total) == (["ann", "bob"], 4)
    page = decode_accounts(alone.ask("d", ShowAccounts("*", page.next)).data)
    assert ([one.name for one in page.accounts], page.next) == (["carl", "ben"], 0)
    page = decode_accounts(alone.ask("e", ShowAccounts("B*")).data)
    assert [one.name for one in page.accounts] == ["bob", "ben"]
    page = decode_accounts(alone.ask("f", ShowAccounts("CARL")).data)
    assert [one.name for one in page.accounts] == ["carl"]
    assert not decode_rooms(alone.ask("g", ShowRooms()).data).rooms
    # Questions do not push out the outcomes of requests that may be repeated.
    assert list(alone.engine.state.outcomes) == kept
    problem = alone.ask("h", Control(SuspendAccount(AccountId(99), "r"))).problem
    assert problem == "there is no such account any more"


def test_a_node_that_history_still_needs_is_not_removed() -> None:
    alone, proposed = Alone(), list[Administer]()
    desk = AdministrationDesk(lambda node: f"n5 gets history from {node}")
    engine, frame = alone.engine, Ask(1, "r", RemoveNode("n4"))
    engine.state.nodes["n4"] = ClusterNode(Position(2), 0)
    ((_, told),) = desk.ask("b1", frame, engine.state, engine.log, proposed.append)
    assert told.problem == "n4 cannot be removed now: n5 gets history from n4"
    assert not proposed
