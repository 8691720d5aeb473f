"""Random logs of commands, with few names so that commands conflict.

Most commands are new lines of open sessions. The rest are effects of networks and failures: lines
that come twice, late or from a node that lost its session, and balancers that come and go.
"""

import random
from collections.abc import Callable

from msgspec.structs import replace

from roost.chat.apply import apply_entry
from roost.chat.balancers import newest_incarnation
from roost.chat.commands import Act, Command, Operation, encode_command
from roost.chat.commands.accounts import GrantHost, UseHost
from roost.chat.commands.cluster import Configure, SetSecret, SetServicesHost
from roost.chat.commands.messages import Relay, Say
from roost.chat.commands.modes import ModeChange, SetRoomModes, SetUserModes
from roost.chat.commands.rooms import Invite, Join, Kick, Part, PartAll, SetTopic
from roost.chat.commands.sessions import (
    AttachSessions,
    BalancerLost,
    BalancerStarted,
    CloseSession,
    ExpireAbsent,
    OpenSession,
    ResumeSession,
    StartBalancer,
)
from roost.chat.commands.users import (
    Accept,
    ChangeNick,
    Monitor,
    Quit,
    SetAlwaysOn,
    SetAway,
    SetCapabilities,
    SetRealname,
)
from roost.chat.credentials import Credentials
from roost.chat.ids import AccountId, FoldedAccount, Position, SessionId, UserId
from roost.chat.settings import Settings
from roost.chat.state import Account, State
from roost.chat.versions import VERSION
from roost.irc.capabilities import Capability
from support.account_logs import account_makers, ask_for_account
from support.administration_logs import administer
from support.room_logs import room_makers

NICKS = ("a", "b", "C", "c", "d", "e", "1", "")
ROOMS = ("#x", "#X", "#y", "#z", "x", "")
TEXTS = ("", "hi", "gr\u00fc\u00dfe " * 9, "\u4f60" * 30)
MASKS = ("", "a", "~a:eve", "~account:*", "~x:a", "b!*@*", "*!*@*", "?", "a b", ":a", "*" * 300)
RELAYED = ("a/x", "a")
HOSTS = (*["host"] * 9, "10.0.0.1", "2001:db8::1", "2001:db8::2", "127.0.0.1")
VIRTUAL_HOSTS = ("", "a.example", "of/a", "host", "no host", "x" * 64)
ACCOUNTS = ("a", "Eve")
"""Accounts that exist from the beginning, with ids 1 and 2."""
SETTINGS = Settings(
    whowas_entries_max=6,
    whowas_per_nick_max=2,
    monitor_max=2,
    accept_entries_max=1,
    rooms_per_user_max=2,
    list_entries_max=2,
    invitations_per_room_max=2,
    users_max=4,
    reason_bytes_max=20,
    sessions_per_user_max=2,
    sessions_per_account_max=3,
    sessions_per_address_max=2,
    always_on_users_max=1,
    always_on_days_max=0,
    rooms_per_founder_max=1,
    access_entries_max=1,
    rename_pause_s=0,
    metadata_keys_max=2,
    metadata_value_bytes_max=10,
    metadata_subscriptions_max=2,
    metadata_changes_per_minute_max=5,
    accounts_max=4,
    network_bans_max=2,
    certificates_per_account_max=1,
    attempts_window_s=0.1,
    logins_per_account_max=2,
    logins_per_address_max=2,
    registrations_per_address_max=1,
    invitations_max=1,
    pending_codes_max=3,
)
OTHER_SETTINGS = (
    SETTINGS,
    replace(SETTINGS, registration="closed"),
    replace(SETTINGS, registration="invitation"),
    replace(SETTINGS, registration="email"),
    replace(SETTINGS, login_required=True, login_exempt_networks=("2001:db8::/32",)),
)


def first_state() -> State:
    """Return the initial state, which is empty except for the accounts."""
    state = State(version=VERSION)
    for number, name in enumerate(ACCOUNTS, 1):
        account = Account(AccountId(number), name, 0, Credentials(), virtual_host="of/eve")
        state.accounts[FoldedAccount(name.lower())] = account
        state.account_names[account.id] = FoldedAccount(name.lower())
    return state


