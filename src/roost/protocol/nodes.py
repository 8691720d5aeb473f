"""What `roost members` shows: the nodes that belong to the cluster, and the tokens for new ones."""

from collections.abc import Callable, Collection

import msgspec

from roost.chat.state import State


class NodeView(msgspec.Struct, frozen=True, kw_only=True):
    """A node that belongs to the cluster, running or not."""

    name: str
    host: str
    """Where an administrator said that it is; empty if nobody did."""
    since_ms: int
    role: str = ""
    """"voter" or "learner"; empty if the nodes do not keep the log."""


class TokenView(msgspec.Struct, frozen=True, kw_only=True):
    """A token that a machine can still use."""

    node: str
    host: str
    expires_ms: int


class NodesView(msgspec.Struct, frozen=True, kw_only=True):
    """The nodes at one point of the log."""

    nodes: tuple[NodeView, ...]
    tokens: tuple[TokenView, ...]
    leaving: tuple[str, ...] = ()
    """Nodes that were removed, and that the log cannot do without yet."""


def view_nodes(state: State, voters: Collection[str], keepers: Collection[str]) -> NodesView:
    """Return what the state says; `keepers` keep the log, and `voters` of them vote."""

    def role(name: str) -> str:
        if not voters:
            return ""
        return "voter" if name in voters else "learner"

    return NodesView(
        nodes=tuple(
            NodeView(name=name, host=node.host, since_ms=node.since_ms, role=role(name))
            for name, node in state.nodes.items()
        ),
        leaving=tuple(name for name in keepers if name not in state.nodes),
        tokens=tuple(
            TokenView(node=token.node, host=token.host, expires_ms=token.expires_ms)
            for token in state.join_tokens.values()
            if not token.claim and token.expires_ms > state.time_ms
        ),
    )


encode_nodes: Callable[[NodesView], bytes] = msgspec.json.Encoder().encode
decode_nodes: Callable[[bytes], NodesView] = msgspec.json.Decoder(NodesView).decode
