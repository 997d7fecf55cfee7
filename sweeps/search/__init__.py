"""The search: methods that propose settings and are told their scores.

A search method is one file in `methods/` with one class (a `sweeps.search.method.Method`), and one
line here. The other modules are what methods share, and what turns settings into runs.
"""

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
