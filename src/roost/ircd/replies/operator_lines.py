"""What operators, and those who listen to them, are told.

    :roost.local NOTICE * :*** alice (admin) banned ...      to operators with user mode s
    :alice!a@h WALLOPS :The new disks are in                  to everybody with user mode w

Source: modern.ircdocs.horse, "WALLOPS message", "User Modes".
"""

from typing import TypeAlias

from roost.chat.changes import Killed, OperatorsTold, Wallopped
from roost.chat.hosts import NOTICES_MODE, is_operator
from roost.chat.operators import WALLOPS_MODE
from roost.chat.refusals import Reason, Refusal
from roost.ircd.context import Context, RefusedError
from roost.ircd.rendering.rendering import encode, event_tags, fit, hostmask, server_tags

Told: TypeAlias = OperatorsTold | Wallopped


def require_operator(context: Context) -> None:
    """Ask that the client is an operator's.

    Raises:
        RefusedError: it is not.
    """
    if not is_operator(context.user):
        raise RefusedError(Refusal(Reason.NOT_NETWORK_OPERATOR))


def mode_of(change: Told) -> str:
    """Name the user mode of those who are told."""
    return WALLOPS_MODE if isinstance(change, Wallopped) else NOTICES_MODE


def line(server_name: str, change: Told, time_ms: int, capabilities: int) -> tuple[str, str]:
    """Write what they are told as (tags, body)."""
    if isinstance(change, Wallopped):
        text = f":{hostmask(change.source)} WALLOPS :{change.text}"
        return event_tags(change.source, time_ms, capabilities), fit(text)
    text = f":{server_name} NOTICE * :*** {change.text}"
    return server_tags(time_ms, capabilities), fit(text)


def kill_payload(change: Killed, time_ms: int, capabilities: int) -> bytes:
    """Write what somebody is told who is removed."""
    text = f":{hostmask(change.source)} KILL {change.nick} :{change.reason}"
    return encode(event_tags(change.source, time_ms, capabilities), fit(text))


def payload(server_name: str, change: Told, time_ms: int, capabilities: int) -> bytes:
    """Write the same with its end."""
    return encode(*line(server_name, change, time_ms, capabilities))
