"""Figures of a sweep by name, one file each: `of_sweep(material)` draws it, or raises `Lacking`.

None needs a display or trains anything. To add one: a file here, and a line below.
"""

from collections.abc import Callable

from evaluation.report.material import Drawn, Material
from trainer.registry import Registry

FIGURES: Registry[Callable[[Material], Drawn]] = Registry(
    {
        name: f"{__name__}.{name}:of_sweep"
        for name in (
            "inverted_u",
            "beta_latents_map",
            "tradeoff",
            "seeds",
            "rate_distortion",
            "factors_latents",
            "latent_selectivity",
            "low_best_high",
            "map_with_pictures",
            "reconstructions",
            "around_the_code",
            "training_curves",
            "indicators",
            "latent_information",
            "noise",
            "noise_components",
            "exponents",
            "plane_of_codes",
        )
    }
)
DRAWN_BY_THE_PAGE = ("inverted_u", "beta_latents_map", "tradeoff")  # as interactive charts
IN_REPORT = tuple(name for name in FIGURES if name not in DRAWN_BY_THE_PAGE)
