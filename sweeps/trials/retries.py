"""How often a trial that raised, or whose worker was lost, is tried again."""

from dataclasses import dataclass

from sweeps.trials.trial_queue import Block


@dataclass
class _Past:
    failures: int = 0
    step: int = -1


class Retries:
    """Grants each block `most` failures in a row that got no further than the one before.

    So a mistake that comes again at the same step ends the block soon, and spot machines that
    vanish are only a delay, for between two of them the training continues from its checkpoints.
    """

    def __init__(self, most: int):
        self._most = most
        self._past: dict[tuple[int, int], _Past] = {}

    def grants(self, block: Block, step: int) -> bool:
        """Whether to try again a block that has just failed at `step`."""
        past = self._past.setdefault(block.key, _Past())
        past.failures = 1 if step > past.step else past.failures + 1
        past.step = max(past.step, step)
        return past.failures <= self._most
