"""Real faults in the middle of real sweeps: `python -m tests.faults`."""
