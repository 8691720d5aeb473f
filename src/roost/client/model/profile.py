"""Who the user is, and what the user wants to be told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who the user is. Passwords are only kept in memory, and appear in no `repr`."""

    nick: str
    username: str = ""
    """Derived from the nickname if empty."""
    realname: str = ""
    """The nickname if empty."""
    account: str = ""
    """To log in to; the nickname if empty, provided that there is a password."""
    password: str = ""
    """Of the account (SASL); do not log in if empty."""
    next_password: str = ""
    """A new password of the account, which the server may have accepted."""
    asks_password: bool = False
    """Whether there is somebody to ask for the password of an account whose name is wanted."""
    has_certificate: bool = False
    """Whether the connection shows a certificate, which may log in without a password."""
    server_password: str = ""
    """Of the server (PASS); none if empty."""
    rooms: tuple[str, ...] = ()
    """Joined once online: "#room" or "#room key"."""
    highlight_words: tuple[str, ...] = ()
    """Besides the user's nickname: "word", or "#room word" for one room."""
    quiet_words: tuple[str, ...] = ()
    """Messages with one of them never call."""
    levels: tuple[tuple[str, str], ...] = ()
    """Names of conversations, or "*" for all rooms, and a `rules.Level`."""
    ignored: tuple[str, ...] = ()
    """Nicknames or masks (nick!user@host with "*" and "?") whose messages are hidden."""
    history_since_ms: int = 0
    """Load everything said since then at once; if 0, only the latest page."""
    fills_whole_gaps: bool = False
    """Fill even the longest gap, instead of `history.PAGES_MAX` pages of it."""
    loads_history: bool = True
    loads_events: bool = True
    """Load who came and went, besides what was said."""
    has_markup: bool = False
    """Whether `**bold**` and the like is formatted: for people, not for scripts; see `markup`."""
    sends_typing: bool = True
    sends_read_markers: bool = True

    def __repr__(self) -> str:
        return f"Profile(nick={self.nick!r}, account={self.account!r})"
