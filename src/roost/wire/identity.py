"""Who a process of a cluster is, as its certificate says it.

An identity stands in a certificate as a URI in the subject's alternative names:

    roost://<cluster>/<role>/<name>
"""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias, get_args

Role: TypeAlias = Literal["node", "balancer", "operator"]

_ROLES: tuple[Role, ...] = get_args(Role)
_SCHEME = "roost://"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
"""Names go into file names, addresses and logs: what a host name's label may hold, and dots."""

NAME_HINT = "1 to 63 ASCII letters, digits, '.', '_' and '-', the first a letter or digit"
"""What `is_valid_name` accepts, for error texts."""


class Identity(NamedTuple):
    """A process's place in the world."""

    cluster: str
    role: Role
    name: str

    @property
    def uri(self) -> str:
        """The form that stands in a certificate."""
        return f"{_SCHEME}{self.cluster}/{self.role}/{self.name}"


Admission: TypeAlias = Callable[[Identity], str]
"""Decides whether a peer may talk to us: empty when it may, else the reason why not."""


def is_valid_name(text: str) -> bool:
    """Tell whether a cluster, node or balancer may be called so; see `NAME_HINT`."""
    return _NAME.fullmatch(text) is not None


def parse_identity(uri: str) -> Identity | None:
    """Read an identity's URI; None when it is not one."""
    if not uri.startswith(_SCHEME):
        return None
    parts = uri[len(_SCHEME) :].split("/")
    if len(parts) != 3:
        return None
    cluster, role, name = parts
    if not is_valid_name(cluster) or not is_valid_name(name):
        return None
    for known in _ROLES:
        if role == known:
            return Identity(cluster, known, name)
    return None


def admit(cluster: str, *roles: Role) -> Admission:
    """Make the rule that admits everybody of these roles in the cluster."""

    def decide(peer: Identity) -> str:
        if peer.cluster != cluster:
            return f"it belongs to cluster {peer.cluster!r}, not to {cluster!r}"
        if peer.role not in roles:
            return f"it is a {peer.role}, a {' or '.join(roles)} is wanted here"
        return ""

    return decide
