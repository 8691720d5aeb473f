"""The identities of a cluster's processes.

A certificate carries an identity as a URI among the subject's alternative names:

    roost://<cluster>/<role>/<name>
"""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias, get_args

Role: TypeAlias = Literal["node", "balancer", "operator", "newcomer"]
"""A newcomer is a machine that joins; its name is the id of its token."""

_ROLES: tuple[Role, ...] = get_args(Role)
_SCHEME = "roost://"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
"""Names appear in file names, addresses and logs: the characters of host names, and "_"."""

NAME_HINT = "1 to 63 ASCII letters, digits, '.', '_' and '-', the first a letter or digit"
"""What `is_valid_name` accepts, for error messages."""


class Identity(NamedTuple):
    """A process of a cluster: its role, and its name within that role."""

    cluster: str
    role: Role
    name: str

    @property
    def uri(self) -> str:
        """The form that certificates carry."""
        return f"{_SCHEME}{self.cluster}/{self.role}/{self.name}"


Admission: TypeAlias = Callable[[Identity], str]
"""Returns why a peer is refused; empty when it is admitted."""


def is_valid_name(text: str) -> bool:
    """Return whether a cluster, node or balancer may have this name; see `NAME_HINT`."""
    return _NAME.fullmatch(text) is not None


def parse_identity(uri: str) -> Identity | None:
    """Parse an identity's URI; return None when it is not one."""
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
    """Return a rule that admits the cluster's processes of these roles."""

    def decide(peer: Identity) -> str:
        if peer.cluster != cluster:
            return f"it belongs to cluster {peer.cluster!r}, not to {cluster!r}"
        if peer.role not in roles:
            return f"it is a {peer.role}, a {' or '.join(roles)} is wanted here"
        return ""

    return decide
