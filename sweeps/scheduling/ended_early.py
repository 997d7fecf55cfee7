"""The runs that `early_stop` ended one by one, since none of their latents was in use."""

from sweeps.run_store import Store
from sweeps.sweepfile import SweepSpec


def end_early(store: Store, name: str, run: str, why: str) -> None:
    """Records that the run was ended before its last step, and why."""
    store.write_text(f"{_key(name)}/{run}", f"{why}\n")


def ended_early(store: Store, spec: SweepSpec) -> set[str]:
    """Ids of the runs that `early_stop` ended; none once the sweep file no longer has it."""
    never = spec.early_stop.collapsed is None
    return set() if never else set(store.names(_key(spec.name)))


def _key(name: str) -> str:
    return f"sweeps/{name}/ended_early"
