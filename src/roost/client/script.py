"""What `roost say` and `roost tail` share: a model that runs without an interface."""

import asyncio
import contextlib
import getpass
import os
import re
import secrets
from collections.abc import Awaitable, Callable
from random import Random

import msgspec

from roost.client.addresses import Address
from roost.client.connection import ClientConnection
from roost.client.model import Model, Phase, Profile
from roost.client.model.effects import InterfaceEffect
from roost.client.transport import Trust

DEFAULT_ADDRESS = "127.0.0.1:6667"
"""Where `roost up` listens."""


class ScriptError(Exception):
    """A script cannot do its work; the text is for people."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where to connect, whom to trust, and who to be: what flags and settings decide."""

    addresses: tuple[Address, ...]
    trust: Trust
    profile: Profile


def default_nick(suffix: str = "") -> str:
    """Return a nickname made from the name of this machine's user."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = "guest"
    letters = re.sub(r"[^A-Za-z0-9_\-]", "", name).lstrip("0123456789-") or "guest"
    return f"{letters[: 24 - len(suffix)]}{suffix}"


def make_nonce() -> str:
    """Return a word that no other run of the client uses."""
    return secrets.token_hex(6)


async def with_model(
    target: Target,
    work: Callable[[Model, ClientConnection, Callable[[], Awaitable[None]]], Awaitable[None]],
    on_effect: Callable[[InterfaceEffect], None] = lambda _: None,
) -> None:
    """Run `work` beside a connection; its third argument waits until the model has changed.

    Raises:
        ScriptError: raised by `work`; no address accepts us; or the model has stopped for good.
        OSError: raised by `work`.
    """
    model = Model(target.profile, make_nonce())
    changed = asyncio.Event()
    connection = ClientConnection(
        model,
        target.addresses,
        target.trust,
        random=Random(os.urandom(16)),  # noqa: S311 - it spreads waits
        on_change=changed.set,
        on_effect=on_effect,
    )

    was_online = False

    async def wait_for_change() -> None:
        nonlocal was_online
        was_online = was_online or model.is_online
        is_hopeless = not was_online and model.connection.attempt >= len(target.addresses)
        if is_hopeless or model.connection.phase is Phase.STOPPED:
            raise ScriptError(describe(model))
        await changed.wait()
        changed.clear()

    failure: Exception | None = None
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(connection.run())
        try:
            await work(model, connection, wait_for_change)
        except (ScriptError, OSError) as error:
            failure = error
        finally:
            with contextlib.suppress(OSError):
                await connection.close()
            task.cancel()
    if failure is not None:
        raise failure


def describe(model: Model) -> str:
    """Say why there is no connection."""
    problem = model.connection.problem
    if problem is None:
        if model.connection.waiting_text:
            return model.connection.waiting_text
        return f"{model.connection.address or 'the server'} has not accepted the connection"
    return f"{problem.text} {problem.advice}".strip()
