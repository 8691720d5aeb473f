"""The values that capabilities are listed with, from version 302 of CAP on.

Source: ircv3.net/specs/extensions/capability-negotiation, "CAP LS 302"; the capabilities' own
specifications.
"""

from collections.abc import Callable

from roost.ircd.context import Context
from roost.ircd.serving import multiline
from roost.ircd.sessions.sasl import mechanisms


def _metadata(context: Context) -> str:
    settings = context.state.settings
    return (
        f"before-connect,max-subs={settings.metadata_subscriptions_max},"
        f"max-keys={settings.metadata_keys_max},"
        f"max-value-bytes={settings.metadata_value_bytes_max}"
    )


def _account_registration(_context: Context) -> str:
    return "before-connect,custom-account-name"


def _sasl(context: Context) -> str:
    return ",".join(mechanisms(context.session.certificate))


_VALUES: dict[str, Callable[[Context], str]] = {
    "draft/account-registration": _account_registration,
    "draft/metadata-2": _metadata,
    "draft/multiline": lambda _: multiline.value(),
    "sasl": _sasl,
}


def with_value(context: Context, name: str) -> str:
    """Write a capability as it is listed."""
    make = _VALUES.get(name)
    value = make(context) if make is not None else ""
    return f"{name}={value}" if value else name
