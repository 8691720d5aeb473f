"""An erased account leaves nothing in the state but the note of what history is to forget."""

import pytest

from roost.chat.commands.administration import Administer, Control
from roost.chat.commands.control import EraseAccount
from roost.chat.commands.messages import Say
from roost.chat.commands.metadata import SetMetadata
from roost.chat.commands.ownership import RegisterRoom
from roost.chat.commands.rooms import Join, SetTopic
from roost.chat.credentials import Credentials
from roost.chat.history import Owner
from roost.chat.ids import AccountId
from roost.chat.outcome import DONE, Ending, Outcome
from roost.chat.refusals import Reason
from roost.chat.snapshot import decode_state, encode_state
from roost.chat.state import Erasure, PendingCode
from support.chat_invariants import check_invariants
from support.chat_world import ChatWorld


class World(ChatWorld):
    """Alice and bob, who talk."""

    def __init__(self) -> None:
        super().__init__()
        self._requests = 0
        for nick in ("alice", "bob"):
            self.open(nick, account=nick.title())
            self.act(nick, Join("#a"), Join(f"#{nick}"))
            self.act(nick, RegisterRoom(f"#{nick}"))
            self.act(nick, SetTopic(f"#{nick}", f"words of {nick}"))
            self.act(nick, SetMetadata("*", "url", f"words of {nick}"))
            self.act(nick, Say("#a", "PRIVMSG", f"words of {nick}", ()))
        self.alice = self.user("alice").account_id

    def erase(self, account: AccountId) -> Outcome:
        self._requests += 1
        applied = self.command(Administer(f"r{self._requests}", Control(EraseAccount(account))))
        assert applied.administered is not None
        return applied.administered[1]


@pytest.fixture
def world() -> World:
    return World()


def test_nothing_of_the_person_is_left_and_all_of_others(world: World) -> None:
    state = world.state
    state.pending_codes["c"] = PendingCode("reset", world.alice, "Alice", Credentials(), "a@b", 0)
    assert world.erase(world.alice) == DONE
    assert state.erasures == {
        world.alice: Erasure(
            (Owner(f"i:{world.alice}"), Owner("a:Alice", world.alice + 1)),  # type: ignore[arg-type]
            state.position,
        )
    }
    assert [account.name for account in state.accounts.values()] == ["Bob"]
    assert "alice" not in state.nicks
    assert "alice" not in state.whowas
    assert not state.pending_codes
    assert world.room("#bob").topic is not None
    assert b"words of alice" not in encode_state(state)
    assert b"words of bob" in encode_state(state)
    assert decode_state(encode_state(state)) == state
    check_invariants(state)


def test_it_happens_once_and_the_note_stays(world: World) -> None:
    world.erase(world.alice)
    before = dict(world.state.erasures)
    assert world.erase(world.alice) == DONE
    assert world.state.erasures == before
    refused = world.erase(AccountId(999))
    assert (refused.ending, refused.reason) == (Ending.REFUSED, Reason.NO_SUCH_ACCOUNT)
    # Whoever gets the name later is somebody else.
    assert world.own("Alice").id != world.alice
