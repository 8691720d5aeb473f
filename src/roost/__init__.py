"""Roost: a distributed chat system of identical nodes behind one door."""

from roost import compiled

__version__ = "0.1.0"

compiled.install()
