"""The health of a model: whether its latents are used, and whether training was long enough."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.files import parse_json
from trainer.live_latents import LIVE
from trainer.run_files import HISTORY_FILE

_NO_BETTER = 0.99  # of the squared error of the mean image
_LAST = 0.25  # the final part of training that is examined
_FALLING = 0.01  # of the loss's total fall, within that part
_MIN_RECORDS = 10  # records to examine


@dataclass(frozen=True)
class Health:
    """Health of one run, as in "health" of result.json.

    live_latents: number of latents whose posterior differs from the prior (see `live`).
    collapsed: there are none. diverged: training or the model's results were not finite, so that
    nothing else is known. unconverged: the loss was still falling when training ended.
    worse_than_mean_image: reconstructs no better, in squared error, than the mean image would.
    """

    live_latents: int
    collapsed: bool
    diverged: bool
    unconverged: bool
    worse_than_mean_image: bool

    def as_record(self) -> dict[str, Any]:
        """As in result.json."""
        return dataclasses.asdict(self)


DIVERGED = Health(0, False, True, False, False)


def live(
    kl_per_latent: NDArray[np.float64], information_per_latent: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which latents (..., M) are informative, from their mean KL and information in nats.

    More than 0.01 nats of KL from the model's own prior (Duan et al. 2020), and of information
    about the image: a posterior that is the same for all images is uninformative, wherever it is.
    """
    return np.minimum(kl_per_latent, information_per_latent) > LIVE


def health(
    alive: NDArray[np.bool_],
    relative_error: float,
    history: Mapping[str, Sequence[Any]] | None,
    reconstructs: bool = True,
) -> Health:
    """The health of a model with finite results.

    alive: (M,). relative_error: squared error of its reconstructions over that of the mean image.
    history: from `read_history`. reconstructs: whether it is trained to, so that error and loss
        measure its quality; not so for adversarial training (InfoGAN).
    """
    return Health(
        live_latents=int(alive.sum()),
        collapsed=not alive.any(),
        diverged=False,
        unconverged=reconstructs and history is not None and still_falling(history["loss"]),
        worse_than_mean_image=reconstructs and relative_error > _NO_BETTER,
    )


def read_history(folder: Path) -> dict[str, list[Any]] | None:
    """The training history of a run; None if missing or unreadable."""
    try:
        history = parse_json((folder / HISTORY_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    usable = isinstance(history, dict) and isinstance(history.get("loss"), list)
    return history if usable else None


def still_falling(loss: Sequence[float]) -> bool:
    """Whether a loss, recorded at equal intervals, is still falling: training was too short.

    A line through its last quarter (at least ten records) must fall by more than 1 % of the loss's
    previous fall, and by more than two standard errors of its slope. Fewer than ten records mean
    fewer than ten steps, which is too short for any model.
    """
    if len(loss) < _MIN_RECORDS:
        return True
    window = max(_MIN_RECORDS, round(_LAST * len(loss)))
    y = np.asarray(loss[-window:], np.float64)
    x = np.linspace(-0.5, 0.5, window)
    slope = float(x @ y / (x @ x))
    residual = y - y.mean() - slope * x
    error = float(np.sqrt(residual @ residual / (window - 2) / (x @ x)))
    whole = max(float(loss[0] - y.mean()), 0.0)
    rounding = 1e-9 * float(np.abs(y).max())
    return -slope > max(2 * error, _FALLING * whole, rounding)
