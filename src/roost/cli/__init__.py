"""The command line: reads files and flags, and runs the other packages.

No other package reads a configuration file. Each command has a module of its own, which is imported
only when the command is called.
"""

__all__ = ["main"]
