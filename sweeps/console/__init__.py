"""What a user sees of a running sweep: progress, the log, and the inverted U at the end."""
