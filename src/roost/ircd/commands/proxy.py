"""PROXY: a proxy's header from an address that the balancer does not trust.

The connection is closed with a word. Otherwise everybody behind the proxy would come in with its
address, and nobody would notice that `proxy_from` lacks it.

Source: haproxy.org, doc/proxy-protocol.txt.
"""

from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.serving.dispatch import command


@command("PROXY", is_before_registration=True, is_after_registration=False)
def proxy(context: Context, _message: Message) -> Result:
    context.session.end_reason = "PROXY headers are not accepted from your address"
    return None
