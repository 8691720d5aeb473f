"""What the first frames of mesh links and trunks have in common."""

from typing import Protocol


class Greeting(Protocol):
    """The first frame of either side."""

    @property
    def protocol(self) -> int:
        """The version of the protocol."""

    @property
    def cluster(self) -> str: ...

    @property
    def name(self) -> str: ...


def check_greeting(greeting: Greeting, protocol: int, cluster: str) -> str:
    """Return why this side cannot talk to a peer; empty when it can."""
    if greeting.protocol != protocol:
        return f"it speaks version {greeting.protocol} of the protocol, we speak {protocol}"
    if greeting.cluster != cluster:
        return f"it belongs to cluster {greeting.cluster!r}, not to {cluster!r}"
    return ""


def check_name(greeting: Greeting, certified: str) -> str:
    """Return what is wrong with a peer's name, given the one in its certificate."""
    if greeting.name != certified:
        return f"it calls itself {greeting.name!r}, its certificate says {certified!r}"
    return ""
