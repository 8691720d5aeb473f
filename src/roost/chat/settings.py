"""The settings that must be equal on all nodes: they decide what `apply` does.

They are part of the replicated state and change only through the log, so that two nodes with
different configuration files can still never disagree.
"""

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the chat state; lengths are in bytes of UTF-8 unless they say otherwise."""

    network: str = "Roost"
    """The name people see; a token without spaces."""
    nick_bytes_max: int = 32
    """Ergo's default; long enough for a name, short enough for a narrow screen."""
    username_bytes_max: int = 20
    realname_bytes_max: int = 150
    room_name_bytes_max: int = 64
    """Ergo's default, and what fits any list."""
    topic_bytes_max: int = 390
    """A topic and its prefix fit one 512-byte line."""
    reason_bytes_max: int = 390
    """For KICK, PART and QUIT, as for topics."""
    away_bytes_max: int = 390
    key_bytes_max: int = 32
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
    targets_per_line_max: int = 4
    """Recipients of one PRIVMSG, NOTICE or TAGMSG line; what most networks allow."""
    whowas_entries_max: int = 1000
    whowas_per_nick_max: int = 10
    users_max: int = 100_000
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
