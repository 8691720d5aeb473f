"""Combines the flags and settings of commands that connect as a client into one target."""

from collections.abc import Sequence

from roost.cli.errors import UsageError
from roost.cli.flags import ClientFlags
from roost.client.addresses import Address, AddressError, parse_address
from roost.client.model import Profile
from roost.client.script import DEFAULT_ADDRESS, Target, default_nick
from roost.client.settings import (
    Settings,
    SettingsError,
    find_password,
    load_settings,
    settings_path,
)
from roost.client.transport import Trust


def read_settings(flags: ClientFlags) -> Settings:
    """Read the settings file that the flags name, or the default one.

    Raises:
        UsageError: it cannot be used.
    """
    try:
        return load_settings(flags.settings)
    except SettingsError as error:
        raise UsageError(str(error)) from None


def make_target(
    flags: ClientFlags,
    settings: Settings,
    *,
    nick_suffix: str = "",
    uses_environment: bool = True,
) -> Target:
    """Return where to connect, as whom, and what to trust. Flags override settings.

    `uses_environment` says whether the password in the environment is for this server.

    Raises:
        UsageError: an address or the password command cannot be used.
    """
    try:
        password = find_password(settings, uses_environment=uses_environment)
        addresses = parse_addresses(
            flags.addresses or settings.addresses or (DEFAULT_ADDRESS,), flags.is_secure
        )
    except (AddressError, SettingsError) as error:
        raise UsageError(str(error)) from None
    account = flags.account or settings.account
    if account and not password and settings.certificate is None:
        where = flags.settings or settings_path()
        raise UsageError(
            f"--account {account} needs a password: set ROOST_PASSWORD in the environment, or "
            f"password_command or certificate in {where}"
        )
    profile = Profile(
        nick=flags.nick or settings.nick or default_nick(nick_suffix),
        username=settings.username,
        realname=settings.realname,
        account=account,
        password=password,
        has_certificate=settings.certificate is not None,
        rooms=settings.rooms,
        highlight_words=settings.highlight_words,
        quiet_words=settings.quiet_words,
        levels=tuple(settings.notify.items()),
        ignored=settings.ignored,
        sends_typing=settings.sends_typing,
        sends_read_markers=settings.sends_read_markers,
    )
    trust = Trust(
        fingerprint=flags.fingerprint or settings.fingerprint,
        authority=flags.authority or settings.authority,
        certificate=settings.certificate,
        is_insecure=flags.is_insecure,
    )
    return Target(addresses=addresses, trust=trust, profile=profile)


def parse_addresses(texts: Sequence[str], is_secure: bool | None) -> tuple[Address, ...]:
    """Parse addresses. One text may contain several, separated by commas.

    Raises:
        AddressError: one of them is not valid.
    """
    found = [
        parse_address(part, is_secure=is_secure)
        for text in texts
        for part in text.split(",")
        if part.strip()
    ]
    if not found:
        raise AddressError("give an address: HOST or HOST:PORT")
    return tuple(dict.fromkeys(found))
