"""What a command can fail with: one line for the person who typed it, and an exit code.

CommandError            the command could not be done
 +-- UsageError         it was asked for in a way that cannot work: flags, files, ports
 +-- UnreachableError   nothing answers where Roost was expected
"""

EXIT_UNREACHABLE = 1
EXIT_USAGE = 2


class CommandError(Exception):
    """A command failed; its text is shown as one line, without a traceback."""

    exit_code = EXIT_UNREACHABLE


class UsageError(CommandError):
    """Trying again will not help before something is changed."""

    exit_code = EXIT_USAGE


class UnreachableError(CommandError):
    """Nothing answered."""

    exit_code = EXIT_UNREACHABLE
