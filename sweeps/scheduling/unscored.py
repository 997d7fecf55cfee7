"""Runs that end before their last step, so that their scores are unknown: what the store keeps.

A run that was given up by hand is resumed when the sweep is run again. One that `early_stop` ended,
since none of its latents was in use, stays ended for as long as the sweep file says so. Both keep
their checkpoints.
"""

from collections.abc import Collection, Iterator

from sweeps.run_store import Store
from sweeps.sweepfile import SweepSpec


def give_up(store: Store, name: str, run: str) -> None:
    """Asks for the run of the sweep `name` to be given up; the sweep continues without it."""
    store.write_text(f"{_by_hand(name)}/{run}", "given up\n")


def given_up(store: Store, name: str) -> set[str]:
    """Ids of the runs that were given up since the sweep was begun or resumed."""
    return set(store.names(_by_hand(name)))


def take_up_again(store: Store, name: str) -> None:
    """Forgets which runs were given up."""
    for run in given_up(store, name):
        store.delete(f"{_by_hand(name)}/{run}")


def end_early(store: Store, name: str, run: str, why: str) -> None:
    """Records that the run was ended before its last step, and why."""
    store.write_text(f"{_early(name)}/{run}", f"{why}\n")


def ended_early(store: Store, spec: SweepSpec) -> set[str]:
    """Ids of the runs that `early_stop` ended; none once the sweep file no longer has it."""
    never = spec.early_stop.collapsed is None
    return set() if never else set(store.names(_early(spec.name)))


def collapsed(store: Store, spec: SweepSpec, scored: Collection[str]) -> set[str]:
    """As `ended_early`, of the settings of this search, without the runs that have a result."""
    early = ended_early(store, spec)
    own = [run for _, runs in store.recorded(spec) for run in runs.values()] if early else ()
    return early.intersection(own).difference(scored)


def unscored_in_words(store: Store, spec: SweepSpec, scored: Collection[str]) -> Iterator[str]:
    """What an answer from the runs `scored` does not know, in sentences; none for no such runs."""
    by_hand = len(given_up(store, spec.name).difference(scored))
    if by_hand:
        runs = "1 run was" if by_hand == 1 else f"{by_hand} runs were"
        yield f"{runs} given up by hand: the scores are unknown; run the sweep again to resume."
    early = len(collapsed(store, spec, scored))
    if early:
        runs = "1 run was" if early == 1 else f"{early} runs were"
        yield (
            f"{runs} ended early, with no latent in use: the scores of such runs are unknown; "
            "remove `early_stop` to train them to the end."
        )


def _by_hand(name: str) -> str:
    return f"sweeps/{name}/given_up"


def _early(name: str) -> str:
    return f"sweeps/{name}/ended_early"
