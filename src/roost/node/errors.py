"""Why a node does not start, or ends by itself.

NodeError
 +-- StartError    something outside is not as it must be; the text says what to do
 +-- FailedError   the program itself is wrong; the process ends and the cluster goes on
"""


class NodeError(Exception):
    """The root of what running a node raises; its text is for people."""


class StartError(NodeError):
    """The node cannot start: a port, a directory, a certificate."""


class FailedError(NodeError):
    """An invariant broke while the node ran; what happened is in the log."""
