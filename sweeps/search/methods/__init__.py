"""The search methods by name. To add one, add a file next to this one and a line here."""

from typing import TYPE_CHECKING

from trainer.registry import Registry

if TYPE_CHECKING:
    from sweeps.search.method import Method

METHODS: "Registry[type[Method]]" = Registry(
    {
        "grid": "sweeps.search.methods.grid:Grid",
        "list": "sweeps.search.methods.listed:Listed",
        "random": "sweeps.search.methods.random:Random",
        "quasirandom": "sweeps.search.methods.quasirandom:Quasirandom",
        "bayes": "sweeps.search.methods.bayes:Bayes",
        "gp": "sweeps.search.methods.gp:GaussianProcess",
        "cmaes": "sweeps.search.methods.cmaes:CmaEs",
        "surface": "sweeps.search.methods.surface:Surface",
    }
)
