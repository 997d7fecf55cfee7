"""The one exception for mistakes a user can mend: one line that says what, where and how."""


class UserError(ValueError):
    """A mistake in what the user gave. Commands print its message alone and exit with 2."""
