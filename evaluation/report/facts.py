"""What a report says about a sweep beyond its rows and its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluation.baselines.table import Line


@dataclass(frozen=True)
class SweepFacts:
    """What a report says about a sweep beyond its rows; all of it optional.

    score_name: the score in words, e.g. "Higgins score".
    data: one line on the images, e.g. "dsprites (rendered), 737,280 images of 1x64x64".
    scoring: how a run was scored, by name, e.g. {"protocol": "paper", "training points": "10,000"}.
    command: reproduces the answer. sweep_file: its text.
    provenance: where the results come from, by name: versions of software, machine, duration.
    chosen: the choice by eye, in a sentence; "" if there is none.
    mlflow: the address of a run's page in MLflow, by run. mlflow_start: the command that serves
        these addresses; "" if a server does.
    paper: the rows of Higgins et al. 2017, Fig. 5 (evaluation.baselines.table).
    """

    score_name: str = "score"
    data: str = ""
    scoring: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    sweep_file: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)
    chosen: str = ""
    mlflow: Mapping[str, str] = field(default_factory=dict)
    mlflow_start: str = ""
    paper: "Sequence[Line]" = ()
