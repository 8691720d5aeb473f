"""What the first frames of mesh links and trunks have in common.

`protocol` is how version 1 of the cluster calls itself on such a link, and stays as it is: a peer
of version 1 compares that number, and ignores the range of versions behind it. Peers that tell a
range talk as the highest version does that both know.
"""

from typing import Protocol, TypeAlias

from roost.chat.versions import VERSION, VERSION_MIN

Range: TypeAlias = tuple[int, int]
"""The oldest and the newest version of the cluster that a process speaks."""
SPEAKS: Range = (VERSION_MIN, VERSION)
SILENT: Range = (1, 1)
"""What a peer speaks that does not say so."""


class Greeting(Protocol):
    """The first frame of either side."""

    @property
    def protocol(self) -> int:
        """The version of the protocol."""

    @property
    def cluster(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def speaks(self) -> Range: ...


def check_greeting(greeting: Greeting, protocol: int, cluster: str, speaks: Range = SPEAKS) -> str:
    """Return why this side cannot talk to a peer; empty when it can."""
    if greeting.protocol != protocol:
        return f"it speaks version {greeting.protocol} of the protocol, we speak {protocol}"
    if not common_version(greeting.speaks, speaks):
        is_older = greeting.speaks[1] < speaks[0]
        return (
            f"it speaks version {_shown(greeting.speaks)} of the cluster, we speak "
            f"{_shown(speaks)}: upgrade {'it' if is_older else 'this side'}, one version at a time"
        )
    if greeting.cluster != cluster:
        return f"it belongs to cluster {greeting.cluster!r}, not to {cluster!r}"
    return ""


def check_name(greeting: Greeting, certified: str) -> str:
    """Return what is wrong with a peer's name, given the one in its certificate."""
    if greeting.name != certified:
        return f"it calls itself {greeting.name!r}, its certificate says {certified!r}"
    return ""


def common_version(theirs: Range, ours: Range = SPEAKS) -> int:
    """Return the version that two sides talk in, the highest that both know; 0 if there is none."""
    newest = min(theirs[1], ours[1])
    return newest if newest >= max(theirs[0], ours[0]) else 0


def _shown(speaks: Range) -> str:
    return str(speaks[0]) if speaks[0] == speaks[1] else f"{speaks[0]} to {speaks[1]}"
