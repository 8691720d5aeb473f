"""Why a command failed: one line for the user, and an exit code.

CommandError            the command failed
 +-- UsageError         it cannot work as asked: flags, files, ports
 +-- UnreachableError   nothing answers where Roost was expected
"""

EXIT_UNREACHABLE = 1
EXIT_USAGE = 2


class CommandError(Exception):
    """A command failed; the user sees the text as one line, without a traceback."""

    exit_code = EXIT_UNREACHABLE


class UsageError(CommandError):
    """The command cannot succeed until the user changes something."""

    exit_code = EXIT_USAGE


class UnreachableError(CommandError):
    """Nothing answered."""

    exit_code = EXIT_UNREACHABLE
