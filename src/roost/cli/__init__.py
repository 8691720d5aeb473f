"""The command line: it reads files and flags, and starts what the other packages are.

Nothing below this package reads a configuration file. Each command lives in a module of its own
and is imported only when it is called.
"""

__all__ = ["main"]
