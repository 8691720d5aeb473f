"""The settings that users write, and the state that the client saves, each in a file.

    settings.toml   written by the user, read by the client
    state.json      written by the client: rooms, read markers, drafts

Neither holds a password. `password_command` is a command that prints it: `pass show irc/roost`,
`secret-tool lookup service roost`, `security find-generic-password -s roost -w`.
"""

import os
import shlex
import subprocess
from pathlib import Path
from typing import Literal

import msgspec
import platformdirs

from roost.ops.files import replace_file

PASSWORD_COMMAND_S = 60.0
"""The user may have to unlock a password store."""
PASSWORD_VARIABLE = "ROOST_PASSWORD"  # noqa: S105 - the name of a variable


class SettingsError(Exception):
    """The settings cannot be used; the text is for people and names the file and the key."""


class Server(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another server that the client opens in the same window; what is empty is as in `Settings`.

    Nothing that logs in to one server is ever used for another.
    """

    addresses: tuple[str, ...]
    nick: str = ""
    username: str = ""
    realname: str = ""
    account: str = ""
    password_command: str = ""
    certificate: Path | None = None
    rooms: tuple[str, ...] = ()
    fingerprint: str = ""
    authority: Path | None = None
    opens: bool = True
    """Whether it is opened at the start."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the user sets."""

    nick: str = ""
    username: str = ""
    realname: str = ""
    account: str = ""
    """The account to log in to; the nickname if empty."""
    password_command: str = ""
    """A command that prints the account's password on its first line."""
    certificate: Path | None = None
    """A file with a key and its certificate, which log in to the account over TLS."""
    addresses: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    """Joined at the start: "#room" or "#room password"."""
    fingerprint: str = ""
    authority: Path | None = None
    highlight_words: tuple[str, ...] = ()
    """Words that call: "word", or "#room word" for one room."""
    quiet_words: tuple[str, ...] = ()
    """Messages with one of them never call."""
    notify: dict[str, Literal["all", "mentions", "none", "mute"]] = {}
    """What calls in a room or a private conversation, by name; "*" for all rooms."""
    keys: dict[str, str] = {}
    """The user's own keys by what they do; `tui.keys` has the names."""
    ignored: tuple[str, ...] = ()
    markup: bool = True
    """Whether `**bold**`, `` `code` `` and the like are formatted when they are sent."""
    servers: dict[str, Server] = {}
    """Other servers, by the names that the user gives them."""
    pictures: bool = False
    """Whether the client loads and shows pictures; their server learns the user's address."""
    theme: str = ""
    bell: bool = True
    """Ring when somebody addresses the user."""
    notifications: bool = True
    """Send the terminal's escape sequence for a desktop notification in that case."""
    sends_typing: bool = True
    sends_read_markers: bool = True


class SavedPolicy(msgspec.Struct, frozen=True):
    """A server that requires TLS."""

    port: int
    until_ms: int


class Saved(msgspec.Struct, kw_only=True):
    """What the client saves; nothing here is secret, and the client works without it."""

    nick: str = ""
    addresses: list[str] = []
    rooms: list[str] = []
    private: list[str] = []
    """The nicknames of the open private conversations."""
    ignored: list[str] = []
    highlight_words: list[str] = []
    levels: dict[str, str] = {}
    """What calls in a conversation."""
    read_ms: dict[str, int] = {}
    """Read markers by conversation, for servers that do not keep them."""
    last_live_ms: int = 0
    """The time of the last live message; the next start fetches private messages since then."""
    typed: dict[str, list[str]] = {}
    drafts: dict[str, str] = {}
    unsent: dict[str, list[str]] = {}
    """Messages that were not confirmed when the client ended."""
    active: str = ""
    theme: str = ""
    notify: str = ""
    """"bell", "desktop", "both" or "none"; if empty, the settings decide."""
    hides_coming_and_going: bool = False
    policies: dict[str, SavedPolicy] = {}


def settings_path() -> Path:
    """Return where the user's settings are."""
    return platformdirs.user_config_path("roost", appauthor=False) / "settings.toml"


def saved_path() -> Path:
    """Return where the client's state is."""
    return platformdirs.user_state_path("roost", appauthor=False) / "state.json"


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings; without a file, return the defaults.

    Raises:
        SettingsError: the file cannot be used, or `path` was given and does not exist.
    """
    place = path or settings_path()
    try:
        data = place.read_bytes()
    except FileNotFoundError:
        if path is not None:
            raise SettingsError(f"{place}: there is no such file") from None
        return Settings()
    except OSError as error:
        raise SettingsError(f"{place}: {error.strerror}") from None
    try:
        return msgspec.toml.decode(data, type=Settings, strict=True, dec_hook=_read_path)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SettingsError(f"{place}: {error}") from None


def _read_path(kind: type, value: object) -> object:
    """Convert a string to the one type that TOML does not have."""
    if kind is Path and isinstance(value, str):
        return Path(value).expanduser()
    raise ValueError(f"Expected a file name, got {type(value).__name__}")


def load_saved(path: Path | None = None) -> Saved:
    """Read the saved state; return an empty one if it cannot be read."""
    try:
        return msgspec.json.decode((path or saved_path()).read_bytes(), type=Saved)
    except (OSError, msgspec.MsgspecError):
        return Saved()


def save(saved: Saved, path: Path | None = None) -> None:
    """Write the state atomically, readable by its owner alone.

    Raises:
        SettingsError: it cannot be written.
    """
    place = path or saved_path()
    data = msgspec.json.format(msgspec.json.encode(saved), indent=1)
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(place, data)
    except OSError as error:
        raise SettingsError(f"{place}: {error.strerror}") from None


def settings_for(settings: Settings, server: Server) -> Settings:
    """Return the settings with which another server is used."""
    return msgspec.structs.replace(
        settings,
        servers={},
        addresses=server.addresses,
        nick=server.nick or settings.nick,
        username=server.username or settings.username,
        realname=server.realname or settings.realname,
        account=server.account,
        password_command=server.password_command,
        certificate=server.certificate,
        rooms=server.rooms,
        fingerprint=server.fingerprint,
        authority=server.authority,
    )


def find_password(settings: Settings, *, uses_environment: bool = True) -> str:
    """Return the account's password, from the environment or from the command that prints it.

    Raises:
        SettingsError: the command failed.
    """
    given = os.environ.get(PASSWORD_VARIABLE, "") if uses_environment else ""
    if given or not settings.password_command:
        return given
    try:
        done = subprocess.run(
            shlex.split(settings.password_command),
            check=False,
            capture_output=True,
            text=True,
            timeout=PASSWORD_COMMAND_S,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise SettingsError(f"password_command: {error}") from None
    password = done.stdout.partition("\n")[0].rstrip("\r")
    if done.returncode != 0 or not password:
        why = done.stderr.strip().partition("\n")[0] or f"it exited with {done.returncode}"
        raise SettingsError(f"password_command printed no password: {why}")
    return password
