"""Everything that can go wrong in words a person can act on.

VolanoError
├── BadInput            what came in breaks a rule (4xx, exit code 2)
│   ├── BadBody         the envelope of a request cannot be read
│   ├── TooLarge        more than the limit
│   ├── BadFile         a file to import cannot be read as what it should be
│   └── BadRule         a condition is not in the language
├── NotAllowed          the key, session or token is not good for this
├── NotFound            no such thing
├── Busy                try again: the queue or the lock is taken
│   ├── Behind          more is acknowledged than the drain has brought home (429)
│   └── TooFast         one sender brings more than it may (429)
├── Unreachable         somebody else's server does not answer, or must not be asked
└── BrokenHome          the data directory is damaged, foreign or in use
"""

from __future__ import annotations


class VolanoError(Exception):
    """A sentence that names the thing that is wrong and the mend; `code` is its stable name.

    >>> BadBody("the body is not UTF-8", "not_utf8").code
    'not_utf8'
    """

    code = "error"

    def __init__(self, message: str = "", code: str = "") -> None:
        super().__init__(message)
        if code:  # narrower than the name of the class
            self.code = code

    @property
    def message(self) -> str:
        """The sentence."""
        return str(self)


class BadInput(VolanoError):
    """What came in breaks a rule."""

    code = "bad_input"


class BadBody(BadInput):
    """The envelope of a request cannot be read."""

    code = "bad_body"


class TooLarge(BadInput):
    """More than the limit."""

    code = "too_large"


class BadFile(BadInput):
    """A file to import cannot be read as what it should be."""

    code = "bad_file"


class BadRule(BadInput):
    """A condition is not in the language."""

    code = "bad_rule"


class NotAllowed(VolanoError):
    """The key, session or token is not good for this."""

    code = "not_allowed"


class NotFound(VolanoError):
    """No such thing."""

    code = "not_found"


class Busy(VolanoError):
    """Try again: the queue or the lock is taken."""

    code = "busy"


class Behind(Busy):
    """More is acknowledged than the drain has brought home: try again later."""

    code = "behind"


class TooFast(Busy):
    """One sender brings more than it may: it may come again after so many `seconds`."""

    code = "too_fast"

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class Unreachable(VolanoError):
    """Somebody else's server does not answer, or must not be asked."""

    code = "unreachable"


class BrokenHome(VolanoError):
    """The data directory is damaged, foreign or in use."""

    code = "broken_home"
