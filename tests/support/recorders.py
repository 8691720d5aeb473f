"""Handlers of framed connections that record what they receive."""

from roost.wire.connection import FramedConnection


class Recorder:
    """Records what one connection receives."""

    def __init__(self, connection: FramedConnection) -> None:
        self.connection = connection
        self.bodies: list[bytes] = []
        self.reasons: list[str] = []

    def on_frame(self, body: bytes) -> None:
        assert not self.reasons, "a frame after the end"
        self.bodies.append(body)

    def on_closed(self, reason: str) -> None:
        self.reasons.append(reason)


class Side:
    """A factory that records its handlers."""

    def __init__(self) -> None:
        self.handlers: list[Recorder] = []

    def __call__(self, connection: FramedConnection) -> Recorder:
        handler = Recorder(connection)
        self.handlers.append(handler)
        return handler
