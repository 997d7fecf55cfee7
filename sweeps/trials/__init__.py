"""Trials: the queue of them, what runs in one, retries, and how they are stopped."""
