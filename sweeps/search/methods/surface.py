"""`surface`: searches beta and the latent size using the surface that the answer uses."""

from collections.abc import Iterator
from dataclasses import replace

from sweeps.search import candidates, cube
from sweeps.search.method import ATTEMPTS, Method, Past, Problem
from sweeps.search.space import Parameter, Value
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
        self._spread = {name: _stepped(p) for name, p in problem.parameters.items()}

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
        """The next points of a Sobol sequence; of a range with `points`, its points alone."""
        spread = cube.settings_at(self._spread, self._points, ATTEMPTS)
        yield from (setting for setting in spread if setting not in past.parameters)
        rest = candidates.all_of(self.problem.parameters)
        yield from (setting for setting in rest if setting not in past.parameters)


def _stepped(parameter: Parameter) -> Parameter:
    """The parameter with its points as values, if it has any."""
    if parameter.points is None:
        return parameter
    return replace(
        parameter, min=None, max=None, distribution=None, points=None, values=parameter.grid()
    )
