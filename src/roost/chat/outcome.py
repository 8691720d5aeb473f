"""How an administrator's request ended, as a value; `node/engine/administration.py` has the words.

These numbers are in snapshots: they are never given to another meaning.
"""

import enum

import msgspec


class Ending(enum.IntEnum):
    """The ends of a request; the comments tell what `subject` and `detail` hold."""

    DONE = 0
    NODE_EXISTS = 1  # the node's name
    TOKEN_UNKNOWN = 2  # no subject
    TOKEN_EXPIRED = 3  # the node's name, detail: when, in milliseconds
    TOKEN_USED = 4  # the node's name, detail: when, in milliseconds
    TOO_MANY_TOKENS = 5  # the node's name, detail: the limit
    TOKEN_INVALID = 6  # the node's name, detail: what about it
    NODE_UNKNOWN = 7  # the node's name, detail: the nodes that exist
    NODE_NAME_INVALID = 8  # the node's name
    TOO_MANY_NODES = 9  # the node's name, detail: the limit
    LAST_NODE = 10  # the node's name
    REFUSED = 30  # as in the refusal whose reason is `reason`


class Outcome(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The end of a request, and what it was about."""

    ending: Ending = Ending.DONE
    subject: str = ""
    detail: str = ""
    reason: int = 0
    """A `refusals.Reason`, for REFUSED."""


DONE = Outcome()
