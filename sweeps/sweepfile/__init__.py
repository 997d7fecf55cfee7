"""A sweep file as frozen data: read, checked, overridden."""

from sweeps.sweepfile.spec import (
    Metric,
    Resources,
    SweepSpec,
    as_mapping,
    check_name,
    load_spec,
    spec_of,
)

__all__ = [
    "Metric",
    "Resources",
    "SweepSpec",
    "as_mapping",
    "check_name",
    "load_spec",
    "spec_of",
]
