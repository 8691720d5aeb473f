"""NS, NICKSERV, CS, CHANSERV and so on: like a message to the service."""

from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.services import registry
from roost.ircd.serving.dispatch import Handler, command


def _asking(service: registry.Service) -> Handler:
    def ask(context: Context, message: Message) -> Result:
        return registry.answer(context, service, " ".join(message.parameters))

    return ask


for _service in registry.services():
    for _name in (_service.shortcut, _service.name.upper()):
        command(_name)(_asking(_service))
