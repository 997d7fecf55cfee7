"""Removes passwords from text that is shown or stored."""

import re

_PASSWORD = re.compile(r"(://[^\s:/@]*):\S*@")
_IN_QUERY = re.compile(r"(?i)([?&;](?:password|passwd|pwd|token|secret|sslpassword)=)[^&;\s'\"]+")


def redact(text: str) -> str:
    """`text` with the password of every URL in it replaced by `***`.

    >>> redact("no answer from postgresql://me:secret@db:5432/runs")
    'no answer from postgresql://me:***@db:5432/runs'
    >>> redact("postgresql://db/runs?user=me&password=secret")
    'postgresql://db/runs?user=me&password=***'
    """
    return _IN_QUERY.sub(r"\1***", _PASSWORD.sub(r"\1:***@", text))


def holds_password(address: str) -> bool:
    """Whether an address has a password, or what may be one: a bare user name, such as a token."""
    netloc = address.partition("://")[2].partition("/")[0].partition("?")[0]
    return "@" in netloc or redact(address) != address
