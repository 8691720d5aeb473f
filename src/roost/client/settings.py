"""What people set and what the client remembers: files where the platform keeps such.

    settings.toml   written by people, read by the client
    state.json      written by the client: rooms, read markers, what was typed

Neither holds a password. `password_command` names a program that prints it: `pass show irc/roost`,
`secret-tool lookup service roost`, `security find-generic-password -s roost -w`.
"""

import os
import shlex
import subprocess
from pathlib import Path

import msgspec
import platformdirs

from roost.ops.files import replace_file

PASSWORD_COMMAND_S = 60.0
"""People may have to unlock their password store."""
PASSWORD_VARIABLE = "ROOST_PASSWORD"  # noqa: S105 - the name of a variable


class SettingsError(Exception):
    """Settings that cannot be used; the text is for people and names file and key."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people set."""

    nick: str = ""
    username: str = ""
    realname: str = ""
    account: str = ""
    """To log in to; empty: the nickname."""
    password_command: str = ""
    """Prints the account's password on its first line."""
    certificate: Path | None = None
    """A file with a key and its certificate, which open the account over TLS."""
    addresses: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    """To join at the start, "#room" or "#room password"."""
    fingerprint: str = ""
    authority: Path | None = None
    highlight_words: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    theme: str = ""
    bell: bool = True
    """Ring when somebody calls."""
    notifications: bool = True
    """Send the terminal's escape sequence for a desktop notification when somebody calls."""
    sends_typing: bool = True
    sends_read_markers: bool = True


class SavedPolicy(msgspec.Struct, frozen=True):
    """A server that wants TLS."""

    port: int
    until_ms: int


class Saved(msgspec.Struct, kw_only=True):
    """What the client remembers; nothing here is secret, nothing here is needed."""

    nick: str = ""
    addresses: list[str] = []
    rooms: list[str] = []
    private: list[str] = []
    """With whom there were private conversations open."""
    ignored: list[str] = []
    read_ms: dict[str, int] = {}
    """Read markers by conversation, for servers that keep none."""
    last_live_ms: int = 0
    """When the last message came: what was said privately since then is fetched."""
    typed: dict[str, list[str]] = {}
    drafts: dict[str, str] = {}
    unsent: dict[str, list[str]] = {}
    """What was typed and not confirmed when the client ended."""
    active: str = ""
    theme: str = ""
    notify: str = ""
    """How to call: "bell", "desktop", "both" or "none"; empty: as the settings say."""
    hides_coming_and_going: bool = False
    policies: dict[str, SavedPolicy] = {}


def settings_path() -> Path:
    """Where people write their settings."""
    return platformdirs.user_config_path("roost", appauthor=False) / "settings.toml"


def saved_path() -> Path:
    """Where the client keeps what it remembers."""
    return platformdirs.user_state_path("roost", appauthor=False) / "state.json"


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings; there need not be any.

    Raises:
        SettingsError: the file is there and cannot be used.
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
    """Read the one kind of value that TOML has no word for."""
    if kind is Path and isinstance(value, str):
        return Path(value).expanduser()
    raise ValueError(f"Expected the name of a file, got {type(value).__name__}")


def load_saved(path: Path | None = None) -> Saved:
    """Read what is remembered; what cannot be read is forgotten."""
    try:
        return msgspec.json.decode((path or saved_path()).read_bytes(), type=Saved)
    except (OSError, msgspec.MsgspecError):
        return Saved()


def save(saved: Saved, path: Path | None = None) -> None:
    """Write what is to be remembered, whole or not at all, for its owner alone.

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


def find_password(settings: Settings) -> str:
    """Get the account's password: from the environment, or from the command that prints it.

    Raises:
        SettingsError: the command failed.
    """
    given = os.environ.get(PASSWORD_VARIABLE, "")
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
        why = done.stderr.strip().partition("\n")[0] or f"it ended with {done.returncode}"
        raise SettingsError(f"password_command gave no password: {why}")
    return password
