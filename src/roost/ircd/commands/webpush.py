"""WEBPUSH: register a phone that is told of messages while its client is not connected.

Source: the draft of ircv3.net/specs/extensions/webpush, as soju and Ergo speak it.
"""

import ipaddress
from urllib.parse import urlsplit

from roost.chat.commands.pushes import RegisterPush, UnregisterPush
from roost.chat.directory import account_of
from roost.irc.message import Message
from roost.irc.parsing import parse_tags
from roost.ircd.context import Context, Result
from roost.ircd.push_config import PushConfig
from roost.ircd.push_keys import decode, is_point, public_key
from roost.ircd.rendering.packing import middle
from roost.ircd.serving.dispatch import command

SECRET_BYTES = 16
REFRESH_MS = 86_400_000
"""Clients register at every connection; once a day is enough for the log."""


@command("WEBPUSH", parameters_min=1)
def webpush(context: Context, message: Message) -> Result:
    subcommand, *rest = message.parameters
    if not context.config.push.is_on or not context.state.secret:
        _fail(context, "FORBIDDEN", subcommand, text="This network sends no web push")
        return None
    match subcommand.upper():
        case "VAPIDPUBKEY":
            context.send("WEBPUSH", "VAPIDPUBKEY", public_key(context.state.secret))
            return None
        case "REGISTER" if len(rest) >= 2:
            return _register(context, rest[0], rest[1])
        case "UNREGISTER" if rest:
            return _unregister(context, rest[0])
    text = "Expected VAPIDPUBKEY, REGISTER <endpoint> <keys> or UNREGISTER <endpoint>"
    _fail(context, "INVALID_PARAMS", subcommand, text=text)
    return None


def _register(context: Context, endpoint: str, keys: str) -> Result:
    account = account_of(context.state, context.user)
    if account is None:
        _fail(context, "FORBIDDEN", "REGISTER", endpoint, text="Log in to an account first")
        return None
    problem = why_not_endpoint(context.config.push, endpoint)
    if problem:
        _fail(context, "INVALID_PARAMS", "REGISTER", endpoint, text=problem)
        return None
    try:
        given = dict(parse_tags(keys))
        point, secret = decode(given.get("p256dh", "")), decode(given.get("auth", ""))
    except ValueError:
        point = secret = b""
    if not is_point(point) or len(secret) != SECRET_BYTES:
        text = "The keys must be p256dh=<P-256 public key>;auth=<16 bytes>, in URL-safe base64"
        _fail(context, "INVALID_PARAMS", "REGISTER", endpoint, text=text)
        return None
    capabilities = context.session.capabilities
    known = account.pushes.get(endpoint)
    if (
        known is not None
        and (known.public_key, known.secret, known.capabilities) == (point, secret, capabilities)
        and context.now.wall_ms - known.registered_ms < REFRESH_MS
    ):
        context.send("WEBPUSH", "REGISTER", endpoint)
        return None
    return (RegisterPush(endpoint, point, secret, capabilities),)


def _unregister(context: Context, endpoint: str) -> Result:
    account = account_of(context.state, context.user)
    if account is None or endpoint not in account.pushes:
        # "Servers MUST silently ignore UNREGISTER commands for non-existing subscriptions."
        return None
    return (UnregisterPush(endpoint),)


def why_not_endpoint(push: PushConfig, endpoint: str) -> str:
    """Return why an endpoint cannot be used; empty if it can, as far as its text tells."""
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "The endpoint is not a URL"
    is_clean = endpoint.isascii() and endpoint.isprintable() and " " not in endpoint
    if parts.scheme != "https" or not host or not is_clean or parts.username is not None:
        return "The endpoint must be an https:// URL"
    if host in push.internal_hosts:
        return ""
    try:
        is_public = is_public_address(host)
    except ValueError:
        return ""
    return "" if is_public else "The endpoint must have a public address"


def is_public_address(text: str) -> bool:
    """Return whether an address is one of the internet.

    Raises:
        ValueError: it is a name.
    """
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        # Those that stand for IPv4 addresses could stand for private ones.
        is_translated = address in _NAT64 or address.sixtofour or address.teredo
        if address.ipv4_mapped or is_translated:
            return False
    return address.is_global and not address.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _fail(context: Context, code: str, *parameters: str, text: str) -> None:
    shown = tuple(middle(parameter) for parameter in parameters)
    context.fail(code, *shown, text=text, is_specified=True)
