"""Why a node does not start, or ends by itself.

NodeError
 +-- StartError    its environment prevents it from starting; the text says how
 +-- FailedError   there is a bug; the process ends and the rest of the cluster goes on
"""


class NodeError(Exception):
    """The base of the errors that running a node raises; their texts are for people."""


class StartError(NodeError):
    """The node cannot start, for example because of a port, a directory or a certificate."""


class FailedError(NodeError):
    """An invariant broke while the node ran; the log says which."""
