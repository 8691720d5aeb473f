"""Which versions the nodes speak, and when the cluster's version is raised.

    PeerConnected(version) --> all nodes that belong can --> the leader proposes RaiseVersion
                                                                 |
    the log holds what is new, and links need that version <--- applied

A node proposes nothing that the cluster's version does not have, although it could. One that cannot
speak the cluster's version applies nothing more, and is `outdated`.
"""

from collections.abc import Collection, Iterator

from roost.chat.commands import Command
from roost.chat.commands.administration import FoundCluster, RaiseVersion
from roost.chat.commands.cluster import Configure
from roost.chat.settings import UNCHANGED, Settings, written
from roost.chat.state import State
from roost.chat.versions import VERSION_MIN, settings_as_of
from roost.log import Log
from roost.node.engine.effects import LogEvent, RememberVersion

UPGRADE_THIS = "upgrade Roost on this node, as docs/upgrading.md says"


class Versions:
    """What this node and its neighbours speak, and this node's settings at each version."""

    def __init__(self, name: str, newest: int, settings: Settings) -> None:
        """`newest` is what this node speaks."""
        self._name = name
        self._newest = newest
        self._peers: dict[str, int] = {}
        self._remembered = VERSION_MIN
        self._heard = 0
        """The cluster's version, as a neighbour said that refused this node."""
        self._configures = {
            version: _configure(name, settings_as_of(settings, version))
            for version in range(VERSION_MIN, newest + 1)
        }

    def peer_connected(self, peer: str, newest: int) -> None:
        """Note what a linked neighbour speaks."""
        self._peers[peer] = newest
        self._heard = 0

    def refused(self, version: int) -> None:
        """Note that a neighbour says that this node does not speak the cluster's version."""
        self._heard = version

    def peer_disconnected(self, peer: str) -> None:
        """Forget it: the neighbour may come back with another one."""
        self._peers.pop(peer, None)

    def look(self, state: State, log: Log) -> Iterator[RememberVersion | LogEvent]:
        """Yield what follows from a version that is higher than at the last call."""
        if state.version > self._remembered:
            self._remembered = state.version
            log.note_version(state.version)
            yield RememberVersion(state.version)
            yield LogEvent("info", "version", {"version": state.version})

    def to_raise(self, state: State, log: Log, founders: tuple[str, ...]) -> Iterator[Command]:
        """Yield what a leader proposes, until it applies; `founders` are the first nodes."""
        if not state.nodes:
            # A founder that is not here yet and cannot speak this will be told so.
            yield FoundCluster(founders, min(self._newest, *self._peers.values(), self._newest))
            return
        others = [one for one in (*state.nodes, *log.members) if one != self._name]
        common = min(self._newest, *(self._peers.get(one, 0) for one in others), self._newest)
        if common > state.version:
            yield RaiseVersion(common, state.nodes_changed)

    def fault(self, state: State, linked: Collection[str]) -> str:
        """Return why this node cannot take part; empty if it can.

        What neighbours say only counts while none lets this node in.
        """
        version = max(state.version, 0 if linked else self._heard)
        if version <= self._newest:
            return ""
        return (
            f"the cluster is at version {version}, and this node speaks up to "
            f"{self._newest}: {UPGRADE_THIS}"
        )

    # This node's settings

    def to_configure(self, state: State) -> Configure | None:
        """Return the proposal of this node's settings, if they are not what it proposed last.

        The state holds what each node proposed. So when configurations differ, the one that was
        changed last counts, and a mere restart changes nothing. Only an up-to-date `state` can
        tell.
        """
        configure = self._configures.get(state.version)
        if configure is None or self._proposed(state) == configure.written:
            return None
        return configure

    def is_configured(self, state: State) -> bool:
        """Return whether the settings apply, apart from what the cluster has just learnt.

        A cluster that was founded at its version has learnt nothing: all settings count at once.
        """
        proposed = self._proposed(state)
        if not state.nodes:
            # Its version is not known yet.
            return all(proposed == configure.written for configure in self._configures.values())
        return any(
            state.founded_version <= version <= state.version and proposed == configure.written
            for version, configure in self._configures.items()
        )

    def _proposed(self, state: State) -> str:
        return state.configured.get(self._name, UNCHANGED)


def _configure(name: str, settings: Settings) -> Configure:
    return Configure(settings, name, written(settings))
