"""How often a trial that raised, or whose worker was lost, is retried."""

from dataclasses import dataclass

from sweeps.trials.trial_queue import Block


@dataclass
class _Past:
    failures: int = 0
    step: int = -1


class Retries:
    """Grants each block `most` failures in a row without progress since the previous one.

    So an error that recurs at the same step soon ends the block, while vanishing spot machines are
    only a delay, since in between training resumes from its checkpoints.
    """

    def __init__(self, most: int):
        self._most = most
        self._past: dict[tuple[int, int], _Past] = {}

    def grants(self, block: Block, step: int) -> bool:
        """Whether to retry a block that has just failed at `step`."""
        past = self._past.setdefault(block.key, _Past())
        past.failures = 1 if step > past.step else past.failures + 1
        past.step = max(past.step, step)
        return past.failures <= self._most
