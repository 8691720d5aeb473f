"""The look of what people say: messages of one line or several, and typing notices.

Source: modern.ircdocs.horse, "Sending Messages"; ircv3.net/specs/extensions/multiline.
"""

from roost.chat.changes import Said
from roost.chat.ids import Position
from roost.irc.capabilities import Capability
from roost.irc.message import encode_tags
from roost.ircd.rendering.line import Line
from roost.ircd.rendering.lines import encode, event_tags, fit, hostmask, message_tags
from roost.ircd.rendering.viewer import At
from roost.protocol.mesh import Whisper

_MESSAGE_TAGS = Capability.MESSAGE_TAGS.value
_RELAYMSG = Capability.RELAYMSG.value
_MULTILINE = Capability.MULTILINE.value


def encode_said(said: Said, position: Position, time_ms: int, capabilities: int) -> bytes:
    """Encode the lines of a message: at once if it is plain, as most are."""
    if said.breaks or said.tags or said.relayer or said.verb == "TAGMSG":
        at = At(position, time_ms, "")
        return b"".join([encode(line) for line in lines_of_said(said, at, capabilities)])
    source = said.source
    who = f"{source.nick}!{source.username}@{source.host}"
    text = fit(f":{who} {said.verb} {said.target} :{said.text}")
    tags = message_tags(source, said.part, position, time_ms, capabilities)
    return f"@{tags} {text}\r\n".encode() if tags else f"{text}\r\n".encode()


def lines_of_said(change: Said, at: At, capabilities: int) -> list[Line]:
    """Write a message; one of several lines becomes a batch, or several messages."""
    source = change.source
    tags = message_tags(source, change.part, at.position, at.time_ms, capabilities)
    if change.tags and capabilities & _MESSAGE_TAGS:
        tags += ";" + encode_tags(change.tags)
    if change.relayer and capabilities & _RELAYMSG:
        relayed = encode_tags((("draft/relaymsg", change.relayer),))
        tags += f";{relayed}" if tags else relayed
    head = f":{source.nick}!{source.username}@{source.host} {change.verb} {change.target}"
    if change.verb == "TAGMSG":
        return [Line(tags, fit(head))] if capabilities & _MESSAGE_TAGS else []
    if change.breaks:
        return _several_lines(change, at, capabilities, tags, f"{head} :")
    return [Line(tags, fit(f"{head} :{change.text}"))]


def _several_lines(change: Said, at: At, capabilities: int, tags: str, head: str) -> list[Line]:
    """Write a batch, or the multiline specification's "Fallback" for other clients."""
    if not capabilities & _MULTILINE:
        told: list[Line] = []
        # "Tags MAY also be included on subsequent lines", but not the id: a reply stays a reply.
        later = event_tags(change.source, at.time_ms, capabilities)
        if change.tags and capabilities & _MESSAGE_TAGS:
            later += (";" if later else "") + encode_tags(change.tags)
        for text, _ in _pieces(change):
            if text:
                told.append(Line(tags if not told else later, fit(head + text)))
        return told
    who = f":{hostmask(change.source)}"
    reference = f"m{at.position:x}-{change.part:x}"
    inner = [
        Line("draft/multiline-concat" if is_continued else "", fit(head + text), reference)
        for text, is_continued in _pieces(change)
    ]
    begin = fit(f"{who} BATCH +{reference} draft/multiline {change.target}")
    return [Line(tags, begin), *inner, Line("", f"{who} BATCH -{reference}")]


def _pieces(change: Said) -> list[tuple[str, bool]]:
    """Split a text of several lines: each part, and whether it continues the one before it."""
    ends = [*change.breaks[1:], len(change.text) + 1]
    first = change.text[: change.breaks[0]]
    found = [(first.removesuffix("\n"), False)]
    for start, end in zip(change.breaks, ends, strict=True):
        is_continued = change.text[start - 1] != "\n"
        found.append((change.text[start:end].removesuffix("\n"), is_continued))
    return found


def lines_of_whisper(whisper: Whisper, capabilities: int) -> list[Line]:
    """Write a typing notice; no lines for a client without message-tags."""
    if not capabilities & _MESSAGE_TAGS:
        return []
    tags = event_tags(whisper.source, whisper.time_ms, capabilities)
    separator = ";" if tags else ""
    text = f":{hostmask(whisper.source)} TAGMSG {whisper.target}"
    return [Line(f"{tags}{separator}{encode_tags(whisper.tags)}", fit(text))]
