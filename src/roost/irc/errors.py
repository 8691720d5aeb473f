"""What can be wrong with a line.

ParseError
  +-- EmptyLineError        nothing in it
  +-- NotUtf8Error          not UTF-8
  +-- ForbiddenByteError    NUL, CR or LF inside
  +-- MalformedError        no command where one must be
  +-- TagsTooLongError      more tag data than a client may send
  +-- LineTooLongError      more than 512 bytes beside the tags
"""


class ParseError(Exception):
    """A line that is no message; `command` is its command as far as it could be told, or ""."""

    def __init__(self, text: str, command: str = "") -> None:
        super().__init__(text)
        self.command = command


class EmptyLineError(ParseError):
    """There is nothing in the line."""


class NotUtf8Error(ParseError):
    """The line is not UTF-8."""


class ForbiddenByteError(ParseError):
    """NUL, CR or LF inside the line."""


class MalformedError(ParseError):
    """There is no command where one must be."""


class TagsTooLongError(ParseError):
    """The tags are longer than a client may send."""


class LineTooLongError(ParseError):
    """The line without its tags is longer than 512 bytes."""
