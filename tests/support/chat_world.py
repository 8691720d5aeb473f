"""A chat state that commands can be applied to, one entry at a time."""

from roost.chat.applied import Applied
from roost.chat.apply import apply_entry
from roost.chat.commands import Act, Command, Operation, encode_command
from roost.chat.commands.rooms import Join
from roost.chat.commands.sessions import BalancerStarted, CloseSession, OpenSession
from roost.chat.credentials import Credentials
from roost.chat.ids import AccountId, FoldedAccount, FoldedNick, Position, SessionId
from roost.chat.state import Account, Room, State, User
from roost.chat.versions import VERSION
from roost.irc.casemapping import fold_nick
from support.chat_invariants import check_invariants

INCARNATION = 7
FIRST_MS = 1_700_000_000_000


def ensure_account(state: State, name: str, time_ms: int = 0) -> Account:
    """Return the account of this name; create it if need be."""
    folded = FoldedAccount(fold_nick(name))
    if folded not in state.accounts:
        number = AccountId(1_000_000 + len(state.accounts))
        state.accounts[folded] = Account(number, name, time_ms, Credentials())
        state.account_names[number] = folded
    return state.accounts[folded]


class ChatWorld:
    """A chat state whose entries have positions 1, 2, 3 ..., one second apart."""

    def __init__(self) -> None:
        self.state = State(version=VERSION)
        self.passed_ms = 0
        """Time that passed in addition to one second per entry."""
        self.sessions: dict[str, SessionId] = {}
        self._lines: dict[str, int] = {}
        self._sessions_opened = 0
        self.incarnation = INCARNATION
        self.command(BalancerStarted("b1", INCARNATION))

    def command(self, command: Command) -> Applied:
        """Apply a command as the next entry."""
        position = Position(self.state.position + 1)
        time_ms = FIRST_MS + position * 1000 + self.passed_ms
        applied = apply_entry(self.state, encode_command(command), position, time_ms)
        assert not applied.failure, applied.failure
        check_invariants(self.state)
        return applied

    def own(self, account: str) -> Account:
        """Return the account of this name; create it if need be."""
        return ensure_account(self.state, account)

    def open(
        self,
        nick: str,
        *,
        host: str = "host",
        capabilities: int = 0,
        is_secure: bool = False,
        account: str = "",
        client: str = "",
    ) -> Applied:
        """Register a client. `act` and `close` refer to it as `client`, or by its nickname."""
        self._sessions_opened += 1
        session = SessionId((self.incarnation << 27) | self._sessions_opened)
        self.sessions[client or nick] = session
        self._lines[client or nick] = 4
        return self.command(
            OpenSession(
                session,
                1,
                4,
                nick,
                nick,
                f"Mx {nick}",
                host,
                capabilities,
                is_secure,
                "b1",
                self.own(account).id if account else AccountId(0),
            )
        )

    def act(self, nick: str, *operations: Operation) -> Applied:
        """Apply operations of the client that registered as `nick`."""
        self._lines[nick] += 1
        return self.command(Act(self.sessions[nick], 1, self._lines[nick], operations))

    def close(self, nick: str, reason: str = "gone") -> Applied:
        """End a client's session."""
        return self.command(CloseSession(self.sessions[nick], reason))

    def room_with(self, name: str, *nicks: str) -> Room:
        """Register users and let them join a room; the first is its operator."""
        for nick in nicks:
            if nick not in self.sessions:
                self.open(nick)
            self.act(nick, Join(name))
        return self.room(name)

    def room(self, name: str) -> Room:
        """Return the room with this exact name."""
        return next(room for room in self.state.rooms.values() if room.name == name)

    def user(self, nick: str) -> User:
        """Return the user with this nickname."""
        return self.state.users[self.state.nicks[FoldedNick(fold_nick(nick))]]
