"""Which nodes belong to the cluster: the registry that links, trunks and certificates are held to.

    FoundCluster --> the first nodes --AddNode, RedeemToken--> more --RemoveNode--> fewer

A node that belongs may be down for as long as it likes. One that was removed is refused by
everybody, although the authority signed its certificate. Who votes is not decided here.
"""

from roost.chat.administration import administers
from roost.chat.applied import Applied
from roost.chat.commands.administration import (
    AddNode,
    FoundCluster,
    RaiseVersion,
    RemoveNode,
    ShowNodes,
)
from roost.chat.dispatch import applies_command
from roost.chat.outcome import DONE, Ending, Outcome
from roost.chat.state import ClusterNode, State
from roost.chat.step import Step

NODES_MAX = 32
"""Every node is linked to every other. A link costs a node a thousandth of a core while nobody
speaks, so that all of them cost it less than a twentieth."""
NODES_MAX_1 = 8
"""How many there may be in version 1."""
NODE_NAME_CHARACTERS_MAX = 63
"""As long as a label of a host name."""


def nodes_max(version: int) -> int:
    """Return how many nodes a cluster of this version may have."""
    return NODES_MAX if version >= 2 else NODES_MAX_1


def why_not_admitted(state: State, name: str) -> Outcome | None:
    """Return why a node of this name cannot be added; None if it can."""
    if not 0 < len(name) <= NODE_NAME_CHARACTERS_MAX:
        return Outcome(Ending.NODE_NAME_INVALID, name)
    if name in state.nodes:
        return Outcome(Ending.NODE_EXISTS, name)
    if len(state.nodes) >= nodes_max(state.version):
        return Outcome(Ending.TOO_MANY_NODES, name, str(nodes_max(state.version)))
    return None


def admit_node(step: Step, name: str, host: str, key: str) -> None:
    """Let a node belong to the cluster; `why_not_admitted` was asked before."""
    step.state.nodes[name] = ClusterNode(step.position, step.time_ms, host, key)
    step.state.nodes_changed = step.position


def withdraw_tokens(state: State, node: str) -> None:
    """Forget the tokens for a node."""
    for number, token in list(state.join_tokens.items()):
        if token.node == node:
            del state.join_tokens[number]


def resettle(state: State, names: tuple[str, ...]) -> None:
    """Make a restored state that of a new cluster of these nodes."""
    those = names[: nodes_max(state.version)]
    state.nodes = {name: ClusterNode(state.position, state.time_ms) for name in those}
    state.nodes_changed = state.position
    state.configured = {
        name: written for name, written in state.configured.items() if name in state.nodes
    }
    state.join_tokens = {}
    state.outcomes = {}


@applies_command(FoundCluster)
def found_cluster(step: Step, command: FoundCluster) -> Applied:
    if not step.state.nodes:
        for name in command.nodes[: nodes_max(command.version)]:
            admit_node(step, name, "", "")
        step.state.version = max(step.state.version, command.version)
        step.state.founded_version = command.version
    return step.applied()


@applies_command(RaiseVersion)
def raise_version(step: Step, command: RaiseVersion) -> Applied:
    """Raise the cluster's version, if the nodes are those of which the proposer knew theirs."""
    state = step.state
    if command.nodes_changed == state.nodes_changed:
        state.version = max(state.version, command.version)
    return step.applied()


@administers(AddNode)
def add_node(step: Step, operation: AddNode) -> Outcome:
    refusal = why_not_admitted(step.state, operation.name)
    if refusal is None:
        withdraw_tokens(step.state, operation.name)
        admit_node(step, operation.name, operation.host, operation.key)
    return refusal or DONE


@administers(RemoveNode)
def remove_node(step: Step, operation: RemoveNode) -> Outcome:
    state, name = step.state, operation.name
    if name not in state.nodes:
        return Outcome(Ending.NODE_UNKNOWN, name, ", ".join(state.nodes))
    if len(state.nodes) == 1:
        return Outcome(Ending.LAST_NODE, name)
    withdraw_tokens(state, name)
    del state.nodes[name]
    state.configured.pop(name, None)
    state.nodes_changed = step.position
    return DONE


@administers(ShowNodes)
def show_nodes(_step: Step, _operation: ShowNodes) -> Outcome:
    return DONE
