"""Roost: a distributed chat system of identical nodes behind one door."""

__version__ = "0.1.0"