class LogMaker:
    """Creates random commands; equal seeds create equal logs."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._line = 0
        self._counter = 0
        self._made: list[Command] = []
        self._state = first_state()
        """The state after the log so far, to pick existing sessions from."""
        self._opened: list[tuple[int, OpenSession]] = []
        """Openings with their positions, which are the ids of the users."""
        self._incarnations = {"b1": 1, "b2": 2}
        self._makers: dict[Callable[[], Operation], int] = {
            self._say: 6,
            self._join: 8,
            lambda: Part(self._of(ROOMS), self._of(TEXTS)): 2,
            PartAll: 1,
            lambda: SetTopic(self._of(ROOMS), self._of(TEXTS)): 2,
            lambda: SetRoomModes(self._of(ROOMS), self._modes()): 14,
            lambda: SetRoomModes(self._of(ROOMS), self._of_changes()): 1,
            lambda: SetUserModes(self._of(NICKS), self._modes()): 1,
            lambda: Kick(self._of(ROOMS), self._of(NICKS), self._of(TEXTS)): 2,
            lambda: Invite(self._of(ROOMS), self._of(NICKS)): 3,
            lambda: ChangeNick(self._of(NICKS)): 2,
            lambda: SetAway(self._of((*TEXTS, "*"))): 2,
            lambda: GrantHost(self._of(NICKS), self._of(VIRTUAL_HOSTS)): 1,
            lambda: UseHost(self._random.random() < 0.5): 1,
            lambda: SetRealname(self._of(TEXTS)): 1,
            lambda: SetCapabilities(self._random.choice((8, Capability.PRE_AWAY.value))): 1,
            self._monitor: 2,
            self._accept: 2,
            lambda: SetUserModes(self._of(NICKS), (ModeChange(True, "R"),)): 4,
            lambda: Relay(self._of(ROOMS), self._of(RELAYED), self._of(TEXTS)): 1,
            lambda: Quit(self._of(TEXTS)): 1,
            lambda: SetAlwaysOn(self._random.random() < 0.7): 1,
            **room_makers(self._random),
            **account_makers(self._random, self._state),
        }

    def make(self, length: int) -> list[Command]:
        """Create a log that begins with two balancers."""
        self._made = []
        for command in (Configure(SETTINGS), BalancerStarted("b1", 1), BalancerStarted("b2", 2)):
            self._add(command)
        while len(self._made) < length:
            self._add(self._command())
        return self._made

    def _add(self, command: Command) -> None:
        self._made.append(command)
        position = Position(len(self._made))
        apply_entry(self._state, encode_command(command), position, position)
        if isinstance(command, StartBalancer):
            self._incarnations.update(self._state.balancers)

    def _of(self, values: tuple[str, ...]) -> str:
        return self._random.choice(values)

    def _of_changes(self) -> tuple[ModeChange, ...]:
        """Return changes that seldom come together: a forward that matters, or too many bans."""
        if self._random.random() < 0.5:
            return ModeChange(True, "f", self._of(ROOMS)), ModeChange(True, "i")
        return tuple(ModeChange(True, "b", f"{nick}!*@*") for nick in NICKS[:3])

    def _command(self) -> Command:
        dice = self._random.random()
        if dice < 0.02 and self._state.settings != SETTINGS:
            return Configure(SETTINGS)  # Others keep most people out.
        if dice < 0.86:
            return self._act()
        if dice < 0.94:
            return self._open()
        if dice < 0.955:
            return ask_for_account(self._random, self._session(), self._line + 1)
        if dice < 0.958:
            return administer(self._random)
        if dice < 0.97:
            return self._random.choice(self._made)
        if dice < 0.98:
            return CloseSession(self._session(), self._of(TEXTS))
        if dice < 0.985:
            session, generation = self._session(), self._random.randrange(1, 3)
            other = SessionId(session ^ 1)
            return AttachSessions(((session, generation), (other, 2), (session, 2)))
        if dice < 0.9855:
            return SetServicesHost(self._of(HOSTS))
        if dice < 0.986:
            return Configure(self._random.choice(OTHER_SETTINGS))
        if dice < 0.988:
            return ExpireAbsent()
        if dice < 0.99:
            return SetSecret(bytes(self._random.randrange(256) for _ in range(4)))
        name = self._random.choice(("b1", "b2"))
        if dice < 0.992:
            after = newest_incarnation(self._state, name) - self._random.choice((0, 0, 0, 1))
            return StartBalancer(name, self._of(TEXTS), after)
        if dice < 0.995:
            self._incarnations[name] += self._random.randint(0, 2)
            return BalancerStarted(name, self._incarnations[name])
        lost = self._incarnations[name] - self._random.randint(0, 2)
        return BalancerLost(name if self._random.random() < 0.8 else "", lost)

    def _session(self) -> SessionId:
        present = list(self._state.sessions)
        if present and self._random.random() < 0.8:
            return self._random.choice(present)
        return SessionId(self._incarnations["b1"] << 27 | (self._counter + 1))

    def _open(self) -> OpenSession | ResumeSession:
        self._counter += 1
        balancer = self._random.choice(("b1", "b2"))
        session = SessionId(self._incarnations[balancer] << 27 | self._counter)
        self._line += 1
        is_secure = self._random.random() < 0.3
        capabilities = self._random.choice((0, Capability.RESUME.value))
        if self._opened and self._random.random() < 0.2:
            position, former = self._random.choice(self._opened[-20:])
            return ResumeSession(
                session,
                1,
                self._line,
                former.session,
                UserId(position),
                capabilities,
                is_secure,
                balancer,
            )
        nick, text = self._of(NICKS), self._of(TEXTS)
        opened = OpenSession(
            session,
            1,
            self._line,
            nick,
            "user",
            text,
            self._of(HOSTS),
            capabilities,
            is_secure,
            balancer,
            AccountId(self._random.choice((0, 0, 0, 0, 0, 1, 1, 2, 3))),
            metadata=self._random.choice(((), (), (("url", "x"), ("avatar", "y"), ("z", "z")))),
            subscribed=self._random.choice(((), (), ("url", "", "avatar", "pronouns"))),
            away=self._random.choice((None, None, "", "*", "tea")),
        )
        self._opened.append((len(self._made) + 1, opened))
        return opened

    def _act(self) -> Act:
        self._line += 1
        makers, weights = tuple(self._makers), tuple(self._makers.values())
        count = self._random.randint(1, 3)
        chosen = self._random.choices(makers, weights, k=count)
        return Act(self._session(), 1, self._line, tuple(make() for make in chosen))

    def _say(self) -> Say:
        target = self._random.choice(("", "", "@", "+", "@+")) + self._of(ROOMS)
        if self._random.random() < 0.4:
            target = self._of(NICKS)
        verb = self._random.choice(("PRIVMSG", "NOTICE", "TAGMSG"))
        return Say(verb, target, self._of(TEXTS), (("+x", "y"),))

    def _join(self) -> Join:
        return Join(self._of(ROOMS), self._random.choice(("", "key")))

    def _modes(self) -> tuple[ModeChange, ...]:
        return tuple(self._mode() for _ in range(self._random.randint(1, 4)))

    def _mode(self) -> ModeChange:
        letter = self._random.choice("beIkllimnstovfCMRU?")
        parameters: tuple[str, ...] = {
            "k": ("key", "", "a b", "x" * 99),
            "l": ("1", "3", "0", "no"),
            "f": ROOMS,
            "o": NICKS,
            "v": NICKS,
        }.get(letter, MASKS)
        return ModeChange(self._random.random() < 0.6, letter, self._of(parameters))

    def _accept(self) -> Accept:
        names = tuple(self._of(NICKS) for _ in range(2))
        return Accept(names, (self._of(NICKS),) if self._random.random() < 0.4 else ())

    def _monitor(self) -> Monitor:
        added = tuple(self._of(NICKS) for _ in range(self._random.randrange(4)))
        return Monitor(self._random.random() < 0.2, added, (self._of(NICKS),))
