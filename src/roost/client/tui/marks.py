"""The symbols beside entries, people and rooms, each with the name of its palette style."""

from roost.client.model import Delivery

MARKS: dict[Delivery, tuple[str, str]] = {
    Delivery.RECEIVED: (" ", "text"),
    Delivery.WAITING: ("\u25cc", "warning"),
    Delivery.SENDING: ("\u2026", "muted"),
    Delivery.DELIVERED: ("\u2713", "success"),
    Delivery.FAILED: ("\u2717", "error"),
}

EVENT_MARKS: dict[str, tuple[str, str]] = {
    "join": ("\u2192", "success"),
    "part": ("\u2190", "muted"),
    "quit": ("\u2190", "muted"),
    "kick": ("\u2190", "error"),
    "nick": ("\u21c4", "primary"),
    "topic": ("\u270e", "primary"),
    "mode": ("\u2699", "muted"),
    "rename": ("\u21c4", "primary"),
}

HERE = ("\u25cf", "success")
AWAY = ("\u25cb", "warning")
GONE = ("\u00b7", "muted")
