"""The store: where finished runs and the settings of sweeps live, in a folder or on S3."""

from sweeps.store.store import Store, report_key, run_key, spec_key

__all__ = ["Store", "report_key", "run_key", "spec_key"]
