"""The commands of `sweep`, one file each: `execute(args)` does it and returns the exit code."""
