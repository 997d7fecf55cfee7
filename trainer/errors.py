"""The one exception for mistakes a user can fix: one line saying what, where and how."""


class UserError(ValueError):
    """A mistake in the user's input. Commands print only its message and exit with 2."""
