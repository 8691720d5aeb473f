"""Turn the model's state into `Saved`, which outlives the program, and back."""

from roost.client.model import SERVER_KEY, ConversationKind, Delivery, Model, passwords
from roost.client.model.intents import apply_ignored, want
from roost.client.model.rules import Level
from roost.client.model.speech import open_private
from roost.client.settings import Saved

TYPED_KEPT = 50
"""How many typed lines each conversation keeps."""


def remember(model: Model, saved: Saved) -> None:
    """Copy what is worth keeping from the model to `saved`."""
    rooms, private = [], []
    for key in model.order:
        conversation = model.conversations[key]
        if conversation.kind is ConversationKind.ROOM:
            if conversation.is_joined or conversation.is_joining:
                rooms.append(conversation.target)
        elif conversation.kind is ConversationKind.PRIVATE:
            private.append(conversation.target)
        if conversation.read_ms:
            saved.read_ms[key] = conversation.read_ms
    rooms.extend(name for name in model.rooms_wanted if name not in rooms)
    saved.nick = model.wanted_nick
    saved.rooms, saved.private = rooms, private
    saved.ignored = list(model.ignored)
    saved.highlight_words = list(model.rules.words)
    saved.levels = {name: level.value for name, level in model.rules.levels.items()}
    saved.last_live_ms = model.last_live_ms
    saved.active = model.active
    saved.typed = {key: lines[-TYPED_KEPT:] for key, lines in model.typed.items() if lines}
    # Drafts of an earlier run stay for rooms that could not be joined in this one.
    saved.drafts = dict(model.saved_drafts)
    for key, conversation in model.conversations.items():
        if conversation.draft and not passwords.find(conversation.target, conversation.draft):
            saved.drafts[key] = conversation.draft
    unsent: dict[str, list[str]] = {}
    for message in model.outgoing.values():
        is_kept = not message.was_written and not message.secret
        if message.entry.delivery is not Delivery.SENDING and is_kept:
            unsent.setdefault(message.key, []).append(message.entry.text)
    saved.unsent = unsent


def recall(model: Model, saved: Saved) -> None:
    """Restore what was saved into a new model, before it connects.

    What was typed and never sent becomes a draft: after hours, the user decides whether to send it.
    """
    for name in saved.rooms:
        if name not in model.rooms_wanted:
            want(model, name, "")
    for nick in saved.private:
        open_private(model, nick)
    for mask in saved.ignored:
        if mask not in model.ignored:
            model.ignored.append(mask)
    apply_ignored(model)
    for word in saved.highlight_words:
        if word not in model.rules.words:
            model.rules.words.append(word)
    model.watch_words()
    known = {level.value: level for level in Level}
    for name, value in saved.levels.items():
        if value in known:
            model.rules.levels[name] = known[value]
    model.last_live_ms = saved.last_live_ms
    model.typed.update({key: list(lines) for key, lines in saved.typed.items()})
    model.saved_reads = dict(saved.read_ms)
    drafts = dict(saved.drafts)
    for key, lines in saved.unsent.items():
        drafts[key] = "\n".join([*lines, drafts[key]] if key in drafts else lines)
    model.saved_drafts = drafts
    for key, conversation in model.conversations.items():
        if key != SERVER_KEY:
            model.restore(conversation)
