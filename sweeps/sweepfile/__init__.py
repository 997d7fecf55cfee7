"""A sweep file as frozen data: reading, checks, overrides."""

from sweeps.sweepfile.reading import is_sweep_file, load_spec, spec_of
from sweeps.sweepfile.sections import Metric, Resources
from sweeps.sweepfile.spec import SweepSpec, as_mapping, check_name

__all__ = [
    "Metric",
    "Resources",
    "SweepSpec",
    "as_mapping",
    "check_name",
    "is_sweep_file",
    "load_spec",
    "spec_of",
]
