"""`roost chat`: the terminal client, here or in a browser."""

import dataclasses
import secrets
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from random import Random
from urllib.parse import quote

import msgspec
import platformdirs

from roost.cli.errors import CommandError, UsageError
from roost.cli.flags import ChatFlags
from roost.cli.local import LocalCluster
from roost.cli.target import make_target, parse_addresses, read_settings
from roost.client.addresses import AddressError
from roost.client.connection import ClientConnection
from roost.client.dialling import Policy
from roost.client.memory import recall, remember
from roost.client.model import Model
from roost.client.script import DEFAULT_ADDRESS, make_nonce
from roost.client.settings import (
    SavedPolicy,
    Server,
    Settings,
    SettingsError,
    find_password,
    load_saved,
    save,
    saved_path,
    settings_for,
    settings_path,
)
from roost.client.tui import keys
from roost.client.tui.app import ChatApp
from roost.client.tui.link import Host, Introduction, Link, OnEffect, Preferences

_ENDING = (signal.SIGHUP, signal.SIGTERM)
TOKEN_BYTES = 32
"""More than anybody can guess."""


class ChatHost:
    """Opens connections for the interface and saves its state."""

    def __init__(self, flags: ChatFlags, settings: Settings, *, is_first: bool = True) -> None:
        """`is_first` says whether flags and environment are about this server."""
        self._flags = flags
        self._settings = settings
        self._is_first = is_first
        self.others: Mapping[str, bool] = {
            name: server.opens for name, server in settings.servers.items()
        }
        self._place = flags.state or saved_path()
        self._saved = saved = load_saved(self._place)
        self.preferences = Preferences(
            theme=saved.theme or settings.theme,
            notify=saved.notify or _notify(settings),
            hides_coming_and_going=saved.hides_coming_and_going,
            keys=settings.keys,
            shows_pictures=settings.pictures,
        )
        remembered = tuple(saved.addresses)
        self.addresses = flags.addresses or settings.addresses or remembered or (DEFAULT_ADDRESS,)
        self.nick = flags.nick or settings.nick or saved.nick
        self.active = flags.rooms[0].lower() if flags.rooms else saved.active
        self.problem = ""
        """Why the state could not be saved; empty if it was."""

    def start(self, introduction: Introduction, on_effect: OnEffect) -> Link:
        """Create a model and its connection; see `link.Host`."""
        flags = msgspec.structs.replace(
            self._flags, nick=introduction.nick, addresses=introduction.addresses
        )
        try:
            target = make_target(flags, self._settings, uses_environment=self._is_first)
            addresses = parse_addresses(introduction.addresses, flags.is_secure)
        except (AddressError, UsageError) as error:
            raise ValueError(str(error)) from None
        password = introduction.password or target.profile.password
        profile = dataclasses.replace(
            target.profile,
            password=password,
            has_markup=self._settings.markup,
            asks_password=True,
            rooms=tuple(dict.fromkeys([*self._flags.rooms, *target.profile.rooms])),
        )
        model = Model(profile, make_nonce())
        recall(model, self._saved)
        connection = ClientConnection(
            model,
            addresses,
            target.trust,
            random=Random(),  # noqa: S311 - it spreads waits, no secret
            on_effect=on_effect,
        )
        for host, policy in self._saved.policies.items():
            connection.dialler.policies[host] = Policy(policy.port, policy.until_ms)
        return connection

    def other(self, name: str) -> Host:
        """Return the host of another server; see `link.Host`."""
        server = self._settings.servers.get(name)
        if server is None:
            try:
                parse_addresses((name,), None)
            except (AddressError, UsageError) as error:
                raise ValueError(str(error)) from None
            server = Server(addresses=(name,))
        place = self._place.with_name(f"{self._place.stem}-{quote(name, safe='')}.json")
        settings = settings_for(self._settings, server)
        return ChatHost(ChatFlags(state=place), settings, is_first=False)

    def worked(self, introduction: Introduction) -> None:
        """Keep answers with which the server was reached; see `link.Host`."""
        self.nick = self._saved.nick = introduction.nick
        self.addresses = introduction.addresses
        self._saved.addresses = list(introduction.addresses)

    def save(self, link: Link | None) -> None:
        """Save the state, for the next start."""
        saved = self._saved
        saved.theme = self.preferences.theme
        saved.notify = self.preferences.notify
        saved.hides_coming_and_going = self.preferences.hides_coming_and_going
        if link is not None and saved.nick:
            remember(link.model, saved)
        if isinstance(link, ClientConnection):
            saved.policies = {
                host: SavedPolicy(policy.port, policy.until_ms)
                for host, policy in link.dialler.policies.items()
            }
        try:
            save(saved, self._place)
            self.problem = ""
        except SettingsError as error:
            self.problem = str(error)


