"""The settings that must be equal on all nodes: they decide what `apply` does.

They are part of the replicated state and change only through the log, so that two nodes with
different configuration files can still never disagree.
"""

import ipaddress

import msgspec

LENGTH_MAX = 390
"""What fits one 512-byte line beside a prefix and a command."""
_WITHIN_A_LINE = frozenset(
    {
        "nick_bytes_max",
        "username_bytes_max",
        "realname_bytes_max",
        "room_name_bytes_max",
        "topic_bytes_max",
        "reason_bytes_max",
        "away_bytes_max",
        "key_bytes_max",
    }
)

UNCHANGED = "{}"
"""What `written` gives for the defaults."""


def written(settings: "Settings") -> str:
    """Write as JSON what differs from the defaults: what somebody wanted otherwise."""
    plain = Settings()
    changed = {
        name: getattr(settings, name)
        for name in settings.__struct_fields__
        if getattr(settings, name) != getattr(plain, name)
    }
    return msgspec.json.encode(changed, order="sorted").decode()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the chat state; lengths are in bytes of UTF-8 unless they say otherwise."""

    network: str = "Roost"
    """The name people see; a token without spaces."""
    nick_bytes_max: int = 32
    """Ergo's default; long enough for a name, short enough for a narrow screen."""
    username_bytes_max: int = 20
    """What clients send is the name of an account of their own machine, which is short."""
    realname_bytes_max: int = 150
    """A sentence; it stands in JOIN and WHO lines beside other names."""
    room_name_bytes_max: int = 64
    """Ergo's default, and what fits any list."""
    topic_bytes_max: int = 390
    """A topic and its prefix fit one 512-byte line."""
    reason_bytes_max: int = 390
    """For KICK, PART and QUIT, as for topics."""
    away_bytes_max: int = 390
    """As for topics."""
    key_bytes_max: int = 32
    """A password that people tell each other; as long as a nickname."""
    rooms_per_user_max: int = 100
    """Ergo's default; Libera has 250."""
    rooms_max: int = 50_000
    """Rooms outlive their members; above this the one that was empty longest is forgotten."""
    list_entries_max: int = 100
    """Ban, exception and invitation masks in one room, together; Libera's number."""
    invitations_per_room_max: int = 200
    """Pending invitations; the oldest gives way."""
    monitor_max: int = 100
    """MONITOR targets per client; Libera's number."""
    modes_per_line_max: int = 20
    """As many letters as any client puts on a line."""
    targets_per_line_max: int = 4
    """Recipients of one PRIVMSG, NOTICE or TAGMSG line; what most networks allow."""
    whowas_entries_max: int = 1000
    """In all: an evening of a busy network."""
    whowas_per_nick_max: int = 10
    """So that one nickname cannot fill the list."""
    users_max: int = 100_000
    """In the whole cluster; about 1 kB of every node's memory for each."""
    sessions_per_user_max: int = 10
    """Clients of one user at once: desk, phone, and some that lost touch and are not given up."""
    sessions_per_account_max: int = 20
    """Clients logged in to one account, under whichever nicknames: a bot or two beside a person."""
    sessions_per_address_max: int = 400
    """Registered clients from one address (an IPv6 /64 network counts as one) through all
    balancers together: a large office on two of them, each of which lets in 200."""
    address_exempt_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Addresses that may have any number, as in the balancers' configuration."""
    always_on_users_max: int = 10_000
    """Users who stay without a client: they cost as much memory as those who are there."""
    always_on_days_max: int = 90
    """Days without a client after which an always-on user leaves all the same: longer than any
    holiday, and nicknames of people who never come back become free."""
    rooms_per_founder_max: int = 20
    """Registered rooms are never forgotten; Ergo allows 15."""
    access_entries_max: int = 100
    """Accounts with a status of their own in one room."""
    rename_pause_s: int = 60
    """Seconds between two renamings of a room: each tells every member's client a page of text."""
    metadata_keys_max: int = 20
    """Of one user or room: several times what any client shows."""
    metadata_key_bytes_max: int = 40
    metadata_value_bytes_max: int = 256
    """A key, its value and the longest names fit one 512-byte line."""
    metadata_subscriptions_max: int = 50
    """Keys that one client is told of."""
    metadata_changes_per_minute_max: int = 30
    """By one user: each is told to everybody in all the user's rooms."""
    redaction_window_s: float = 86_400.0
    """How long people can take back what they said; 0 is for ever. Others have read it by then."""
    network_bans_max: int = 1000
    """Who may not be on the network: each is looked at when somebody comes, which takes 1 ms."""
    accounts_max: int = 100_000
    """An account takes some hundred bytes on every node and in every snapshot."""
    certificates_per_account_max: int = 10
    """One for each device that somebody may have."""
    attempts_window_s: float = 300.0
    """The time in which attempts are counted."""
    logins_per_account_max: int = 10
    """Failed attempts within that time, by passwords: 3,000 guesses a day find no good one."""
    logins_per_address_max: int = 30
    """Likewise from one address: a household or an office in a bad moment."""
    registrations_per_address_max: int = 10
    """New accounts within that time from one address."""

    def __post_init__(self) -> None:
        if not self.network.isascii() or not self.network.isprintable() or " " in self.network:
            raise ValueError(f"network must be printable ASCII, no spaces: {self.network!r}")
        if not 1 <= len(self.network) <= 50:
            raise ValueError("network must have 1 to 50 characters")
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, int | float) and value < 0:
                raise ValueError(f"{name} must not be negative, but is {value}")
            if name.endswith("_bytes_max") and value > LENGTH_MAX and name in _WITHIN_A_LINE:
                raise ValueError(f"{name} must be at most {LENGTH_MAX}: a line has to hold it")
        for name in ("nick_bytes_max", "username_bytes_max", "room_name_bytes_max"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        for network in self.address_exempt_networks:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValueError(f"address_exempt_networks: {error}") from error
