"""`surface`: searches beta and the latent size using the surface that the answer uses."""

from collections.abc import Iterator

from sweeps.search import candidates, cube
from sweeps.search.method import ATTEMPTS, Method, Past, Problem
from sweeps.search.space import Value
from trainer.config.schema import FieldError

FIRST = 8  # settings spread over the space before the surface is used
POSITIONS = ("beta", "beta_norm", "latents")


class Surface(Method):
    """A few settings spread over the space; a race chooses all further runs.

    In the race, new settings compete with more seeds of tried ones for the same runs
    (`sweeps.scheduling.race`).
    """

    uses_scores = True

    def __init__(self, problem: Problem):
        super().__init__(problem)
        self._points = cube.sobol(len(problem.parameters), problem.seed)

    @classmethod
    def count(cls, problem: Problem, wanted: int | None) -> int:
        """The number of candidates, or `wanted` if fewer. Raises FieldError for other spaces."""
        for name, parameter in problem.parameters.items():
            if name not in POSITIONS and parameter.value is None:
                which = "`surface` searches beta and latents alone; try `bayes` or `grid`"
                raise FieldError(which, (name,))
            if name.startswith("beta") and parameter.choices and 0 in parameter.choices:
                raise FieldError("`surface` searches log(beta): leave 0 out", (name, "values"))
        there_are = candidates.count(problem.parameters)
        return there_are if wanted is None else min(wanted, there_are)

    @classmethod
    def proposed(cls, problem: Problem, count: int) -> int:
        """The first few settings."""
        return min(count, FIRST)

    def proposals(self, number: int, past: Past) -> Iterator[dict[str, Value]]:
        """The next points of a Sobol sequence."""
        return cube.settings_at(self.problem.parameters, self._points, ATTEMPTS)
