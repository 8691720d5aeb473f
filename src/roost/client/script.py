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
from roost.client.model import Enquiry, Model, Phase, Problem, Profile
from roost.client.model.effects import InterfaceEffect, Toast
from roost.client.transport import Trust

ENQUIRY_S = 10.0
"""The longest wait for what a server says of a room; after it, the room is simply joined."""
PATIENT_WAIT_S = 2.0
"""The longest wait between two rounds of dialling when somebody waits for the result."""
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


class Session:
    """A model with its connection, as the work of a script uses them."""

    def __init__(self, target: Target, *, is_patient: bool = False) -> None:
        """If `is_patient`, go on dialling while no address answers; else try each of them once."""
        self.model = Model(target.profile, make_nonce())
        self._is_patient = is_patient
        self.warn: Callable[[str], None] | None = None
        """Told each problem of the connection, for people."""
        self._reported: Problem | None = None
        self.error = ""
        """What the model refused last, for people."""
        self._tries_max = len(target.addresses)
        self._was_online = False
        self._changed = asyncio.Event()
        self.connection = ClientConnection(
            self.model,
            target.addresses,
            target.trust,
            random=Random(os.urandom(16)),  # noqa: S311 - it spreads waits
            on_change=self._changed.set,
            on_effect=self._handle_effect,
        )
        if is_patient:
            self.connection.dialler.wait_s_max = PATIENT_WAIT_S

    def _handle_effect(self, effect: InterfaceEffect) -> None:
        if isinstance(effect, Toast) and effect.is_error:
            self.error = effect.text

    async def wait(self) -> None:
        """Wait until the model has changed.

        Raises:
            ScriptError: no address accepts us, or the model has stopped for good.
        """
        connection = self.model.connection
        self._was_online = self._was_online or self.model.is_online
        is_hopeless = not self._was_online and connection.attempt >= self._tries_max
        if self.warn is not None and connection.problem not in (None, self._reported):
            self.warn(connection.problem.text)
        self._reported = connection.problem
        if (is_hopeless and not self._is_patient) or connection.phase is Phase.STOPPED:
            raise ScriptError(describe(self.model))
        await self._changed.wait()
        self._changed.clear()

    async def come_online(self) -> None:
        """Wait until the server has told its limits and features.

        Raises:
            ScriptError: see `wait`.
        """
        while not (self.model.is_online and self.model.registration.is_welcomed):
            await self.wait()

    async def enquire(self, room: str) -> Enquiry:
        """Return what the server says of a room; nothing if it does not answer.

        Raises:
            ScriptError: see `wait`.
        """
        await self.come_online()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ENQUIRY_S):
                while True:
                    await self.come_online()
                    enquiry = self.model.enquiries.get(self.model.fold(room))
                    if enquiry is None:
                        self.model.enquire(room)
                        self.connection.flush()
                    elif enquiry.is_answered:
                        return enquiry
                    await self.wait()
        return Enquiry()


async def run_session(
    target: Target, work: Callable[[Session], Awaitable[None]], *, is_patient: bool = False
) -> None:
    """Run `work` beside a connection, which is closed in the end; for `is_patient` see `Session`.

    Raises:
        ScriptError: raised by `work` or by `Session.wait`.
        OSError: raised by `work`.
    """
    session = Session(target, is_patient=is_patient)
    failure: Exception | None = None
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(session.connection.run())
        try:
            await work(session)
        except (ScriptError, OSError) as error:
            failure = error
        finally:
            with contextlib.suppress(OSError):
                await session.connection.close()
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
