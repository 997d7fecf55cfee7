"""What a person sees of a sweep at work: progress, the log, and the inverted U at the end."""
