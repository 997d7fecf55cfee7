"""Takes passwords out of what is shown or kept."""

import re

_PASSWORD = re.compile(r"(://[^\s:/@]*):\S*@")


def redact(text: str) -> str:
    """`text` with the password of every URL in it replaced by `***`.

    >>> redact("no answer from postgresql://me:secret@db:5432/runs")
    'no answer from postgresql://me:***@db:5432/runs'
    """
    return _PASSWORD.sub(r"\1:***@", text)
