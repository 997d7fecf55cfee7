"""Ray without what a sweep has no use for: processes, imports and a second start of the workers.

On two cores, all this takes as long to start as Ray itself. Ray has no options for it, so functions
of it are replaced, in this process only; where a version of Ray lacks one, it starts as usual.
"""

import sys
from typing import Any

# the dashboard (there is one even without its pages), the autoscaler, and a reader of workers' logs
_HELPERS = ("start_api_server", "start_monitor", "start_log_monitor")


def leave_out_helpers(alone: bool) -> None:
    """To be called before Ray is started or joined. alone: it will be started by this process."""
    from ray.air._internal import usage
    from ray.tune.execution import class_cache

    usage.tag_callbacks = lambda callbacks: False  # statistics, for which it would import MLflow
    if not alone:
        # AWS keys would be sent with each trial, and logs would show them: a worker uses those of
        # its own machine
        names = class_cache.ENV_VARS_TO_PROPAGATE
        class_cache.ENV_VARS_TO_PROPAGATE = {name for name in names if not name.startswith("AWS_")}
        return
    # workers inherit this process's environment: told to set one, Ray would start them anew
    class_cache.ENV_VARS_TO_PROPAGATE, class_cache.DEFAULT_ENV_VARS = set(), {}
    # a minimal agent, as in an installation without the dashboard's dependencies
    sys.modules.setdefault("ray.dashboard.optional_deps", None)  # type: ignore[arg-type]
    from ray._private.node import Node

    for name in _HELPERS:
        if hasattr(Node, name):
            setattr(Node, name, _nothing)


def _nothing(*arguments: Any, **options: Any) -> None:
    """Stands in for a function of Ray."""
