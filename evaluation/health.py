"""What became of a model: whether its latents are used, and whether training was long enough."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.files import parse_json
from trainer.run_files import HISTORY_FILE

LIVE = 0.01  # nats; Duan et al. 2020 leave out latents of less
_NO_BETTER = 0.99  # of the squared error of the mean image
_LAST = 0.25  # the part of training that is looked at
_FALLING = 0.01  # of all that the loss fell, within that part
_FEWEST = 10  # records to look at


@dataclass(frozen=True)
class Health:
    """Of one run, as "health" of result.json has it.

    live_latents: number of latents that the posterior does not leave at the prior (see `live`).
    collapsed: there is none. diverged: training or the model's figures were not finite, so that
        nothing else is known. unconverged: the loss was still falling when training ended.
    worse_than_mean_image: reconstructs no better, in squared error, than one image for all, the
        mean, would.
    """

    live_latents: int
    collapsed: bool
    diverged: bool
    unconverged: bool
    worse_than_mean_image: bool

    def as_record(self) -> dict[str, Any]:
        """As result.json has it."""
        return dataclasses.asdict(self)


DIVERGED = Health(0, False, True, False, False)


def live(
    kl_per_latent: NDArray[np.float64], information_per_latent: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which latents (..., M) carry something, from their mean KL and information in nats.

    More than 0.01 nats of KL from the model's own prior (Duan et al. 2020), and of information on
    the image: a posterior that is the same for all images, wherever it lies, carries nothing.
    """
    return np.minimum(kl_per_latent, information_per_latent) > LIVE


def health(
    alive: NDArray[np.bool_],
    relative_error: float,
    history: Mapping[str, Sequence[Any]] | None,
    reconstructs: bool = True,
) -> Health:
    """The health of a model with finite figures.

    alive: (M,). relative_error: squared error of its reconstructions over that of the mean image.
    history: what `read_history` gives. reconstructs: whether it is trained to, so that error and
        loss say how good it is; those of a game (InfoGAN) do not.
    """
    return Health(
        live_latents=int(alive.sum()),
        collapsed=not alive.any(),
        diverged=False,
        unconverged=reconstructs and history is not None and still_falling(history["loss"]),
        worse_than_mean_image=reconstructs and relative_error > _NO_BETTER,
    )


def read_history(folder: Path) -> dict[str, list[Any]] | None:
    """The records of training of a run; None where there are none that can be read."""
    try:
        history = parse_json((folder / HISTORY_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    usable = isinstance(history, dict) and isinstance(history.get("loss"), list)
    return history if usable else None


def still_falling(loss: Sequence[float]) -> bool:
    """Whether a loss, recorded at equal distances, falls at the end: training was too short.

    Of its last quarter (ten records at least) a line must fall by more than 1 % of all that the
    loss fell before, and by more than two standard errors of its slope. Fewer than ten records are
    of fewer than ten steps, which is too short for any model.
    """
    if len(loss) < _FEWEST:
        return True
    window = max(_FEWEST, round(_LAST * len(loss)))
    y = np.asarray(loss[-window:], np.float64)
    x = np.linspace(-0.5, 0.5, window)
    slope = float(x @ y / (x @ x))
    residual = y - y.mean() - slope * x
    error = float(np.sqrt(residual @ residual / (window - 2) / (x @ x)))
    whole = max(float(loss[0] - y.mean()), 0.0)
    rounding = 1e-9 * float(np.abs(y).max())
    return -slope > max(2 * error, _FALLING * whole, rounding)
