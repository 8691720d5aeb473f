"""Values that must be equal on all nodes, although each node configures or generates its own."""

from roost.chat.applied import Applied
from roost.chat.commands.cluster import Configure, SetSecret, SetServicesHost
from roost.chat.dispatch import applies_command
from roost.chat.step import Step


@applies_command(Configure)
def configure(step: Step, command: Configure) -> Applied:
    """Adopt settings, unless a node only repeats those it had before."""
    state = step.state
    if not command.node or state.configured.get(command.node) != command.written:
        state.settings = command.settings
        if command.node:
            state.configured[command.node] = command.written
    return step.applied()


@applies_command(SetSecret)
def set_secret(step: Step, command: SetSecret) -> Applied:
    """Set the key of resume tokens; only the first one counts."""
    step.state.secret = step.state.secret or command.secret
    return step.applied()


@applies_command(SetServicesHost)
def set_services_host(step: Step, command: SetServicesHost) -> Applied:
    step.state.services_host = command.host
    return step.applied()
