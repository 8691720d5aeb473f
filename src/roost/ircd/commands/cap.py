"""CAP: negotiate capabilities.

Source: ircv3.net/specs/extensions/capability-negotiation.
"""

from collections.abc import Iterable, Mapping

import msgspec

from roost.chat.commands.users import SetCapabilities
from roost.irc import capabilities, numerics
from roost.irc.capabilities import Capability
from roost.irc.message import Message
from roost.ircd.accounts.registering import can_register, capability_keys
from roost.ircd.context import Context, Result
from roost.ircd.rendering.packing import middle, pack, space_left
from roost.ircd.serving.dispatch import command
from roost.ircd.serving.multiline import BYTES_MAX, LINES_MAX
from roost.ircd.sessions.sasl import mechanisms
from roost.ircd.sessions.session import Phase

VERSION_302 = 302
VERSION_DIGITS_MAX = 9
"""Keeps hostile numbers cheap to parse."""


@command("CAP", parameters_min=1, is_before_registration=True)
def cap(context: Context, message: Message) -> Result:
    subcommand, *rest = message.parameters
    match subcommand.upper():
        case "LS":
            return _list_all(context, rest[0] if rest else "")
        case "LIST":
            enabled = capabilities.names_of(context.session.capabilities)
            is_split = context.session.has_cap_302
            _send_list(context, "LIST", enabled, is_split=is_split)
        case "REQ":
            return _request(context, rest[0] if rest else "")
        case "END":
            # "If the client is already registered, this command MUST be ignored by the server."
            context.session.registration.is_negotiating = False
        case _:
            text = "Invalid CAP command"
            context.reply(numerics.ERR_INVALIDCAPCMD, middle(subcommand), text)
    return None


def _list_all(context: Context, version: str) -> Result:
    """List all capabilities, from version 302 on in several lines."""
    _suspend_registration(context)
    is_number = version.isascii() and version.isdigit() and len(version) <= VERSION_DIGITS_MAX
    is_302 = is_number and int(version) >= VERSION_302
    offered = _offered(context)
    names = tuple(offered)
    if is_302:
        # "If a client sends a lower CAP version [...], servers SHOULD return a CAP LS reply
        # consistent with the request's version."
        names = tuple(_with_value(context, row) for row in offered.values())
        # `sts` only has a value, and cannot be requested.
        sts = context.config.sts.word(is_secure=context.session.is_secure)
        names = (*names, sts) if sts else names
    _send_list(context, "LS", names, is_split=is_302)
    if is_302 and not context.session.has_cap_302:
        # "When CAP version 302 is enabled, the client also implicitly indicates support for the
        # cap-notify capability."
        return _change(context, (Capability.CAP_302 | Capability.CAP_NOTIFY).value, 0)
    return None


def _offered(context: Context) -> Mapping[str, Capability]:
    """Return the capabilities that this network has, by their names."""
    left_out: list[Capability] = []
    if not context.config.push.is_on:
        left_out.extend(capabilities.WEBPUSH_ANY)
    if not can_register(context):
        left_out.append(Capability.ACCOUNT_REGISTRATION)
    return {name: row for name, row in capabilities.NAMES.items() if row not in left_out}


def _with_value(context: Context, capability: Capability) -> str:
    value = capability.value_format.format(
        multiline_bytes_max=BYTES_MAX,
        multiline_lines_max=LINES_MAX,
        registration_keys=capability_keys(context),
        sasl_mechanisms=",".join(mechanisms(context.config.login, context.session.certificate)),
        **msgspec.structs.asdict(context.state.settings),
    )
    return f"{capability.token}={value}" if value else capability.token


def _request(context: Context, text: str) -> Result:
    """Enable and disable capabilities, all of them or none.

    "The capability identifier set must be accepted as a whole, or rejected entirely."
    """
    _suspend_registration(context)
    enabled = disabled = 0
    offered = _offered(context)
    for word in text.split():
        name = word.removeprefix("-")
        # What is not offered any more can still be switched off.
        bit = (offered if word == name else capabilities.NAMES).get(name)
        if bit is None or (
            word != name and bit is Capability.CAP_NOTIFY and context.session.has_cap_302
        ):
            context.send("CAP", context.nick, "NAK", text)
            return None
        if word == name:
            enabled, disabled = enabled | bit.value, disabled & ~bit.value
        else:
            enabled, disabled = enabled & ~bit.value, disabled | bit.value
    context.targets = (text,)
    result = _change(context, enabled, disabled)
    if not result:
        context.send("CAP", context.nick, "ACK", text)
    return result


def _change(context: Context, enabled: int, disabled: int) -> Result:
    """Change the capabilities; those of a registered client through the log."""
    session = context.session
    after = (session.capabilities | enabled) & ~disabled
    if after == session.capabilities:
        return None
    if session.phase is Phase.REGISTERING:
        session.capabilities = after
        if not after & capabilities.METADATA_ANY:
            session.registration.subscribed.clear()
        return None
    return (SetCapabilities(after),)


def _suspend_registration(context: Context) -> None:
    if context.session.phase is Phase.REGISTERING:
        context.session.registration.is_negotiating = True


def _is_extra(name: str) -> bool:
    """Return whether a capability is a draft or belongs to a vendor."""
    return "/" in name


def _send_list(context: Context, subcommand: str, names: Iterable[str], *, is_split: bool) -> None:
    """Send names, in several lines if the client understands that.

    Others get as many names as fit into one line, with drafts last.
    """
    # "CAP" and the longest parameters, in place of a numeric's digits.
    space = space_left(context.config.server_name, context.nick, subcommand, "*")
    if is_split:
        texts = list(pack(names, space))
    else:
        texts = list(pack(sorted(names, key=_is_extra), space))[:1]
    for text in texts[:-1]:
        context.send("CAP", context.nick, subcommand, "*", text)
    context.send("CAP", context.nick, subcommand, texts[-1] if texts else "")
