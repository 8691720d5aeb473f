"""Checks that the configuration objects share."""

import msgspec


def check_limits(
    config: msgspec.Struct,
    *,
    at_least_1: tuple[str, ...] = (),
    positive: tuple[str, ...] = (),
    not_negative: tuple[str, ...] = (),
) -> None:
    """Check fields by name.

    Raises:
        ValueError: A field is too low; the text names it.
    """
    for name in at_least_1:
        if getattr(config, name) < 1:
            raise ValueError(f"{name} must be at least 1")
    for name in positive:
        if getattr(config, name) <= 0:
            raise ValueError(f"{name} must be more than 0")
    for name in not_negative:
        if getattr(config, name) < 0:
            raise ValueError(f"{name} must not be negative")