def chat(flags: ChatFlags) -> None:
    """Run the client until the user quits, or serve it to browsers.

    Raises:
        CommandError: it cannot run.
    """
    if flags.is_web:
        arguments = own_arguments(sys.argv[1:])
        chat_in_browser(arguments, flags.web_host, flags.web_port, flags.web_names)
        return
    settings = read_settings(flags)
    try:
        keys.check(settings.keys)
    except ValueError as error:
        raise UsageError(f"{flags.settings or settings_path()}: {error}") from None
    if flags.is_served:
        run_app(ChatHost(flags, settings))
        return
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise UsageError("roost chat needs a terminal. To use a browser instead: roost chat --web")
    try:
        # password_command may ask for something, which the interface would hide.
        find_password(settings)
        for server in settings.servers.values():
            if server.opens:
                find_password(settings_for(settings, server), uses_environment=False)
    except SettingsError as error:
        raise UsageError(str(error)) from None
    if flags.is_local:
        chat_locally(flags, settings)
    else:
        run_app(ChatHost(flags, settings))


def chat_locally(flags: ChatFlags, settings: Settings) -> None:
    """Run the client with a cluster on this machine; stop the cluster if it was started here.

    Raises:
        CommandError: it cannot run.
    """
    cluster = LocalCluster(flags.data)
    for number in _ENDING:
        signal.signal(number, _end)
    try:
        cluster.ensure()
        flags = msgspec.structs.replace(flags, addresses=flags.addresses or cluster.addresses)
        run_app(ChatHost(flags, settings))
    finally:
        # A terminal that vanishes may say so more than once.
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        cluster.end()


def _end(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def run_app(host: ChatHost) -> None:
    """Run the interface in this terminal.

    Raises:
        CommandError: it stopped because of a problem.
    """
    log = platformdirs.user_log_path("roost", appauthor=False) / "chat.log"
    farewell = ChatApp(host, log_path=log).run()
    if host.problem:
        print(f"roost: cannot save the state of the client: {host.problem}", file=sys.stderr)
    if farewell:
        raise CommandError(farewell)


def own_arguments(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of `roost chat` without --web and its own options."""
    found: list[str] = []
    skips = False
    for argument in list(arguments)[1:]:
        name = argument.partition("=")[0]
        if skips or name in ("--web", "--web-host", "--web-port", "--web-name"):
            skips = not skips and name != "--web" and "=" not in argument
            continue
        found.append(argument)
    return found


def chat_in_browser(arguments: Sequence[str], host: str, port: int, names: Sequence[str]) -> None:
    """Serve the interface to browsers until Ctrl-C. Each browser gets a client of its own.

    `names` are those under which browsers know this server, besides its address.

    Raises:
        CommandError: the port is not available.
    """
    from roost.cli.web import Gate, WebServer

    command = shlex.join([sys.executable, "-m", "roost.cli", "chat", "--served", *arguments])
    token = secrets.token_urlsafe(TOKEN_BYTES)
    gate = Gate(token, [host, *names])
    try:
        WebServer(command, host=host, port=port, token=token, gate=gate).serve()
    except OSError as error:
        raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}") from None


def _notify(settings: Settings) -> str:
    if settings.bell and settings.notifications:
        return "both"
    return "bell" if settings.bell else "desktop" if settings.notifications else "none"
