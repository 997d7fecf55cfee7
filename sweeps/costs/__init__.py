"""What a sweep costs before it is spent: how long its runs take, and how much memory."""
