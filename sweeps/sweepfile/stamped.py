"""The checksum in the first line of a stored sweep file, which detects changes."""

import hashlib
import re

_LINE = re.compile(r"\A# SHA-256 of what follows: ([0-9a-f]{64})\n")


def stamped(text: str) -> str:
    """The text with its checksum on top, instead of an earlier one.

    >>> was_changed(stamped("name: mine").replace("mine", "ours"))
    True
    """
    bare = without_stamp(text)
    return f"# SHA-256 of what follows: {_hash(bare)}\n{bare}"


def without_stamp(text: str) -> str:
    """The text without a checksum."""
    return _LINE.sub("", text)


def was_changed(text: str) -> bool:
    """Whether the text differs from what was stamped; false without a checksum."""
    found = _LINE.match(text)
    return found is not None and found[1] != _hash(text[found.end() :])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
