"""The search: methods that propose settings, and are told their scores.

A search method is one file with one class (`sweeps.search.method.Method`) and one line here.
"""

from typing import TYPE_CHECKING

from trainer.registry import Registry

if TYPE_CHECKING:
    from sweeps.search.method import Method

METHODS: "Registry[type[Method]]" = Registry(
    {
        "grid": "sweeps.search.grid:Grid",
        "list": "sweeps.search.listed:Listed",
        "random": "sweeps.search.random:Random",
        "quasirandom": "sweeps.search.quasirandom:Quasirandom",
        "bayes": "sweeps.search.bayes:Bayes",
        "gp": "sweeps.search.gp:GaussianProcess",
        "cmaes": "sweeps.search.cmaes:CmaEs",
        "surface": "sweeps.search.surface:Surface",
    }
)
