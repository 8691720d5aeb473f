"""Who somebody wants to be, and what they want to be told of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who somebody wants to be. The passwords are in memory only, and in no `repr`."""

    nick: str
    username: str = ""
    """Empty: made from the nickname."""
    realname: str = ""
    """Empty: the nickname."""
    account: str = ""
    """To log in to; empty: the nickname, if there is a password."""
    password: str = ""
    """Of the account (SASL); empty: do not log in."""
    has_certificate: bool = False
    """A certificate is shown to the server, which may open the account without a password."""
    server_password: str = ""
    """Of the server (PASS); empty: none."""
    rooms: tuple[str, ...] = ()
    """To join once online, "#room" or "#room key"."""
    highlight_words: tuple[str, ...] = ()
    """Beside one's own nickname."""
    ignored: tuple[str, ...] = ()
    """Nicknames or masks (nick!user@host with "*" and "?") whose messages are not shown."""
    history_since_ms: int = 0
    """Load what was said from then on at once; 0: only the latest page."""
    fills_whole_gaps: bool = False
    """Fill even the longest gap by itself, instead of `history.PAGES_MAX` pages."""
    loads_history: bool = True
    sends_typing: bool = True
    sends_read_markers: bool = True

    def __repr__(self) -> str:
        return f"Profile(nick={self.nick!r}, account={self.account!r})"
