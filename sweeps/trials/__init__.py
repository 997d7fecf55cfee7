"""Trials: their queue, what runs in one, retries, and stopping."""
