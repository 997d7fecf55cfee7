"""Real servers for tests: S3, Postgres, MLflow, and a proxy that makes any of them fail.

Each is a context manager on a free port of the loopback; what it started ends with it.
`tests/conftest.py` has fixtures that share one of each over a test session.
"""
