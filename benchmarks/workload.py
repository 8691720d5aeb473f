"""What a workload is, and what its figures are called."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from benchmarks.generator import Talk
from benchmarks.systems import System

Figures = dict[str, float]


class Scale(msgspec.Struct, frozen=True):
    """How much is measured; less shows only that everything works."""

    divisor: int = 1
    """By what the numbers of clients and messages are divided."""
    seconds: float = 5.0
    """The duration of a talk."""

    @property
    def is_full(self) -> bool:
        """Whether the figures mean what the report says."""
        return self.divisor == 1

    def count(self, full: int, of: int = 1) -> int:
        """Return how many there are instead of `full`: a multiple of `of`, and at least two."""
        return max(full // self.divisor // of, 2 if of == 1 else 1) * of

    def rate(self, full: float) -> float:
        """Return how many messages a second are sent instead of `full`."""
        return max(full / self.divisor, 1.0)


QUICK = Scale(divisor=20, seconds=1.0)


class Workload(msgspec.Struct, frozen=True):
    """One workload."""

    name: str
    title: str
    run: Callable[[Path, System, Scale], Figures]
    systems: tuple[str, ...]
    is_repeated: bool = True
    """Whether to run it several times; otherwise it repeats what it can by itself."""


def figures_of(talk: Talk, seconds: float, suffix: str = "") -> Figures:
    """Return the figures of a talk of a duration, with a suffix to their names."""
    figures = {
        "cost_us": talk.cost_us,
        "p50_ms": talk.p50_ms,
        "p99_ms": talk.p99_ms,
        "lost": float(talk.missing + talk.unsent),
        "disorder": float(talk.gaps + talk.repeats),
        "generator_cores": talk.own_seconds / talk.seconds,
        "system_cores": talk.system_seconds / seconds,
    }
    return {f"{name}{suffix}": figure for name, figure in figures.items()}
