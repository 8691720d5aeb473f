"""Turns a CHATHISTORY request into queries for the history store.

Source: ircv3.net/specs/extensions/chathistory, "Subcommands".
"""

from roost.chat.history import (
    KIND_EVENT,
    KIND_MESSAGE,
    KIND_REDACTED,
    KIND_REDACTED_TAGMSG,
    KIND_REDACTION,
    KIND_RENAME,
    KIND_TAGMSG,
    Anchor,
    Excerpt,
    Owner,
    Page,
    Targets,
)
from roost.chat.ids import Position
from roost.irc.capabilities import Capability
from roost.ircd.queries.history_selectors import Selection


def pages(
    selection: Selection,
    excerpts: tuple[Excerpt, ...],
    *,
    limit: int,
    kinds: tuple[int, ...],
) -> tuple[Page, ...]:
    """Return the pages to try in order, until one is not empty.

    There is only one page, except for BETWEEN with a message id and a time: only the history store
    knows which of the two is earlier. At most one of the two directions has messages.
    """

    def page(
        *,
        is_newest: bool,
        after: Anchor | None = None,
        before: Anchor | None = None,
        around: Anchor | None = None,
    ) -> Page:
        return Page(
            conversation=excerpts[0].conversation,
            limit=limit,
            is_newest=is_newest,
            after=after,
            before=before,
            around=around,
            kinds=kinds,
            from_position=excerpts[0].from_position,
            more=excerpts[1:],
        )

    first, second = selection.first, selection.second
    match selection.subcommand:
        case "BEFORE":
            return (page(is_newest=True, before=first),)
        case "AFTER":
            return (page(is_newest=False, after=first),)
        case "LATEST":
            return (page(is_newest=True, after=first),)
        case "AROUND":
            return (page(is_newest=False, around=first),)
    assert first is not None
    assert second is not None
    forwards = page(is_newest=False, after=first, before=second)
    backwards = page(is_newest=True, after=second, before=first)
    match _is_in_order(first, second):
        case True:
            return (forwards,)
        case False:
            return (backwards,)
    return (forwards, backwards)


_KINDS = (
    (KIND_MESSAGE, 0),
    (KIND_EVENT, Capability.EVENT_PLAYBACK),
    (KIND_TAGMSG, Capability.EVENT_PLAYBACK | Capability.MESSAGE_TAGS),
    (KIND_REDACTED, Capability.EVENT_PLAYBACK | Capability.MESSAGE_REDACTION),
    (KIND_REDACTION, Capability.EVENT_PLAYBACK | Capability.MESSAGE_REDACTION),
    (KIND_RENAME, Capability.EVENT_PLAYBACK | Capability.CHANNEL_RENAME),
    (
        KIND_REDACTED_TAGMSG,
        Capability.EVENT_PLAYBACK | Capability.MESSAGE_TAGS | Capability.MESSAGE_REDACTION,
    ),
)
"""Kinds of rows, each with the capabilities that a client needs for `render` to show it."""


def kinds_shown(capabilities: int) -> tuple[int, ...]:
    """Return the kinds of rows that a client is shown, so that a page is not filled by others."""
    return tuple(kind for kind, needed in _KINDS if capabilities & needed == needed)


def targets(
    selection: Selection,
    owners: tuple[Owner, ...],
    rooms: tuple[tuple[str, str, Position], ...],
    *,
    limit: int,
) -> Targets:
    """Return the query for conversations; it keeps the order of the two times."""
    assert selection.first is not None
    assert selection.second is not None
    return Targets(
        owners=owners,
        rooms=rooms,
        after_ms=selection.first.time_ms,
        before_ms=selection.second.time_ms,
        limit=limit,
    )


def _is_in_order(first: Anchor, second: Anchor) -> bool | None:
    """Return whether `first` is earlier; None if one is a message id and the other a time."""
    if (first.time_ms < 0) != (second.time_ms < 0):
        return None
    if first.time_ms < 0:
        return (first.position, first.part) <= (second.position, second.part)
    return first.time_ms <= second.time_ms
