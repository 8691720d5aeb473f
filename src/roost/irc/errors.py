"""The ways in which a line can be invalid.

ParseError
  +-- EmptyLineError        nothing in it
  +-- NotUtf8Error          not UTF-8
  +-- ForbiddenByteError    NUL, CR or LF inside
  +-- MalformedError        no command where one must be
  +-- TagsTooLongError      more tag data than a client may send
  +-- LineTooLongError      more than 512 bytes without the tags
"""


class ParseError(Exception):
    """A line that is not a message; `command` is its command as far as it can be guessed."""

    def __init__(self, text: str, command: str = "") -> None:
        super().__init__(text)
        self.command = command


class EmptyLineError(ParseError):
    pass


class NotUtf8Error(ParseError):
    pass


class ForbiddenByteError(ParseError):
    pass


class MalformedError(ParseError):
    pass


class TagsTooLongError(ParseError):
    pass


class LineTooLongError(ParseError):
    pass
