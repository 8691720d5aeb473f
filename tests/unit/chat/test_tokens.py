"""A token lets one machine join once, and the same request is carried out once."""

import pytest

from roost.chat.administration import OUTCOMES_MAX
from roost.chat.commands.administration import (
    Administer,
    Administration,
    ExpireTokens,
    IssueToken,
    RedeemToken,
)
from roost.chat.outcome import DONE, Ending, Outcome
from roost.chat.snapshot import decode_state, encode_state
from roost.chat.tokens import (
    REMEMBERED_MS,
    SEALED_BYTES_MAX,
    TOKENS_MAX,
    VALID_MS_MAX,
    is_any_token_due,
    sealed_for,
)
from support.chat_world import ChatWorld

HOUR_MS = 3_600_000


class World(ChatWorld):
    """A cluster with an administrator."""

    def __init__(self) -> None:
        super().__init__()
        self._requests = 0

    def ask(self, operation: Administration, request: str = "") -> Outcome:
        self._requests += 1
        applied = self.command(Administer(request or f"r{self._requests}", operation))
        assert applied.administered is not None
        return applied.administered[1]

    def issue(self, token: str = "t", node: str = "n4", valid_ms: int = HOUR_MS) -> Outcome:
        return self.ask(IssueToken(token, node, "host", valid_ms, b"sealed"))

    def redeem(self, claim: str, token: str = "t") -> Outcome:
        return self.ask(RedeemToken(token, claim))


@pytest.fixture
def world() -> World:
    return World()


def test_the_first_machine_gets_what_was_sealed_and_may_ask_again(world: World) -> None:
    assert world.issue() == DONE
    assert world.redeem("mine") == DONE
    assert world.redeem("mine") == DONE
    assert sealed_for(world.state, "t", "mine") == b"sealed"
    assert decode_state(encode_state(world.state)) == world.state


def test_a_second_machine_is_refused_and_told_when_the_first_came(world: World) -> None:
    world.issue()
    world.redeem("mine")
    redeemed_ms = world.state.time_ms
    assert world.redeem("theirs") == Outcome(Ending.TOKEN_USED, "n4", str(redeemed_ms))
    assert not sealed_for(world.state, "t", "theirs")


def test_no_claim_takes_nothing(world: World) -> None:
    world.issue()
    assert world.redeem("") == Outcome(Ending.TOKEN_UNKNOWN)
    assert not sealed_for(world.state, "unknown", "")
    assert world.redeem("mine") == DONE


def test_an_unknown_token_is_refused(world: World) -> None:
    assert world.redeem("mine") == Outcome(Ending.TOKEN_UNKNOWN)


def test_an_expired_token_opens_nothing_even_before_it_is_swept(world: World) -> None:
    world.issue(valid_ms=10_000)
    expires_ms = world.state.time_ms + 10_000
    world.passed_ms = 9_000
    assert world.redeem("mine") == Outcome(Ending.TOKEN_EXPIRED, "n4", str(expires_ms))


def test_expired_tokens_lose_what_was_sealed_and_are_forgotten_later(world: World) -> None:
    world.issue()
    world.redeem("mine")
    (token,) = world.state.join_tokens.values()
    assert not is_any_token_due(world.state, token.expires_ms - 1)
    assert is_any_token_due(world.state, token.expires_ms)
    world.passed_ms = HOUR_MS
    world.command(ExpireTokens())
    assert not token.sealed
    assert not is_any_token_due(world.state, token.expires_ms + REMEMBERED_MS - 1)
    assert world.redeem("mine").ending is Ending.TOKEN_EXPIRED
    assert world.redeem("theirs").ending is Ending.TOKEN_USED
    world.passed_ms += REMEMBERED_MS
    world.command(ExpireTokens())
    assert not world.state.join_tokens


def test_a_new_token_for_a_node_withdraws_the_earlier_one(world: World) -> None:
    world.issue("old")
    world.issue("new")
    assert world.redeem("mine", "old").ending is Ending.TOKEN_UNKNOWN
    assert world.redeem("mine", "new") == DONE


def test_what_no_command_of_ours_asks_for_is_refused(world: World) -> None:
    world.issue()
    huge = IssueToken("u", "n5", "host", HOUR_MS, bytes(SEALED_BYTES_MAX + 1))
    for refused in (
        world.issue(),
        world.issue(""),
        world.issue("u", valid_ms=0),
        world.issue("u", valid_ms=VALID_MS_MAX + 1),
        world.ask(huge),
    ):
        assert refused.ending is Ending.TOKEN_INVALID
    assert list(world.state.join_tokens) == ["t"]


def test_tokens_are_limited(world: World) -> None:
    for number in range(TOKENS_MAX):
        assert world.issue(f"t{number}", f"n{number}") == DONE
    assert world.issue("more", "more").ending is Ending.TOO_MANY_TOKENS
    assert world.issue("again", "n0") == DONE


def test_a_repeated_request_takes_effect_once_and_has_the_same_outcome(world: World) -> None:
    issue = IssueToken("t", "n4", "host", HOUR_MS, b"sealed")
    assert world.ask(issue, "once") == DONE
    world.redeem("mine")
    assert world.ask(issue, "once") == DONE
    assert world.redeem("theirs").ending is Ending.TOKEN_USED


def test_few_outcomes_are_kept(world: World) -> None:
    for _ in range(OUTCOMES_MAX + 5):
        world.redeem("mine")
    assert len(world.state.outcomes) == OUTCOMES_MAX


def test_secrets_are_not_shown() -> None:
    operation = IssueToken("t", "n4", "host", HOUR_MS, b"sealed")
    world = World()
    world.ask(operation)
    assert "sealed" not in repr(operation) + repr(world.state.join_tokens["t"])
