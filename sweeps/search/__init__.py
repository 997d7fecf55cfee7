"""The search space, and the methods that propose its settings and are told their scores."""
