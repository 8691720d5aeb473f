"""The settings that must be equal on all nodes, because they decide what `apply` does.

They are part of the replicated state and change only through the log. So nodes whose configuration
files differ still never disagree. To add one, add a field to `Settings`: its name is the key, its
docstring the entry in the operators' guide (`make docs`).
"""

import ipaddress
from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

SETTINGS_SINCE: Mapping[str, int] = {
    "cloak_addresses": 2,
    "registration": 2,
    "invitations_max": 2,
    "pending_codes_max": 2,
    "login_required": 2,
    "login_exempt_networks": 2,
    "history_days_max": 2,
    "history_mb_max": 2,
}
"""The version of the cluster from which on there are settings that version 1 does not have."""
Registration: TypeAlias = Literal["open", "closed", "invitation", "email"]
REGISTRATIONS: tuple[Registration, ...] = ("open", "closed", "invitation", "email")
LENGTH_MAX = 390
"""What fits in one 512-byte line beside a prefix and a command."""
UNCHANGED = "{}"
"""What `written` returns for the defaults."""


def written(settings: "Settings") -> str:
    """Return the settings that differ from the defaults, as JSON."""
    plain = Settings()
    changed = {
        name: getattr(settings, name)
        for name in settings.__struct_fields__
        if getattr(settings, name) != getattr(plain, name)
    }
    return msgspec.json.encode(changed, order="sorted").decode()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the chat state; lengths are in bytes of UTF-8."""

    network: str = "Roost"
    """The network's name, as clients show it: up to 50 ASCII characters, no spaces."""
    nick_bytes_max: int = 32
    """Length of a nickname. Ergo's default: long enough for a name, short enough for a narrow
    screen."""
    username_bytes_max: int = 20
    """Length of a username. Clients send the name of the user's local account, which is short."""
    realname_bytes_max: int = 150
    """Length of a real name: a sentence."""
    room_name_bytes_max: int = 64
    """Length of a room's name; Ergo's default."""
    topic_bytes_max: int = 390
    """Length of a topic: what fits in one 512-byte line with its prefix."""
    reason_bytes_max: int = 390
    """Length of the reason in KICK, PART and QUIT; as for topics."""
    away_bytes_max: int = 390
    """Length of an away message; as for topics."""
    key_bytes_max: int = 32
    """Length of a room's key, which people tell each other; as for nicknames."""
    rooms_per_user_max: int = 100
    """Rooms that one user can be in. Ergo's default; Libera has 250."""
    rooms_max: int = 100_000
    """Rooms in all: more than one for each three people of the largest network. Rooms outlive their
    members; beyond this number, the one that has been empty longest is deleted."""
    list_entries_max: int = 100
    """Ban, exception and invitation masks of one room, together; Libera's number."""
    invitations_per_room_max: int = 200
    """Pending invitations to one room; the oldest is dropped."""
    monitor_max: int = 100
    """MONITOR targets of one client; Libera's number."""
    accept_entries_max: int = 100
    """People whom one user accepts (ACCEPT) in spite of user mode R; as for MONITOR."""
    modes_per_line_max: int = 20
    """Mode changes in one line; as many as any client sends."""
    targets_per_line_max: int = 4
    """Recipients of one PRIVMSG, NOTICE or TAGMSG line; what most networks allow."""
    whowas_entries_max: int = 1000
    """WHOWAS entries in all: an evening of a busy network."""
    whowas_per_nick_max: int = 10
    """WHOWAS entries of one nickname, so that it cannot fill the list."""
    users_max: int = 300_000
    """Users in the whole cluster; each takes about 1 kB of every node's memory. The largest IRC
    network ever had 240,000."""
    voters_max: int = 5
    """Nodes that keep the log together, an odd number. A majority of them must run: of five, two
    may fail at once. Every one more makes each message wait for more disks."""
    voter_absence_s_max: int = 600
    """Seconds after which a node that keeps the log and is gone is replaced by another one: longer
    than a machine takes to restart."""
    sessions_per_user_max: int = 10
    """Clients of one user at once: a desktop, a phone, and some that lost their connection and have
    not timed out."""
    sessions_per_account_max: int = 20
    """Clients logged in to one account, under any nicknames: a person and a bot or two."""
    sessions_per_address_max: int = 400
    """Registered clients from one address through all balancers together; an IPv6 /64 network
    counts as one. Enough for a large office on two balancers, which allow 200 each."""
    address_exempt_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Networks whose addresses may have any number of clients; as in the balancers' configuration.
    """
    always_on_users_max: int = 10_000
    """Users who stay without a client; they take as much memory as those who are connected."""
    always_on_days_max: int = 90
    """Days without a client after which an always-on user leaves: longer than any holiday, so that
    nicknames of people who never come back become free."""
    rooms_per_founder_max: int = 20
    """Registered rooms of one account; they are never deleted. Ergo allows 15."""
    access_entries_max: int = 100
    """Accounts on one room's access list."""
    rename_pause_s: int = 60
    """Seconds between two renamings of a room; each sends a page of text to every member."""
    metadata_keys_max: int = 20
    """Metadata keys of one user or room: several times what any client shows."""
    metadata_key_bytes_max: int = 40
    """Length of a metadata key."""
    metadata_value_bytes_max: int = 256
    """Length of a metadata value: a key, its value and the longest names fit in one 512-byte line.
    """
    metadata_subscriptions_max: int = 50
    """Metadata keys that one client can subscribe to."""
    metadata_changes_per_minute_max: int = 30
    """Metadata changes by one user; each is sent to everybody in all of the user's rooms."""
    redaction_window_s: float = 86_400.0
    """Seconds in which people can delete a message of theirs; 0 for no limit. After a day, others
    have read it."""
    network_bans_max: int = 1000
    """Bans from the network; checking so many takes 1 ms for each client that connects."""
    accounts_max: int = 300_000
    """Accounts: one for each user; each takes some hundred bytes on every node and in every
    snapshot."""
    certificates_per_account_max: int = 10
    """Client certificates of one account: one for each device."""
    attempts_window_s: float = 300.0
    """Seconds in which the attempts below are counted."""
    logins_per_account_max: int = 10
    """Failed logins to one account, by password: 3,000 guesses a day find no good password."""
    logins_per_address_max: int = 30
    """Failed logins from one address: a household or an office on a bad day."""
    registrations_per_address_max: int = 10
    """New accounts from one address."""
    cloak_addresses: bool | None = None
    """Whether others see a hash instead of somebody's address. Without this key, a cluster does so
    if it was founded since that is possible. A change concerns those who connect from then on."""
    registration: Registration = "open"
    """Who may register an account: everybody; nobody; whoever has an invitation code; or whoever
    answers from an e-mail address (`irc.mail`). Operators and administrators can always add
    accounts."""
    invitations_max: int = 1000
    """Invitation codes that can be used at a time; each may be for many people."""
    pending_codes_max: int = 10_000
    """Codes that were sent by e-mail and not used yet; each takes some 400 bytes for a day."""
    login_required: bool = False
    """Whether only people who log in to an account can connect. A change concerns those who connect
    from then on."""
    login_exempt_networks: tuple[str, ...] = ()
    """Networks from which people can connect without an account nevertheless."""
    history_days_max: float = 0.0
    """How many days of history the cluster keeps; 0 is all. Nodes that hold fewer days have a
    setting of their own (`history.local_days`)."""
    history_mb_max: int = 0
    """How many megabytes of history a node keeps, without the index for searching; 0 is all. The
    oldest messages go first."""

    def __post_init__(self) -> None:
        if not self.network.isascii() or not self.network.isprintable() or " " in self.network:
            raise ValueError(f"network must be printable ASCII, no spaces: {self.network!r}")
        if not 1 <= len(self.network) <= 50:
            raise ValueError("network must have 1 to 50 characters")
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, int | float) and value < 0:
                raise ValueError(f"{name} must not be negative, but is {value}")
            is_length = name.endswith("_bytes_max") and not name.startswith("metadata_")
            if is_length and value > LENGTH_MAX:
                raise ValueError(f"{name} must be at most {LENGTH_MAX} to fit into a line")
        for name in ("nick_bytes_max", "username_bytes_max", "room_name_bytes_max"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.voters_max % 2 == 0:
            raise ValueError(f"voters_max must be an odd number, not {self.voters_max}")
        if self.voter_absence_s_max < 1:
            raise ValueError("voter_absence_s_max must be at least 1")
        for name in ("address_exempt_networks", "login_exempt_networks"):
            for network in getattr(self, name):
                try:
                    ipaddress.ip_network(network)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from error
